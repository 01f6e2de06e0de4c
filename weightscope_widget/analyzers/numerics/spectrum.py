"""All singular values of a matrix, exactly, at the cost of an eigenvalue problem of its smaller side.

The eigenvalues of the Gram matrix AᵀA in float64 are the squared singular values with a relative error of about
4.5·ε·(σ₁/σ)² (measured), so the cheap route serves every matrix but the ill-conditioned, whose chunks go
through a QR factorization, whose triangular factor has the singular values of A with an absolute error of order ε·σ₁.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from weightscope_widget.analyzers.numerics.moments import exponent_for, scratch

__all__ = [
    "difference_singular_values",
    "gram_matrix",
    "gram_spectrum",
    "is_fast_in_float64",
    "low_rank_singular_values",
    "singular_values",
]

_CHUNK_BYTES = 16 << 20  # of float64 rows at a time: the storage type is never widened as a whole

# Below this ratio of extreme eigenvalues the Gram route's error of the smallest singular value nears 1e-4.
_GRAM_LIMIT = 1e-11

# Between these sizes NumPy's OpenBLAS takes two thirds of the time of torch's MKL (one thread of an AMD EPYC); above,
# it takes up to twice as long, and below, NumPy keeps the interpreter's lock.
_NUMPY_FROM, _NUMPY_TO = 512, 1536

# A direct factorization is as fast up to this size, and always accurate.
_DIRECT_SIZE = 64


def singular_values(matrix: torch.Tensor) -> np.ndarray:
    """Return all min(m, n) singular values.

    Parameters
    ----------
    matrix : torch.Tensor
        (m, n), floating; on another device than the CPU, that has to have float64.

    Returns
    -------
    ndarray
        (min(m, n),), float64, descending, ≥ 0; NaN where an entry is not finite.  Relative error below 1e-6 for values
        above σ₁ / 30,000, and below 1e-4 for the others down to 1e-10·σ₁; absolute error of order ε₆₄·σ₁ below that.

    Raises
    ------
    torch.linalg.LinAlgError
        Where the factorization does not converge.
    """
    if matrix.device.type != "cpu":
        found = gram_spectrum(matrix)
        if found is not None:
            return found
        matrix = matrix.cpu()
    tall = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
    return _of_tall(tall, _exponent(tall))


def difference_singular_values(base: torch.Tensor, tuned: torch.Tensor) -> np.ndarray:
    """Return all singular values of tuned − base, which is formed some rows at a time, in float64.

    Parameters
    ----------
    base, tuned : torch.Tensor
        (m, n), floating, on the CPU.

    Returns
    -------
    ndarray
        As `singular_values` returns them.
    """
    if torch.float64 in (base.dtype, tuned.dtype):  # whose range may need another unit
        return singular_values(tuned.double() - base.double())
    across = base.shape[0] < base.shape[1]
    return _of_tall(_Difference(*((base.T, tuned.T) if across else (base, tuned))), 0)


class _Difference:
    """Rows of tuned − base in float64, indexed like those of a tensor."""

    def __init__(self, base: torch.Tensor, tuned: torch.Tensor) -> None:
        self._base, self._tuned = base, tuned
        self.shape = base.shape

    def __getitem__(self, which: slice) -> torch.Tensor:
        return self._tuned[which].double() - self._base[which].double()

    def columns(self, which: torch.Tensor) -> _Difference:
        return _Difference(self._base[:, which], self._tuned[:, which])


_Tall = torch.Tensor | _Difference


def _of_tall(tall: _Tall, exponent: int) -> np.ndarray:
    columns = tall.shape[1]
    if columns <= _DIRECT_SIZE and not torch.isfinite(tall[:]).all():
        sigma = np.full(columns, np.nan)
    elif columns == 1:
        sigma = torch.linalg.vector_norm(_widen(tall[:], exponent)).reshape(1).numpy()
    elif columns <= _DIRECT_SIZE:
        sigma = _by_qr(tall, exponent)
    else:
        sigma = _by_gram(tall, exponent)
    with np.errstate(over="ignore"):  # σ₁ of the largest doubles is no double: infinite
        values: np.ndarray = np.ldexp(sigma, exponent)
    return values


def low_rank_singular_values(left: torch.Tensor, right: torch.Tensor) -> np.ndarray:
    """Return all singular values of a product, at the cost of a matrix of its inner size.

    With QR factorizations left = Q₁R₁ and rightᵀ = Q₂R₂, the values of left·right are those of R₁R₂ᵀ, and zeros.

    Parameters
    ----------
    left, right : torch.Tensor
        (m, r) and (r, n), float64, on the CPU.

    Returns
    -------
    ndarray
        (min(m, n),), float64, descending; exactly zero beyond the r-th; NaN where an entry is not finite.
    """
    (m, rank), n = left.shape, right.shape[1]
    sigma = np.zeros(min(m, n))
    if not bool(torch.isfinite(left).all() and torch.isfinite(right).all()):
        return np.full_like(sigma, np.nan)
    first, second = (torch.linalg.qr(factor, mode="r").R for factor in (left, right.T))
    found = torch.linalg.svdvals(first @ second.T).numpy()
    sigma[: min(rank, len(sigma))] = found[: len(sigma)]
    return sigma


def _exponent(matrix: torch.Tensor) -> int:
    """Return the exponent of the unit in which float64 entries are measured."""
    if matrix.dtype != torch.float64:
        return 0
    low, high = torch.aminmax(matrix)
    return exponent_for(max(-float(low), float(high)))


def _widen(rows: torch.Tensor, exponent: int) -> torch.Tensor:
    """Return rows in float64, in memory that the next call reuses."""
    wide = torch.from_numpy(scratch("rows", rows.numel())).view(rows.shape)
    wide.copy_(rows)
    return wide.ldexp_(torch.tensor(-exponent)) if exponent else wide


def _chunks(tall: _Tall, exponent: int) -> Iterator[torch.Tensor]:
    """Yield some rows at a time, in float64; each chunk is overwritten by the next one."""
    # At least half as many rows as columns: each product is added to the whole Gram matrix.
    rows = max(tall.shape[1] // 2, _CHUNK_BYTES // (8 * tall.shape[1]))
    for start in range(0, tall.shape[0], rows):
        yield _widen(tall[start : start + rows], exponent)


def _by_gram(tall: _Tall, exponent: int) -> np.ndarray:
    gram: np.ndarray | None = None
    for chunk in _chunks(tall, exponent):
        rows = chunk.numpy()
        product = rows.T @ rows  # NumPy sees the symmetry, and does half the work
        gram = product if gram is None else np.add(gram, product, out=gram)
    assert gram is not None
    del rows, product
    if not np.isfinite(gram.diagonal()).all():
        return np.full(len(gram), np.nan)
    alive = np.flatnonzero(gram.diagonal())
    if len(alive) < len(gram):  # a dead column has a singular value of exactly zero, and does not affect the others
        kept = torch.from_numpy(alive)
        rest = np.empty(0)
        if len(alive):
            rest = _by_gram(tall.columns(kept) if isinstance(tall, _Difference) else tall[:, kept], exponent)
        return np.concatenate([rest, np.zeros(len(gram) - len(alive))])
    eigenvalues = _eigenvalues(gram)
    if eigenvalues[0] <= _GRAM_LIMIT * eigenvalues[-1]:
        return _by_qr(tall, exponent)
    sigma: np.ndarray = np.sqrt(eigenvalues[::-1])
    return sigma


def _eigenvalues(gram: np.ndarray) -> np.ndarray:
    if _NUMPY_FROM < len(gram) <= _NUMPY_TO:
        return np.linalg.eigvalsh(gram)
    found: np.ndarray = torch.linalg.eigvalsh(torch.from_numpy(gram)).numpy()
    return found


def _by_qr(tall: _Tall, exponent: int) -> np.ndarray:
    triangle: torch.Tensor | None = None
    for chunk in _chunks(tall, exponent):
        rows = chunk if triangle is None else torch.cat([triangle, chunk])  # not modified by the factorization
        triangle = torch.linalg.qr(rows, mode="r").R
    assert triangle is not None
    sigma: np.ndarray = torch.linalg.svdvals(triangle).numpy()
    return sigma


# -- Accelerators ------------------------------------------------------------------------------------------------------

_DEVICE_CHUNK_BYTES = 256 << 20

# float64 at half the rate of float32 or more: P100, V100, A100, H100, B200.  On others it is a 32nd or 64th.
_FAST_CAPABILITIES = {(6, 0), (7, 0), (8, 0), (9, 0), (10, 0)}

_SAFE_LOW, _SAFE_HIGH = 1e-200, 1e200


def is_fast_in_float64(device: torch.device) -> bool:
    """Return whether a device computes in float64 fast enough to be preferred."""
    return (
        device.type == "cuda"
        and torch.version.hip is None
        and torch.cuda.get_device_capability(device) in _FAST_CAPABILITIES
    )


def gram_matrix(tall: torch.Tensor, chunk_bytes: int) -> torch.Tensor:
    """Return AᵀA in float64 on the device of A, (m, n) → (n, n), widening this many bytes of rows at a time."""
    columns = tall.shape[1]
    gram = torch.zeros(columns, columns, dtype=torch.float64, device=tall.device)
    step = max(columns, chunk_bytes // (8 * columns))
    for start in range(0, len(tall), step):
        wide = tall[start : start + step].double()
        gram.addmm_(wide.T, wide)
    return gram


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
    gram = gram_matrix(tall, _DEVICE_CHUNK_BYTES)
    squares = gram.diagonal()
    if not bool(((squares > _SAFE_LOW) & (squares < _SAFE_HIGH)).all()):
        return None
    eigenvalues = torch.linalg.eigvalsh(gram)
    if not float(eigenvalues[0]) > _GRAM_LIMIT * float(eigenvalues[-1]):
        return None
    sigma: np.ndarray = eigenvalues.flip(0).sqrt().cpu().numpy()
    return sigma
