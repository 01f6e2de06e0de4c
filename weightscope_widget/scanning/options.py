"""The options that scans, comparisons and evolutions have in common."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import Executor
from dataclasses import dataclass

from weightscope_widget._shared.checks import check_count, check_executor, check_memory
from weightscope_widget.analyzers import resolve_methods
from weightscope_widget.cache.store import Cache, open_cache
from weightscope_widget.engine.executor import jobs_at_a_time
from weightscope_widget.engine.job import default_budget

__all__ = ["RunOptions", "run_options"]


@dataclass(frozen=True)
class RunOptions:
    """Options as a run takes them: checked, with defaults filled in.

    Attributes
    ----------
    methods : tuple of str
        Names of analyzers, in the order of `METHODS`.
    top_k : int
        How many singular values to list per layer.
    vectors : bool
        Whether 1-D tensors are listed too.
    workers : int
        How many jobs run at a time, each on a thread of its own, or are given to the executor.
    executor : Executor or None
        Does the jobs instead of threads of this process.
    memory : int or None
        Bytes that the running jobs may need together; None for no limit.
    cache : Cache or None
        Remembers what was measured of files.
    """

    methods: tuple[str, ...]
    top_k: int = 10
    vectors: bool = False
    workers: int = 1
    executor: Executor | None = None
    memory: int | None = None
    cache: Cache | None = None


def run_options(
    methods: str | Iterable[str] = "all",
    top_k: int = 10,
    vectors: bool = False,
    workers: int | None = None,
    executor: Executor | None = None,
    memory: float | None = None,
    cache: bool | str | os.PathLike[str] = True,
) -> RunOptions:
    """Check options as `scan` describes them; nothing is read yet.

    Raises
    ------
    InvalidArgumentError, UnknownMethodError
        An option is out of range.
    """
    check_count("top_k", top_k, "how many singular values to list")
    if workers is not None:
        check_count("workers", workers, "how many layers to analyze at a time")
    check_executor(executor)
    check_memory(memory)
    if memory is None and executor is None:
        memory = default_budget()
    return RunOptions(
        resolve_methods(methods),
        int(top_k),
        vectors,
        int(workers or jobs_at_a_time(executor)),
        executor,
        None if memory is None else int(memory),
        open_cache(cache),
    )
