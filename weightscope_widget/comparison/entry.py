"""The comparison from Python: ``compare(base, tuned)``."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from concurrent.futures import Executor
from typing import Any

from weightscope_widget.comparison.results import ComparisonResults
from weightscope_widget.comparison.run import ComparisonRun
from weightscope_widget.scanning.options import run_options

__all__ = ["compare"]


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
    cache: bool | str | os.PathLike[str] = True,
    progress: bool = True,
    cancel: threading.Event | None = None,
) -> ComparisonResults:
    """Compare a base and a tuned model on their weights, pair by pair.

    Tensors are matched by name, then by what is left of a name without the prefixes that frameworks add; tables of
    different lengths (a vocabulary that grew) are compared on their common rows.  What is identical is told from its
    bytes, and nothing of it is measured.

    Parameters
    ----------
    base, tuned : nn.Module, mapping of str to Tensor, path, address, hub id, Source or Scope
        Two models; the tuned one may be a PEFT LoRA adapter, which stands for base + ΔW, not rounded.  Of two adapters
        the changes themselves are compared.
    methods : str or iterable of str
        Analyzers for both sides of a tensor that changed, as for `scan`.
    top_k : int
        How many of the largest singular values to list per layer.
    vectors : bool
        Compare 1-D tensors (norms, biases) too.
    workers : int, optional
        How many pairs are compared at a time, as for `scan`.
    executor : Executor, optional
        Does the work instead of threads of this process, as for `scan`.
    memory : float, optional
        Bytes that the pairs being compared may need together, as for `scan`.
    cache : bool or path-like
        As for `scan`: the sections of each side of a changed tensor are remembered where its weights are in a file, and
        taken from earlier scans and comparisons of that file.  The metrics of the change itself are not remembered, nor
        is anything of a weight to which an adapter adds its change.
    progress : bool
        Show a progress bar.
    cancel : threading.Event, optional
        Set it from another thread to stop the comparison after the pairs being compared.

    Returns
    -------
    ComparisonResults
        ``comparison[layer]["comparison"]["relative_change"]``; after a cancel or an interrupt (which also warns), what
        was computed until then.

    Raises
    ------
    WeightScopeError
        One of its kinds: an argument is wrong, or a model cannot be read.

    Warns
    -----
    ScanInterruptedWarning, ExecutorLostWarning, CacheWarning
        As for `scan`.

    Examples
    --------
    >>> base, tuned = {"a.weight": torch.eye(3)}, {"a.weight": torch.diag(torch.tensor([1.0, 1.0, 1.5]))}
    >>> comparison = compare(base, tuned, progress=False)
    >>> comparison["a"]["comparison"]["delta_rank_99"]
    1
    """
    options = run_options(methods, top_k, vectors, workers, executor, memory, cache)
    return ComparisonRun(base, tuned, options).finish(progress=progress, cancel=cancel)
