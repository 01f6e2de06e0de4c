"""Exact order statistics of a sorted array: quantiles, ranks, magnitudes.

All functions take sorted values, so that one sort serves quartiles, outlier counts, sparsity counts,
magnitude percentiles and the histogram.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "Floats",
    "count_at_most",
    "count_below",
    "count_within",
    "interpolate",
    "magnitude_quantile",
    "position",
    "quantile",
    "rank_of_union",
]

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
