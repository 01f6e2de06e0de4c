"""Basic statistics: scale, extremes and exact zeros of a tensor."""

from __future__ import annotations

import math

import torch

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
    entries, moments, unit = weights.entries, weights.moments, weights.unit
    stats: dict[str, float | int] = {
        "mean": moments.mean * unit,
        "std": moments.std * unit,
        "min": entries.minimum,
        "max": entries.maximum,
        "l2_norm": math.sqrt(moments.sum_squares) * unit,
        "zeros_percentage": 100 * entries.count_within(0.0) / entries.count if entries.count else math.nan,
    }
    if entries.count < weights.size:
        stats |= {"nan_count": entries.nan_count, "inf_count": entries.inf_count}
    return stats
