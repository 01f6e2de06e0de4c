"""The interface of entries."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt

from weightscope_widget.analyzers.numerics.moments import Moments

__all__ = ["Entries", "histogram_edges"]


class Entries(ABC):
    """The finite entries of one tensor, in no order.

    Attributes
    ----------
    count, nan_count, inf_count : int
        How many entries are finite, NaN, and +inf or -inf.
    minimum, maximum : float
        The extremes of the finite ones; NaN where there are none.  A zero is never negative.
    """

    count: int
    nan_count: int
    inf_count: int
    minimum: float
    maximum: float

    @abstractmethod
    def quantile(self, q: float) -> float:
        """Return the exact `q`-quantile (0–1), interpolated linearly in float64; there must be an entry."""

    @abstractmethod
    def magnitude_quantile(self, q: float) -> float:
        """Return the exact `q`-quantile (0–1) of the absolute values; there must be an entry."""

    @abstractmethod
    def count_below(self, bound: float) -> int:
        """Return how many entries are strictly below `bound`, compared as real numbers."""

    @abstractmethod
    def count_at_most(self, bound: float) -> int:
        """Return how many entries are at most `bound`, compared as real numbers."""

    @abstractmethod
    def moments(self, unit: float, scale: float) -> Moments:
        """Return the sums over the entries divided by `unit` (a power of two), for an INT8 step of `scale` units."""

    def count_within(self, magnitude: float) -> int:
        """Return how many entries satisfy ``|entry| <= magnitude``."""
        return self.count_at_most(magnitude) - self.count_below(-magnitude)

    def histogram(self, bins: int) -> npt.NDArray[np.float64]:
        """Return the counts in `bins` equal bins from the minimum to the maximum, which must differ.

        Each bin holds its lower edge, the last one also its upper edge; see `histogram_edges`.
        """
        below = [self.count_below(float(edge)) for edge in histogram_edges(self.minimum, self.maximum, bins)[1:-1]]
        return np.diff([0, *below, self.count]).astype(np.float64)


def histogram_edges(low: float, high: float, bins: int) -> npt.NDArray[np.float64]:
    """Return the (bins + 1,) edges of equal bins from `low` to `high`."""
    shares = np.arange(1, bins) / bins
    width = high - low
    # In halves where the extremes are further apart than float64 can tell.
    inner = low + width * shares if math.isfinite(width) else 2 * (low / 2 + (high / 2 - low / 2) * shares)
    return np.concatenate([[low], inner, [high]])
