"""One tensor under analysis; quantities that several analyzers need are computed once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
import torch

from weightscope_widget.analyzers.numerics.entries.binned import BinnedEntries
from weightscope_widget.analyzers.numerics.entries.ordered import Entries, OrderedEntries
from weightscope_widget.analyzers.numerics.entries.tallied import TalliedEntries
from weightscope_widget.analyzers.numerics.moments import NO_MOMENTS, Moments, unit_for
from weightscope_widget.analyzers.numerics.spectrum import is_fast_in_float64, low_rank_singular_values, singular_values

__all__ = ["Weights", "entries_of"]

_FEW = 1 << 15
"""Below this many entries sorting costs least."""

_T = TypeVar("_T")


class lazy(Generic[_T]):  # noqa: N801  (used as a decorator)
    """As `functools.cached_property`, which before Python 3.12 holds one lock for all instances of a class.

    With that lock workers wait for each other, though each has an instance of its own.
    """

    def __init__(self, compute: Callable[[Any], _T]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type) -> _T:
        # Found in the instance from now on, before this descriptor.
        value = instance.__dict__[self._name] = self._compute(instance)
        return value


class Weights:
    """A tensor under analysis.

    Parameters
    ----------
    tensor : torch.Tensor
        Floating, any shape with at least one entry, any device; never modified.
    transposed : bool
        Stored (in, out): rows and columns are exchanged.
    stack : bool
        A stack of matrices (experts × rows × columns).  As an operator it is block-diagonal, so its singular values
        are those of all its matrices together.
    spectra : sequence of (ndarray or None)
        For a stack, the singular values of its matrices where they are known already, else None; may be empty.
    factors : pair of torch.Tensor, optional
        Two float64 matrices, (m, r) and (r, n), whose product the tensor is.
    """

    def __init__(
        self,
        tensor: torch.Tensor,
        *,
        transposed: bool = False,
        stack: bool = False,
        spectra: Sequence[np.ndarray | None] = (),
        factors: tuple[torch.Tensor, torch.Tensor] | None = None,
    ) -> None:
        self.tensor = tensor.detach().cpu()
        # Factorized on its device if that is fast; all else is cheaper on the CPU.
        self._where_it_is = tensor.detach() if is_fast_in_float64(tensor.device) else self.tensor
        self._factors = factors
        self.shape = tuple(tensor.shape)
        self.size = tensor.numel()
        self.transposed = transposed
        self.stack = stack
        self._spectra = spectra
        if self.size == 0:
            raise ValueError("an empty tensor has no statistics")

    @classmethod
    def of(cls, tensor: torch.Tensor | Weights) -> Weights:
        """Return `tensor` itself if it is already under analysis, so that analyzers share its quantities."""
        return tensor if isinstance(tensor, Weights) else cls(tensor)

    @lazy
    def entries(self) -> Entries:
        """The finite entries: order statistics, counts and sums."""
        return entries_of(self.tensor)

    @property
    def count(self) -> int:
        """Number of finite entries."""
        return self.entries.count

    @property
    def abs_max(self) -> float:
        """Largest finite magnitude; NaN where no entry is finite."""
        return max(-self.entries.minimum, self.entries.maximum) + 0.0

    @lazy
    def unit(self) -> float:
        """A power of two to measure entries in, so that no square leaves the range of float64; 1 in all usual cases."""
        return unit_for(self.abs_max)

    @lazy
    def int8_scale(self) -> float:
        """Step of symmetric per-tensor INT8, abs_max / 127, in units of `unit`."""
        return self.abs_max / self.unit / 127

    @lazy
    def moments(self) -> Moments:
        """All float64 sums, in units of `unit`."""
        return self.entries.moments(self.unit, self.int8_scale) if self.count else NO_MOMENTS

    @property
    def matrices(self) -> list[torch.Tensor]:
        """The matrices of a stack, or the tensor as the one matrix (out, in·∏kernel); on the CPU."""
        return self._as_matrices(self.tensor)

    def _as_matrices(self, tensor: torch.Tensor) -> list[torch.Tensor]:
        # torch computes little with 8-bit types.
        wide = tensor if tensor.dtype.itemsize > 1 else tensor.float()
        return list(wide) if self.stack else [wide.flatten(1)]

    @lazy
    def singular_values(self) -> np.ndarray:
        """All singular values, descending, float64; NaN where an entry is not finite."""
        if self._factors is not None:
            return low_rank_singular_values(*self._factors)
        matrices = self._as_matrices(self._where_it_is)
        known = self._spectra or [None] * len(matrices)
        spectra = [
            singular_values(matrix) if spectrum is None else spectrum
            for matrix, spectrum in zip(matrices, known, strict=True)
        ]
        together = np.concatenate(spectra)
        # One matrix without a spectrum leaves the stack without one.
        return np.full_like(together, math.nan) if np.isnan(together).any() else np.sort(together)[::-1]


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
