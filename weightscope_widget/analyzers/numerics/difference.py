"""The difference of two tensors of the same shape, entry by entry, in float64."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from weightscope_widget.analyzers.numerics.histogram import Histogram, bin_count
from weightscope_widget.analyzers.numerics.moments import unit_for

__all__ = ["Difference", "difference", "relative_change", "same_values"]

_CHUNK = 1 << 18  # entries at a time, which stay in the processor's cache: 2 MB of float64 for each side

_BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


@dataclass(frozen=True)
class Difference:
    """ΔW = tuned − base, summed over the entries that are finite in both.

    Attributes
    ----------
    metrics : dict of str to float
        As `difference` describes.
    histogram : Histogram or None
        Of the entries of ΔW; None where there is no finite one.
    finite : bool
        Whether all entries of both are finite.
    """

    metrics: dict[str, float]
    histogram: Histogram | None
    finite: bool


def same_values(base: torch.Tensor, tuned: torch.Tensor) -> bool:
    """Return whether two tensors of one shape hold the same: the same bytes in one type, else the same real numbers."""
    if base.dtype == tuned.dtype:
        bits = _BITS.get(base.dtype.itemsize)
        pairs = _chunks(base, tuned)
        return all(torch.equal(a, b) if bits is None else torch.equal(a.view(bits), b.view(bits)) for a, b in pairs)
    return all(bool(_agree(a.double(), b.double()).all()) for a, b in _chunks(base, tuned))


def difference(base: torch.Tensor, tuned: torch.Tensor) -> Difference:
    """Return the difference of two tensors.

    Parameters
    ----------
    base, tuned : torch.Tensor
        Of one shape, any floating types, on the CPU, with at least one entry; compared as real numbers, in float64.

    Returns
    -------
    Difference
        ``relative_change``: ‖ΔW‖/‖W_base‖, Frobenius; 0 where nothing changed, inf where the base is all zero.
        ``l2_distance``: ‖ΔW‖.  ``cosine_similarity``: of the two as vectors, −1 to 1; NaN where one is all zero.
        ``mean_absolute_difference``, ``max_absolute_difference``: of |ΔW|.
        ``changed_percentage``: of all entries, 0–100, those that differ: in their bits where the types are the same,
        in value otherwise.
        All over the entries that are finite in both; NaN where there are none.
    """
    unit = _unit(base, tuned)
    squares = squares_base = squares_tuned = products = absolute = largest = 0.0
    low, high, count, changed = math.inf, -math.inf, 0, 0
    for a, b in _chunks(base, tuned):
        changed += int((~_agree(a.double(), b.double())).sum()) if a.dtype != b.dtype else _count_changed_bits(a, b)
        wide_a, wide_b = _finite(a, b, unit)
        if not len(wide_a):
            continue
        delta = wide_b - wide_a
        count += len(delta)
        squares += float(delta @ delta)
        squares_base += float(wide_a @ wide_a)
        squares_tuned += float(wide_b @ wide_b)
        products += float(wide_a @ wide_b)
        magnitude = delta.abs()
        absolute += float(magnitude.sum())
        largest = max(largest, float(magnitude.max()))
        low, high = min(low, float(delta.min())), max(high, float(delta.max()))
    metrics = {
        "relative_change": _ratio(math.sqrt(squares), math.sqrt(squares_base)) if count else math.nan,
        "l2_distance": math.sqrt(squares) * unit if count else math.nan,
        "cosine_similarity": _cosine(products, squares_base, squares_tuned, squares),
        "mean_absolute_difference": absolute / count * unit if count else math.nan,
        "max_absolute_difference": largest * unit if count else math.nan,
        "changed_percentage": 100 * changed / base.numel(),
    }
    found = _histogram(base, tuned, unit, low, high, count) if count else None
    return Difference(metrics, found, count == base.numel())


def relative_change(base: torch.Tensor, tuned: torch.Tensor) -> float:
    """Return ``relative_change`` of `difference` alone, in a fifth of the time; 0 where `same_values` holds."""
    if same_values(base, tuned):
        return 0.0
    unit = _unit(base, tuned)
    change = size = 0.0
    count = 0
    for a, b in _chunks(base, tuned):
        wide_a, wide_b = a.double() / unit, b.double() / unit
        delta = wide_b - wide_a
        squares, squares_base = float(delta @ delta), float(wide_a @ wide_a)
        if not math.isfinite(squares + squares_base):  # finite entries are always finite in this unit
            wide_a, wide_b = _finite(a, b, unit)
            delta = wide_b - wide_a
            squares, squares_base = float(delta @ delta), float(wide_a @ wide_a)
        count += len(delta)
        change += squares
        size += squares_base
    return _ratio(math.sqrt(change), math.sqrt(size)) if count else math.nan


def _finite(a: torch.Tensor, b: torch.Tensor, unit: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the entries that are finite in both, in `unit`."""
    wide_a, wide_b = a.double(), b.double()
    both = torch.isfinite(wide_a) & torch.isfinite(wide_b)
    if not bool(both.all()):
        wide_a, wide_b = wide_a[both], wide_b[both]
    return wide_a / unit, wide_b / unit


def _chunks(base: torch.Tensor, tuned: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    flat_base, flat_tuned = base.reshape(-1), tuned.reshape(-1)
    for start in range(0, len(flat_base), _CHUNK):
        yield flat_base[start : start + _CHUNK], flat_tuned[start : start + _CHUNK]


def _agree(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a == b) | (torch.isnan(a) & torch.isnan(b))


def _count_changed_bits(a: torch.Tensor, b: torch.Tensor) -> int:
    bits = _BITS.get(a.dtype.itemsize)
    if bits is None:
        return int((~_agree(a.double(), b.double())).sum())
    return int((a.view(bits) != b.view(bits)).sum())


def _unit(base: torch.Tensor, tuned: torch.Tensor) -> float:
    """Return the unit in which the entries of both are measured."""
    if torch.float64 not in (base.dtype, tuned.dtype):
        return 1.0
    largest = 0.0
    for a, b in _chunks(base, tuned):
        for one in (a, b):
            magnitudes = one.double().abs()
            finite = magnitudes[torch.isfinite(magnitudes)]
            largest = max(largest, float(finite.max()) if len(finite) else 0.0)
    return unit_for(largest)


def _ratio(change: float, size: float) -> float:
    if change == 0:
        return 0.0
    return change / size if size else math.inf


def _cosine(products: float, base: float, tuned: float, change: float) -> float:
    if not base or not tuned:
        return math.nan
    # Near 1 the quotient has lost its digits; the distance of the unit vectors has not.
    a, b = math.sqrt(base), math.sqrt(tuned)
    close = 1 - (change - (a - b) ** 2) / (2 * a * b)
    return max(-1.0, min(1.0, close if close > 0.5 else products / (a * b)))


def _histogram(base: torch.Tensor, tuned: torch.Tensor, unit: float, low: float, high: float, count: int) -> Histogram:
    """Return the histogram of ΔW over its range."""
    if low == high:
        return Histogram(low * unit, high * unit, np.array([float(count)]))
    bins = bin_count(count)
    counts = np.zeros(bins)
    for a, b in _chunks(base, tuned):
        delta = (b.double() / unit - a.double() / unit).numpy()
        counts += np.histogram(delta[np.isfinite(delta)], bins, (low, high))[0]
    return Histogram(low * unit, high * unit, counts)
