"""The evolution from Python: ``evolution(checkpoints)``."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from tqdm.auto import tqdm

from weightscope_widget._shared.checks import check_count
from weightscope_widget._shared.stacklevel import level_outside
from weightscope_widget.analyzers import resolve_methods
from weightscope_widget.cache.store import open_cache
from weightscope_widget.checkpoints.opening import open_checkpoints
from weightscope_widget.checkpoints.results import EvolutionResults
from weightscope_widget.checkpoints.run import EvolutionRun
from weightscope_widget.engine.memory import default_budget
from weightscope_widget.engine.threads import default_workers
from weightscope_widget.errors import ScanInterruptedWarning

__all__ = ["evolution", "start_evolution"]


def evolution(
    checkpoints: Mapping[str, Any] | str | os.PathLike[str],
    methods: str | Iterable[str] = "all",
    *,
    vectors: bool = False,
    workers: int | None = None,
    cache: bool | str | os.PathLike[str] = True,
    progress: bool = True,
    cancel: threading.Event | None = None,
) -> EvolutionResults:
    """Follow a model's weights over its checkpoints: every scan, and the change since the first and the previous one.

    Parameters
    ----------
    checkpoints : mapping or path-like
        Names and models (whatever `scan` takes) in their order, or a folder of checkpoints, in natural order; a model
        in the folder itself, as transformers' Trainer saves at the end, comes last, as ``"final"``.
    methods : str or iterable of str
        As for `scan`.
    vectors : bool
        List 1-D tensors (norms, biases) too.
    workers : int, optional
        How many layers are measured at a time; by default as many as there are cores, at most 8.
    cache : bool or path-like
        As for `scan`: what was measured of checkpoints that are files is remembered.
    progress : bool
        Show a progress bar.
    cancel : threading.Event, optional
        Set from another thread, it stops after the work at hand.

    Returns
    -------
    EvolutionResults
        ``evolution[checkpoint][layer][section][metric]``, with layers under the names that the first checkpoint has for
        them; after a cancel or an interrupt (which also warns), what was computed until then.

    Raises
    ------
    WeightScopeError
        One of its kinds, where an argument is wrong or a checkpoint cannot be read.

    Examples
    --------
    >>> steps = {"step 1": {"a.weight": torch.eye(2)}, "step 2": {"a.weight": 2 * torch.eye(2)}}
    >>> evolution(steps, progress=False).relative_change("step 2", "a")
    1.0
    """
    run = start_evolution(checkpoints, methods, vectors=vectors, workers=workers, cache=cache)
    with tqdm(total=run.progress.total, desc=run.results.model, unit="layer", disable=not progress) as bar:
        try:
            for _ in run.steps():
                bar.update(run.progress.done - bar.n)
                if cancel is not None and cancel.is_set():
                    run.cancel()
        except KeyboardInterrupt:
            warnings.warn(
                f"The evolution of {run.results.model} was interrupted; the results hold what was computed until then.",
                ScanInterruptedWarning,
                stacklevel=level_outside(),
            )
    return run.results


def start_evolution(
    checkpoints: Mapping[str, Any] | str | os.PathLike[str],
    methods: str | Iterable[str] = "all",
    *,
    vectors: bool = False,
    workers: int | None = None,
    cache: bool | str | os.PathLike[str] = True,
    cheap_first: bool = False,
) -> EvolutionRun:
    """Return a run with its arguments checked; no weight is read yet."""
    if workers is not None:
        check_count("workers", workers, "how many layers to measure at a time")
    return EvolutionRun(
        open_checkpoints(checkpoints),
        resolve_methods(methods),
        vectors=vectors,
        cheap_first=cheap_first,
        workers=workers or default_workers(),
        memory=default_budget(),
        cache=open_cache(cache),
    )
