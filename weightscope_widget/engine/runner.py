"""Run jobs: their order, how many at a time, in how much memory, and the progress."""

from __future__ import annotations

import logging
import threading
import time
import warnings
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from tqdm.auto import tqdm

from weightscope_widget._shared.stacklevel import level_outside
from weightscope_widget.engine.executor import Workers
from weightscope_widget.engine.job import Budget, Job, Outcome, default_budget
from weightscope_widget.errors import InvalidArgumentError, ScanInterruptedWarning

__all__ = ["Progress", "Run"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """The progress of a run.

    Attributes
    ----------
    state : {"running", "done", "cancelled", "failed"}
        ``"failed"`` means that the run itself broke, not a layer.
    done, total : int
        Layers finished, layers in all.
    fraction : float
        Share of the work done, 0–1, by estimated cost.
    seconds_left : float or None
        Estimated from the pace so far; None before the first job is done.
    message : str
        Why it failed, else empty.
    """

    state: str
    done: int
    total: int
    fraction: float
    seconds_left: float | None
    message: str = ""


_Outcome = TypeVar("_Outcome", bound=Outcome)
_Results = TypeVar("_Results")


class Run(ABC, Generic[_Results, _Outcome]):
    """Work on the layers of one or more models, job by job, that fills results.

    Parameters
    ----------
    model : str
        Name of the model, for sentences.
    results : object
        Filled by `_accept`.
    jobs : sequence of Job
        In the order in which they start, unless one has to wait for memory or another is prioritized.
    total : int
        Number of layers, including those without a job.
    workers : int
        Number of jobs that run at a time, each on a thread of its own, or are given to the executor.
    executor : Executor, optional
        Runs the jobs instead of threads of this process; it is not shut down.
    memory : int, optional
        Bytes that the running jobs may need together, as estimated; a job that needs more runs alone.
    in_step : bool
        Other processes run the same jobs in the same order: one at a time, and none is prioritized.
    ended : callable, optional
        Called when the run ends, also by an error.

    Raises
    ------
    InvalidArgumentError
        Both `in_step` and an executor.
    """

    kind: ClassVar[str]
    """``"scan"`` or another noun, for sentences."""

    unit: ClassVar[str] = "layer"
    """The unit of the progress bar."""

    def __init__(
        self,
        model: str,
        results: _Results,
        jobs: Sequence[Job[_Outcome]],
        *,
        total: int,
        workers: int,
        executor: Executor | None,
        memory: int | None,
        in_step: bool = False,
        ended: Callable[[], object] | None = None,
    ) -> None:
        if in_step and executor is not None:
            raise InvalidArgumentError(
                f"The tensors of {model} are shards held by several processes, which the workers of an executor "
                "cannot gather; scan it on all of these processes, without an executor."
            )
        self.model = model
        self.results = results
        self._workers = 1 if in_step else workers
        self._in_step = in_step
        self._ended = ended
        self._executor = executor
        self._memory = memory
        self._budget = Budget(memory)
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._jobs = deque(jobs)
        self._jobs_left = Counter(map(_part, jobs))
        self._total = total
        self._layers_done = total - len(self._jobs_left)
        self._cost_left = sum(job.cost for job in jobs)
        self._cost_total = self._cost_left
        self._started: float | None = None

    @abstractmethod
    def _accept(self, job: Job[_Outcome], outcome: _Outcome, *, last: bool) -> None:
        """Store the outcome of a job, which is the layer's last one if `last`."""

    def _prepared(self, job: Job[Any]) -> Job[_Outcome] | None:
        """Return a job completed with earlier outcomes; None where these make it unnecessary."""
        return job

    def finish(self, *, progress: bool = True, cancel: threading.Event | None = None) -> _Results:
        """Work until all is done, behind a progress bar, and return the results.

        A keyboard interrupt ends the run with a `ScanInterruptedWarning`, `cancel` silently; either way the results
        hold what was computed until then.
        """
        with tqdm(total=self._total, desc=self.model, unit=self.unit, disable=not progress) as bar:
            try:
                bar.update(self.progress.done)
                for _ in self.steps():
                    bar.update(self.progress.done - bar.n)
                    if cancel is not None and cancel.is_set():
                        self.cancel()
            except KeyboardInterrupt:
                warnings.warn(
                    f"The {self.kind} of {self.model} was interrupted; the results hold what was computed until then.",
                    ScanInterruptedWarning,
                    stacklevel=level_outside(),
                )
        return self.results

    def steps(self) -> Iterator[Job[_Outcome]]:
        """Work until all is done or cancelled, yielding each job when its numbers are in the results."""
        self._log_plan()
        self._started = time.perf_counter()
        workers: Workers[_Outcome] = Workers(self._workers, self._executor, self._limit_memory)
        with workers:
            try:
                while True:
                    while workers.has_room and (planned := self._take()) is not None:
                        if (job := self._prepared(planned)) is None:
                            self._tick_off(planned)
                            yield planned
                        else:
                            self._budget.take(job.memory)
                            workers.give(job)
                    if workers.idle:
                        return
                    for job, outcome in workers.finished():
                        self._keep(job, outcome)
                        yield job
                    if self._cancelled.is_set():
                        workers.recall()
            finally:
                for job, outcome in workers.rest():
                    self._keep(job, outcome)
                if self._ended is not None:
                    self._ended()

    def prioritize(self, name: str) -> None:
        """Do all jobs of a layer next; unknown names and finished layers change nothing.

        Where several processes run in step, nothing is prioritized: the others do not know of the request.
        """
        if self._in_step:
            return
        with self._lock:
            first = [job for job in self._jobs if job.name == name]
            for job in first:
                self._jobs.remove(job)
            self._jobs.extendleft(reversed(first))

    def cancel(self) -> None:
        """Stop after the running jobs; their numbers and all before them are kept."""
        self._cancelled.set()

    @property
    def progress(self) -> Progress:
        """The current progress."""
        with self._lock:
            spent = self._cost_total - self._cost_left
            done = self._layers_done
            state = "done" if done == self._total else "cancelled" if self._cancelled.is_set() else "running"
            # The cost left is a difference of sums, and need not end at exactly zero.
            fraction = 1.0 if state == "done" or not self._cost_total else min(spent / self._cost_total, 1.0)
            left = None
            if state == "running" and spent > 0 and self._started is not None:
                left = (time.perf_counter() - self._started) * max(self._cost_left, 0.0) / spent
            return Progress(state, done, self._total, fraction, left)

    def _limit_memory(self) -> None:
        """Bound the memory once this process works in place of an executor."""
        if self._memory is None:
            self._budget.limit(default_budget())

    def _take(self) -> Job[_Outcome] | None:
        with self._lock:
            if self._cancelled.is_set():
                return None
            # Where the next job has to wait for memory, a smaller one goes first.
            job = next((job for job in self._jobs if self._budget.admits(job.memory)), None)
            if job is not None:
                self._jobs.remove(job)
            return job

    def _keep(self, job: Job[_Outcome], outcome: _Outcome) -> None:
        self._budget.give_back(job.memory)
        if outcome.traceback:
            _log.debug("The %s of %r failed:\n%s", job.kind, job.name, outcome.traceback)
        self._accept(job, outcome, last=self._jobs_left[_part(job)] == 1)
        self._tick_off(job)

    def _tick_off(self, job: Job[_Outcome]) -> None:
        with self._lock:
            self._cost_left -= job.cost
            self._jobs_left[_part(job)] -= 1
            self._layers_done += self._jobs_left[_part(job)] == 0

    def _log_plan(self) -> None:
        _log.info(
            "Starting the %s of %s: %d %ss, %d jobs, methods %s, %d at a time on %s, %s.",
            *(self.kind, self.model, self._total, self.unit, len(self._jobs)),
            ", ".join(getattr(self.results, "methods", ())),
            self._workers,
            "threads" if self._executor is None else type(self._executor).__name__,
            "no memory limit" if self._memory is None else f"at most {self._memory / 1e9:.1f} GB",
        )


def _part(job: Job[Any]) -> Hashable:
    """Return the unit of progress of a job: a layer of one model."""
    return type(job), job.group, job.name
