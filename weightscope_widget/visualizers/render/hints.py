"""What tooltips say of the bins of a histogram."""

from __future__ import annotations

from itertools import pairwise

from weightscope_widget._shared.formats import format_count, format_number
from weightscope_widget.visualizers.chart import FloatArray

__all__ = ["bin_hints"]


def bin_hints(edges: FloatArray, counts: FloatArray, unit: str) -> tuple[str, ...]:
    """Return how many there are in each bin, and between which values.

    >>> import numpy as np
    >>> bin_hints(np.array([0.5, 1.0, 2.0]), np.array([3.0, 0.0]), "layers")
    ('3 layers from 0.5000 to 1.000', '0 layers from 1.000 to 2.000')
    """
    return tuple(
        f"{format_count(count)} {unit} from {format_number(low)} to {format_number(high)}"
        for (low, high), count in zip(pairwise(edges.tolist()), counts.tolist(), strict=True)
    )
