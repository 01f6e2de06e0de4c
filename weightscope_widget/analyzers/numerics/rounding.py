"""The noise of rounding a tensor to its storage type: of full rank, of a size that follows from the type."""

from __future__ import annotations

import math

import numpy as np
import torch

__all__ = ["grid_of", "rounding_edge", "rounding_norm"]

_CHUNK = 1 << 18  # entries at a time, as in `difference`

_NARROWER = (torch.bfloat16, torch.float16)


def grid_of(tensor: torch.Tensor) -> torch.dtype:
    """Return the type that a tensor's values were rounded to: its own, or a 16-bit one that holds every entry exactly.

    A checkpoint in bfloat16 that was loaded as float32 has the values of bfloat16 still.
    """
    if tensor.dtype not in (torch.float32, torch.float64):
        return tensor.dtype
    flat = tensor.reshape(-1)
    for narrower in _NARROWER:
        chunks = (flat[start : start + _CHUNK] for start in range(0, len(flat), _CHUNK))
        if all(torch.equal(chunk.to(narrower).to(chunk.dtype), chunk) for chunk in chunks):
            return narrower
    return tensor.dtype


def rounding_norm(tensor: torch.Tensor, grid: torch.dtype) -> float:
    """Return the Frobenius norm to be expected of the errors of one rounding to the nearest.

    An entry's error is uniform over one unit in the last place, so that its variance is ulp²/12.

    Parameters
    ----------
    tensor : torch.Tensor
        Finite, of any floating type and shape, on the CPU, with at least one entry.
    grid : torch.dtype
        The type its entries were rounded to.

    Returns
    -------
    float
        √(Σ ulp²/12), in the unit of the entries.
    """
    kind = torch.finfo(grid)
    # Below the least normal number the spacing stays what it is there, and at zero.
    lowest = math.frexp(kind.smallest_normal)[1]
    counts = np.zeros(1, np.int64)
    flat = tensor.reshape(-1)
    for start in range(0, len(flat), _CHUNK):
        mantissas, exponents = np.frexp(flat[start : start + _CHUNK].double().numpy())
        steps = np.where(mantissas == 0, 0, np.maximum(exponents - lowest, 0))
        found = np.bincount(steps, minlength=len(counts))
        found[: len(counts)] += counts
        counts = found
    highest = len(counts) - 1
    # In units of the largest spacing, whose square need not be a number of float64.
    squares = float(counts @ np.ldexp(1.0, 2 * (np.arange(len(counts)) - highest)))
    return math.ldexp(kind.eps * math.sqrt(squares / 12), highest + lowest - 1)


def rounding_edge(norm: float, shape: tuple[int, int]) -> float:
    """Return where the spectrum of such errors ends: rms·(√m + √n) (Marchenko & Pastur 1967; Bai & Yin 1988).

    Parameters
    ----------
    norm : float
        Norm of the errors, as `rounding_norm` returns it.
    shape : tuple of int
        (m, n), neither zero.
    """
    m, n = shape
    return norm * (1 / math.sqrt(m) + 1 / math.sqrt(n))
