"""The rank at which a spectrum keeps a share of its energy."""

from __future__ import annotations

import numpy as np

__all__ = ["energy_rank"]

_ROUNDING = 1e-12


def energy_rank(sigma: np.ndarray, energy: float) -> int | None:
    """Return the smallest k whose k largest singular values hold this share of Σσ², to one part in 10¹².

    Within this tolerance the last bits of the sum add no further values; the page applies it too (``energy.ts``).

    Parameters
    ----------
    sigma : ndarray
        (r,), descending, at least 0.
    energy : float
        Share, 0–1.

    Returns
    -------
    int or None
        1 … r; None for a spectrum that is empty, all zero or not finite.
    """
    if not len(sigma) or not np.isfinite(sigma).all() or not sigma[0] > 0:
        return None
    squares = np.cumsum(np.square(sigma / sigma[0]))  # in units of the largest, whose square may be no double
    return int(np.searchsorted(squares, energy * squares[-1] * (1 - _ROUNDING))) + 1
