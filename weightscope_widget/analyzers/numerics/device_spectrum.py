"""The spectrum of a matrix on an accelerator, where that is both faster than the processor and exact."""

from __future__ import annotations

import numpy as np
import torch

__all__ = ["gram_spectrum", "is_fast_in_float64"]

_CHUNK_BYTES = 256 << 20

# Half the rate of float32 or more: P100, V100, A100, H100, B200.  On others float64 is a 32nd or 64th.
_FAST_CAPABILITIES = {(6, 0), (7, 0), (8, 0), (9, 0), (10, 0)}

# As on the processor: below this ratio of extreme eigenvalues the smallest one is no longer exact.
_GRAM_LIMIT = 1e-11
_SAFE_LOW, _SAFE_HIGH = 1e-200, 1e200


def is_fast_in_float64(device: torch.device) -> bool:
    """Return whether a device computes in float64 fast enough to be preferred."""
    return (
        device.type == "cuda"
        and torch.version.hip is None
        and torch.cuda.get_device_capability(device) in _FAST_CAPABILITIES
    )


def gram_spectrum(matrix: torch.Tensor) -> np.ndarray | None:
    """Return all singular values by the eigenvalues of the Gram matrix, where these are exact enough.

    Parameters
    ----------
    matrix : torch.Tensor
        (m, n), floating, on any device that has float64; computed there.

    Returns
    -------
    ndarray or None
        (min(m, n),), float64, descending; None where the matrix is ill-conditioned, has dead columns, entries that
        are not finite, or entries whose squares leave the range of float64.
    """
    tall = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
    columns = tall.shape[1]
    gram = torch.zeros(columns, columns, dtype=torch.float64, device=matrix.device)
    at_a_time = max(columns, _CHUNK_BYTES // (8 * columns))
    for start in range(0, len(tall), at_a_time):
        wide = tall[start : start + at_a_time].double()
        gram.addmm_(wide.T, wide)
    squares = gram.diagonal()
    if not bool(((squares > _SAFE_LOW) & (squares < _SAFE_HIGH)).all()):
        return None
    eigenvalues = torch.linalg.eigvalsh(gram)
    if not float(eigenvalues[0]) > _GRAM_LIMIT * float(eigenvalues[-1]):
        return None
    sigma: np.ndarray = eigenvalues.flip(0).sqrt().cpu().numpy()
    return sigma
