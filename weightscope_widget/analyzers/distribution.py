"""The histogram of a tensor's entries, for the distribution panel."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from weightscope_widget._shared.read_only import read_only
from weightscope_widget.analyzers.numerics.entries.base import histogram_edges
from weightscope_widget.analyzers.weights import Weights

__all__ = ["Histogram", "histogram"]

_FEWEST, _MOST = 10, 200


@dataclass(frozen=True)
class Histogram:
    """Counts of finite entries in equal bins.

    Attributes
    ----------
    low, high : float
        Outer edges: the least and the greatest finite entry.
    counts : ndarray
        (bins,), float64 (whole numbers; int64 would not survive the way to the browser).  Each bin holds its lower
        edge, the last one also its upper edge.  Read-only.
    """

    low: float
    high: float
    counts: np.ndarray

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", read_only(self.counts))

    def __reduce__(self) -> tuple[type[Histogram], tuple[float, float, np.ndarray]]:
        return Histogram, (self.low, self.high, self.counts)  # unpickled arrays are writeable

    @property
    def edges(self) -> np.ndarray:
        """(bins + 1,), float64."""
        return histogram_edges(self.low, self.high, len(self.counts))


def histogram(weights: Weights) -> Histogram | None:
    """Return the histogram of the finite entries over their range, or None where no entry is finite.

    It has 2·√n bins for n entries, at least 10 and at most 200; a constant tensor has one bin of no width.
    """
    entries = weights.entries
    if not entries.count:
        return None
    low, high = entries.minimum, entries.maximum
    if low == high:
        return Histogram(low, high, np.array([float(entries.count)]))
    bins = min(max(round(2 * math.sqrt(entries.count)), _FEWEST), _MOST)
    return Histogram(low, high, entries.histogram(bins))
