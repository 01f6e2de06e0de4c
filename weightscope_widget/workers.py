"""Threads for numeric work, one BLAS thread each, so that they fight neither each other nor the rest of the machine."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import torch

__all__ = ["default_workers", "worker_pool"]

_MOST = 8  # each holds a layer and its working copies

# A thread that has no number yet takes on whichever was set last, so no two may be setting theirs.
_SETTING = threading.Lock()


def default_workers() -> int:
    """Return how many workers this process has cores for, at most 8."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, _MOST)


def worker_pool(workers: int) -> ThreadPoolExecutor:
    """Return a pool of threads in which torch computes on one thread, whatever it does elsewhere in the process."""
    with _SETTING:
        # Here, because asking also fixes the calling thread's own number.
        elsewhere = torch.get_num_threads()
    return ThreadPoolExecutor(workers, "weightscope-worker", _compute_on_one_thread, (elsewhere,))


def _compute_on_one_thread(elsewhere: int) -> None:
    with _SETTING:
        torch.set_num_threads(1)
        torch.get_num_threads()  # setting alone does not fix it
        # torch keeps the number per thread, but hands the latest one on to threads that have none yet: put that back.
        restore = threading.Thread(target=torch.set_num_threads, args=(elsewhere,))
        restore.start()
        restore.join()
