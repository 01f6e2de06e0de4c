"""What a safetensors file says about itself: names, types, shapes, metadata; no weight is read."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open

from weightscope_widget.errors import CorruptFileError
from weightscope_widget.sources._tensors.loaders import Loader
from weightscope_widget.sources._tensors.paths import quote

__all__ = ["TORCH_NAMES", "Entry", "Header", "read_header", "remedy"]

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
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "BOOL": "bool",
    "C64": "complex64",
}
"""What torch calls the types that safetensors has, where it has them."""

_LFS_POINTER = b"version https://git-lfs"


@dataclass(frozen=True)
class Entry:
    """One tensor of a file.

    Attributes
    ----------
    path : Path
        The file it is in, or should be.
    shape : tuple of int
        Shape as stored; empty if unknown.
    dtype : str
        As torch names it where torch has such a type, else as the file does.
    problem : str, optional
        A sentence, if it is already known that the tensor cannot be read.
    skip : str, optional
        Why it cannot be analyzed, if more than its shape and type say so.
    load : Loader, optional
        Reads it; None in a safetensors file on disk.
    identity : hashable, optional
        Equal for two tensors of the same storage; None if it is tied to nothing.
    """

    path: Path
    shape: tuple[int, ...] = ()
    dtype: str = "unknown"
    problem: str | None = None
    skip: str | None = None
    load: Loader | None = None
    identity: Hashable = None


@dataclass(frozen=True)
class Header:
    """The tensors of a file by name, and the file's free-form metadata."""

    entries: Mapping[str, Entry]
    metadata: Mapping[str, str]


def read_header(path: Path) -> Header:
    """Read the header of a safetensors file.

    Raises
    ------
    CorruptFileError
        The file is truncated, empty, cannot be opened, or is no safetensors file.
    """
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
            entries = {name: Entry(path, tuple(piece.get_shape()), piece.get_dtype()) for name, piece in slices.items()}
            metadata = file.metadata() or {}
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise CorruptFileError(f"{quote(path)} is no readable safetensors file ({error}); {remedy(path)}.") from error
    named = {
        name: Entry(path, entry.shape, TORCH_NAMES.get(entry.dtype, entry.dtype)) for name, entry in entries.items()
    }
    return Header(named, metadata)


def remedy(path: Path) -> str:
    """Return what to do about a file that cannot be read."""
    try:
        with path.open("rb") as file:
            pointer = file.read(len(_LFS_POINTER)) == _LFS_POINTER
    except OSError:
        return "see that it may be opened"
    return "it is a Git LFS pointer, fetch the file itself with git lfs pull" if pointer else "download it again"
