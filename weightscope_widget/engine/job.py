"""The unit of work that threads and executors do, and the memory that it takes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import ClassVar, Generic, Protocol, TypeVar

import psutil  # type: ignore[import-untyped]
import torch

from weightscope_widget.analyzers import ELEMENTWISE, SPECTRAL
from weightscope_widget.layers.layer import Layer

__all__ = [
    "WORKING",
    "Budget",
    "Job",
    "Outcome",
    "bytes_needed",
    "default_budget",
    "largest_first",
    "sides",
    "stored_bytes",
]

WORKING = 48 << 20
"""Bytes for chunks, tables and the libraries, for any layer."""

_SQUARES = (
    4  # float64 matrices of the smaller side: Gram matrix, product or copy, half a side of rows, the library's own
)
_ASSUMED_ITEM = 4  # for types that torch lacks, which load as float32


class Outcome(Protocol):
    """The result of a job."""

    @property
    def traceback(self) -> str:
        """The traceback of the error that ended the job, else empty."""
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
        A new value each time the job is given to an executor: one that caches results by argument (Dask) must not
        return an old one.
    """

    group: str = ""
    ticket: str = ""

    kind: ClassVar[str] = "analysis"
    """Noun for messages."""

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
        """Run the job; an error among `FAILURES` affects this layer only."""

    @abstractmethod
    def failed(self, sentence: str, traceback: str = "") -> _Outcome_co:
        """Return the outcome of a failed or abandoned job."""


def largest_first(jobs: Iterable[_Job]) -> list[_Job]:
    """Return jobs by descending cost, so that no worker starts a large one last."""
    return sorted(jobs, key=lambda job: (job.follows, -job.cost))


# -- Memory ------------------------------------------------------------------------------------------------------------


class Budget:
    """Memory that the running jobs share.

    Parameters
    ----------
    total : int or None
        Bytes; None for no limit.
    """

    def __init__(self, total: int | None) -> None:
        self._total = total
        self._held: list[int] = []

    def limit(self, total: int) -> None:
        """Set a limit from now on."""
        self._total = total

    def admits(self, needed: int) -> bool:
        """Return whether this many bytes are free; a job alone is always admitted."""
        return self._total is None or not self._held or sum(self._held) + needed <= self._total

    def take(self, needed: int) -> None:
        """Reserve this many bytes."""
        self._held.append(needed)

    def give_back(self, needed: int) -> None:
        """Release bytes that were reserved."""
        self._held.remove(needed)


def default_budget() -> int:
    """Return half of the memory that is available now, in bytes."""
    return int(psutil.virtual_memory().available) // 2


def bytes_needed(layer: Layer, methods: Collection[str]) -> int:
    """Estimate the peak memory of measuring a layer in bytes, its weights included.

    Pages of a mapped file count too, although the system can reclaim them.
    """
    item, entries = _item(layer), layer.parameters
    needed = stored_bytes(layer) + WORKING
    if item != 2:
        # float64 is sorted completely, float32 where values lie close together (pruned weights), and types of 8 bits or
        # less may load as float32, computed from codes and scales.  Measured: 7.5 and 10.3 bytes an entry.
        needed += (8 if item == 8 else 12) * entries
    if set(methods) & set(SPECTRAL) and not layer.is_stack and layer.shape:
        needed += _SQUARES * 8 * sides(layer)[1] ** 2
    if item == 1 and set(methods) - set(ELEMENTWISE):
        needed += 4 * entries  # converted completely: torch computes little with 8-bit types
    return needed


def sides(layer: Layer) -> tuple[int, int]:
    """Return the larger and the smaller side of a layer as a matrix (shape[0], all else)."""
    rows = layer.shape[0] if layer.shape else 1
    columns = layer.parameters // max(rows, 1)
    return max(rows, columns), min(rows, columns)


def stored_bytes(layer: Layer) -> int:
    """Return the size of a layer's weights as loaded, in bytes."""
    return layer.parameters * _item(layer)


def _item(layer: Layer) -> int:
    kind = getattr(torch, layer.dtype, None)
    return kind.itemsize if isinstance(kind, torch.dtype) else _ASSUMED_ITEM
