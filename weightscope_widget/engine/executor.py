"""Run jobs on threads or on an executor; retry lost workers."""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import uuid
import warnings
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from contextlib import ExitStack
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Generic, TypeVar

from weightscope_widget._shared.stacklevel import level_outside
from weightscope_widget.engine.job import Job, Outcome, perform
from weightscope_widget.engine.threads import default_workers, worker_pool
from weightscope_widget.errors import ExecutorLostWarning, InvalidArgumentError

__all__ = ["Workers", "jobs_at_a_time"]

_RETRIES = 2
_PER_CORE = 4

_log = logging.getLogger(__name__)

_Outcome = TypeVar("_Outcome", bound=Outcome)


def jobs_at_a_time(executor: Executor | None) -> int:
    """Return how many jobs run or wait at a worker by default: on an executor four per core of this machine.

    An executor does not tell how many workers it has.  Each should have a next job, and yet a layer that jumps the
    queue should not wait for many others.
    """
    return default_workers() if executor is None else _PER_CORE * (os.cpu_count() or 1)


@dataclass(frozen=True)
class _Given(Generic[_Outcome]):
    """A job that was given out: how often before, and whether to the executor or to a thread of this process."""

    job: Job[_Outcome]
    attempt: int
    away: bool


class Workers(Generic[_Outcome]):
    """Threads or an executor that do jobs; outcomes come in the order in which they are ready.

    With an executor, a job whose worker was lost is given out again, twice at most; when the executor itself is broken,
    threads of this process do the rest.  A context manager; the executor is never shut down.

    Parameters
    ----------
    at_a_time : int
        How many jobs to give out at a time, and without an executor how many threads there are.
    executor : Executor, optional
        Does the jobs instead of threads of this process.
    """

    def __init__(self, at_a_time: int, executor: Executor | None = None) -> None:
        self._at_a_time = at_a_time
        self._executor = executor
        self._local: Executor | None = None
        self._given: dict[Future[_Outcome], _Given[_Outcome]] = {}
        self._recalled = False
        self._stack = ExitStack()

    def __enter__(self) -> Workers[_Outcome]:
        if self._executor is None:
            self._start_threads()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def has_room(self) -> bool:
        """Whether another job can be given out."""
        return not self._recalled and len(self._given) < self._at_a_time

    @property
    def idle(self) -> bool:
        """Whether no job is given out."""
        return not self._given

    def give(self, job: Job[_Outcome]) -> None:
        """Give out a job.

        Raises
        ------
        InvalidArgumentError
            The executor's workers are in other processes, and the layer's loader cannot be sent there.
        """
        self._give(job, 0)

    def finished(self) -> Iterator[tuple[Job[_Outcome], _Outcome]]:
        """Wait until a job is done, and yield all that are.

        Raises
        ------
        InvalidArgumentError
            As for `give`.
        Exception
            Any error that is not among `FAILURES`, raised by a job on a thread of this process.
        """
        for future in wait(self._given, return_when=FIRST_COMPLETED).done:
            given = self._given.pop(future, None)
            if given is None:
                continue  # the executor was given up meanwhile, and this job was given out again
            outcome = self._outcome(future, given)
            if outcome is not None:
                yield given.job, outcome

    def rest(self) -> Iterator[tuple[Job[_Outcome], _Outcome]]:
        """Take back the jobs that have not begun, wait for the others, and yield their outcomes."""
        self.recall()
        wait(self._given)
        for future, given in self._given.items():
            if not future.cancelled() and future.exception() is None:
                yield given.job, future.result()
        self._given.clear()

    def recall(self) -> None:
        """Take back from the executor the jobs that have not begun; no more are given out."""
        self._recalled = True
        for future, given in list(self._given.items()):
            if given.away and future.cancel():
                del self._given[future]

    def _give(self, job: Job[_Outcome], attempt: int) -> None:
        job = replace(job, ticket=uuid.uuid4().hex)
        if self._local is None and self._executor is not None:
            try:
                future = self._executor.submit(perform, job)
            except Exception as error:
                self._refuse_unpicklable(job, error)
                # A closed executor raises RuntimeError; Dask and others have errors of their own.
                self._fall_back(error)
            else:
                self._given[future] = _Given(job, attempt, away=True)
                return
        assert self._local is not None
        self._given[self._local.submit(perform, job)] = _Given(job, attempt, away=False)

    def _outcome(self, future: Future[_Outcome], given: _Given[_Outcome]) -> _Outcome | None:
        """Return the outcome of a job; None where it was given out again or was taken back."""
        if not given.away:
            return future.result()
        # Not by `except` around `result`, which would take an interrupt of this thread for the worker's.
        error = CancelledError("the executor gave it up") if future.cancelled() else future.exception()
        if error is None:
            return future.result()
        if not isinstance(error, Exception | asyncio.CancelledError | SystemExit):
            raise error
        if self._recalled:
            return None
        job = given.job
        self._refuse_unpicklable(job, error)
        _log.debug("The executor lost %r, attempt %d.", job.name, given.attempt + 1, exc_info=error)
        if isinstance(error, BrokenExecutor):
            self._fall_back(error)
        elif given.attempt == _RETRIES:
            return job.failed(
                f"The {job.kind} of {job.name!r} was given up after {given.attempt + 1} attempts, "
                f"each of which the executor lost ({_in_short(error)}); the others go on."
            )
        self._give(job, given.attempt + 1)
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
        self._at_a_time = min(self._at_a_time, default_workers())
        self._start_threads()
        if isinstance(error, BrokenExecutor):
            return  # all its futures end
        for future, given in list(self._given.items()):  # those of a closed Dask client never do
            if given.away and future.cancel():
                del self._given[future]
                self._give(given.job, given.attempt)

    def _start_threads(self) -> None:
        self._local = self._stack.enter_context(worker_pool(self._at_a_time))

    def _refuse_unpicklable(self, job: Job[_Outcome], error: BaseException) -> None:
        # Not every TypeError on the way is about pickling: try it.
        if not isinstance(error, pickle.PicklingError | TypeError | AttributeError):
            return
        try:
            pickle.dumps(job)
        except Exception as problem:
            raise InvalidArgumentError(
                f"{job.name!r} cannot be sent to the executor's workers ({_in_short(problem)}); give the "
                "model as a path, so that they read its file themselves."
            ) from error


def _in_short(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0].rstrip('.')}" if lines else type(error).__name__
