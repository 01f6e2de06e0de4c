"""All singular values of a matrix, exactly, at the price of an eigenvalue problem of its smaller side.

The eigenvalues of the Gram matrix AᵀA in float64 are the squared singular values with a relative error of about
4.5·ε·(σ₁/σ)² (measured), so the cheap route serves every well-conditioned matrix; beyond that the same chunks go
through a QR factorization, whose triangular factor has the singular values of A with an absolute error of order ε·σ₁.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch

__all__ = ["singular_values"]

_CHUNK_BYTES = 32 << 20  # of float64 rows at a time: the storage type is never widened as a whole

# Below this ratio of extreme eigenvalues the Gram route's error of the small singular values nears 1e-7.
_GRAM_LIMIT = 1e-8

# A direct factorization is as fast at this size, and needs no second thought about accuracy.
_DIRECT_SIZE = 64


def singular_values(matrix: torch.Tensor) -> np.ndarray:
    """Return all min(m, n) singular values.

    Parameters
    ----------
    matrix : torch.Tensor
        (m, n), floating, finite entries, on the CPU.

    Returns
    -------
    ndarray
        (min(m, n),), float64, descending, ≥ 0.  Relative error below 1e-6 for every value above 1e-10 of the largest;
        absolute error of order ε₆₄·σ₁ below that.

    Raises
    ------
    torch.linalg.LinAlgError
        Where the factorization does not converge.
    """
    tall = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
    exponent = _exponent(tall)
    columns = tall.shape[1]
    if columns == 1:
        column = _widen(tall, exponent)
        sigma = torch.linalg.vector_norm(column).reshape(1)
    elif columns <= _DIRECT_SIZE:
        sigma = _by_qr(tall, exponent)
    else:
        sigma = _by_gram(tall, exponent)
    with np.errstate(over="ignore"):  # σ₁ of the largest doubles is no double: infinite
        values: np.ndarray = np.ldexp(sigma.numpy(), exponent)
    return values


def _exponent(matrix: torch.Tensor) -> int:
    """Return a power of two that brings float64 entries near 1 where their squares would leave float64's range."""
    if matrix.dtype != torch.float64:
        return 0
    low, high = torch.aminmax(matrix)
    largest = max(-float(low), float(high))
    return 0 if largest == 0 or 1e-120 < largest < 1e120 else math.frexp(largest)[1]


def _widen(rows: torch.Tensor, exponent: int) -> torch.Tensor:
    wide = rows.double()
    return torch.ldexp(wide, torch.tensor(-exponent)) if exponent else wide


def _chunks(tall: torch.Tensor, exponent: int) -> Iterator[torch.Tensor]:
    rows = max(tall.shape[1], _CHUNK_BYTES // (8 * tall.shape[1]))
    for start in range(0, tall.shape[0], rows):
        yield _widen(tall[start : start + rows], exponent)


def _by_gram(tall: torch.Tensor, exponent: int) -> torch.Tensor:
    columns = tall.shape[1]
    gram = torch.zeros(columns, columns, dtype=torch.float64)
    for chunk in _chunks(tall, exponent):
        gram.addmm_(chunk.T, chunk)
    eigenvalues: torch.Tensor = torch.linalg.eigvalsh(gram)
    if eigenvalues[0] <= _GRAM_LIMIT * eigenvalues[-1]:
        return _by_qr(tall, exponent)
    return eigenvalues.sqrt().flip(0)


def _by_qr(tall: torch.Tensor, exponent: int) -> torch.Tensor:
    triangle: torch.Tensor | None = None
    for chunk in _chunks(tall, exponent):
        rows = chunk if triangle is None else torch.cat([triangle, chunk])
        triangle = torch.linalg.qr(rows, mode="r").R
    assert triangle is not None
    sigma: torch.Tensor = torch.linalg.svdvals(triangle)
    return sigma
