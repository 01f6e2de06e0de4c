"""Counts of entries in equal bins, for the distribution panel."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from weightscope_widget._shared.read_only import read_only
from weightscope_widget.analyzers.numerics.entries.ordered import Entries, histogram_edges

__all__ = ["Histogram", "bin_count", "histogram"]

_FEWEST_BINS, _MOST_BINS = 10, 200


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


def bin_count(count: int) -> int:
    """Return the number of bins for this many entries: 2·√n, at least 10 and at most 200."""
    return min(max(round(2 * math.sqrt(count)), _FEWEST_BINS), _MOST_BINS)


def histogram(entries: Entries) -> Histogram | None:
    """Return the histogram of finite entries over their range, or None if there are none.

    It has `bin_count` bins; a constant tensor has one bin of width zero.
    """
    if not entries.count:
        return None
    low, high = entries.minimum, entries.maximum
    if low == high:
        return Histogram(low, high, np.array([float(entries.count)]))
    return Histogram(low, high, entries.histogram(bin_count(entries.count)))
