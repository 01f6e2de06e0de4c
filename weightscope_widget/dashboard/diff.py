"""The dashboard of a fine-tune: base and tuned model beside each other, and what separates them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np
import traitlets

from weightscope_widget._shared.document import is_saved_file
from weightscope_widget.assessment import Thresholds
from weightscope_widget.comparison import ComparisonResults, ComparisonRun, load_comparison
from weightscope_widget.comparison.kinds.sentence import sentence_of
from weightscope_widget.dashboard.board import Board
from weightscope_widget.dashboard.protocols import Put
from weightscope_widget.dashboard.tables.diff import ComparisonTable, comparison_catalog
from weightscope_widget.dashboard.widget import drawn
from weightscope_widget.data import LANGUAGES
from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.scanning.options import run_options
from weightscope_widget.scanning.results import ScanResults

__all__ = ["DiffDashboard", "show_diff"]


class DiffDashboard(Board[ComparisonResults]):
    """The linked dashboard of a comparison.  `show_diff` makes one; `results` is what `compare` returns."""

    @traitlets.default("_board")
    def _kind(self) -> str:
        return "diff"

    @traitlets.default("_view")
    def _first_view(self) -> dict[str, Any]:
        return {"mapMetric": "comparison.relative_change"}

    def _table_of(self, results: ComparisonResults) -> ComparisonTable:
        return ComparisonTable(results)

    def _catalog_of(self, results: ComparisonResults) -> dict[str, Any]:
        return comparison_catalog(results)

    def _besides(self) -> dict[str, Any]:
        pattern = self.results.pattern
        if pattern is None:
            return {"pattern": None}
        return {"pattern": {each: sentence_of(pattern.name, pattern.evidence, each) for each in LANGUAGES}}

    def _scans_of(self, results: ComparisonResults) -> list[ScanResults]:
        return [results.tuned]

    def _details_of(self, keys: Sequence[str], put: Put) -> list[dict[str, Any]]:
        return [self._detail(name, put) for name in keys]

    def _detail(self, name: str, put: Put) -> dict[str, Any]:
        """Return what is drawn of a layer: of the tuned side as in a scan, of the base and of ΔW beside it."""
        results = self.results
        histogram, spectrum = results.delta_histograms.get(name), results.delta_spectra.get(name)
        overlap, nearest = results.overlaps.get(name), results.nearest.get(name)
        return {
            "key": name,
            **drawn(results.tuned, name, put),
            "base": drawn(results.base, name, put),
            "delta": {
                "histogram": histogram
                and {"low": histogram.low, "high": histogram.high, "counts": put(histogram.counts)},
                "spectrum": None if spectrum is None or not np.isfinite(spectrum).all() else put(spectrum),
            },
            "overlap": None if overlap is None else {"size": len(overlap), "cells": put(overlap.ravel())},
            "nearest": None if nearest is None else put(nearest),
        }


def show_diff(
    base: Any,
    tuned: Any = None,
    methods: str | Iterable[str] = "all",
    *,
    top_k: int = 10,
    vectors: bool = True,
    workers: int | None = None,
    executor: Executor | None = None,
    memory: float | None = None,
    cache: bool | str | os.PathLike[str] = True,
    thresholds: Thresholds | None = None,
    height: int | str | None = None,
    theme: str = "auto",
    language: str = "auto",
) -> DiffDashboard:
    """Show the linked dashboard of what a fine-tune changed; returns at once, the comparison runs in the background.

    Parameters
    ----------
    base, tuned : as for `compare`
        Two models; or for `base` a `ComparisonResults` or the path of its JSON file, without the options of a
        comparison.
    methods, top_k, vectors, workers, executor, memory, cache
        As for `compare`.
    thresholds : Thresholds, optional
        For grades and classes of both sides, instead of the defaults.
    height, theme, language
        As for `show`.

    Returns
    -------
    DiffDashboard
        A widget: display it, read and set ``selected``, read ``results``, ``cancel()``, ``wait()``, ``save_html()``.

    Raises
    ------
    WeightScopeError
        One of its kinds: an argument is wrong, a model cannot be read, or the front end is missing.
    """
    run = None
    if tuned is None and is_saved_file(base):
        base = load_comparison(base)
    if not isinstance(base, ComparisonResults):
        if tuned is None:
            raise InvalidArgumentError("tuned is missing; give the model to compare the base with.")
        options = run_options(methods, top_k, vectors, workers, executor, memory, cache)
        run = ComparisonRun(base, tuned, options, cheap_first=True)
    results = base if run is None else run.results
    if thresholds is not None:
        results.thresholds = thresholds
    return DiffDashboard(results, run, height=height, theme=theme, language=language)
