"""The dashboard of one model, and `show`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np

from weightscope_widget._shared.document import is_saved_file
from weightscope_widget.assessment import Thresholds
from weightscope_widget.dashboard.board import Board
from weightscope_widget.dashboard.protocols import Put
from weightscope_widget.dashboard.tables.scan import MetricTable, catalog
from weightscope_widget.scanning.file import load_results
from weightscope_widget.scanning.options import run_options
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.scanning.run import ScanRun

__all__ = ["Dashboard", "show"]


class Dashboard(Board[ScanResults]):
    """The linked dashboard of one model.  `show` makes one; `results` is the same object that `scan` returns."""

    def _table_of(self, results: ScanResults) -> MetricTable:
        return MetricTable(results)

    def _catalog_of(self, results: ScanResults) -> dict[str, Any]:
        return catalog(results)

    def _scans_of(self, results: ScanResults) -> list[ScanResults]:
        return [results]

    def _details_of(self, keys: Sequence[str], put: Put) -> list[dict[str, Any]]:
        return [{"key": name, **drawn(self.results, name, put)} for name in keys]


def drawn(results: ScanResults, name: str, put: Put) -> dict[str, Any]:
    """Return a layer's histogram (``low``, ``high``, ``counts``) and spectrum; either is None where there is none yet.

    Non-finite edges cannot occur; a spectrum that is not finite is left out.
    """
    histogram, spectrum = results.histograms.get(name), results.spectra.get(name)
    return {
        "histogram": histogram and {"low": histogram.low, "high": histogram.high, "counts": put(histogram.counts)},
        "spectrum": None if spectrum is None or not np.isfinite(spectrum).all() else put(spectrum),
    }


def show(
    model: Any,
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
) -> Dashboard:
    """Show the linked dashboard of a model; returns at once, the scan runs in the background.

    Parameters
    ----------
    model : nn.Module, mapping of str to Tensor, path, Source, Scope or ScanResults
        Any model that `scan` takes; or results or the path of their JSON file, without the options of a scan.
    methods, top_k, vectors, workers, executor, memory, cache
        As for `scan`.
    thresholds : Thresholds, optional
        For grades and classes, instead of the defaults.
    height : int, str or None
        Pixels, a CSS length such as ``"80vh"``, or None for as high as the contents.
    theme : {"auto", "light", "dark"}
        ``"auto"`` follows the notebook.
    language : {"auto", "en", "zh"}
        English or Chinese; ``"auto"`` follows the browser.

    Returns
    -------
    Dashboard
        A widget: display it, read and set ``selected``, read ``results``, ``cancel()``, ``wait()``.

    Raises
    ------
    WeightScopeError
        One of its kinds: an argument is wrong, the model cannot be read, or the front end is missing.
    """
    run = None
    if is_saved_file(model):
        model = load_results(model)
    if not isinstance(model, ScanResults):
        options = run_options(methods, top_k, vectors, workers, executor, memory, cache)
        run = ScanRun(model, options, cheap_first=True)
    results = model if run is None else run.results
    if thresholds is not None:
        results.thresholds = thresholds
    return Dashboard(results, run, height=height, theme=theme, language=language)
