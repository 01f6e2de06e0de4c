"""The histogram of a tensor's entries, for the distribution panel."""

from __future__ import annotations

import numpy as np

from weightscope_widget.analyzers.numerics.histogram import Histogram, bin_count
from weightscope_widget.analyzers.weights import Weights

__all__ = ["Histogram", "histogram"]


def histogram(weights: Weights) -> Histogram | None:
    """Return the histogram of the finite entries over their range, or None where no entry is finite.

    It has `bin_count` bins; a constant tensor has one bin of width zero.
    """
    entries = weights.entries
    if not entries.count:
        return None
    low, high = entries.minimum, entries.maximum
    if low == high:
        return Histogram(low, high, np.array([float(entries.count)]))
    return Histogram(low, high, entries.histogram(bin_count(entries.count)))
