"""The fields of a protobuf message, read in place.

The wire format is that of the Protocol Buffers encoding guide.  The caller decides which fields to descend into, so a
hostile file can neither nest endlessly nor cause large allocations.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["BrokenMessageError", "Span", "fields", "integer", "integers", "text", "varint"]

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_LONGEST_VARINT = 10


class BrokenMessageError(ValueError):
    """The bytes are not a protobuf message."""


@dataclass(frozen=True)
class Span:
    """The bytes of a field: from `begin` to before `end`."""

    begin: int
    end: int

    def __len__(self) -> int:
        return self.end - self.begin


def fields(content: memoryview, message: Span) -> Iterator[tuple[int, int | Span]]:
    """Yield the number of each field of a message, and its value if it is a varint, else the span of its bytes."""
    at = message.begin
    while at < message.end:
        key, at = varint(content, at, message.end)
        kind = key & 7
        if kind == _VARINT:
            value, at = varint(content, at, message.end)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            length, at = varint(content, at, message.end)
        elif kind in (_EIGHT, _FOUR):
            length = 8 if kind == _EIGHT else 4
        else:
            raise BrokenMessageError(f"a field of kind {kind} at byte {at}")
        if length > message.end - at:
            raise BrokenMessageError(f"a field of {length} bytes at byte {at}, beyond its end")
        yield key >> 3, Span(at, at + length)
        at += length


def varint(content: memoryview, at: int, end: int) -> tuple[int, int]:
    """Return the unsigned number at a position, and the position after it."""
    number = 0
    for place in range(min(_LONGEST_VARINT, end - at)):
        byte = content[at + place]
        number |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return number & (2**64 - 1), at + place + 1
    raise BrokenMessageError(f"an endless number at byte {at}")


def integer(value: int | Span) -> int:
    """Return a varint field as a signed 64-bit number."""
    if isinstance(value, Span):
        raise BrokenMessageError(f"bytes at byte {value.begin} in place of a number")
    return value - 2**64 if value >= 2**63 else value


def integers(content: memoryview, value: int | Span) -> list[int]:
    """Return a field of repeated numbers, one by one or packed."""
    if isinstance(value, int):
        return [integer(value)]
    found, at = [], value.begin
    while at < value.end:
        number, at = varint(content, at, value.end)
        found.append(integer(number))
    return found


def text(content: memoryview, value: int | Span) -> str:
    """Return a text field; invalid bytes are replaced."""
    if isinstance(value, int):
        raise BrokenMessageError("a number in place of text")
    return bytes(content[value.begin : value.end]).decode("utf-8", "replace")
