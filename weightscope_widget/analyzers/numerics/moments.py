"""Float64 sums over the entries of a tensor and over their INT8 images."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["CHUNK", "NO_MOMENTS", "MomentSums", "Moments", "decibel", "exponent_for", "scratch", "unit_for"]

CHUNK = 1 << 18
"""Entries per pass: so few that their float64 temporaries stay in cache, and so many that workers seldom queue for the
interpreter's lock between two NumPy calls."""

_BLOCK = 1 << 13

# Below this share of Σx² that is left of it after the mean is taken off, the difference has lost too many digits.
_CANCELLED = 1e-4


@dataclass(frozen=True)
class Moments:
    """Float64 sums over finite entries x, and over their INT8 images d (symmetric, one scale for the tensor).

    Attributes
    ----------
    mean, std, mean_abs : float
        Mean, standard deviation (n − 1), mean of |x|; in the unit the entries were measured in.
    sum_squares : float
        Σx², in its square.
    error_squares, error_abs : float
        Σ(x − d)², Σ|x − d|.
    dot, image_squares : float
        Σxd, Σd².
    """

    mean: float
    std: float
    mean_abs: float
    sum_squares: float
    error_squares: float
    error_abs: float
    dot: float
    image_squares: float


NO_MOMENTS = Moments(*[math.nan] * 8)
"""The moments of no entries."""


class MomentSums:
    """Sums of moments, chunk by chunk.

    Parameters
    ----------
    scale : float
        Step of the INT8 image, max|x| / 127, ≥ 0.
    """

    def __init__(self, scale: float) -> None:
        self._scale = scale
        self._count = 0
        self._sums = np.zeros(7)

    def add(self, x: npt.NDArray[np.float64]) -> None:
        """Add at most `CHUNK` entries: (n,), float64, finite."""
        d = scratch("image", len(x))
        total, squares = float(x.sum()), _dot(x, x)
        np.abs(x, out=d)
        absolute = float(d.sum())
        if self._scale > 0:
            np.divide(x, self._scale, out=d)
            np.rint(d, out=d)
            np.multiply(d, self._scale, out=d)
        else:
            d.fill(0.0)
        image_squares = _dot(d, d)
        np.subtract(x, d, out=d)
        error_squares = _dot(d, d)
        np.abs(d, out=d)
        self._count += len(x)
        dot = (squares + image_squares - error_squares) / 2
        self._sums += (total, absolute, squares, error_squares, float(d.sum()), dot, image_squares)

    def add_weighted(self, x: npt.NDArray[np.float64], counts: npt.NDArray[np.float64]) -> None:
        """Add distinct entries x, each `counts` times."""
        d = np.rint(x / self._scale) * self._scale if self._scale > 0 else np.zeros_like(x)
        e = x - d
        self._count += int(counts.sum())
        sums = (x, np.abs(x), x * x, e * e, np.abs(e), x * d, d * d)
        self._sums += [float(values @ counts) for values in sums]

    @property
    def mean(self) -> float:
        """Mean of the entries so far."""
        return float(self._sums[0]) / self._count

    def finish(self, deviations: float | None = None) -> Moments | None:
        """Return the moments.

        Parameters
        ----------
        deviations : float, optional
            Σ(x − mean)², where it is known more precisely than from the sums.

        Returns
        -------
        Moments or None
            None where `deviations` is needed: the spread is too small beside the mean to follow from the sums.
        """
        if not self._count:
            return NO_MOMENTS
        total, absolute, squares, error_squares, error_abs, dot, image_squares = map(float, self._sums)
        mean = self.mean
        if deviations is None:
            deviations = squares - total * mean
            if not deviations > _CANCELLED * squares and squares > 0:
                return None
        std = math.sqrt(deviations / (self._count - 1)) if self._count > 1 else math.nan
        return Moments(mean, std, absolute / self._count, squares, error_squares, error_abs, dot, image_squares)


def _dot(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
    # In blocks too short for BLAS to call its other threads, which takes longer than the sum itself.
    whole = len(x) - len(x) % _BLOCK
    blocks = np.matmul(x[:whole].reshape(-1, 1, _BLOCK), y[:whole].reshape(-1, _BLOCK, 1))
    return float(blocks.sum()) + float(x[whole:] @ y[whole:])


def decibel(signal: float, noise: float) -> float:
    """Return 10·log₁₀(signal / noise): inf without noise, NaN where there is neither or the noise is unknown.

    >>> decibel(100.0, 1.0)
    20.0
    """
    if noise > 0:
        return 10 * math.log10(signal / noise) if signal > 0 else -math.inf
    return math.nan if math.isnan(noise) else math.inf


def exponent_for(largest: float) -> int:
    """Return the exponent of `unit_for`."""
    if not largest > 0 or 1e-120 < largest < 1e120:
        return 0
    return max(math.frexp(largest)[1] - 1, -1022)


def unit_for(largest: float) -> float:
    """Return a power of two to measure entries in, given their largest magnitude; 1 in all usual cases."""
    return math.ldexp(1.0, exponent_for(largest))


_OF_THREAD = threading.local()


def scratch(use: str, size: int, dtype: npt.DTypeLike = np.float64) -> npt.NDArray[Any]:
    """Return an uninitialized array, (size,), for this thread and one `use`, valid until the next call for that use."""
    held: dict[str, npt.NDArray[Any]] = _OF_THREAD.__dict__
    array = held.get(use)
    if array is None or len(array) < size:
        array = held[use] = np.empty(size, dtype)
    return array[:size]
