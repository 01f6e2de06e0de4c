"""The header of a safetensors file of which only parts can be read: where its tensors lie.

Files on disk are left to the safetensors library, which needs the whole file. This reader refuses everything that the
format does not allow, before anything is allocated or requested on the file's word.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from weightscope_widget.errors import CorruptFileError
from weightscope_widget.sources._tensors.files import quote

__all__ = ["PREFIX", "Layout", "Span", "header_length", "parse_layout"]

PREFIX = 8
"""Bytes before the header, which hold its length."""

_LONGEST_HEADER = 100_000_000
"""Bytes; the same limit as in the safetensors library."""

_BITS = {
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 64),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("I8", "U8", "BOOL", "F8_E4M3", "F8_E4M3FNUZ", "F8_E5M2", "F8_E5M2FNUZ", "F8_E8M0"), 8),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    "F4": 4,
}


@dataclass(frozen=True)
class Span:
    """A tensor's place: from byte `begin` of the file to the one before `end`; `dtype` is the file's name for it."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True)
class Layout:
    """The tensors by name, and the file's free-form metadata."""

    spans: Mapping[str, Span]
    metadata: Mapping[str, str]


def header_length(prefix: bytes, size: int, shown: object) -> int:
    """Return the length of the header; raise `CorruptFileError` where it cannot fit.

    `prefix` are the first `PREFIX` bytes, `size` is the length of the whole file, `shown` its name in messages.
    """
    length = int.from_bytes(prefix, "little")
    if len(prefix) < PREFIX or length > size - PREFIX:
        if prefix.startswith(b"version "):
            raise _corrupt(shown, "it is a Git LFS pointer", "give the address of the file itself")
        if prefix.lstrip()[:1] in (b"<", b"{"):
            raise _corrupt(shown, "it is a web page or a text", "give the address of the file itself, not of its page")
        raise _corrupt(shown, f"it has {size} bytes but its header would end at byte {PREFIX + length}")
    if length > _LONGEST_HEADER:
        raise _corrupt(shown, f"its header would have {length} bytes, more than the {_LONGEST_HEADER} allowed")
    return length


def parse_layout(header: bytes, size: int, shown: object) -> Layout:
    """Return the layout that a header describes.

    Raises `CorruptFileError` unless the header is valid JSON, and its tensors fill the file exactly, without gap or
    overlap, each with the bytes that its shape and type need.  `header` are the bytes after the prefix, as many as
    `header_length` returned.
    """
    try:
        content = json.loads(header.decode(), object_pairs_hook=_without_duplicates)
        if not isinstance(content, dict):
            raise ValueError("not a JSON object")
        metadata = content.pop("__metadata__", None)
        metadata = {} if metadata is None else metadata
        if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
            raise ValueError("its metadata is not text by name")
        start = PREFIX + len(header)
        spans = {name: _span(name, value, start) for name, value in content.items()}
        _check_places(spans, start, size)
    except (ValueError, RecursionError) as error:  # json's errors and UnicodeDecodeError are among these
        raise _corrupt(shown, f"its header is broken: {error}") from error
    return Layout(spans, metadata)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"it has {quote(next(name for name in found if names.count(name) > 1))} twice")
    return found


def _span(name: str, value: object, start: int) -> Span:
    if not isinstance(value, dict) or not {"dtype", "shape", "data_offsets"} <= set(value):
        raise ValueError(f"{quote(name)} lacks dtype, shape or data_offsets")
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _BITS:
        raise ValueError(f"{quote(name)} is of the unknown type {quote(dtype)}")
    if not _are_counts(shape):
        raise ValueError(f"the shape of {quote(name)} is {quote(shape)}")
    if not _are_counts(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise ValueError(f"the offsets of {quote(name)} are {quote(offsets)}")
    bits, size = math.prod(shape) * _BITS[dtype], offsets[1] - offsets[0]
    if bits != 8 * size:
        raise ValueError(f"{quote(name)} has {size} bytes where its shape and type need {bits // 8}")
    return Span(dtype, tuple(shape), start + offsets[0], start + offsets[1])


def _are_counts(value: object) -> bool:
    # type(…) and not isinstance: True is not a count.
    return isinstance(value, list) and all(type(number) is int and 0 <= number < 2**63 for number in value)


def _check_places(spans: Mapping[str, Span], start: int, size: int) -> None:
    """Refuse tensors that overlap, leave gaps, or do not end with the file."""
    end = start
    for name, span in sorted(spans.items(), key=lambda item: (item[1].begin, item[1].end)):
        if span.begin != end:
            how = "overlaps the one before it" if span.begin < end else "leaves a gap before it"
            raise ValueError(f"{quote(name)} {how}")
        end = span.end
    if end != size:
        raise ValueError(f"its tensors end at byte {end} but the file at byte {size}")


def _corrupt(shown: object, problem: str, remedy: str = "upload or download it again") -> CorruptFileError:
    return CorruptFileError(f"{quote(shown)} is not a readable safetensors file ({problem}); {remedy}.")
