"""The change that a LoRA adapter makes to one weight: a product of two small matrices."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch

from weightscope_widget.errors import TensorReadError
from weightscope_widget.sources._tensors.identity import Versions
from weightscope_widget.sources._tensors.loaders import Loader

__all__ = ["LowRank"]


@dataclass(frozen=True)
class LowRank:
    """The product of two factors that are read from a file when it is called.

    It is multiplied in float64: what float32 rounds away would look like singular values that the change does not have.

    Attributes
    ----------
    b, a : Loader
        The factors, (out, rank, 1, …) and (rank, in, *kernel).
    scaling : float
        What their product is multiplied by.
    shape : tuple of int
        Shape of the change, as the weight is stored.
    flipped : bool
        The weight is stored (in, out).
    index : int, optional
        Which part along the first axis; None for the whole change.
    """

    b: Loader
    a: Loader
    scaling: float
    shape: tuple[int, ...]
    flipped: bool = False
    index: int | None = None

    def __call__(self) -> torch.Tensor:
        """Read the tensor."""
        left, right = self.factors()
        return (left @ right).reshape(self.shape if self.index is None else self.shape[1:])

    def factors(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return two float64 matrices, (rows, rank) and (rank, columns), whose product is the change as a matrix.

        Raises
        ------
        TensorReadError
            A factor cannot be read, or has another shape than when the file was opened.
        """
        b, a = self.b().double().flatten(1) * self.scaling, self.a().double().flatten(1)
        left, right = (a.T, b.T) if self.flipped else (b, a)
        if (len(left), right.shape[1]) != (self.shape[0], math.prod(self.shape[1:])) or left.shape[1] != len(right):
            raise TensorReadError(
                f"The factors of this change are {tuple(b.shape)} and {tuple(a.shape)} now, which does not make "
                f"{self.shape}; open the adapter again."
            )
        return (left if self.index is None else left[self.index : self.index + 1]), right

    def identity(self, versions: Versions) -> str | None:
        """See `Loader.identity`."""
        b, a = self.b.identity(versions), self.a.identity(versions)
        return None if b is None or a is None else f"product {[b, a]} {self.scaling} {self.flipped} {self.index}"

    def turned(self) -> LowRank:
        """Return the loader of the same change to a matrix that is stored the other way round."""
        return replace(self, shape=self.shape[::-1], flipped=not self.flipped)

    def member(self, index: int) -> LowRank:
        """Return the loader of the part at `index` along the first axis."""
        return replace(self, index=index)
