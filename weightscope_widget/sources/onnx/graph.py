"""The graph of an ONNX file: its tensors with their places, and the nodes that use them; no weight is read.

The field numbers are those of onnx.proto.  The package onnx would load all weights of the file into memory.
"""

from __future__ import annotations

import math
import mmap
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from weightscope_widget.sources._tensors.files import corrupt, quote
from weightscope_widget.sources.onnx.protobuf import BrokenMessageError, Span, fields, integer, integers, text

__all__ = ["ITEM_BYTES", "Graph", "Node", "OnnxTensor", "read_onnx"]

_TYPES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "string", 9: "bool",
    10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 14: "complex64", 15: "complex128", 16: "bfloat16",
    17: "float8_e4m3fn", 18: "float8_e4m3fnuz", 19: "float8_e5m2", 20: "float8_e5m2fnuz",
    21: "uint4", 22: "int4", 23: "float4_e2m1",
}  # fmt: skip

ITEM_BYTES = {
    "float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "int8": 1, "uint8": 1, "int32": 4, "int64": 8,
    **dict.fromkeys(("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz"), 1),
}  # fmt: skip
"""Bytes per entry of the types that are read."""

_MOST_DIMENSIONS = 16
_LONGEST_NAME = 2**16

# Fields of float_data and double_data, which are the bytes of such tensors as they stand.
_TYPED_DATA = {4: "float32", 10: "float64"}
# Fields that hold values of other types, one varint each.
_ONE_BY_ONE = (5, 7, 11)


