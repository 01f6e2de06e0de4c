"""Loaders of tensors in ONNX files, plain and quantized."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from weightscope_widget.sources._tensors.files import cannot_read
from weightscope_widget.sources._tensors.loaders import Versions, from_bytes, item_of

__all__ = ["Dequantized", "InOnnx"]


@dataclass(frozen=True)
class InOnnx:
    """Bytes of a file as a tensor: of the model's own or one with external data, `length` bytes long when opened."""

    path: Path
    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    length: int

    def __call__(self) -> torch.Tensor:
        """See `Loader`."""
        dtype, size = item_of(self.dtype, self.shape)
        try:
            with self.path.open("rb") as file:
                if file.seek(0, 2) != self.length:
                    raise ValueError("its length has changed")
                file.seek(self.begin)
                # Read, not mapped: in a protobuf, tensors begin anywhere, and torch wants them aligned.
                data = bytearray(file.read(size))
            if len(data) != size:
                raise ValueError(f"{len(data)} bytes instead of {size}")
        except (OSError, ValueError) as error:
            raise cannot_read(self.name, self.path, error) from error
        return from_bytes(data, dtype, self.shape)

    def identity(self, versions: Versions) -> str | None:
        """See `Loader`."""
        version = versions.of_path(self.path)
        return None if version is None else f"onnx {version} {self.dtype} {self.shape} {self.begin}"

    def member(self, index: int) -> InOnnx:
        """See `Loader`."""
        _, step = item_of(self.dtype, self.shape[1:])
        return replace(self, shape=self.shape[1:], begin=self.begin + index * step)


@dataclass(frozen=True)
class Dequantized:
    """(q − zero point) · scale, as the ONNX operator DequantizeLinear defines it, in float32.

    Scale and zero point are one number each, or one for each index along `axis` ≥ 0; without a zero point it is zero.
    """

    whole: InOnnx
    scale: InOnnx
    zero_point: InOnnx | None
    axis: int
    index: int | None = None

    def __call__(self) -> torch.Tensor:
        """See `Loader`."""
        # int32 first: the difference of two 8-bit numbers may overflow.
        wide = self.whole().to(torch.int32)
        across = [-1 if axis == self.axis else 1 for axis in range(wide.ndim)] if self.scale.shape else []
        if self.zero_point is not None:
            wide -= self.zero_point().to(torch.int32).reshape(across)
        values = wide.float() * self.scale().float().reshape(across)
        return values if self.index is None else values[self.index]

    def identity(self, versions: Versions) -> str | None:
        """See `Loader`."""
        parts = [self.whole, self.scale, *([] if self.zero_point is None else [self.zero_point])]
        found = [part.identity(versions) for part in parts]
        return None if None in found else f"dequantized {found} {self.axis} {self.index}"

    def member(self, index: int) -> Dequantized:
        """See `Loader`."""
        return replace(self, index=index)
