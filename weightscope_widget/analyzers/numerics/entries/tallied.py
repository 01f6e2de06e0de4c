"""Entries of an 8- or 16-bit type: each of the 256 or 65,536 patterns is counted, and everything follows from that."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import numpy.typing as npt
import torch

from weightscope_widget.analyzers.numerics.entries.ordered import Entries, interpolate, position
from weightscope_widget.analyzers.numerics.moments import Moments, MomentSums

__all__ = ["TalliedEntries"]

_CHUNK = 1 << 19  # entries per count: their 64-bit codes are all that is ever widened
_CODES = {1: torch.uint8, 2: torch.int16}


class TalliedEntries(Entries):
    """Distinct values with their counts.

    Parameters
    ----------
    tensor : torch.Tensor
        float16, bfloat16 or any float8, on the CPU; never modified.
    """

    def __init__(self, tensor: torch.Tensor) -> None:
        values, ranking = _values(tensor.dtype)
        tally = _tally(tensor)[ranking]
        present = np.flatnonzero(tally)
        values, counts = values[present], tally[present]
        finite = np.isfinite(values)
        self.nan_count = int(counts[np.isnan(values)].sum())
        self.inf_count = int(counts[np.isinf(values)].sum())
        self._values, self._counts = values[finite], counts[finite]
        self._below = np.concatenate([[0], np.cumsum(self._counts)])
        self.count = int(self._below[-1])
        self.minimum = float(self._values[0]) if self.count else math.nan
        self.maximum = float(self._values[-1]) if self.count else math.nan
        by_magnitude = np.argsort(np.abs(self._values), kind="stable")
        self._magnitudes = np.abs(self._values[by_magnitude])
        self._up_to = np.cumsum(self._counts[by_magnitude])

    def quantile(self, q: float) -> float:
        """See `Entries.quantile`."""
        return _quantile(self._values, self._below[1:], q)

    def magnitude_quantile(self, q: float) -> float:
        """See `Entries.magnitude_quantile`."""
        return _quantile(self._magnitudes, self._up_to, q)

    def count_below(self, bound: float) -> int:
        """See `Entries.count_below`."""
        return int(self._below[np.searchsorted(self._values, bound, side="left")])

    def count_at_most(self, bound: float) -> int:
        """See `Entries.count_at_most`."""
        return int(self._below[np.searchsorted(self._values, bound, side="right")])

    def moments(self, unit: float, scale: float) -> Moments:
        """See `Entries.moments`."""
        sums = MomentSums(scale)
        x, counts = self._values / unit, self._counts.astype(np.float64)
        sums.add_weighted(x, counts)
        moments = sums.finish()
        if moments is None:
            moments = sums.finish(float(np.square(x - sums.mean) @ counts))
            assert moments is not None
        return moments


def _tally(tensor: torch.Tensor) -> npt.NDArray[np.int64]:
    """Return how often each pattern of bits occurs, by its unsigned code."""
    size = tensor.dtype.itemsize
    codes = tensor.reshape(-1).view(_CODES[size])
    tally = torch.zeros(1 << (8 * size), dtype=torch.int64)
    wide = torch.empty(min(_CHUNK, len(codes)), dtype=torch.int64)
    for start in range(0, len(codes), _CHUNK):
        chunk = codes[start : start + _CHUNK]
        unsigned = wide[: len(chunk)].copy_(chunk).bitwise_and_(len(tally) - 1)
        # torch counts without the interpreter's lock, NumPy with it.
        tally += torch.bincount(unsigned, minlength=len(tally))
    counted: npt.NDArray[np.int64] = tally.numpy()
    return counted


@cache
def _values(dtype: torch.dtype) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    """Return the values of a type in ascending order (NaN last), float64, and the code of each."""
    codes = torch.arange(1 << (8 * dtype.itemsize), dtype=torch.int32).to(_CODES[dtype.itemsize])
    # Adding zero: -0 and 0 are one value with two codes.
    values = codes.view(dtype).to(torch.float64).numpy() + 0.0
    ranking = np.argsort(values, kind="stable")
    return values[ranking], ranking


def _quantile(values: npt.NDArray[np.float64], up_to: npt.NDArray[np.int64], q: float) -> float:
    low, high, fraction = position(int(up_to[-1]), q)
    first, second = np.searchsorted(up_to, [low, high], side="right")
    return interpolate(float(values[first]), float(values[second]), fraction)
