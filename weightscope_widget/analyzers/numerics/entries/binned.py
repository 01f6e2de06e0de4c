"""Many float32 entries in narrow bins, of which only those that hold a wanted rank or bound are sorted.

One pass finds each entry's bin and takes all sums; a second gathers the entries of the few bins that matter.  The bin
of an entry is a monotone function of it, so that bins are in order whatever rounding does at their edges.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from weightscope_widget.analyzers.numerics.entries.ordered import (
    Entries,
    count_at_most,
    count_below,
    histogram_edges,
    interpolate,
    moments_of,
    position,
)
from weightscope_widget.analyzers.numerics.moments import CHUNK, Moments, MomentSums, scratch

__all__ = ["BinnedEntries"]

Float32s = npt.NDArray[np.float32]

_GROUPS = 200  # bins of the histogram that is drawn; each is divided further
_MOST_BINS = 1 << 16  # a bin's number is kept in 16 bits
_SAMPLE = 2048
_BINS_PER_IQR = 400  # then a bin at the peak of a bell curve holds about 0.15 % of the entries

# Ranks and bounds that are always needed: gathered in one pass.
_QUARTILES = (0.25, 0.75)
_PERCENTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
_BOUNDS = (0.0, 1e-6, 1e-4, 1e-2)
_FENCES = (1.5, 3.0)
_FENCE_BINS = 64

_KEPT = 1 << 22  # entries whose bins are kept

_SLACK = 1e-6  # of a bin: rounding shifts an entry by far less


class BinnedEntries(Entries):
    """Bins over the range of the entries, each sorted when it is needed.

    Parameters
    ----------
    values : ndarray
        (n,), float32, n ≥ 1; never modified.
    """

    def __init__(self, values: Float32s) -> None:
        low, high = float(values.min()), float(values.max())
        self.nan_count = self.inf_count = 0
        if not math.isfinite(low) or not math.isfinite(high):
            self.nan_count = int(np.count_nonzero(np.isnan(values)))
            finite = values[np.isfinite(values)]
            self.inf_count = len(values) - len(finite) - self.nan_count
            values = finite
            low, high = (float(values.min()), float(values.max())) if len(values) else (math.nan, math.nan)
        self._values = values
        self.count = len(values)
        self.minimum, self.maximum = low + 0.0, high + 0.0
        self._bins = _number_of_bins(values, high - low)
        # Entries of one value only, or none, have one bin.
        self._per_unit = self._bins / (high - low) if self._bins > 1 else 0.0
        self._scale = max(-low, high) / 127 if self.count else 0.0
        # For more entries they are computed again when needed: memory does not grow with the tensor.
        self._kept = np.empty(self.count, np.uint16) if self.count <= _KEPT else None
        self._counts, self._moments = self._count()
        self._below = np.concatenate([[0], np.cumsum(self._counts)])
        self._magnitudes = _Magnitudes.of(-self.minimum * self._per_unit if self.count else 0.0, self._below)
        self._ordered: dict[int, Float32s] = {}

    def quantile(self, q: float) -> float:
        """See `Entries.quantile`."""
        low, high, fraction = position(self.count, q)
        return interpolate(self._at_rank(low), self._at_rank(high), fraction)

    def magnitude_quantile(self, q: float) -> float:
        """See `Entries.magnitude_quantile`."""
        low, high, fraction = position(self.count, q)
        return interpolate(self._at_magnitude_rank(low), self._at_magnitude_rank(high), fraction)

    def count_below(self, bound: float) -> int:
        """See `Entries.count_below`."""
        if not self.minimum < bound <= self.maximum:
            return self.count if bound > self.maximum else 0
        at = self._bin(bound)
        return int(self._below[at]) + count_below(self._inside(at), bound)

    def count_at_most(self, bound: float) -> int:
        """See `Entries.count_at_most`."""
        if not self.minimum <= bound < self.maximum:
            return self.count if bound >= self.maximum else 0
        at = self._bin(bound)
        return int(self._below[at]) + count_at_most(self._inside(at), bound)

    def moments(self, unit: float, scale: float) -> Moments:
        """See `Entries.moments`."""
        if (unit, scale) == (1.0, self._scale) and self._moments is not None:
            return self._moments
        return moments_of(self._values, unit, scale)

    def histogram(self, bins: int) -> npt.NDArray[np.float64]:
        """See `Entries.histogram`."""
        if self._bins % bins or self._bins == 1:
            return super().histogram(bins)
        counts = self._counts.reshape(bins, -1).sum(axis=1)
        edges = histogram_edges(self.minimum, self.maximum, bins)[1:-1]
        # Rounding may put entries that lie right at an edge on its other side.  Numbers are so far apart that there is
        # at most one value to look at, but for an edge at zero.
        nearest = edges.astype(np.float32)
        candidates = np.unique(np.concatenate([nearest, np.nextafter(nearest, -np.inf), np.nextafter(nearest, np.inf)]))
        found = self._bins_of(candidates.astype(np.float64)) * bins // self._bins
        rightly = np.searchsorted(edges, candidates.astype(np.float64), side="right")
        at_zero = np.abs(edges) < 1e-9 * (self.maximum - self.minimum)
        for at in np.flatnonzero(found != rightly):
            if not at_zero[min(found[at], rightly[at])]:
                moved = np.count_nonzero(self._values == candidates[at])
                counts[found[at]] -= moved
                counts[rightly[at]] += moved
        for edge in np.flatnonzero(at_zero):
            too_few = self.count_below(float(edges[edge])) - int(counts[: edge + 1].sum())
            counts[edge] += too_few
            counts[edge + 1] -= too_few
        grouped: npt.NDArray[np.float64] = counts.astype(np.float64)
        return grouped

    # Bins

    def _bins_of(self, x: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        return np.clip((x - self.minimum) * self._per_unit, 0, self._bins - 1).astype(np.int64)

    def _bin(self, bound: float) -> int:
        return int(self._bins_of(np.array([bound]))[0])

    def _count(self) -> tuple[npt.NDArray[np.int64], Moments | None]:
        """Return how many entries each bin has, and the moments where one pass can tell them."""
        sums = MomentSums(self._scale)
        counts = torch.zeros(self._bins + 1, dtype=torch.int64)
        for start in range(0, self.count, CHUNK):
            x = self._wide(start)
            sums.add(x)
            at = self._place(x)
            # torch counts without the interpreter's lock, NumPy with it.
            counts += torch.bincount(torch.from_numpy(at), minlength=len(counts))
            if self._kept is not None:
                np.copyto(self._kept[start : start + CHUNK], at, casting="unsafe")
        counts[-2] += counts[-1]
        return counts[:-1].numpy(), sums.finish()

    def _wide(self, start: int) -> npt.NDArray[np.float64]:
        """Return a chunk in float64, in working memory."""
        chunk = self._values[start : start + CHUNK]
        x = scratch("wide", min(CHUNK, self.count))[: len(chunk)]
        np.copyto(x, chunk)
        return x

    def _place(self, x: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
        """Return the bins of a chunk, which is overwritten; the maximum falls right behind the last one."""
        at = scratch("bins", min(CHUNK, self.count), np.int32)[: len(x)]
        np.subtract(x, self.minimum, out=x)
        np.multiply(x, self._per_unit, out=x)
        np.copyto(at, x, casting="unsafe")
        return at

    def _inside(self, at: int) -> Float32s:
        """Return the entries of a bin, ascending."""
        if at not in self._ordered:
            self._gather({at} if self._ordered else {at, *self._usual()})
        return self._ordered[at]

    def _gather(self, wanted: Iterable[int]) -> None:
        """Sort the entries of some bins."""
        new = np.array(sorted(set(wanted) - self._ordered.keys()))
        chosen = np.zeros(self._bins + 1, bool)
        chosen[new] = True
        chosen[-1] = chosen[-2]
        parts = []
        for start in range(0, self.count, CHUNK):
            at = self._place(self._wide(start)) if self._kept is None else self._kept[start : start + CHUNK]
            inside = np.flatnonzero(chosen.take(at))
            parts.append(self._values[start : start + CHUNK].take(inside))
        together = np.concatenate(parts)
        together.sort()
        ends = np.cumsum(self._counts[new])
        self._ordered |= zip(new.tolist(), np.split(together, ends[:-1]), strict=True)

    def _usual(self) -> set[int]:
        """Return the bins of all ranks and bounds that every analysis needs."""
        usual = {self._bin(sign * bound) for bound in _BOUNDS for sign in (-1, 1)}
        quartiles = [self._bins_of_rank(q) for q in _QUARTILES]
        usual.update(at for pair in quartiles for at in pair)
        # Wherever the quartiles are inside their bins, the fences are in one of these.
        (low, high), (third_low, third_high) = [(first, last + 1) for first, last in quartiles]
        for factor in _FENCES:
            widest, narrowest = factor * (third_high - low), factor * max(third_low - high, 0)
            for near, far in ((low - widest, high - narrowest), (third_low + narrowest, third_high + widest)):
                if far - near <= _FENCE_BINS:  # wider where a quartile lies in a gap; then one more pass finds it
                    usual.update(range(max(math.floor(near), 0), min(math.floor(far) + 1, self._bins)))
        for q in _PERCENTILES:
            for rank in position(self.count, q)[:2]:
                falling, rising, _ = self._bins_of_magnitude_rank(rank)
                usual.update([*falling, *rising])
        return usual

    # Ranks

    def _bins_of_rank(self, q: float) -> tuple[int, int]:
        low, high, _ = position(self.count, q)
        first, last = np.searchsorted(self._below, [low, high], side="right") - 1
        return int(first), int(last)

    def _at_rank(self, rank: int) -> float:
        at = int(np.searchsorted(self._below, rank, side="right")) - 1
        return float(self._inside(at)[rank - self._below[at]]) + 0.0

    def _at_magnitude_rank(self, rank: int) -> float:
        falling, rising, inner = self._bins_of_magnitude_rank(rank)
        among = np.abs(np.concatenate([self._inside(at) for at in sorted({*falling, *rising})]))
        return float(np.partition(among, rank - inner)[rank - inner])

    def _bins_of_magnitude_rank(self, rank: int) -> tuple[range, range, int]:
        """Return the bins that may hold the entry of a rank by magnitude.

        Returns
        -------
        falling, rising : range
            Bins of negative and of positive entries, which may overlap around zero.
        inner : int
            How many entries, none of them greater in magnitude, lie between the two.
        """
        first = self._magnitudes.first
        most = first + int(np.searchsorted(self._magnitudes.certain, rank, side="right"))
        least = max(first + int(np.searchsorted(self._magnitudes.possible, rank, side="right")) - 1, 0)
        zero = self._magnitudes.zero
        falling = range(self._clip(zero - most - _SLACK), self._clip(zero - least + 1 + _SLACK))
        rising = range(self._clip(zero + least - _SLACK), self._clip(zero + most + 1 + _SLACK))
        inner = self._below[max(rising.start, falling.stop)] - self._below[falling.stop]
        return falling, rising, int(inner)

    def _clip(self, at: float) -> int:
        return min(max(math.floor(at), 0), self._bins)


@dataclass(frozen=True)
class _Magnitudes:
    """How many entries lie around zero, for each whole number of bins.

    Attributes
    ----------
    zero : float
        Where zero lies, in bins from the minimum.
    first : int
        The least magnitude listed, in bins; no entry has a smaller one.
    certain, possible : ndarray
        Numbers of entries that have at most each magnitude for certain, and that may have it; ascending.
    """

    zero: float
    first: int
    certain: npt.NDArray[np.int64]
    possible: npt.NDArray[np.int64]

    @classmethod
    def of(cls, zero: float, below: npt.NDArray[np.int64]) -> _Magnitudes:
        """Return them for bins that have `below` entries before each, and after the last."""
        bins = len(below) - 1
        # Where all entries have one sign, zero may be billions of bins away.
        first = max(math.floor(max(-zero, zero - bins)) - 2, 0)
        distances = np.arange(first, math.ceil(max(abs(zero), abs(zero - bins))) + 3)

        def between(first: npt.NDArray[np.float64], last: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
            low, high = (np.clip(each, 0, bins).astype(np.int64) for each in (first, last))
            counted: npt.NDArray[np.int64] = below[np.maximum(low, high)] - below[low]
            return counted

        return cls(
            zero,
            first,
            between(np.ceil(zero - distances + _SLACK), np.floor(zero + distances - _SLACK)),
            between(np.floor(zero - distances - _SLACK), np.ceil(zero + distances + _SLACK)),
        )


def _number_of_bins(values: Float32s, width: float) -> int:
    """Return how many bins to divide a range into: a multiple of the histogram's, or one for a range of no width."""
    if not len(values) or width == 0:
        return 1
    sample = np.sort(values[:: max(1, len(values) // _SAMPLE)])
    spread = float(sample[3 * len(sample) // 4]) - float(sample[len(sample) // 4])
    most = (_MOST_BINS - 1) // _GROUPS
    return _GROUPS * (min(max(math.ceil(_BINS_PER_IQR * width / spread / _GROUPS), 1), most) if spread > 0 else most)