@dataclass(frozen=True)
class OnnxTensor:
    """One tensor of a graph: the file with its bytes and the position of the first, or why they cannot be read.

    `dtype` is torch's name of the type, where torch has it.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    path: Path
    begin: int = 0
    problem: str = ""


@dataclass(frozen=True)
class Node:
    """One operation: its name and type, its inputs and outputs, and its integer attributes."""

    name: str
    operation: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Graph:
    """The tensors and the nodes of a file, in its order; graphs inside nodes (branches, loops) are left out."""

    tensors: tuple[OnnxTensor, ...]
    nodes: tuple[Node, ...]


def read_onnx(path: Path) -> Graph:
    """List the tensors and nodes of a file; raise `CorruptFileError` where it is truncated or not an ONNX file."""
    try:
        with (
            path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
            memoryview(mapped) as content,
        ):
            return _Reader(path, content).model()
    except (BrokenMessageError, OSError, ValueError) as error:  # mmap's of an empty file is a ValueError
        raise corrupt(path, "ONNX", error) from error


class _Reader:
    def __init__(self, path: Path, content: memoryview) -> None:
        self._path = path
        self._content = content

    def model(self) -> Graph:
        graphs = [value for number, value in self._fields(Span(0, len(self._content))) if number == 7]
        if len(graphs) != 1 or not isinstance(graphs[0], Span):
            raise BrokenMessageError("it has no graph")
        nodes: list[Node] = []
        tensors: list[OnnxTensor] = []
        for number, value in self._fields(graphs[0]):
            if number == 1:
                node, constant = self._node(_message(value))
                nodes.append(node)
                if constant is not None:
                    tensors.append(constant)
            elif number == 5:
                tensors.append(self._tensor(_message(value)))
        names = [tensor.name for tensor in tensors]
        if len(set(names)) < len(names):
            raise BrokenMessageError("two of its tensors have one name")
        return Graph(tuple(tensors), tuple(nodes))

    def _node(self, message: Span) -> tuple[Node, OnnxTensor | None]:
        """Return a node, and its tensor if it is a constant."""
        inputs, outputs, name, operation = [], [], "", ""
        attributes: dict[str, int] = {}
        constant: Span | None = None
        for number, value in self._fields(message):
            if number == 1:
                inputs.append(self._name(value))
            elif number == 2:
                outputs.append(self._name(value))
            elif number == 3:
                name = self._name(value)
            elif number == 4:
                operation = self._name(value)
            elif number == 5:
                key, found = self._attribute(_message(value))
                if isinstance(found, int):
                    attributes[key] = found
                elif found is not None and key == "value":
                    constant = found
        node = Node(name, operation, tuple(inputs), tuple(outputs), attributes)
        if operation == "Constant" and constant is not None and outputs:
            return node, self._tensor(constant, outputs[0])
        return node, None

    def _attribute(self, message: Span) -> tuple[str, int | Span | None]:
        name = ""
        found: int | Span | None = None
        for number, value in self._fields(message):
            if number == 1:
                name = self._name(value)
            elif number == 3:
                found = integer(value)
            elif number == 5:
                found = _message(value)
        return name, found

    def _tensor(self, message: Span, name: str = "") -> OnnxTensor:
        shape: list[int] = []
        data: dict[int, list[Span]] = {}
        external: dict[str, str] = {}
        kind, one_by_one, elsewhere = 0, False, False
        for number, value in self._fields(message):
            if number == 1:
                shape += integers(self._content, value)
                if len(shape) > _MOST_DIMENSIONS:
                    raise BrokenMessageError(f"a tensor of more than {_MOST_DIMENSIONS} dimensions")
            elif number == 2:
                kind = integer(value)
            elif number == 8:
                name = name or self._name(value)
            elif number == 9 or number in _TYPED_DATA:
                data.setdefault(number, []).append(_message(value))
            elif number in _ONE_BY_ONE:
                one_by_one = True
            elif number == 13:
                key, text_of = self._entry(_message(value))
                external[key] = text_of
            elif number == 14:
                elsewhere = integer(value) == 1
        if any(size < 0 for size in shape):
            raise BrokenMessageError(f"{quote(name)} has the shape {shape}")
        dtype = _TYPES.get(kind, f"type {kind}")
        known = OnnxTensor(name, tuple(shape), dtype, self._path)
        if elsewhere:
            return _external(known, external)
        return _inside(known, data, one_by_one)

    def _entry(self, message: Span) -> tuple[str, str]:
        found = {number: self._name(value) for number, value in self._fields(message) if number in (1, 2)}
        return found.get(1, ""), found.get(2, "")

    def _fields(self, message: Span) -> Iterator[tuple[int, int | Span]]:
        return fields(self._content, message)

    def _name(self, value: int | Span) -> str:
        if isinstance(value, Span) and len(value) > _LONGEST_NAME:
            raise BrokenMessageError(f"a name of {len(value)} bytes")
        return text(self._content, value)


def _message(value: int | Span) -> Span:
    if isinstance(value, int):
        raise BrokenMessageError("a number in place of a message")
    return value


def _inside(tensor: OnnxTensor, data: Mapping[int, list[Span]], one_by_one: bool) -> OnnxTensor:
    """Return a tensor with the place of its bytes in the file itself."""
    item = ITEM_BYTES.get(tensor.dtype)
    if item is None or math.prod(tensor.shape) == 0:
        return tensor
    if not data:
        why = "its values are stored one by one" if one_by_one else "it has no values"
        return replace(tensor, problem=why)
    ((number, spans), *others) = data.items()
    needed = item * math.prod(tensor.shape)
    if others or len(spans) > 1 or _TYPED_DATA.get(number, tensor.dtype) != tensor.dtype:
        return replace(tensor, problem="its values are in several pieces")
    if len(spans[0]) != needed:
        raise BrokenMessageError(
            f"{quote(tensor.name)} has {len(spans[0])} bytes where its shape and type need {needed}"
        )
    return replace(tensor, begin=spans[0].begin)


def _external(tensor: OnnxTensor, where: Mapping[str, str]) -> OnnxTensor:
    """Return a tensor with its place in a file beside this one, if all of it is there."""
    folder, location = tensor.path.parent, where.get("location", "")
    path = folder / location
    inside = os.path.realpath(path).startswith(os.path.realpath(folder) + os.sep)
    if not location or os.path.isabs(location) or not inside:
        return replace(tensor, problem=f"its file {quote(location)} is not in the folder of the model")
    try:
        begin, size = int(where.get("offset", "0")), path.stat().st_size
        needed = ITEM_BYTES.get(tensor.dtype, 0) * math.prod(tensor.shape)
        length = int(where.get("length", needed))
    except OSError:
        return replace(tensor, problem=f"its file {quote(location)} is not there")
    except ValueError:
        return replace(tensor, problem="its place is not a number")
    if not 0 <= begin <= size - needed or length not in (0, needed):
        return replace(tensor, problem=f"its {length} bytes from byte {begin} on are not in {quote(location)}")
    return replace(tensor, path=path, begin=begin)
