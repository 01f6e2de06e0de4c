"""Quantization sensitivity: outliers by Tukey's fences, and the error of symmetric per-tensor INT8."""

from __future__ import annotations

import math

import torch

from weightscope_widget.analyzers.numerics.moments import decibel
from weightscope_widget.analyzers.weights import Weights

__all__ = ["analyze_quantization_sensitivity"]


def analyze_quantization_sensitivity(tensor: torch.Tensor | Weights) -> dict[str, float | int]:
    """Return outlier counts and the error of rounding a tensor to INT8, over its finite entries.

    The simulation is symmetric with one scale for the tensor: d = round(x / s)·s with s = max|x| / 127, half to even.

    Parameters
    ----------
    tensor : torch.Tensor
        Any floating dtype, any shape with at least one entry.

    Returns
    -------
    dict
        ``abs_max``, ``quantization_scale`` (s) and ``quantization_mae`` in the weights' unit, ``quantization_mse`` in
        its square; ``cosine_similarity`` of x and d (−1–1); ``sqnr_db`` = 10·log₁₀(Σx²/Σ(x−d)²), inf where nothing is
        lost; ``dynamic_range`` = max|x| / mean|x|; ``outlier_percentage`` (0–100) and ``outlier_count``
        strictly outside [Q₁ − 1.5·IQR, Q₃ + 1.5·IQR] (Tukey 1977), ``extreme_outlier_*`` likewise with 3·IQR.  A zero
        tensor has no cosine similarity and no dynamic range (NaN).
    """
    weights = Weights.of(tensor)
    count, unit, moments = weights.count, weights.unit, weights.moments
    outliers, extreme = outlier_count(weights, 1.5), outlier_count(weights, 3.0)
    norms = math.sqrt(moments.sum_squares) * math.sqrt(moments.image_squares)
    return {
        "abs_max": weights.abs_max,
        "quantization_scale": weights.int8_scale * unit,
        "quantization_mse": moments.error_squares / count * unit * unit if count else math.nan,
        "quantization_mae": moments.error_abs / count * unit if count else math.nan,
        "cosine_similarity": min(moments.dot / norms, 1.0) if norms > 0 else math.nan,
        "sqnr_db": decibel(moments.sum_squares, moments.error_squares),
        "dynamic_range": weights.abs_max / unit / moments.mean_abs if moments.mean_abs > 0 else math.nan,
        "outlier_percentage": 100 * outliers / count if count else math.nan,
        "outlier_count": outliers,
        "extreme_outlier_percentage": 100 * extreme / count if count else math.nan,
        "extreme_outlier_count": extreme,
    }


def outlier_count(weights: Weights, factor: float) -> int:
    """Return how many finite entries lie strictly outside the quartiles by more than `factor` interquartile ranges."""
    entries = weights.entries
    if not entries.count:
        return 0
    q1, q3 = entries.quantile(0.25), entries.quantile(0.75)
    spread = factor * (q3 - q1)
    return entries.count_below(q1 - spread) + entries.count - entries.count_at_most(q3 + spread)
