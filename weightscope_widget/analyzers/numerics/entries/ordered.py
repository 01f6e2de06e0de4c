"""Exact order statistics of sorted values, and the entries of a tensor that are sorted whole.

One sort serves quartiles, outlier counts, sparsity counts, magnitude percentiles and the histogram.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt

from weightscope_widget.analyzers.numerics.moments import CHUNK, Moments, MomentSums

__all__ = ["Entries", "Floats", "OrderedEntries", "histogram_edges", "moments_of"]

Floats = npt.NDArray[np.floating[Any]]
"""A one-dimensional float32 or float64 array."""


def interpolate(low: float, high: float, fraction: float) -> float:
    """Return the value a `fraction` of the way from `low` to `high`, as NumPy interpolates quantiles."""
    # NumPy's own form of linear interpolation: from the nearer end, so that both ends are met exactly.
    step = high - low
    if math.isinf(step):  # two doubles may lie further apart than the largest of them
        return 2 * interpolate(low / 2, high / 2, fraction)
    return high - step * (1 - fraction) if fraction >= 0.5 else low + step * fraction


def position(count: int, q: float) -> tuple[int, int, float]:
    """Return the ranks beside quantile `q` and the fraction between them ("linear", type 7 of Hyndman & Fan 1996)."""
    at = (count - 1) * q
    low = math.floor(at)
    return low, min(low + 1, count - 1), at - low


def quantile(ordered: Floats, q: float) -> float:
    """Return the `q`-quantile (0–1) of an ascending, non-empty array, interpolated linearly in float64.

    >>> quantile(np.array([1.0, 2.0, 4.0]), 0.25)
    1.5
    """
    low, high, fraction = position(len(ordered), q)
    return interpolate(float(ordered[low]), float(ordered[high]), fraction)


def count_below(ordered: Floats, bound: float) -> int:
    """Return how many values are strictly below `bound`, compared as real numbers whatever the storage type."""
    return int(np.searchsorted(ordered, *as_stored(ordered, bound, strict=True)))


def count_at_most(ordered: Floats, bound: float) -> int:
    """Return how many values are at most `bound`, compared as real numbers whatever the storage type."""
    return int(np.searchsorted(ordered, *as_stored(ordered, bound, strict=False)))


def as_stored(ordered: Floats, bound: float, *, strict: bool) -> tuple[Any, Any]:
    """Express "below `bound`" in the array's own type: searching float32 for a float64 would copy the whole array."""
    with np.errstate(over="ignore"):
        stored = ordered.dtype.type(bound)
    if float(stored) < bound:  # nothing stored lies between the two, so both comparisons include `stored`
        return stored, "right"
    if float(stored) > bound:
        return stored, "left"
    return stored, "left" if strict else "right"


def count_within(ordered: Floats, magnitude: float) -> int:
    """Return how many values satisfy ``|value| <= magnitude``."""
    return count_at_most(ordered, magnitude) - count_below(ordered, -magnitude)


def magnitude_quantile(ordered: Floats, q: float) -> float:
    """Return the `q`-quantile (0–1) of the absolute values of an ascending, non-empty array.

    The absolute values are never sorted: the negative half reversed and the positive half are two sorted runs, and
    the wanted rank of their union is found by bisection.

    >>> magnitude_quantile(np.array([-4.0, -1.0, 2.0]), 0.5)
    2.0
    """
    negative = count_below(ordered, 0.0)
    falling, rising = -ordered[:negative][::-1], ordered[negative:]
    low, high, fraction = position(len(ordered), q)
    return interpolate(rank_of_union(falling, rising, low), rank_of_union(falling, rising, high), fraction)


def rank_of_union(a: Floats, b: Floats, rank: int) -> float:
    """Return the value of 0-based `rank` in the union of two ascending arrays, in O(log n)."""
    # Bisect for the number `taken` of elements of `a` among the first `rank` of the union.
    low, high = max(0, rank - len(b)), min(rank, len(a))
    while low < high:
        taken = (low + high) // 2
        if a[taken] < b[rank - taken - 1]:
            low = taken + 1
        else:
            high = taken
    candidates = [float(run[at]) for run, at in ((a, low), (b, rank - low)) if at < len(run)]
    return abs(min(candidates))  # abs: a negative zero is a zero


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


class OrderedEntries(Entries):
    """One sorted copy answers everything.

    Parameters
    ----------
    values : ndarray
        (n,), float32 or float64; never modified.
    """

    def __init__(self, values: Floats) -> None:
        ordered = np.sort(values)  # NaNs last, infinities at both ends
        low, high = np.searchsorted(ordered, -np.inf, side="right"), np.searchsorted(ordered, np.inf)
        self._ordered = ordered[low:high]
        self.count = len(self._ordered)
        self.nan_count = int(np.count_nonzero(np.isnan(ordered[high:])))
        self.inf_count = len(values) - self.count - self.nan_count
        # Adding zero: a negative zero sorts where it stood, and is a zero.
        self.minimum = float(self._ordered[0]) + 0.0 if self.count else math.nan
        self.maximum = float(self._ordered[-1]) + 0.0 if self.count else math.nan

    def quantile(self, q: float) -> float:
        """See `Entries.quantile`."""
        return quantile(self._ordered, q)

    def magnitude_quantile(self, q: float) -> float:
        """See `Entries.magnitude_quantile`."""
        return magnitude_quantile(self._ordered, q)

    def count_below(self, bound: float) -> int:
        """See `Entries.count_below`."""
        return count_below(self._ordered, bound)

    def count_at_most(self, bound: float) -> int:
        """See `Entries.count_at_most`."""
        return count_at_most(self._ordered, bound)

    def moments(self, unit: float, scale: float) -> Moments:
        """See `Entries.moments`."""
        return moments_of(self._ordered, unit, scale)


def moments_of(values: Floats, unit: float, scale: float) -> Moments:
    """Return the moments of an array of finite entries divided by `unit`."""
    sums = MomentSums(scale)
    chunks = [values[start : start + CHUNK] for start in range(0, len(values), CHUNK)]
    for chunk in chunks:
        sums.add(chunk.astype(np.float64) / unit)
    moments = sums.finish()
    if moments is None:
        mean = sums.mean
        off = (chunk.astype(np.float64) / unit - mean for chunk in chunks)
        moments = sums.finish(math.fsum(float(x @ x) for x in off))
        assert moments is not None
    return moments
