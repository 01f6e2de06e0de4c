"""A GGUF file as llama.cpp reads it, whole or split into several, and the loader of its tensors."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch

from weightscope_widget._shared.optional import library
from weightscope_widget.errors import CorruptFileError, MissingShardError
from weightscope_widget.layers.layer import Source
from weightscope_widget.sources._tensors.files import absolute, cannot_read, checkpoint_name, only_one, quote
from weightscope_widget.sources._tensors.loaders import Versions
from weightscope_widget.sources._tensors.records import Record, assemble, is_expert_stack, model_order, why_skipped
from weightscope_widget.sources.gguf.header import GgufTensor, read_gguf

__all__ = ["in_folder", "open_file"]

_SPLIT = re.compile(r"(?P<stem>.+)-(?P<number>[0-9]{5})-of-(?P<count>[0-9]{5})\.gguf", re.IGNORECASE | re.ASCII)

_TORCH_NAMES = {
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

_PURPOSE = "Reading a GGUF file"

_Bytes: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
_Floats: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


def open_file(model: str | os.PathLike[str]) -> Source:
    """Open a GGUF file, and the others it was split into (``name-00001-of-00003.gguf``).

    Layers have llama.cpp's names; the type of a quantized one is GGUF's (``"Q4_K"``), and it loads as float32.
    """
    path = absolute(model)
    split = _SPLIT.fullmatch(path.name)
    files = [path] if split is None else _parts(path, split)
    records: dict[str, Record] = {}
    for file in files:
        for tensor in read_gguf(file):
            if tensor.name in records:
                raise CorruptFileError(
                    f"{quote(tensor.name)} is in several of the files of {quote(path)}; download them again."
                )
            records[tensor.name] = _record(file, tensor)
    name = path.stem if split is None else split["stem"]
    return assemble(checkpoint_name(path.with_name(name)), [records[key] for key in model_order(records)])


def in_folder(folder: Path, names: Sequence[str]) -> Source | None:
    """Open the one model in GGUF format that a folder holds, if it holds any."""
    models: dict[str, str] = {}
    for name in names:
        if name.lower().endswith(".gguf"):
            split = _SPLIT.fullmatch(name)
            models.setdefault(name if split is None else split["stem"], name)
    path = only_one(folder, list(models.values()), "GGUF")
    return None if path is None else open_file(path)


def _parts(path: Path, split: re.Match[str]) -> list[Path]:
    count = int(split["count"])
    parts = [
        path.with_name(f"{split['stem']}-{number:05}-of-{count:05}{path.suffix}") for number in range(1, count + 1)
    ]
    missing = next((part for part in parts if not os.path.isfile(part)), None)
    if missing is not None or path not in parts:
        raise MissingShardError(
            f"{quote(path)} is one of {count} files, of which {quote((missing or path).name)} is missing; download it "
            "too."
        )
    return parts


def _record(path: Path, tensor: GgufTensor) -> Record:
    dtype = _TORCH_NAMES.get(tensor.kind, tensor.kind)
    skip = why_skipped(tensor.shape, _TORCH_NAMES.get(tensor.kind, "float32"))
    if skip is None and tensor.kind not in _TORCH_NAMES and not _can_dequantize(tensor.kind):
        skip = f"stored as {tensor.kind}, which the installed package gguf cannot dequantize"
    load = InGguf(path, tensor, os.path.getsize(path))
    return Record(tensor.name, tensor.shape, dtype, load, skip, stack=is_expert_stack(tensor.name, tensor.shape))


@dataclass(frozen=True)
class InGguf:
    """A tensor in a GGUF file, `length` bytes long when opened; `index` selects a matrix along the first axis."""

    path: Path
    tensor: GgufTensor
    length: int
    index: int | None = None

    def __call__(self) -> torch.Tensor:
        """See `Loader`."""
        tensor = self.tensor
        shape, size, offset = tensor.shape, tensor.size, tensor.offset
        if self.index is not None:
            size //= shape[0]
            shape, offset = shape[1:], offset + self.index * size
        try:
            if os.path.getsize(self.path) != self.length:
                raise ValueError("its length has changed")
            # Mode c: torch needs a writable array; writes stay in this process.
            content = np.memmap(self.path, np.uint8, "c", offset, (size,))
            if tensor.kind in _TORCH_NAMES:
                return torch.from_numpy(content).view(getattr(torch, _TORCH_NAMES[tensor.kind])).reshape(shape)
            rows = content.reshape(math.prod(shape[:-1]), -1)
            return torch.from_numpy(_dequantized(rows, tensor.kind)).reshape(shape)
        except (OSError, ValueError, RuntimeError) as error:
            raise cannot_read(tensor.name, self.path, error) from error

    def identity(self, versions: Versions) -> str | None:
        """See `Loader`."""
        version = versions.of_path(self.path)
        return None if version is None else f"gguf {version} {self.tensor!r} {self.index}"

    def member(self, index: int) -> InGguf:
        """See `Loader`."""
        return replace(self, index=index)


def _can_dequantize(kind: str) -> bool:
    """Return whether the installed gguf can turn this type into numbers."""
    constants = library("gguf.constants", "gguf", _PURPOSE)
    if kind not in constants.GGMLQuantizationType.__members__:
        return False
    _, block_bytes = constants.GGML_QUANT_SIZES[constants.GGMLQuantizationType[kind]]
    try:
        _dequantized(np.zeros((1, block_bytes), np.uint8), kind)
    except NotImplementedError:
        return False
    return True


def _dequantized(rows: _Bytes, kind: str) -> _Floats:
    quants, constants = (library(f"gguf.{name}", "gguf", _PURPOSE) for name in ("quants", "constants"))
    values = quants.dequantize(rows, constants.GGMLQuantizationType[kind])
    return np.ascontiguousarray(values, np.float32)
