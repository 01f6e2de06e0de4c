"""A ``.safetensors`` file: its header, and the loader of its tensors."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from weightscope_widget.layers.layer import Source
from weightscope_widget.sources._checkpoint import checkpoint_source
from weightscope_widget.sources._tensors.files import absolute, cannot_read, checkpoint_name, corrupt
from weightscope_widget.sources._tensors.loaders import Loader, OpenFiles, Versions
from weightscope_widget.sources._tensors.records import Contents, Record, why_skipped
from weightscope_widget.sources.packed.config import read_beside

__all__ = ["TORCH_NAMES", "InFile", "header_record", "open_file", "read_header"]

TORCH_NAMES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2": "float8_e5m2",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "F8_E8M0": "float8_e8m0fnu",
    "F4": "float4_e2m1fn_x2",
    **{f"{sign}{bits}": f"{name}{bits}" for sign, name in (("I", "int"), ("U", "uint")) for bits in (8, 16, 32, 64)},
    "BOOL": "bool",
    "C64": "complex64",
}
"""torch's names of the types that safetensors has."""

_KEPT = 8
_RENEWED_AFTER = 16 << 20


@dataclass(frozen=True)
class InFile:
    """The tensor `key` of a safetensors file; `index` selects one matrix along the first axis, which alone is read."""

    path: Path
    key: str
    index: int | None = None

    def __call__(self) -> torch.Tensor:
        """See `Loader`."""
        try:
            file = _OPENED.files.get(self.path, _RENEWED_AFTER)
            tensor = file.get_tensor(self.key) if self.index is None else file.get_slice(self.key)[self.index]
        except (SafetensorError, OSError, IndexError, RuntimeError, ValueError, TypeError, AttributeError) as error:
            raise cannot_read(self.key, self.path, error) from error
        assert isinstance(tensor, torch.Tensor)
        _OPENED.files.used(self.path, tensor.nbytes)
        return tensor

    def identity(self, versions: Versions) -> str | None:
        """See `Loader`."""
        version = versions.of_path(self.path)
        return None if version is None else f"safetensors {version} {self.key!r} {self.index}"

    def member(self, index: int) -> InFile:
        """See `Loader`."""
        return replace(self, index=index)


def _open(path: Path) -> Any:
    return safe_open(path, framework="pt", device="cpu")


class _Opened(threading.local):
    """The files that a thread read last."""

    def __init__(self) -> None:
        self.files: OpenFiles[Any] = OpenFiles(_open, _KEPT)


_OPENED = _Opened()


def open_file(model: str | os.PathLike[str]) -> Source:
    """Open a safetensors file: its header is read now, each tensor when it is loaded.

    Quantized weights are unpacked by the settings in a ``config.json`` beside the file.
    """
    path = absolute(model)
    return checkpoint_source(checkpoint_name(path), read_header(path), partial(read_beside, path.parent))


def read_header(path: Path) -> Contents:
    """List the tensors of a file; raise `CorruptFileError` where it is not a safetensors file."""
    try:
        with _open(path) as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
            tensors = {name: (piece.get_dtype(), tuple(piece.get_shape())) for name, piece in slices.items()}
            metadata = file.metadata() or {}
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise corrupt(path, "safetensors", error) from error
    records = {name: header_record(name, *tensor, InFile(path, name)) for name, tensor in tensors.items()}
    return Contents(records, metadata)


def header_record(name: str, kind: str, shape: tuple[int, ...], load: Loader) -> Record:
    """Return the record of a tensor of one of the types that safetensors has."""
    dtype = TORCH_NAMES.get(kind, kind)
    return Record(name, shape, dtype, load, why_skipped(shape, dtype))
