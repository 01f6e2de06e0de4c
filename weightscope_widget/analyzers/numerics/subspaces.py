"""The directions of two matrices: the angles between their left singular vectors, which span the outputs.

A LoRA update that learns something new brings "intruder dimensions": strong singular vectors of the tuned matrix that
are nearly orthogonal to every one of the base's (Shuttleworth et al. 2024, "LoRA vs Full Fine-tuning: An Illusion of
Equivalence").
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from weightscope_widget.analyzers.numerics.moments import unit_for
from weightscope_widget.analyzers.numerics.spectrum import gram_matrix

__all__ = ["OVERLAP_SIZE", "Subspaces", "compare_subspaces"]

OVERLAP_SIZE = 16
"""How many left singular vectors of each are compared."""

_INTRUDERS_AMONG = 10
_INTRUDER_LIMIT = 0.5

# Up to this smaller side a singular value decomposition costs little, and is always accurate.
_DIRECT_SIZE = 512

_CHUNK_BYTES = 16 << 20

# Squares of singular values are exact to some 1e-15 of the largest one's, so they themselves to the root of that.
_ROUNDING = 1e-7


@dataclass(frozen=True)
class Subspaces:
    """The strongest directions of two matrices, compared.

    Attributes
    ----------
    overlap : ndarray
        (k, k), k = min(16, m, n): |cos| of the angle between the i-th left singular vector of the base and the j-th of
        the tuned matrix.
    nearest : ndarray
        (min(10, m, n),): for each of the tuned matrix's strongest left singular vectors, the largest |cos| with any of
        the base's.  NaN where the tuned matrix has no such direction, its singular value being zero; those of the base
        do not count either.
    metrics : dict of str to float
        ``subspace_overlap``: ‖U₀ᵀU_t‖²/k, 0–1, 1 where both span the same; ``subspace_overlap_chance``: k/m, what two
        random subspaces would have; ``intruder_dimensions``: how many of ``nearest`` are below 0.5.
    """

    overlap: np.ndarray
    nearest: np.ndarray
    metrics: dict[str, float]


def compare_subspaces(base: torch.Tensor, tuned: torch.Tensor) -> Subspaces:
    """Compare the left singular vectors of two matrices.

    Where neighbouring singular values are as good as equal, single vectors are arbitrary within their span, and so are
    single entries of ``overlap``; ``subspace_overlap`` is not, unless that happens at the 16th.

    Parameters
    ----------
    base, tuned : torch.Tensor
        (m, n), floating, finite; rows are outputs.

    Raises
    ------
    torch.linalg.LinAlgError
        Where a factorization does not converge.
    """
    ours, theirs = _Directions.of(base), _Directions.of(tuned)
    k = min(OVERLAP_SIZE, *base.shape)
    some = min(_INTRUDERS_AMONG, *base.shape)
    top = theirs.top(max(k, some))
    cosines = ours.cosines(top).abs().clamp_(max=1.0)
    overlap = cosines[:k, :k].numpy()
    there = _exists(theirs.sigma)[:some]
    nearest = torch.where(there, cosines[:, :some].amax(dim=0), math.nan).numpy()
    return Subspaces(
        overlap,
        nearest,
        {
            "subspace_overlap": float((overlap**2).sum() / k),
            "subspace_overlap_chance": k / base.shape[0],
            "intruder_dimensions": int((nearest < _INTRUDER_LIMIT).sum()),
        },
    )


@dataclass(frozen=True)
class _Directions:
    """The left singular vectors of a matrix, in the form that is cheapest to compute.

    ``left`` has them as columns, strongest first; or ``right`` has the right ones and the left ones are W·v/σ.
    """

    matrix: torch.Tensor
    sigma: torch.Tensor
    left: torch.Tensor | None = None
    right: torch.Tensor | None = None

    @classmethod
    def of(cls, matrix: torch.Tensor) -> _Directions:
        m, n = matrix.shape
        if min(m, n) <= _DIRECT_SIZE and max(m, n) <= 8 * _DIRECT_SIZE:
            u, sigma, _ = torch.linalg.svd(_scaled(matrix), full_matrices=False)
            # A direction with singular value zero is arbitrary, so it counts as none.
            return cls(matrix, sigma, left=u * _exists(sigma))
        values, vectors = torch.linalg.eigh(gram_matrix(matrix.T if m <= n else matrix, _CHUNK_BYTES))
        sigma = values.clamp_(min=0).sqrt_().flip(0)
        vectors = vectors.flip(1)
        return cls(matrix, sigma, left=vectors * _exists(sigma)) if m <= n else cls(matrix, sigma, right=vectors)

    def top(self, count: int) -> torch.Tensor:
        """Return the strongest as (m, count)."""
        if self.left is not None:
            return self.left[:, :count]
        assert self.right is not None
        found = _times(self.matrix, self.right[:, :count]) * _exists(self.sigma)[:count]
        # Of unit length to the last digit, and zero where the singular value is.
        lengths: torch.Tensor = torch.linalg.vector_norm(found, dim=0).clamp_(min=math.ulp(0.0))
        return found / lengths

    def cosines(self, others: torch.Tensor) -> torch.Tensor:
        """Return the products of every vector with others: (m, j) → (min(m, n), j)."""
        if self.left is not None:
            return self.left.T @ others
        assert self.right is not None
        found = self.right.T @ _transposed_times(self.matrix, others)
        return torch.where(_exists(self.sigma)[:, None], found / self.sigma.clamp(min=math.ulp(0.0))[:, None], 0.0)


def _exists(sigma: torch.Tensor) -> torch.Tensor:
    """Return which singular values exceed the rounding error of a zero."""
    return sigma > sigma[:1] * _ROUNDING


def _scaled(matrix: torch.Tensor) -> torch.Tensor:
    """Return float64 entries in a unit that keeps their squares in range; directions do not change."""
    wide = matrix.double()
    return wide / unit_for(float(wide.abs().max()))


def _rows_at_a_time(matrix: torch.Tensor) -> int:
    return max(1, _CHUNK_BYTES // (8 * matrix.shape[1]))


def _times(matrix: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
    step = _rows_at_a_time(matrix)
    return torch.cat([matrix[start : start + step].double() @ vectors for start in range(0, len(matrix), step)])


def _transposed_times(matrix: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
    total = torch.zeros(matrix.shape[1], vectors.shape[1], dtype=torch.float64)
    step = _rows_at_a_time(matrix)
    for start in range(0, len(matrix), step):
        total.addmm_(matrix[start : start + step].double().T, vectors[start : start + step])
    return total
