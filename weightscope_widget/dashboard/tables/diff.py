"""A comparison's numbers as columns: the tuned side's under their usual names, the base and the change beside it."""

from __future__ import annotations

from typing import Any

from weightscope_widget.comparison import ComparisonResults
from weightscope_widget.comparison.results import STATUSES
from weightscope_widget.dashboard.tables.scan import Columns, Stage, catalog_of
from weightscope_widget.scanning.results import flatten

__all__ = ["ComparisonTable", "comparison_catalog"]


def comparison_catalog(results: ComparisonResults) -> dict[str, Any]:
    """Return what is known of both models before anything is compared."""
    catalog = catalog_of(results.model, results.methods, list(results.layers.values()), results.skipped)
    return catalog | {"statuses": list(STATUSES)}


class ComparisonTable(Columns):
    """The numbers of a comparison, kept up to date as results arrive.

    Of the tuned side as of a scan, so that what draws a scan draws it; the base's as ``base.section.metric``; of the
    change as ``comparison.metric``, with ``comparison.status`` an index into the catalogue's ``statuses``.

    Parameters
    ----------
    results : ComparisonResults
        Where the numbers are.
    """

    def __init__(self, results: ComparisonResults) -> None:
        super().__init__(results.layers)
        self._results = results
        for name in results:
            self.update(name)

    def update(self, name: str) -> None:
        """Copy the numbers of a tensor, which may have become more."""
        entry, status = self._results[name], self._results.status(name)
        for column, value in flatten(entry["tuned"]).items():
            self.set(name, column, value)
        for column, value in flatten(entry["base"]).items():
            self.set(name, f"base.{column}", value)
        for metric, value in entry["comparison"].items():
            self.set(name, f"comparison.{metric}", value)
        self.set(name, "comparison.status", None if status is None else STATUSES.index(status))
        if name in self._results.tuned.layers:
            for metric, value in (self._results.tuned.baseline(name) or {}).items():
                self.set(name, f"baseline.{metric}", value)
        if "error" in entry:
            self.errors[name] = entry["error"]
        stage = Stage.PARTIAL if self._results.pending(name) else Stage.DONE
        self.set(name, "stage", Stage.FAILED if "error" in entry else stage)
