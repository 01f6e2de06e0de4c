"""Basic statistics: scale, extremes and exact zeros of a tensor."""

from __future__ import annotations

import math

import torch

from weightscope_widget.analyzers.order import count_within
from weightscope_widget.analyzers.weights import Weights

__all__ = ["analyze_basic_stats"]


def analyze_basic_stats(tensor: torch.Tensor | Weights) -> dict[str, float | int]:
    """Return mean, spread, extremes, norm and zeros of a tensor, over its finite entries.

    Parameters
    ----------
    tensor : torch.Tensor
        Any floating dtype, any shape with at least one entry.

    Returns
    -------
    dict
        ``mean``, ``std`` (n − 1; NaN for a single entry), ``min``, ``max``, ``l2_norm`` (of the flattened tensor), all
        in the weights' own unit; ``zeros_percentage`` (0–100, exact zeros).  Where entries are not finite, also
        ``nan_count`` and ``inf_count``; where none is finite, everything else is NaN.

    Examples
    --------
    >>> analyze_basic_stats(torch.tensor([[3.0, 0.0], [-4.0, 0.0]]))["l2_norm"]
    5.0
    """
    weights = Weights.of(tensor)
    moments, unit, count = weights.moments, weights.unit, weights.finite_count
    stats: dict[str, float | int] = {
        "mean": moments.mean * unit,
        "std": moments.std * unit,
        # Adding zero: a negative zero sorts where it stood, and is a zero.
        "min": float(weights.ordered[0]) + 0.0 if count else math.nan,
        "max": float(weights.ordered[-1]) + 0.0 if count else math.nan,
        "l2_norm": math.sqrt(moments.sum_squares) * unit,
        "zeros_percentage": 100 * count_within(weights.ordered, 0.0) / count if count else math.nan,
    }
    if not weights.all_finite:
        stats |= {"nan_count": weights.nan_count, "inf_count": weights.inf_count}
    return stats
