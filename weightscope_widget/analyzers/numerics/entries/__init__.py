"""The finite entries of a tensor: order statistics, counts and sums, each by the cheapest exact way."""

from __future__ import annotations

import numpy as np
import torch

from weightscope_widget.analyzers.numerics.entries.binned import BinnedEntries
from weightscope_widget.analyzers.numerics.entries.ordered import Entries, OrderedEntries
from weightscope_widget.analyzers.numerics.entries.tallied import TalliedEntries

__all__ = ["Entries", "entries_of"]

_FEW = 1 << 15
"""Below this many entries sorting costs least."""


def entries_of(tensor: torch.Tensor) -> Entries:
    """Return the entries of a tensor.

    Types of 8 and 16 bits have so few values that these are tallied; large float32 tensors are sorted into bins, of
    which only those that hold a wanted rank are put in order; all others are sorted whole.

    Parameters
    ----------
    tensor : torch.Tensor
        Floating, on the CPU, any shape; never modified.
    """
    if tensor.dtype.itemsize <= 2 and tensor.numel() >= _FEW:
        return TalliedEntries(tensor)
    # NumPy knows neither bfloat16 nor float8; float32 holds both exactly.
    wide = tensor if tensor.dtype in (torch.float32, torch.float64) else tensor.float()
    values = wide.reshape(-1).numpy()
    if values.dtype == np.float32 and len(values) >= _FEW:
        return BinnedEntries(values)
    return OrderedEntries(values)
