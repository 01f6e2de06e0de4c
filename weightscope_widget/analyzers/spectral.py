"""Spectral analysis: conditioning and rank, from the singular values of the weight matrix."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from weightscope_widget.analyzers.weights import Weights
from weightscope_widget.errors import InvalidArgumentError

__all__ = ["analyze_spectral", "stable_rank_percentage", "summarize_spectrum"]

_EFFECTIVE = 0.01  # a singular value counts towards the effective rank above this share of the largest


def analyze_spectral(tensor: torch.Tensor | Weights, top_k: int = 10) -> dict[str, Any]:
    """Return conditioning and rank of a weight matrix.

    Parameters
    ----------
    tensor : torch.Tensor
        Any floating dtype, at least 2-D; (out, in, *kernel) is taken as the matrix (out, in·∏kernel).
    top_k : int
        How many of the largest singular values to list.

    Returns
    -------
    dict
        As `summarize_spectrum` returns.

    Raises
    ------
    InvalidArgumentError
        Where the tensor has fewer than two dimensions, or `top_k` is below 1.
    """
    weights = Weights.of(tensor)
    if len(weights.shape) < 2:
        raise InvalidArgumentError(
            f"spectral analysis needs a matrix, and this tensor has shape {weights.shape}; leave vectors out."
        )
    m, n = weights.matrices[0].shape
    return summarize_spectrum(weights.singular_values, max(m, n), top_k)


def summarize_spectrum(sigma: np.ndarray, larger_side: int, top_k: int = 10) -> dict[str, Any]:
    """Return the scalars of a spectrum.

    Parameters
    ----------
    sigma : ndarray
        (r,), descending, float64: all singular values σ₁ ≥ … ≥ σᵣ; all NaN where the matrix has non-finite entries.
    larger_side : int
        max(m, n), which sets where σᵣ is zero to working precision.
    top_k : int
        How many of the largest singular values to list.

    Returns
    -------
    dict
        ``max_singular_value`` σ₁, ``min_singular_value`` σᵣ, ``condition_number`` σ₁/σᵣ (inf when
        σᵣ ≤ ε₆₄·max(m, n)·σ₁), ``singular_value_ratio`` σᵣ/σ₁, ``stable_rank`` Σσ²/σ₁² (Rudelson & Vershynin 2007),
        ``effective_rank`` #{σᵢ > 0.01 σ₁}, ``total_rank`` r, ``stable_rank_percentage`` 100·stable_rank/r,
        ``top_singular_values``.  For a zero matrix the quotients are NaN; for a NaN spectrum all but ``total_rank`` is.
    """
    if top_k < 1:
        raise InvalidArgumentError(f"top_k is {top_k}; give how many singular values to list, at least 1.")
    largest, smallest = float(sigma[0]), float(sigma[-1])
    exists = not math.isnan(largest)
    if not largest > 0:
        condition_number = ratio = stable_rank = math.nan
    else:
        singular = smallest <= np.finfo(np.float64).eps * larger_side * largest
        condition_number = math.inf if singular else largest / smallest
        ratio = smallest / largest
        stable_rank = float(np.square(sigma / largest).sum())
    return {
        "max_singular_value": largest,
        "min_singular_value": smallest,
        "condition_number": condition_number,
        "singular_value_ratio": ratio,
        "stable_rank": stable_rank,
        "effective_rank": int(np.count_nonzero(sigma > _EFFECTIVE * largest)) if exists else math.nan,
        "total_rank": len(sigma),
        "stable_rank_percentage": stable_rank_percentage(stable_rank, len(sigma)),
        "top_singular_values": [float(value) for value in sigma[:top_k]],
    }


def stable_rank_percentage(stable_rank: float, total_rank: float) -> float:
    """Return the stable rank as a percentage of the total rank; NaN for a total rank of 0."""
    return 100 * stable_rank / total_rank if total_rank else math.nan
