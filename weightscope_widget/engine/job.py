"""The unit of work that threads and executors do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Generic, Protocol, TypeVar

from weightscope_widget.analyzers.measured import FAILURES, failure, traceback_of
from weightscope_widget.engine.threads import one_thread

__all__ = ["Job", "Outcome", "largest_first", "perform"]


class Outcome(Protocol):
    """The result of a job."""

    @property
    def traceback(self) -> str:
        """Of the error that ended the job early, else empty."""
        ...


_Outcome_co = TypeVar("_Outcome_co", bound=Outcome, covariant=True)
_Job = TypeVar("_Job", bound="Job[Outcome]")


@dataclass(frozen=True, kw_only=True, eq=False)
class Job(ABC, Generic[_Outcome_co]):
    """Work on one layer: a small frozen dataclass that says where the weights are, picklable where their loaders are.

    Attributes
    ----------
    group : str
        The checkpoint, in a run over several models.
    ticket : str
        Set anew each time the job is given to an executor: one that caches results by argument (Dask) must not return
        an old one.
    """

    group: str = ""
    ticket: str = ""

    kind: ClassVar[str] = "analysis"
    """What the job does, for sentences."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The layer's name."""

    @property
    @abstractmethod
    def cost(self) -> float:
        """Nominal seconds.  Only ratios matter: the time left is estimated from the pace of the run itself."""

    @property
    @abstractmethod
    def memory(self) -> int:
        """Bytes needed at most, estimated."""

    @property
    def follows(self) -> bool:
        """Whether the job is cheaper after others of its run, and so is planned last."""
        return False

    @abstractmethod
    def perform(self) -> _Outcome_co:
        """Do the work; an error among `FAILURES` costs this layer only."""

    @abstractmethod
    def failed(self, sentence: str, traceback: str = "") -> _Outcome_co:
        """Return the outcome of a job that failed or was given up."""


def perform(job: Job[_Outcome_co]) -> _Outcome_co:
    """Do a job with one BLAS thread, wherever this is called."""
    try:
        with one_thread():
            return job.perform()
    except FAILURES as error:
        return job.failed(failure(job.kind, job.name, error), traceback_of(error))


def largest_first(jobs: Iterable[_Job]) -> list[_Job]:
    """Return jobs in the order in which no worker ends up alone with a large one."""
    return sorted(jobs, key=lambda job: (job.follows, -job.cost))
