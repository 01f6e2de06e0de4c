"""The comparison from Python: ``compare(base, tuned)``."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterable
from concurrent.futures import Executor
from typing import Any

from tqdm.auto import tqdm

from weightscope_widget._shared.checks import check_count, check_executor, check_memory
from weightscope_widget._shared.stacklevel import level_outside
from weightscope_widget.analyzers import resolve_methods
from weightscope_widget.comparison.results import ComparisonResults
from weightscope_widget.comparison.run import ComparisonRun
from weightscope_widget.engine.executor import default_at_hand
from weightscope_widget.engine.memory import default_budget
from weightscope_widget.errors import ScanInterruptedWarning
from weightscope_widget.sources import Source, open_source

__all__ = ["compare", "opened", "start_comparison"]


def compare(
    base: Any,
    tuned: Any,
    methods: str | Iterable[str] = "all",
    *,
    top_k: int = 10,
    vectors: bool = True,
    workers: int | None = None,
    executor: Executor | None = None,
    memory: float | None = None,
    progress: bool = True,
    cancel: threading.Event | None = None,
) -> ComparisonResults:
    """Compare a base and a tuned model on their weights, pair by pair.

    Tensors are matched by name, then by what is left of a name without the prefixes that frameworks add; tables of
    different lengths (a vocabulary that grew) are compared on their common rows.  What is identical is told from its
    bytes, and nothing of it is measured.

    Parameters
    ----------
    base, tuned : whatever `scan` takes
        Two models; the tuned one may be a PEFT LoRA adapter, which stands for base + ΔW, not rounded.  Of two adapters
        the changes themselves are compared.
    methods : str or iterable of str
        What both sides of a tensor that changed are measured with, as for `scan`.
    top_k : int
        How many of the largest singular values to list per layer.
    vectors : bool
        Compare 1-D tensors (norms, biases) too.
    workers : int, optional
        How many pairs are at hand at a time; by default as many as there are cores, at most 8.
    executor : Executor, optional
        Who does the work instead of threads of this process, as for `scan`.
    memory : float, optional
        Bytes that the pairs at hand may need together, by estimate; by default half of what is available.
    progress : bool
        Show a progress bar.
    cancel : threading.Event, optional
        Set from another thread, it stops the comparison after the pairs at hand.

    Returns
    -------
    ComparisonResults
        ``comparison[layer]["comparison"]["relative_change"]``; after a cancel or an interrupt (which also warns), what
        was computed until then.

    Raises
    ------
    WeightScopeError
        One of its kinds, where an argument is wrong or a model cannot be read.

    Warns
    -----
    ScanInterruptedWarning
        Where the comparison was interrupted from the keyboard.

    Examples
    --------
    >>> base, tuned = {"a.weight": torch.eye(3)}, {"a.weight": torch.diag(torch.tensor([1.0, 1.0, 1.5]))}
    >>> comparison = compare(base, tuned, progress=False)
    >>> comparison["a"]["comparison"]["delta_rank_99"]
    1
    """
    run = start_comparison(
        base, tuned, methods, top_k=top_k, vectors=vectors, workers=workers, executor=executor, memory=memory
    )
    results = run.results
    with tqdm(total=run.progress.total, desc=results.model, unit="tensor", disable=not progress) as bar:
        try:
            bar.update(run.progress.done)
            for _ in run.steps():
                bar.update(run.progress.done - bar.n)
                if cancel is not None and cancel.is_set():
                    run.cancel()
        except KeyboardInterrupt:
            warnings.warn(
                f"The comparison of {results.model} was interrupted; the results hold what was computed until then.",
                ScanInterruptedWarning,
                stacklevel=level_outside(),
            )
    return results


def start_comparison(
    base: Any,
    tuned: Any,
    methods: str | Iterable[str] = "all",
    *,
    top_k: int = 10,
    vectors: bool = True,
    workers: int | None = None,
    executor: Executor | None = None,
    memory: float | None = None,
    cheap_first: bool = False,
) -> ComparisonRun:
    """Return a run with its arguments checked; no weight is read yet."""
    check_count("top_k", top_k, "how many singular values to list")
    if workers is not None:
        check_count("workers", workers, "how many pairs to compare at a time")
    check_executor(executor)
    check_memory(memory)
    if memory is None and executor is None:
        memory = default_budget()
    return ComparisonRun(
        opened(base),
        opened(tuned),
        resolve_methods(methods),
        top_k=top_k,
        vectors=vectors,
        cheap_first=cheap_first,
        workers=workers or default_at_hand(executor),
        executor=executor,
        memory=None if memory is None else int(memory),
    )


def opened(model: Any) -> Source:
    """Return the source of whatever `scan` takes, or of a `Scope`."""
    from weightscope_widget.scanning.scope import Scope

    return model.source if isinstance(model, Scope) else open_source(model)
