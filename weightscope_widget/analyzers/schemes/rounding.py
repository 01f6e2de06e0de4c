"""The error of storing a tensor in each quantization scheme: Σ(x − x̂)² of the rows of a matrix, in float64.

Every scale is the largest magnitude that shares it over the largest number of the format, kept exactly: storing it in
16 or 32 bits changes the figures by less than 0.01 dB.  Functions of rows take finite float64; a scale of zero belongs
to zeros, which lose nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch

from weightscope_widget.analyzers.numerics.moments import decibel, scratch
from weightscope_widget.analyzers.schemes.catalogue import SCHEMES
from weightscope_widget.analyzers.weights import Weights
from weightscope_widget.errors import InvalidArgumentError

__all__ = ["analyze_schemes"]

_CHUNK = 1 << 16  # entries at a time: the few arrays of one chunk stay in cache

Float64s = npt.NDArray[np.float64]

# Quantiles of a normal distribution, zero among them: the table of QLoRA (Dettmers et al. 2023, appendix E).
_NF4 = np.array(
    [
        -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
        -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725,
        0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
        0.7229568362236023, 1.0,
    ]
)  # fmt: skip
_NF4_BLOCK = 64

# Cells so narrow that none holds two of the bounds between neighbouring values of NF4.
_CELLS = 64
_BOUNDS = (_NF4[1:] + _NF4[:-1]) / 2
_AT = np.linspace(-1, 1, _CELLS + 1)
_FIRST = np.searchsorted(_BOUNDS, _AT)
_LOWER = _NF4[_FIRST]
_UPPER = _NF4[np.minimum(_FIRST + 1, len(_NF4) - 1)]
_BOUND = np.append(_BOUNDS, np.inf)[_FIRST]

FP8_LARGEST = 448.0

# Squares of smaller groups are nothing beside those of a tensor whose largest entry `Weights.unit` keeps above 1e-120,
# and the inverse of the smallest doubles would be infinite.
_SMALLEST_SCALE = 1e-160
_FP8_SMALLEST_NORMAL = 2.0**-6
_FP8_SUBNORMAL_STEP = 2.0**-9


def split(rows: Float64s, size: int) -> list[Float64s]:
    """Return views (r, groups, size) of (r, columns) rows: all whole groups, then the shorter last one, if any."""
    whole = rows.shape[1] - rows.shape[1] % size
    parts = [rows[:, :whole].reshape(len(rows), -1, size)] if whole else []
    return parts if whole == rows.shape[1] else [*parts, rows[:, None, whole:]]


def peaks(groups: Float64s) -> Float64s:
    """Return the largest magnitude of each group: (r, g, size) → (r, g)."""
    magnitudes = _like(groups)
    np.abs(groups, out=magnitudes)
    found: Float64s = magnitudes.max(axis=2)
    return found


def error_of_integers(groups: Float64s, largest: Float64s, levels: int) -> float:
    """Return Σ(x − x̂)² of symmetric integers of `levels` steps either way, with a scale for each group.

    Parameters
    ----------
    groups : ndarray
        (r, g, size).
    largest : ndarray
        (r, g), the largest magnitude that shares each scale.
    levels : int
        127 for INT8, 7 for INT4.
    """
    x = _like(groups)
    np.multiply(groups, _inverse(largest / levels)[..., None], out=x)
    return _squares(_off(x, np.rint), largest / levels)


def error_of_fp8(rows: Float64s, largest: float) -> float:
    """Return Σ(x − x̂)² of float8 E4M3 (no infinities) with one scale, `largest` / 448, for all."""
    scale = largest / FP8_LARGEST
    if not scale > 0:
        return 0.0
    x = scratch("scheme", rows.size)
    np.multiply(rows.reshape(-1), 1 / scale, out=x)
    off = _off(x, _to_four_digits)
    tiny = np.flatnonzero(np.abs(x) < _FP8_SMALLEST_NORMAL)
    off[tiny] = x[tiny] - np.rint(x[tiny] / _FP8_SUBNORMAL_STEP) * _FP8_SUBNORMAL_STEP
    return float(off @ off) * scale**2


class Nf4:
    """Σ(x − x̂)² of NF4 in blocks of 64 weights, row after row: a block may go on in the next rows."""

    def __init__(self) -> None:
        self._rest = np.empty(0)
        self._error = 0.0

    def add(self, rows: Float64s) -> None:
        """Add the next rows."""
        flat = np.concatenate([self._rest, rows.reshape(-1)]) if len(self._rest) else rows.reshape(-1)
        whole = len(flat) - len(flat) % _NF4_BLOCK
        self._error += self._of(flat[:whole].reshape(1, -1, _NF4_BLOCK))
        self._rest = flat[whole:].copy()

    def finish(self) -> float:
        """Return the sum; the last block may be shorter."""
        rest, self._rest = self._rest, np.empty(0)
        return self._error + (self._of(rest.reshape(1, 1, -1)) if len(rest) else 0.0)

    @staticmethod
    def _of(blocks: Float64s) -> float:
        largest = peaks(blocks)
        x = _like(blocks)
        np.multiply(blocks, _inverse(largest)[..., None], out=x)
        return _squares(_off(x, _to_nf4), largest)


def _like(groups: Float64s) -> Float64s:
    return scratch("scheme", groups.size).reshape(groups.shape)


def _inverse(scale: Float64s) -> Float64s:
    return np.divide(1, scale, out=np.zeros_like(scale), where=scale > _SMALLEST_SCALE)


def _off(x: Float64s, rounded: np.ufunc | object) -> Float64s:
    """Return x minus what it is rounded to, in working memory of its own."""
    off = scratch("off", x.size).reshape(x.shape)
    rounded(x, off)  # type: ignore[operator]
    np.subtract(x, off, out=off)
    return off


def _squares(off: Float64s, scale: Float64s) -> float:
    """Return Σ (off · scale)², with a scale for each group."""
    return float(np.einsum("ijk,ijk->ij", off, off).reshape(-1) @ np.square(scale).reshape(-1))


def _to_four_digits(x: Float64s, out: Float64s) -> None:
    """Round to four binary digits, by adding and taking off what leaves room for no more (Veltkamp 1968)."""
    np.multiply(x, 2.0**49 + 1, out=out)
    np.subtract(out, x, out=scratch("high", x.size).reshape(x.shape))
    np.subtract(out, scratch("high", x.size).reshape(x.shape), out=out)


def _to_nf4(x: Float64s, out: Float64s) -> None:
    """Round to the nearest value of NF4, for −1 ≤ x ≤ 1."""
    cells = scratch("cells", x.size, np.int64).reshape(x.shape)
    np.multiply(x, _CELLS / 2, out=out)
    np.add(out, _CELLS / 2, out=out)
    np.copyto(cells, out, casting="unsafe")
    np.take(_LOWER, cells, out=out, mode="clip")
    above = x > np.take(_BOUND, cells, mode="clip")
    np.copyto(out, np.take(_UPPER, cells, mode="clip"), where=above)


def analyze_schemes(tensor: torch.Tensor | Weights) -> dict[str, float]:
    """Return the error of storing a tensor in each of `SCHEMES`, over its finite entries.

    Parameters
    ----------
    tensor : torch.Tensor
        Any floating dtype, at least 2-D; (out, in, *kernel) is taken as the matrix (out, in·∏kernel), whose rows are
        the channels.  Each matrix of a stack has channels, groups and blocks of its own.

    Returns
    -------
    dict
        For each scheme ``<scheme>_sqnr_db`` = 10·log₁₀(Σx²/Σ(x−x̂)²), inf where nothing is lost, and
        ``<scheme>_relative_mse`` = Σ(x−x̂)²/Σx², ≥ 0, NaN for a zero tensor.  Entries that are not finite count as
        zeros; where none is finite, everything is NaN.

    Raises
    ------
    InvalidArgumentError
        Where the tensor has fewer than two dimensions.
    """
    weights = Weights.of(tensor)
    if len(weights.shape) < 2:
        raise InvalidArgumentError(
            f"quantization schemes need rows and columns, and this tensor has shape {weights.shape}; leave vectors out."
        )
    errors = _errors(weights) if weights.count else dict.fromkeys(SCHEMES, math.nan)
    signal = weights.moments.sum_squares
    result = {}
    for scheme, error in errors.items():
        result[f"{scheme}_sqnr_db"] = decibel(signal, error)
        result[f"{scheme}_relative_mse"] = error / signal if signal > 0 else math.nan
    return result


def _errors(weights: Weights) -> dict[str, float]:
    """Return Σ(x−x̂)² by scheme, in units of `weights.unit` squared."""
    errors = dict.fromkeys(SCHEMES, 0.0)
    errors["int8_tensor"] = weights.moments.error_squares
    for matrix in weights.matrices:
        nf4 = Nf4()
        for rows in _chunks(weights, matrix.T if weights.transposed else matrix):
            groups = split(rows, 128)
            largest = [peaks(part) for part in groups]
            channel = np.concatenate(largest, axis=1).max(axis=1)[:, None]
            for name, levels in (("int8", 127), ("int4", 7)):
                errors[f"{name}_channel"] += error_of_integers(rows[:, None, :], channel, levels)
                for part, peak in zip(groups, largest, strict=True):
                    errors[f"{name}_group128"] += error_of_integers(part, peak, levels)
            errors["fp8_e4m3"] += error_of_fp8(rows, weights.abs_max / weights.unit)
            nf4.add(rows)
        errors["nf4_block64"] += nf4.finish()
    return {scheme: errors[scheme] for scheme in SCHEMES}


def _chunks(weights: Weights, matrix: torch.Tensor) -> Iterator[Float64s]:
    """Yield some rows at a time, in units of `weights.unit`, each chunk in the memory of the one before it."""
    columns = matrix.shape[1]
    at_a_time = max(1, _CHUNK // columns)
    for start in range(0, len(matrix), at_a_time):
        part = matrix[start : start + at_a_time]
        rows: Float64s = scratch("rows of schemes", part.numel()).reshape(part.shape)
        torch.from_numpy(rows).copy_(part)
        if weights.count < weights.size:
            np.nan_to_num(rows, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        if weights.unit != 1:
            np.divide(rows, weights.unit, out=rows)
        yield rows
