"""Ratios of powers in decibel."""

from __future__ import annotations

import math

__all__ = ["decibel"]


def decibel(signal: float, noise: float) -> float:
    """Return 10·log₁₀(signal / noise): inf without noise, NaN where there is neither or the noise is unknown.

    >>> decibel(100.0, 1.0)
    20.0
    """
    if noise > 0:
        return 10 * math.log10(signal / noise) if signal > 0 else -math.inf
    return math.nan if math.isnan(noise) else math.inf
