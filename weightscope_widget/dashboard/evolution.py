"""The dashboard of a model over its checkpoints: one of them drawn as any model is, and lines through them all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

import traitlets

from weightscope_widget._shared.document import is_saved_file
from weightscope_widget.assessment import Thresholds
from weightscope_widget.checkpoints import EvolutionResults, EvolutionRun, load_evolution
from weightscope_widget.dashboard.board import Board, RefusedError
from weightscope_widget.dashboard.protocols import Put
from weightscope_widget.dashboard.tables.evolution import EvolutionTable
from weightscope_widget.dashboard.tables.scan import catalog_of
from weightscope_widget.dashboard.widget import drawn
from weightscope_widget.scanning.options import run_options
from weightscope_widget.scanning.results import ScanResults

__all__ = ["EvolutionDashboard", "show_evolution"]


class EvolutionDashboard(Board[EvolutionResults]):
    """The linked dashboard of an evolution.  `show_evolution` makes one; `results` is what `evolution` returns."""

    @traitlets.default("_board")
    def _kind(self) -> str:
        return "evolution"

    checkpoint = traitlets.Unicode().tag(sync=True)
    """Name of the checkpoint that the panels draw; the last one at first.  Two-way: set it, or move the slider."""

    @traitlets.default("checkpoint")
    def _last(self) -> str:
        return self.results.names[-1]

    @traitlets.default("_view")
    def _first_view(self) -> dict[str, Any]:
        return {"mapMetric": "relative_change_to_first"}

    @traitlets.validate("checkpoint")
    def _check_checkpoint(self, proposal: dict[str, Any]) -> str:
        name: str = proposal["value"]
        if name not in self.results.names:
            raise RefusedError(f"{name!r} is no checkpoint of these; dash.results.names has them.")
        return name

    def _table_of(self, results: EvolutionResults) -> EvolutionTable:
        self._tables = EvolutionTable(results)
        return self._tables

    def _catalog_of(self, results: EvolutionResults) -> dict[str, Any]:
        return catalog_of(results.model, results.methods, list(results.layers.values()), results.skipped)

    def _besides(self) -> dict[str, Any]:
        return {"checkpoints": self._tables.checkpoints}

    def _scans_of(self, results: EvolutionResults) -> list[ScanResults]:
        return list(results.values())

    def _scan_shown(self) -> int:
        return self.results.names.index(self.checkpoint)

    # A layer is drawn once for each checkpoint: its key is the checkpoint's place, a slash and its name.

    def _detail_keys(self) -> list[str]:
        # The last checkpoint first, as the page shows it.
        scans = reversed(list(enumerate(self.results.values())))
        return [f"{place}/{layer}" for place, scan in scans for layer in scan.layers]

    def _details_of(self, keys: Sequence[str], put: Put) -> list[dict[str, Any]]:
        return [self._detail(key, put) for key in keys]

    def _detail(self, key: str, put: Put) -> dict[str, Any]:
        place, name = key.split("/", 1)
        return {"key": key, **drawn(self.results[self.results.names[int(place)]], name, put)}


def show_evolution(
    checkpoints: Mapping[str, Any] | str | os.PathLike[str] | EvolutionResults,
    methods: str | Iterable[str] = "all",
    *,
    top_k: int = 10,
    vectors: bool = False,
    workers: int | None = None,
    executor: Executor | None = None,
    memory: float | None = None,
    cache: bool | str | os.PathLike[str] = True,
    thresholds: Thresholds | None = None,
    height: int | str | None = None,
    theme: str = "auto",
    language: str = "auto",
) -> EvolutionDashboard:
    """Show how a model's weights moved over its checkpoints; returns at once, they are measured in the background.

    Parameters
    ----------
    checkpoints : mapping, path-like or EvolutionResults
        Names and models in their order, or a folder of checkpoints, in natural order, as for `evolution`; or results,
        or the path of their JSON file.
    methods, top_k, vectors, workers, executor, memory, cache
        As for `evolution`; not for results.
    thresholds : Thresholds, optional
        For grades and classes at every checkpoint, instead of the defaults.
    height, theme, language
        As for `show`.

    Returns
    -------
    EvolutionDashboard
        A widget: display it, read and set ``checkpoint`` and ``selected``, read ``results``, ``cancel()``, ``wait()``,
        ``save_html()``.

    Raises
    ------
    WeightScopeError
        One of its kinds: an argument is wrong, a checkpoint cannot be read, or the front end is missing.
    """
    if is_saved_file(checkpoints):
        checkpoints = load_evolution(checkpoints)
    if isinstance(checkpoints, EvolutionResults):
        run, results = None, checkpoints
    else:
        options = run_options(methods, top_k, vectors, workers, executor, memory, cache)
        run = EvolutionRun(checkpoints, options, cheap_first=True)
        results = run.results
    if thresholds is not None:
        results.thresholds = thresholds
    return EvolutionDashboard(results, run, height=height, theme=theme, language=language)
