"""Entries sorted whole: for few of them, and for float64."""

from __future__ import annotations

import math

import numpy as np

from weightscope_widget.analyzers.numerics import quantiles as order
from weightscope_widget.analyzers.numerics.entries.base import Entries
from weightscope_widget.analyzers.numerics.moments import CHUNK, Moments, MomentSums

__all__ = ["OrderedEntries"]


class OrderedEntries(Entries):
    """One sorted copy answers everything.

    Parameters
    ----------
    values : ndarray
        (n,), float32 or float64; never modified.
    """

    def __init__(self, values: order.Floats) -> None:
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
        return order.quantile(self._ordered, q)

    def magnitude_quantile(self, q: float) -> float:
        """See `Entries.magnitude_quantile`."""
        return order.magnitude_quantile(self._ordered, q)

    def count_below(self, bound: float) -> int:
        """See `Entries.count_below`."""
        return order.count_below(self._ordered, bound)

    def count_at_most(self, bound: float) -> int:
        """See `Entries.count_at_most`."""
        return order.count_at_most(self._ordered, bound)

    def moments(self, unit: float, scale: float) -> Moments:
        """See `Entries.moments`."""
        return moments_of(self._ordered, unit, scale)


def moments_of(values: order.Floats, unit: float, scale: float) -> Moments:
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
