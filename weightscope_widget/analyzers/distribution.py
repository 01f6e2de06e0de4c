"""The histogram of a tensor's entries, for the distribution panel."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from weightscope_widget.analyzers.order import count_below
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
        edge, the last one also its upper edge.
    """

    low: float
    high: float
    counts: np.ndarray

    @property
    def edges(self) -> np.ndarray:
        """(bins + 1,), float64."""
        return _edges(self.low, self.high, len(self.counts))


def _edges(low: float, high: float, bins: int) -> np.ndarray:
    # In halves: the range of float64 extremes would overflow.
    inner = 2 * (low / 2 + (high / 2 - low / 2) * (np.arange(1, bins) / bins))
    return np.concatenate([[low], inner, [high]])


def histogram(weights: Weights) -> Histogram | None:
    """Return the histogram of the finite entries over their range, or None where no entry is finite.

    It has 2·√n bins for n entries, at least 10 and at most 200; a constant tensor has one bin of no width.
    """
    ordered = weights.ordered
    if not len(ordered):
        return None
    low, high = float(ordered[0]), float(ordered[-1])
    if low == high:
        return Histogram(low, high, np.array([float(len(ordered))]))
    bins = min(max(round(2 * math.sqrt(len(ordered))), _FEWEST), _MOST)
    below = [count_below(ordered, float(edge)) for edge in _edges(low, high, bins)[1:-1]]
    return Histogram(low, high, np.diff([0, *below, len(ordered)]).astype(np.float64))
