"""Reading one tensor of a GGUF file, and dequantizing it."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch

from weightscope_widget._shared.optional import library
from weightscope_widget.errors import TensorReadError
from weightscope_widget.sources._tensors.identity import Versions
from weightscope_widget.sources._tensors.paths import quote
from weightscope_widget.sources.gguf.header import GgufTensor

__all__ = ["TORCH_NAMES", "InGguf", "can_dequantize"]

TORCH_NAMES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
}
"""Types that torch holds as they are; all others are dequantized."""

_Bytes: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
_Floats: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


@dataclass(frozen=True)
class InGguf:
    """A tensor in a GGUF file; its own bytes are mapped at each call, and dequantized where the type is quantized.

    Attributes
    ----------
    path : Path
        The file.
    tensor : GgufTensor
        Its name, type, shape and place.
    length : int
        The file's length when it was opened.
    index : int, optional
        Which matrix along the first axis; None for the whole tensor. Only this matrix is read.
    """

    path: Path
    tensor: GgufTensor
    length: int
    index: int | None = None

    def __call__(self) -> torch.Tensor:
        """Read the tensor."""
        tensor = self.tensor
        shape, size, offset = tensor.shape, tensor.size, tensor.offset
        if self.index is not None:
            size //= shape[0]
            shape, offset = shape[1:], offset + self.index * size
        try:
            if os.path.getsize(self.path) != self.length:
                raise ValueError("its length is another now")
            # Mode c: torch asks for an array that it may write to, and what is written stays in this process.
            content = np.memmap(self.path, np.uint8, "c", offset, (size,))
            if tensor.kind in TORCH_NAMES:
                return torch.from_numpy(content).view(getattr(torch, TORCH_NAMES[tensor.kind])).reshape(shape)
            rows = content.reshape(math.prod(shape[:-1]), -1)
            return torch.from_numpy(_dequantized(rows, tensor.kind)).reshape(shape)
        except (OSError, ValueError, RuntimeError) as error:
            raise TensorReadError(
                f"{quote(tensor.name)} cannot be read from {quote(self.path)} ({error}); the file was moved, changed "
                "or damaged since it was opened: put it back or open the model again."
            ) from error

    def identity(self, versions: Versions) -> str | None:
        """See `Loader.identity`."""
        version = versions.of_path(self.path)
        return None if version is None else f"gguf {version} {self.tensor!r} {self.index}"

    def member(self, index: int) -> InGguf:
        """Return the loader of the matrix at `index` along the first axis."""
        return replace(self, index=index)


def can_dequantize(kind: str) -> bool:
    """Return whether the installed gguf can turn this type into numbers."""
    constants = library("gguf.constants", "gguf", "Reading a GGUF file")
    if kind not in constants.GGMLQuantizationType.__members__:
        return False
    _, block_bytes = constants.GGML_QUANT_SIZES[constants.GGMLQuantizationType[kind]]
    try:
        _dequantized(np.zeros((1, block_bytes), np.uint8), kind)
    except NotImplementedError:
        return False
    return True


def _dequantized(rows: _Bytes, kind: str) -> _Floats:
    quants, constants = (library(f"gguf.{name}", "gguf", "Reading a GGUF file") for name in ("quants", "constants"))
    values = quants.dequantize(rows, constants.GGMLQuantizationType[kind])
    return np.ascontiguousarray(values, np.float32)
