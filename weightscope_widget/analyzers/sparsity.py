"""Sparsity: how much of a tensor is small, and which rows and columns are dead."""

from __future__ import annotations

import math
from typing import Any

import torch

from weightscope_widget.analyzers.weights import Weights

__all__ = ["DEAD", "SPARSITY_THRESHOLDS", "analyze_sparsity"]

SPARSITY_THRESHOLDS = {"threshold_0.0": 0.0, "threshold_1e-6": 1e-6, "threshold_1e-4": 1e-4, "threshold_1e-2": 1e-2}
"""Magnitudes at or below which an entry counts as zero, by their keys in the results."""

DEAD = 1e-6
"""A row or column is dead where every magnitude is at most this."""

_PERCENTILES = (10, 25, 50, 75, 90)


def analyze_sparsity(tensor: torch.Tensor | Weights) -> dict[str, Any]:
    """Return the share of small entries, dead rows and columns, and percentiles of |W|, over the finite entries.

    Parameters
    ----------
    tensor : torch.Tensor
        Any floating dtype, any shape with at least one entry.

    Returns
    -------
    dict
        ``sparsity_levels``: percentage (0–100) of |W| ≤ t for each of `SPARSITY_THRESHOLDS`;
        ``structured_sparsity`` (2-D tensors only): ``dead_rows``, ``dead_rows_percentage``, ``dead_columns``,
        ``dead_columns_percentage``, where every |W| ≤ 1e-6 and a row is an output;
        ``magnitude_percentiles``: p10, p25, p50, p75, p90 of |W|; ``mean_abs_weight``, ``median_abs_weight``.
    """
    weights = Weights.of(tensor)
    entries, count = weights.entries, weights.count
    percentiles = {f"p{p}": entries.magnitude_quantile(p / 100) if count else math.nan for p in _PERCENTILES}
    result: dict[str, Any] = {
        "sparsity_levels": {
            key: 100 * entries.count_within(threshold) / count if count else math.nan
            for key, threshold in SPARSITY_THRESHOLDS.items()
        }
    }
    if len(weights.shape) == 2:
        result["structured_sparsity"] = _structured(weights)
    return result | {
        "magnitude_percentiles": percentiles,
        "mean_abs_weight": weights.moments.mean_abs * weights.unit,
        "median_abs_weight": percentiles["p50"],
    }


def _structured(weights: Weights) -> dict[str, float | int]:
    matrix = weights.tensor.T if weights.transposed else weights.tensor
    # A dead row needs as many small entries as it is long, which few matrices have.
    few = weights.count == weights.size and weights.entries.count_within(DEAD) < min(matrix.shape)
    rows, columns = (0, 0) if few else (_dead(matrix, dim=1), _dead(matrix, dim=0))
    return {
        "dead_rows": rows,
        "dead_rows_percentage": 100 * rows / matrix.shape[0],
        "dead_columns": columns,
        "dead_columns_percentage": 100 * columns / matrix.shape[1],
    }


def _dead(matrix: torch.Tensor, dim: int) -> int:
    # NumPy and torch reduce only some of the 8-bit types.
    low, high = torch.aminmax(
        matrix if matrix.dtype.itemsize > 1 else matrix.float(), dim=dim
    )  # a NaN spreads to both, and then compares as alive
    return int(((low.double() >= -DEAD) & (high.double() <= DEAD)).sum())
