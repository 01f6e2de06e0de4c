"""Threads for numeric work, one BLAS thread each, so that they fight neither each other nor the rest of the machine."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache

import torch
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

__all__ = ["default_workers", "one_thread", "worker_pool"]

_MOST = 8  # each holds a layer and its working copies

# A thread that has no number yet takes on whichever was set last, so no two may be setting theirs.
_SETTING = threading.Lock()


def default_workers() -> int:
    """Return how many workers this process has cores for, at most 8."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, _MOST)


@contextmanager
def worker_pool(workers: int) -> Iterator[ThreadPoolExecutor]:
    """Give a pool of threads in which torch and NumPy compute on one thread each.

    torch counts its threads per thread, and goes on elsewhere as it did; NumPy's BLAS has one number for the whole
    process, which is put back when the last pool is done.
    """
    with _SETTING:
        # Here, because asking also fixes the calling thread's own number.
        elsewhere = torch.get_num_threads()
    with (
        _numpy_on_one_thread(),
        ThreadPoolExecutor(workers, "weightscope-worker", _compute_on_one_thread, (elsewhere,)) as pool,
    ):
        yield pool


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch and NumPy compute on one thread in the block, wherever it runs: a worker elsewhere has no such pool."""
    with _SETTING:
        before = torch.get_num_threads()
    with _numpy_on_one_thread():
        if before == 1:
            yield
            return
        _compute_on_one_thread(before)
        try:
            yield
        finally:
            with _SETTING:
                torch.set_num_threads(before)


def _compute_on_one_thread(elsewhere: int) -> None:
    with _SETTING:
        torch.set_num_threads(1)
        torch.get_num_threads()  # setting alone does not fix it
        # torch keeps the number per thread, but hands the latest one on to threads that have none yet: put that back.
        restore = threading.Thread(target=torch.set_num_threads, args=(elsewhere,))
        restore.start()
        restore.join()


class _Users:
    """How many pools there are now, and what undoes the limit that the first one set."""

    count = 0
    limit: object = None


@contextmanager
def _numpy_on_one_thread() -> Iterator[None]:
    with _SETTING:
        _Users.count += 1
        if _Users.count == 1:
            _take_control()
            _Users.limit = _numpy_blas().limit(limits=1)
    try:
        yield
    finally:
        with _SETTING:
            _Users.count -= 1
            if _Users.count == 0:
                _take_control()
                _Users.limit.restore_original_limits()  # type: ignore[attr-defined]


def _take_control() -> None:
    """Let this thread set the limit: for all but the first thread that set one, threadpoolctl silently does nothing."""
    for library in _numpy_blas().lib_controllers:
        if hasattr(library, "clear_controlling_thread"):  # older ones let every thread
            library.clear_controlling_thread(force=True)


@cache
def _numpy_blas() -> ThreadpoolController:
    # torch brings a library of its own, and looks after it itself.
    return ThreadpoolController().select(internal_api="openblas")
