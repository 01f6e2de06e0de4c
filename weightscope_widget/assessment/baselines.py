"""The scores of a random matrix, beside which those of a layer are read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

__all__ = ["gaussian_baseline"]


def gaussian_baseline(shape: Sequence[int], std: float = 1.0, *, matrices: int = 1) -> dict[str, float]:
    """Return what a matrix of independent Gaussian entries of this shape would score.

    These are asymptotic formulas, good to some per cent from sizes of about 100 (κ of a nearly square shape, 64 × 72,
    to 20 %); a single matrix of the ensemble scatters around them, κ of a square one by a factor of 2 and more.

    Parameters
    ----------
    shape : sequence of int
        (out, in, *kernel), taken as the matrix (out, in·∏kernel).
    std : float
        Standard deviation of the entries; only the edge depends on it.
    matrices : int
        How many such matrices a stack holds; only the SQNR depends on it, through the number of entries.

    Returns
    -------
    dict
        ``condition_number``: σ₁/σᵣ ≈ (√m + √n)/(√m − √(n−1)) for m > n (Rudelson & Vershynin 2009), n·e^1.537 for a
        square matrix (the geometric mean; Edelman 1988).
        ``stable_rank_percentage``: 100·m/(√m + √n)², m the larger side.
        ``sqnr_db``: of symmetric per-tensor INT8, with the median of the largest of all magnitudes.
        ``marchenko_pastur_edge``: std·(√m + √n), where the spectrum ends (Marchenko & Pastur 1967).

    Examples
    --------
    >>> round(gaussian_baseline((768, 3072))["condition_number"], 1)
    3.0
    """
    rows, columns = int(shape[0]), math.prod(int(side) for side in shape[1:])
    m, n = max(rows, columns), min(rows, columns)
    edge = math.sqrt(m) + math.sqrt(n)
    if n == 1:  # one singular value, its own spread: nothing is asymptotic
        condition_number, stable_rank_percentage, edge = 1.0, 100.0, math.sqrt(m)
    else:
        condition_number = n * math.exp(1.537) if m == n else edge / (math.sqrt(m) - math.sqrt(n - 1))
        stable_rank_percentage = 100 * m / edge**2
    entries = m * n * matrices
    # P(all of N magnitudes < x) = ½, solved in the tail, where 1 − 2^(−1/N) keeps its digits.
    largest = -NormalDist().inv_cdf(-math.expm1(-math.log(2) / entries) / 2)
    return {
        "condition_number": condition_number,
        "stable_rank_percentage": stable_rank_percentage,
        # A uniform rounding error has variance step²/12, and the step is largest/127.
        "sqnr_db": 10 * math.log10(12 * 127**2 / largest**2),
        "marchenko_pastur_edge": std * edge,
    }
