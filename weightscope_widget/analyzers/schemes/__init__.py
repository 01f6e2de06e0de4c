"""The error of storing a tensor in each quantization scheme."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch

from weightscope_widget.analyzers.numerics.moments import decibel
from weightscope_widget.analyzers.numerics.scratch import scratch
from weightscope_widget.analyzers.schemes.catalogue import SCHEMES, Scheme
from weightscope_widget.analyzers.schemes.rounding import (
    Float64s,
    Nf4,
    error_of_fp8,
    error_of_integers,
    peaks,
    split,
)
from weightscope_widget.analyzers.weights import Weights
from weightscope_widget.errors import InvalidArgumentError

__all__ = ["SCHEMES", "Scheme", "analyze_schemes"]

_CHUNK = 1 << 16  # entries at a time: the few arrays of one chunk stay in cache


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
