"""The histogram of a tensor's entries, for the distribution panel."""

from __future__ import annotations

import math

import numpy as np

from weightscope_widget.analyzers.numerics.histogram import Histogram
from weightscope_widget.analyzers.weights import Weights

__all__ = ["Histogram", "histogram"]

_FEWEST, _MOST = 10, 200


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
