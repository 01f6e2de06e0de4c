"""Loaders that travel to the workers of an executor, and what happens to the workers there."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from threadpoolctl import threadpool_info

from tests.python.support.watched import PATIENCE
from weightscope_widget.errors import TensorReadError

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class KillsItsWorker:
    """Reads a tensor, but the first `times` times kills the process in which it does so.

    Attributes
    ----------
    load : callable
        Reads the tensor.
    marks : Path
        A folder in which every killing leaves a file, since nothing else of it stays.
    times : int
        How often it kills.
    spared : int
        The process that is never killed: the test's own.
    """

    load: Callable[[], torch.Tensor]
    marks: Path
    times: int = 1
    spared: int = field(default_factory=os.getpid)

    def __call__(self) -> torch.Tensor:
        for number in range(self.times):
            try:
                (self.marks / str(number)).touch(exist_ok=False)
            except FileExistsError:
                continue
            assert os.getpid() != self.spared, "the loader ran in the test's own process"
            os.kill(os.getpid(), signal.SIGKILL)
        return self.load()


@dataclass(frozen=True)
class TellsItsThreads:
    """Fails with a sentence that says in which process and on how many threads it was called."""

    def __call__(self) -> torch.Tensor:
        blas = {pool["num_threads"] for pool in threadpool_info() if pool["internal_api"] == "openblas"}
        raise TensorReadError(f"{os.getpid()} {torch.get_num_threads()} {sorted(blas)}")


class Lossy(Executor):
    """Runs each task at once, in the caller's thread, but loses the first ones.

    Parameters
    ----------
    lost : list of (Exception or None)
        What becomes of each of the first tasks: None stands for one that is cancelled.
    """

    def __init__(self, *lost: Exception | None) -> None:
        self.submitted: list[Any] = []
        self._lost = list(lost)

    def submit(self, fn: Callable[..., _Result], /, *args: Any, **kwargs: Any) -> Future[_Result]:
        self.submitted.append(args[0])
        future: Future[_Result] = Future()
        if not self._lost:
            future.set_running_or_notify_cancel()
            future.set_result(fn(*args, **kwargs))
        elif (problem := self._lost.pop(0)) is None:
            future.cancel()
            future.set_running_or_notify_cancel()
        else:
            future.set_exception(problem)
        return future


class Held(Executor):
    """Begins nothing before it is told to, so that what is at hand can be looked at.

    Parameters
    ----------
    closes_after : int, optional
        How many tasks it takes; with the next one it says that it is closed, and forgets those it has.
    """

    def __init__(self, closes_after: int | None = None) -> None:
        self.waiting: list[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = []
        self.most = 0
        self.closes_after = closes_after
        self._more = threading.Semaphore(0)

    def submit(self, fn: Callable[..., _Result], /, *args: Any, **kwargs: Any) -> Future[_Result]:
        future: Future[_Result] = Future()
        if len(self.waiting) == self.closes_after:
            raise ConnectionError("the client is closed")
        self.waiting.append((future, fn, args))
        self.most = max(self.most, len(self.names))
        self._more.release()
        return future

    @property
    def names(self) -> list[str]:
        """The layers that were given out and have not begun."""
        return [args[0].name for future, _, args in self.waiting if not future.cancelled()]

    def do(self, more: int) -> None:
        """Wait until so many more were given out, and do the first that waits."""
        for _ in range(more):
            assert self._more.acquire(timeout=PATIENCE), "not so many were given out"
        future, fn, args = self.waiting.pop(0)
        if future.set_running_or_notify_cancel():
            future.set_result(fn(*args))


__all__ = ["Held", "KillsItsWorker", "Lossy", "TellsItsThreads"]
