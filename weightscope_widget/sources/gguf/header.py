"""The header of a GGUF file: names, types, shapes and places of its tensors; no weight is read.

The reader of the package gguf trusts the counts in a header (10**12 would keep it busy forever) and takes seconds for
the vocabulary of a large model; this one checks counts against the file and skips what is not needed.
"""

from __future__ import annotations

import math
import mmap
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from weightscope_widget._shared.optional import library
from weightscope_widget.sources._tensors.files import corrupt, quote

__all__ = ["GgufTensor", "read_gguf"]

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_STRING, _ARRAY, _UINT32 = 8, 9, 4
_SCALAR_BYTES = {0: 1, 1: 1, 2: 2, 3: 2, _UINT32: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_LONGEST_NAME = 2**16
_MOST_DIMENSIONS = 8
_DEEPEST_ARRAY = 4


@dataclass(frozen=True)
class GgufTensor:
    """One tensor: its shape in torch's order, (out, in), and the place of its bytes.

    `kind` is the type's name, ``"F16"`` or ``"Q4_K"``; ``"type 99"``, of size 0, if the package gguf does not know it.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    offset: int
    size: int


def read_gguf(path: Path) -> list[GgufTensor]:
    """List a file's tensors in its order; raise `CorruptFileError` where it claims tensors that cannot be in it."""
    constants = library("gguf.constants", "gguf", "Reading a GGUF file")
    sizes = {int(kind): (kind.name, *size) for kind, size in constants.GGML_QUANT_SIZES.items()}
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            tensors = list(_tensors(_Cursor(content), sizes))
            _check(tensors, len(content))
    except (OSError, ValueError, struct.error) as error:  # an empty file cannot be mapped: ValueError
        raise corrupt(path, "GGUF", error) from error
    return tensors


class _Cursor:
    """A position in the file that moves as it is read, and never beyond the end."""

    def __init__(self, content: mmap.mmap) -> None:
        self.content = content
        self.at = 0

    def skip(self, size: int) -> int:
        """Advance; return the position before."""
        start = self.at
        if size > len(self.content) - start:
            raise ValueError(f"it ends within its header, which claims {size} more bytes at byte {start}")
        self.at += size
        return start

    def number(self, form: str) -> int:
        start = self.skip(struct.calcsize(f"<{form}"))
        return int(struct.unpack_from(f"<{form}", self.content, start)[0])

    def text(self) -> str:
        size = self.number("Q")
        if size > _LONGEST_NAME:
            raise ValueError(f"a name in its header is {size} bytes long")
        start = self.skip(size)
        return self.content[start : start + size].decode()

    def skip_value(self, kind: int, depth: int = 0) -> None:
        if kind in _SCALAR_BYTES:
            self.skip(_SCALAR_BYTES[kind])
        elif kind == _STRING:
            self.skip(self.number("Q"))
        elif kind == _ARRAY and depth < _DEEPEST_ARRAY:
            of, count = self.number("I"), self.number("Q")
            if of in _SCALAR_BYTES:
                self.skip(count * _SCALAR_BYTES[of])
            else:
                for _ in range(count):  # each takes eight bytes or more, so the end of the file ends this
                    self.skip_value(of, depth + 1)
        else:
            raise ValueError(f"a value in its header is of type {kind}, which does not exist, or nested too deep")


def _tensors(cursor: _Cursor, sizes: dict[int, tuple[str, int, int]]) -> Iterator[GgufTensor]:
    start = cursor.skip(len(_MAGIC))
    if cursor.content[start : cursor.at] != _MAGIC:
        raise ValueError("it does not start with GGUF")
    version = cursor.number("I")
    if version not in _VERSIONS:
        raise ValueError(f"its version is {version}; versions 2 and 3 in little-endian order can be read")
    tensor_count, value_count = cursor.number("Q"), cursor.number("Q")
    alignment = 32
    for _ in range(value_count):
        key, kind = cursor.text(), cursor.number("I")
        if key == "general.alignment" and kind == _UINT32:
            alignment = cursor.number("I")
        else:
            cursor.skip_value(kind)
    if alignment == 0 or alignment % 8:
        raise ValueError(f"its alignment is {alignment}, not a multiple of 8")
    found = []
    for _ in range(tensor_count):
        name, dimensions = cursor.text(), cursor.number("I")
        if dimensions > _MOST_DIMENSIONS:
            raise ValueError(f"{quote(name)} has {dimensions} dimensions")
        shape = tuple(cursor.number("Q") for _ in range(dimensions))[::-1]
        found.append((name, shape, cursor.number("I"), cursor.number("Q")))
    data = -(-cursor.at // alignment) * alignment
    for name, shape, kind, offset in found:
        if offset % alignment:
            raise ValueError(f"{quote(name)} starts at {offset}, not a multiple of {alignment}")
        label, block, block_bytes = sizes.get(kind, (f"type {kind}", 1, 0))
        if shape and shape[-1] % block:
            raise ValueError(f"{quote(name)} has rows of {shape[-1]} entries, which {label} cannot divide by {block}")
        yield GgufTensor(name, shape, label, data + offset, math.prod(shape) // block * block_bytes)


def _check(tensors: Iterable[GgufTensor], length: int) -> None:
    """Refuse tensors that lie outside the file or over each other, or share a name."""
    names: set[str] = set()
    end, before = 0, ""
    for tensor in sorted(tensors, key=lambda tensor: tensor.offset):
        if tensor.name in names:
            raise ValueError(f"{quote(tensor.name)} is in it twice")
        names.add(tensor.name)
        if tensor.offset + tensor.size > length:
            raise ValueError(
                f"{quote(tensor.name)} claims the bytes from {tensor.offset} to {tensor.offset + tensor.size}, but the "
                f"file ends at {length}"
            )
        if tensor.size and tensor.offset < end:
            raise ValueError(f"{quote(before)} and {quote(tensor.name)} overlap")
        if tensor.size:
            end, before = tensor.offset + tensor.size, tensor.name
