"""Run jobs on threads or on an executor; retry lost workers."""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import threading
import uuid
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ThreadPoolExecutor,
    wait,
)
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from types import TracebackType
from typing import Generic, TypeVar

import torch
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from weightscope_widget._shared.stacklevel import level_outside
from weightscope_widget.analyzers.measured import FAILURES, failure, traceback_of
from weightscope_widget.engine.job import Job, Outcome
from weightscope_widget.errors import ExecutorLostWarning, InvalidArgumentError

__all__ = ["Workers", "default_workers", "jobs_at_a_time", "one_thread", "perform", "worker_pool"]

_RETRIES = 2
_PER_CORE = 4

_log = logging.getLogger(__name__)

_Outcome = TypeVar("_Outcome", bound=Outcome)


def perform(job: Job[_Outcome]) -> _Outcome:
    """Run a job with one BLAS thread, in any process."""
    try:
        with one_thread():
            return job.perform()
    except FAILURES as error:
        return job.failed(failure(job.kind, job.name, error), traceback_of(error))


def jobs_at_a_time(executor: Executor | None) -> int:
    """Return how many jobs run or wait at a worker by default: on an executor four per core of this machine.

    An executor does not tell how many workers it has.  Each should have a next job, but a prioritized layer should not
    wait for many others.
    """
    return default_workers() if executor is None else _PER_CORE * (os.cpu_count() or 1)


@dataclass(frozen=True)
class _Given(Generic[_Outcome]):
    """A submitted job, the number of earlier attempts, and whether it went to the executor or to a thread."""

    job: Job[_Outcome]
    attempt: int
    away: bool


class Workers(Generic[_Outcome]):
    """Threads or an executor that run jobs; outcomes come in the order of completion.

    With an executor, a job whose worker was lost is submitted again, at most twice; if the executor itself breaks,
    threads of this process run the rest.  A context manager; the executor is never shut down.

    Parameters
    ----------
    at_a_time : int
        Number of jobs submitted at a time, and of threads without an executor.
    executor : Executor, optional
        Runs the jobs instead of threads of this process.
    fell_back : callable, optional
        Called when threads of this process take the executor's place.
    """

    def __init__(
        self, at_a_time: int, executor: Executor | None = None, fell_back: Callable[[], None] | None = None
    ) -> None:
        self._at_a_time = at_a_time
        self._executor = executor
        self._fell_back = fell_back
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
        """Whether another job can be submitted."""
        return not self._recalled and len(self._given) < self._at_a_time

    @property
    def idle(self) -> bool:
        """Whether no job is submitted."""
        return not self._given

    def give(self, job: Job[_Outcome]) -> None:
        """Submit a job.

        Raises
        ------
        InvalidArgumentError
            The executor's workers are in other processes, and the layer's loader cannot be sent there.
        """
        self._give(job, 0)

    def finished(self) -> Iterator[tuple[Job[_Outcome], _Outcome]]:
        """Wait until a job is done, and yield all that are done.

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
                continue  # the executor was abandoned meanwhile, and this job was submitted again
            outcome = self._outcome(future, given)
            if outcome is not None:
                yield given.job, outcome

    def rest(self) -> Iterator[tuple[Job[_Outcome], _Outcome]]:
        """Cancel the jobs that have not started, wait for the others, and yield their outcomes."""
        self.recall()
        wait(self._given)
        for future, given in self._given.items():
            if not future.cancelled() and future.exception() is None:
                yield given.job, future.result()
        self._given.clear()

    def recall(self) -> None:
        """Cancel the executor's jobs that have not started, wherever they are now; submit no more."""
        self._recalled = True
        for future in list(self._given):
            if self._executor is not None and future.cancel():
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
        """Return the outcome of a job; None where it was submitted again or cancelled."""
        if not given.away:
            return future.result()
        # `except` around `result` would mistake an interrupt of this thread for the worker's.
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
        if self._fell_back is not None:
            self._fell_back()
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
        # Not every TypeError is about pickling: try it.
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


# -- Threads with one BLAS thread each, so that they fight neither each other nor the rest of the machine --------------

_MOST_WORKERS = 8  # each holds a layer and its working copies

# A new thread inherits the number of threads that was set last, so only one may set it at a time.
_SETTING = threading.Lock()


def default_workers() -> int:
    """Return the number of cores that this process may use, at most 8."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, _MOST_WORKERS)


@contextmanager
def worker_pool(workers: int) -> Iterator[ThreadPoolExecutor]:
    """Yield a pool of threads in which torch and NumPy compute on one thread each.

    torch has one setting per thread, so other threads are not affected; NumPy's BLAS has one for the whole process,
    which is restored when the last pool ends.
    """
    with _SETTING:
        # Here, because reading it also fixes the setting of the calling thread.
        elsewhere = torch.get_num_threads()
    with (
        _numpy_on_one_thread(),
        ThreadPoolExecutor(workers, "weightscope-worker", _compute_on_one_thread, (elsewhere,)) as pool,
    ):
        yield pool


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch and NumPy compute on one thread inside the block, also on the workers of an executor."""
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
        torch.get_num_threads()  # setting alone has no effect yet
        # torch has one setting per thread, but new threads inherit the latest: restore that.
        restore = threading.Thread(target=torch.set_num_threads, args=(elsewhere,))
        restore.start()
        restore.join()


class _Users:
    """The number of pools, and the limit that the first one set."""

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
    """Let this thread set the limit: threadpoolctl silently ignores all threads but the first that set one."""
    for library in _numpy_blas().lib_controllers:
        if hasattr(library, "clear_controlling_thread"):  # not in older versions, which accept every thread
            library.clear_controlling_thread(force=True)


@cache
def _numpy_blas() -> ThreadpoolController:
    # torch has a library of its own, and sets its threads itself.
    return ThreadpoolController().select(internal_api="openblas")
