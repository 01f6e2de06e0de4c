"""The loaders of tensors in ONNX files: as they stand, and quantized ones as the numbers they stand for."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from weightscope_widget.errors import TensorReadError
from weightscope_widget.sources._tensors.identity import Versions
from weightscope_widget.sources._tensors.paths import quote

__all__ = ["Dequantized", "InOnnx"]


@dataclass(frozen=True)
class InOnnx:
    """Some bytes of a file as a tensor.

    Attributes
    ----------
    path : Path
        The file: the model's own, or one with external data.
    name : str
        The tensor's name, for messages.
    dtype : str
        As torch names it.
    shape : tuple of int
        Of what is read.
    begin : int
        Where it starts.
    length : int
        The file's length when it was opened.
    """

    path: Path
    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    length: int

    def __call__(self) -> torch.Tensor:
        """Read the tensor."""
        dtype: torch.dtype = getattr(torch, self.dtype)
        size = math.prod(self.shape) * dtype.itemsize
        try:
            with self.path.open("rb") as file:
                if file.seek(0, 2) != self.length:
                    raise ValueError("its length is another now")
                file.seek(self.begin)
                # Read, not mapped: in a protobuf, tensors begin anywhere, and torch wants them aligned.
                data = bytearray(file.read(size))
            if len(data) != size:
                raise ValueError(f"{len(data)} bytes are there instead of {size}")
        except (OSError, ValueError) as error:
            raise TensorReadError(
                f"{quote(self.name)} cannot be read from {quote(self.path)} ({error}); the file was moved, changed or "
                "damaged since it was opened: put it back or open the model again."
            ) from error
        flat = torch.frombuffer(data, dtype=torch.uint8) if data else torch.empty(0, dtype=torch.uint8)
        return flat.view(dtype).reshape(self.shape)

    def identity(self, versions: Versions) -> str | None:
        """See `Loader.identity`."""
        version = versions.of_path(self.path)
        return None if version is None else f"onnx {version} {self.dtype} {self.shape} {self.begin}"

    def member(self, index: int) -> InOnnx:
        """Return the loader of the matrix at `index` along the first axis; only its bytes are read."""
        dtype: torch.dtype = getattr(torch, self.dtype)
        step = math.prod(self.shape[1:]) * dtype.itemsize
        return replace(self, shape=self.shape[1:], begin=self.begin + index * step)


@dataclass(frozen=True)
class Dequantized:
    """(q − zero point) · scale, as DequantizeLinear of the ONNX operators has it, in float32.

    Attributes
    ----------
    whole : InOnnx
        q.
    scale : InOnnx
        One number, or one for each index along `axis`.
    zero_point : InOnnx, optional
        As many, of q's type; None where it is zero.
    axis : int
        Along which the scales differ, ≥ 0.
    index : int, optional
        Which part along the first axis; None for the whole.
    """

    whole: InOnnx
    scale: InOnnx
    zero_point: InOnnx | None
    axis: int
    index: int | None = None

    def __call__(self) -> torch.Tensor:
        """Read the tensor."""
        # int32 first: the difference of two 8-bit numbers is none.
        wide = self.whole().to(torch.int32)
        across = [-1 if axis == self.axis else 1 for axis in range(wide.ndim)] if self.scale.shape else []
        if self.zero_point is not None:
            wide -= self.zero_point().to(torch.int32).reshape(across)
        values = wide.float() * self.scale().float().reshape(across)
        return values if self.index is None else values[self.index]

    def identity(self, versions: Versions) -> str | None:
        """See `Loader.identity`."""
        parts = [self.whole, self.scale, *([] if self.zero_point is None else [self.zero_point])]
        found = [part.identity(versions) for part in parts]
        return None if None in found else f"dequantized {found} {self.axis} {self.index}"

    def member(self, index: int) -> Dequantized:
        """Return the loader of the part at `index` along the first axis."""
        return replace(self, index=index)
