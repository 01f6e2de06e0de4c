"""A model opened once for several questions."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from concurrent.futures import Executor
from typing import Any

from weightscope_widget.comparison import ComparisonResults, compare
from weightscope_widget.scanning.options import run_options
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.scanning.run import ScanRun
from weightscope_widget.sources import Source, open_source

__all__ = ["Scope"]


class Scope:
    """A model opened once for several questions; every function that takes a model takes a scope too.

    Parameters
    ----------
    model : nn.Module, mapping of str to Tensor, path, address, hub id or Source
        As for `scan`.

    Attributes
    ----------
    source : Source
        The model's layers.
    results : ScanResults or None
        Of the latest scan, filled while it runs.

    Raises
    ------
    WeightScopeError
        One of its kinds, saying what is wrong with `model` and what to do.
    """

    def __init__(self, model: Any) -> None:
        self.source: Source = open_source(model)
        self.results: ScanResults | None = None

    def scan(
        self,
        methods: str | Iterable[str] = "all",
        *,
        top_k: int = 10,
        vectors: bool = False,
        workers: int | None = None,
        executor: Executor | None = None,
        memory: float | None = None,
        cache: bool | str | os.PathLike[str] = True,
        progress: bool = True,
        cancel: threading.Event | None = None,
    ) -> ScanResults:
        """Analyze every weight of two or more dimensions: `scan` of this model, with the same options and errors."""
        run = ScanRun(self.source, run_options(methods, top_k, vectors, workers, executor, memory, cache))
        self.results = run.results
        return run.finish(progress=progress, cancel=cancel)

    def compare_with(self, other: Any, methods: str | Iterable[str] = "all", **options: Any) -> ComparisonResults:
        """Compare this model, as the base, with a tuned one: ``compare(scope, other, ...)``."""
        return compare(self, other, methods, **options)
