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

_FEW_COLUMNS = 8

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
    rows, columns = _dead_rows(matrix), _dead_rows(matrix.T)
    return {
        "dead_rows": rows,
        "dead_rows_percentage": 100 * rows / matrix.shape[0],
        "dead_columns": columns,
        "dead_columns_percentage": 100 * columns / matrix.shape[1],
    }


def _dead_rows(matrix: torch.Tensor) -> int:
    # The first few columns rule out almost every row, at a fraction of a pass over all.
    for first in (_FEW_COLUMNS, matrix.shape[1]):
        small = matrix[:, :first].double().abs().amax(dim=1) <= DEAD  # a NaN spreads, and compares as alive
        if not small.any():
            return 0
        matrix = matrix[small]
    return len(matrix)
