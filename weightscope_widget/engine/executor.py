"""Who does the measuring: threads of this process, or an executor that may lose a worker."""

from __future__ import annotations

import asyncio
import os
import pickle
import uuid
import warnings
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from contextlib import ExitStack
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

from weightscope_widget._shared.stacklevel import level_outside
from weightscope_widget.engine.threads import default_workers, worker_pool
from weightscope_widget.errors import ExecutorLostWarning, InvalidArgumentError

__all__ = ["Crew", "Work", "default_at_hand"]

_RETRIES = 2
_PER_CORE = 4

_Key = TypeVar("_Key")
_Outcome_co = TypeVar("_Outcome_co", covariant=True)
_Done = TypeVar("_Done")


class Work(Protocol[_Outcome_co]):
    """Something to be done by whoever has time: a picklable dataclass.

    Its field ``ticket`` is another one each time, so that an executor that remembers what it was asked for (Dask) does
    not give an old answer.
    """

    @property
    def name(self) -> str:
        """What it is about, for sentences."""
        ...

    def perform(self) -> _Outcome_co:
        """Do it; what keeps it from being done is said in the outcome."""
        ...

    def failed(self, sentence: str) -> _Outcome_co:
        """Return the outcome of work that was given up."""
        ...


def _perform(work: Work[_Done]) -> _Done:
    return work.perform()


def default_at_hand(executor: Executor | None) -> int:
    """Return how many requests are given out at a time by default: to an executor four per core of this machine.

    Nobody can ask an executor how many workers it has; each should have a next request, and yet a layer that jumps the
    queue should not wait for many others.
    """
    return default_workers() if executor is None else _PER_CORE * (os.cpu_count() or 1)


@dataclass(frozen=True)
class _Job(Generic[_Key, _Done]):
    key: _Key
    request: Work[_Done]
    attempt: int
    away: bool  # with the executor, not on a thread of this process


class Crew(Generic[_Key, _Done]):
    """Does what it is given, and hands it over in the order in which it is done.

    With an executor, a request whose worker was lost is given out again, twice at most; when the executor itself is
    broken, all that is left is measured on threads of this process.  A context manager; the executor is never shut
    down.

    Parameters
    ----------
    at_hand : int
        How many requests to have given out at a time, and without an executor how many threads there are.
    executor : Executor, optional
        Who does the work instead of threads of this process.
    """

    def __init__(self, at_hand: int, executor: Executor | None = None) -> None:
        self._at_hand = at_hand
        self._executor = executor
        self._local: Executor | None = None
        self._jobs: dict[Future[_Done], _Job[_Key, _Done]] = {}
        self._recalled = False
        self._stack = ExitStack()

    def __enter__(self) -> Crew[_Key, _Done]:
        if self._executor is None:
            self._start_threads()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def has_room(self) -> bool:
        """Whether to give it more."""
        return not self._recalled and len(self._jobs) < self._at_hand

    @property
    def idle(self) -> bool:
        """Whether nothing is given out."""
        return not self._jobs

    def give(self, key: _Key, request: Work[_Done]) -> None:
        """Have something measured, to be handed over under `key`.

        Raises
        ------
        InvalidArgumentError
            The executor's workers are elsewhere, and the layer's loader cannot be sent there.
        """
        self._give(key, request, 0)

    def finished(self) -> Iterator[tuple[_Key, _Done]]:
        """Wait until something is done, and yield all that is.

        Raises
        ------
        InvalidArgumentError
            As for `give`.
        Exception
            Whatever nobody foresaw, when a thread of this process raised it.
        """
        for future in wait(self._jobs, return_when=FIRST_COMPLETED).done:
            job = self._jobs.pop(future, None)
            if job is None:
                continue  # one before it had the executor given up, and all that it had cancelled given out again
            measured = self._outcome(future, job)
            if measured is not None:
                yield job.key, measured

    def rest(self) -> Iterator[tuple[_Key, _Done]]:
        """Take back what has not begun, wait for what has, and yield what came of it."""
        self.recall()
        wait(self._jobs)
        for future, job in self._jobs.items():
            if not future.cancelled() and future.exception() is None:
                yield job.key, future.result()
        self._jobs.clear()

    def recall(self) -> None:
        """Take back from the executor what has not begun; nothing is given out any more."""
        self._recalled = True
        for future, job in list(self._jobs.items()):
            if job.away and future.cancel():
                del self._jobs[future]

    def _give(self, key: _Key, request: Work[_Done], attempt: int) -> None:
        request = _with_ticket(request)
        if self._local is None and self._executor is not None:
            try:
                future = self._executor.submit(_perform, request)
            except Exception as error:
                self._refuse_unpicklable(request, error)
                # A closed executor raises RuntimeError, Dask's and others whatever they like.
                self._fall_back(error)
            else:
                self._jobs[future] = _Job(key, request, attempt, away=True)
                return
        assert self._local is not None
        self._jobs[self._local.submit(_perform, request)] = _Job(key, request, attempt, away=False)

    def _outcome(self, future: Future[_Done], job: _Job[_Key, _Done]) -> _Done | None:
        """Return what came of a job; None where it was given out again, or is not wanted any more."""
        if not job.away:
            return future.result()
        # Not by `except` around `result`, which would take an interrupt of this thread for the worker's.
        error = CancelledError("the executor gave it up") if future.cancelled() else future.exception()
        if error is None:
            return future.result()
        if not isinstance(error, Exception | asyncio.CancelledError | SystemExit):
            raise error
        if self._recalled:
            return None
        self._refuse_unpicklable(job.request, error)
        if isinstance(error, BrokenExecutor):
            self._fall_back(error)
        elif job.attempt == _RETRIES:
            sentence = (
                f"The analysis of {job.request.name!r} was given up after {job.attempt + 1} attempts, "
                f"each of which the executor lost ({_in_short(error)}); the others go on."
            )
            return job.request.failed(sentence)
        self._give(job.key, job.request, job.attempt + 1)
        return None

    def _fall_back(self, error: BaseException) -> None:
        if self._local is not None:
            return
        warnings.warn(
            f"The executor takes no more work ({_in_short(error)}); the layers that are left are measured on "
            "threads of this process.",
            ExecutorLostWarning,
            stacklevel=level_outside(),
        )
        self._at_hand = min(self._at_hand, default_workers())
        self._start_threads()
        if isinstance(error, BrokenExecutor):
            return  # which ends all that it was given
        for future, job in list(self._jobs.items()):  # a closed Dask client never does
            if job.away and future.cancel():
                del self._jobs[future]
                self._give(job.key, job.request, job.attempt)

    def _start_threads(self) -> None:
        self._local = self._stack.enter_context(worker_pool(self._at_hand))

    def _refuse_unpicklable(self, request: Work[_Done], error: BaseException) -> None:
        # The analysis itself raises none of these, but not every TypeError on the way is about pickling: try it.
        if not isinstance(error, pickle.PicklingError | TypeError | AttributeError):
            return
        try:
            pickle.dumps(request)
        except Exception as problem:
            raise InvalidArgumentError(
                f"{request.name!r} cannot be sent to the executor's workers ({_in_short(problem)}); give the "
                "model as a path, so that they read its file themselves."
            ) from error


def _with_ticket(request: Work[_Done]) -> Work[_Done]:
    ticketed: Any = replace(request, ticket=uuid.uuid4().hex)  # type: ignore[type-var]  # a dataclass, as `Work` says
    return ticketed  # type: ignore[no-any-return]


def _in_short(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0].rstrip('.')}" if lines else type(error).__name__
