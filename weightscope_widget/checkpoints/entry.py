"""The evolution from Python: ``evolution(checkpoints)``."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from typing import Any

from weightscope_widget.checkpoints.results import EvolutionResults
from weightscope_widget.checkpoints.run import EvolutionRun
from weightscope_widget.scanning.options import run_options

__all__ = ["evolution"]


def evolution(
    checkpoints: Mapping[str, Any] | str | os.PathLike[str],
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
) -> EvolutionResults:
    """Follow a model's weights over its checkpoints: every scan, and the change since the first and the previous one.

    Parameters
    ----------
    checkpoints : mapping or path-like
        Names and models (of any kind that `scan` takes) in their order, or a folder of checkpoints, in natural order; a
        model in the folder itself, as transformers' Trainer saves at the end, comes last, as ``"final"``.
    methods, top_k, vectors, workers, executor, memory
        As for `scan`, for every checkpoint.
    cache : bool or path-like
        As for `scan`, for every checkpoint.  The changes between checkpoints are not remembered.
    progress : bool
        Show a progress bar.
    cancel : threading.Event, optional
        Set it from another thread to stop after the layers being analyzed.

    Returns
    -------
    EvolutionResults
        ``evolution[checkpoint][layer][section][metric]``, with layers under the names that the first checkpoint has for
        them; after a cancel or an interrupt (which also warns), what was computed until then.

    Raises
    ------
    WeightScopeError
        One of its kinds: an argument is wrong, or a checkpoint cannot be read.

    Warns
    -----
    ScanInterruptedWarning, ExecutorLostWarning, CacheWarning
        As for `scan`.

    Examples
    --------
    >>> steps = {"step 1": {"a.weight": torch.eye(2)}, "step 2": {"a.weight": 2 * torch.eye(2)}}
    >>> evolution(steps, progress=False).relative_change("step 2", "a")
    1.0
    """
    options = run_options(methods, top_k, vectors, workers, executor, memory, cache)
    return EvolutionRun(checkpoints, options).finish(progress=progress, cancel=cancel)
