"""One tensor under analysis, with what several analyzers need of it computed once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from weightscope_widget.analyzers.order import Floats
from weightscope_widget.analyzers.spectrum import singular_values

__all__ = ["Moments", "Weights"]

_CHUNK = 1 << 18  # entries per pass: the float64 temporaries of one chunk stay in cache

# Squares of float64 entries beyond these bounds leave the range of float64; no other storage type reaches them.
_SAFE_LOW, _SAFE_HIGH = 1e-120, 1e120


@dataclass(frozen=True)
class Moments:
    """Float64 sums over the finite entries x, and over their INT8 images d (symmetric, one scale for the tensor).

    All are in units of `Weights.unit` (first powers) or its square (second powers).

    Attributes
    ----------
    mean, std, mean_abs : float
        Mean, standard deviation (n − 1), mean of |x|.
    sum_squares : float
        Σx².
    error_squares, error_abs : float
        Σ(x − d)², Σ|x − d|.
    dot, image_squares : float
        Σxd, Σd².
    """

    mean: float
    std: float
    mean_abs: float
    sum_squares: float
    error_squares: float
    error_abs: float
    dot: float
    image_squares: float


class Weights:
    """A tensor under analysis.

    Parameters
    ----------
    tensor : torch.Tensor
        Floating, any shape with at least one entry, any device; never modified.
    transposed : bool
        Stored (in, out): rows and columns trade names.
    stack : bool
        A stack of matrices (experts × rows × columns).  As an operator it is block-diagonal, so its singular values
        are those of all its matrices together.
    spectra : sequence of (ndarray or None)
        For a stack, the singular values of its matrices where they are known already, else None; may be empty.
    """

    def __init__(
        self,
        tensor: torch.Tensor,
        *,
        transposed: bool = False,
        stack: bool = False,
        spectra: Sequence[np.ndarray | None] = (),
    ) -> None:
        tensor = tensor.detach().cpu()
        # NumPy knows neither bfloat16 nor float8; float32 holds both exactly.
        self.tensor = tensor if tensor.dtype in (torch.float32, torch.float64) else tensor.float()
        self.shape = tuple(tensor.shape)
        self.size = tensor.numel()
        self.transposed = transposed
        self.stack = stack
        self._spectra = spectra
        if self.size == 0:
            raise ValueError("an empty tensor has no statistics")

    @classmethod
    def of(cls, tensor: torch.Tensor | Weights) -> Weights:
        """Return `tensor` itself if it is already under analysis, so that analyzers share what was computed."""
        return tensor if isinstance(tensor, Weights) else cls(tensor)

    @cached_property
    def ordered(self) -> Floats:
        """The finite entries, ascending: a float32 or float64 copy."""
        values: Floats = self.tensor.flatten().numpy().copy()
        values.sort()  # NaNs last, infinities at both ends
        low, high = np.searchsorted(values, [-np.inf, np.inf], side="right")[0], np.searchsorted(values, np.inf)
        self._nan_count = int(np.count_nonzero(np.isnan(values[high:])))
        return values[low:high]

    @property
    def nan_count(self) -> int:
        """Number of NaN entries."""
        self.ordered  # noqa: B018  (the sort finds them)
        return self._nan_count

    @property
    def inf_count(self) -> int:
        """Number of entries that are +inf or -inf."""
        return self.size - len(self.ordered) - self.nan_count

    @property
    def finite_count(self) -> int:
        """Number of finite entries."""
        return len(self.ordered)

    @property
    def all_finite(self) -> bool:
        """Whether every entry is finite."""
        return self.finite_count == self.size

    @cached_property
    def abs_max(self) -> float:
        """Largest finite magnitude; NaN where no entry is finite."""
        return float(max(-self.ordered[0], self.ordered[-1])) + 0.0 if self.finite_count else math.nan

    @cached_property
    def unit(self) -> float:
        """A power of two to measure entries in, so that no square leaves the range of float64; 1 in all usual cases."""
        if not self.abs_max > 0 or _SAFE_LOW < self.abs_max < _SAFE_HIGH:
            return 1.0
        return math.ldexp(1.0, max(math.frexp(self.abs_max)[1] - 1, -1022))

    @cached_property
    def int8_scale(self) -> float:
        """Step of symmetric per-tensor INT8, abs_max / 127, in units of `unit`."""
        return self.abs_max / self.unit / 127

    @cached_property
    def moments(self) -> Moments:
        """All float64 sums, in one pass over cache-sized chunks."""
        count, mean, m2 = 0, 0.0, 0.0
        totals = np.zeros(6)
        scale = self.int8_scale
        for start in range(0, self.finite_count, _CHUNK):
            x = self.ordered[start : start + _CHUNK].astype(np.float64) / self.unit
            # Chan, Golub & LeVeque (1979): combine the chunk's mean and squared deviations with those so far.
            chunk_mean = float(x.mean())
            delta, total = chunk_mean - mean, count + len(x)
            m2 += float(np.square(x - chunk_mean).sum()) + delta * delta * count * len(x) / total
            mean += delta * len(x) / total
            count = total
            d = np.rint(x / scale) * scale if scale > 0 else np.zeros_like(x)
            e = x - d
            totals += (np.abs(x).sum(), (x * x).sum(), (e * e).sum(), np.abs(e).sum(), (x * d).sum(), (d * d).sum())
        if not count:
            return Moments(*[math.nan] * 8)
        std = math.sqrt(m2 / (count - 1)) if count > 1 else math.nan
        sum_abs, sum_squares, error_squares, error_abs, dot, image_squares = map(float, totals)
        return Moments(mean, std, sum_abs / count, sum_squares, error_squares, error_abs, dot, image_squares)

    @property
    def matrices(self) -> list[torch.Tensor]:
        """The matrices of a stack, or the tensor as the one matrix (out, in·∏kernel)."""
        return list(self.tensor) if self.stack else [self.tensor.flatten(1)]

    @cached_property
    def singular_values(self) -> np.ndarray:
        """All singular values, descending, float64; NaN where an entry is not finite."""
        matrices = self.matrices
        known = self._spectra or [None] * len(matrices)
        spectra = [
            _singular_values(matrix) if spectrum is None else spectrum
            for matrix, spectrum in zip(matrices, known, strict=True)
        ]
        together = np.concatenate(spectra)
        # One matrix without a spectrum leaves the stack without one.
        return np.full_like(together, math.nan) if np.isnan(together).any() else np.sort(together)[::-1]


def _singular_values(matrix: torch.Tensor) -> np.ndarray:
    if torch.isfinite(matrix).all():
        return singular_values(matrix)
    return np.full(min(matrix.shape), math.nan)
