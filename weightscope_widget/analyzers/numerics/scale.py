"""Units of measurement that keep the squares of extreme float64 entries in range; other types never need one."""

from __future__ import annotations

import math

__all__ = ["exponent_for", "unit_for"]


def exponent_for(largest: float) -> int:
    """Return the exponent of `unit_for`."""
    if not largest > 0 or 1e-120 < largest < 1e120:
        return 0
    return max(math.frexp(largest)[1] - 1, -1022)


def unit_for(largest: float) -> float:
    """Return a power of two to measure entries in, given their largest magnitude; 1 in all usual cases."""
    return math.ldexp(1.0, exponent_for(largest))
