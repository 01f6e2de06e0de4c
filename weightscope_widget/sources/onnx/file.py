"""An ``.onnx`` file: its initializers are the weights."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from weightscope_widget.errors import CorruptFileError
from weightscope_widget.layers.layer import Source
from weightscope_widget.sources._tensors.files import absolute, checkpoint_name, only_one, quote
from weightscope_widget.sources._tensors.loaders import Unreadable
from weightscope_widget.sources._tensors.records import (
    Record,
    assemble,
    is_expert_stack,
    model_order,
    skipped,
    why_skipped,
)
from weightscope_widget.sources.onnx.graph import ITEM_BYTES, Graph, Node, OnnxTensor, read_onnx
from weightscope_widget.sources.onnx.tensor import Dequantized, InOnnx

__all__ = ["in_folder", "open_file"]

_ANONYMOUS = re.compile(r"onnx::|\d+$|/|_v_\d+$|val_\d+$")
_QUANTIZED = "_quantized"
_WHOLE_NUMBERS = ("int8", "uint8")


def open_file(model: str | os.PathLike[str]) -> Source:
    """Open an ONNX model; its initializers and constants are the layers, also those in files beside it.

    A right operand of MatMul or Gemm is stored (in, out), unless Gemm transposes it.  Where exporters gave a weight no
    name of its own (``onnx::MatMul_123``), it is named after the node that uses it.  Weights quantized for
    DequantizeLinear, or by onnxruntime's dynamic quantization, load dequantized as float32.  Graphs
    inside nodes (branches, loops) are left out.
    """
    path = absolute(model)
    graph = read_onnx(path)
    records: dict[str, Record] = {}
    for record in _records(graph):
        if record.name in records:
            raise CorruptFileError(f"{quote(path)} has two weights called {quote(record.name)}; export it again.")
        records[record.name] = record
    return assemble(checkpoint_name(path.with_suffix("")), [records[key] for key in model_order(records)])


def in_folder(folder: Path, names: Sequence[str]) -> Source | None:
    """Open the one ONNX model that a folder holds, if it holds any: of several, ``model.onnx``."""
    models = [name for name in names if name.lower().endswith(".onnx")]
    usual = [name for name in models if name.lower() == "model.onnx"] or models
    path = only_one(folder, usual, "ONNX")
    return None if path is None else open_file(path)


@dataclass(frozen=True)
class _Use:
    """A node that uses a tensor, and the position among its inputs."""

    node: Node
    position: int

    @property
    def transposed(self) -> bool:
        """Whether the tensor is stored (in, out)."""
        if self.position != 1:
            return False
        operation, attributes = self.node.operation, self.node.attributes
        return operation in ("MatMul", "MatMulInteger") or (operation == "Gemm" and not attributes.get("transB"))


def _records(graph: Graph) -> Iterator[Record]:
    tensors = {tensor.name: tensor for tensor in graph.tensors}
    uses = _uses(graph.nodes)
    parts = _parts(tensors, graph.nodes)
    helpers = {helper.name for part in parts.values() for helper in part.helpers}
    taken = {name for name in tensors if not _ANONYMOUS.match(name)}
    for tensor in graph.tensors:
        if tensor.name in helpers or (len(tensor.shape) < 2 and "float" not in tensor.dtype) or not tensor.shape:
            continue  # scales and zero points; shapes, indices, scalars
        part = parts.get(tensor.name)
        use = _use(tensor.name, uses, part)
        name = _readable(tensor.name, use, taken, part)
        transposed = use is not None and use.transposed and len(tensor.shape) == 2
        if part is not None:
            yield part.record(name, transposed)
        else:
            yield _record(tensor, name, transposed)


def _uses(nodes: Iterable[Node]) -> dict[str, _Use]:
    """Return the first use of each name."""
    found: dict[str, _Use] = {}
    for node in nodes:
        for position, name in enumerate(node.inputs):
            found.setdefault(name, _Use(node, position))
    return found


def _use(name: str, uses: Mapping[str, _Use], part: _Quantized | None) -> _Use | None:
    """Return the use of a tensor, or of its dequantized form."""
    return uses.get(part.output if part is not None and part.output else name)


def _readable(name: str, use: _Use | None, taken: set[str], part: _Quantized | None) -> str:
    """Return a tensor's name; for an anonymous one, the name of the module that its node belongs to."""
    own = name.removesuffix(_QUANTIZED) if part is not None else name
    if not _ANONYMOUS.match(own):
        return own if own == name or own not in taken else name
    path = [element for element in use.node.name.split("/") if element][:-1] if use is not None else []
    if not path:
        return name
    wanted = ".".join(path) + ".weight"
    number, unique = 1, wanted
    while unique in taken:
        number += 1
        unique = f"{wanted.removesuffix('.weight')}_{number}.weight"
    taken.add(unique)
    return unique


def _record(tensor: OnnxTensor, name: str, transposed: bool) -> Record:
    if skip := why_skipped(tensor.shape, tensor.dtype):
        return skipped(name, skip, tensor.shape, tensor.dtype)
    if tensor.problem:
        return Record(name, tensor.shape, tensor.dtype, Unreadable(f"{quote(name)}: {tensor.problem}."))
    identity = (tensor.path, tensor.begin, tensor.dtype, tensor.shape)
    stack = is_expert_stack(name, tensor.shape)
    return Record(name, tensor.shape, tensor.dtype, _loader(tensor), None, identity, transposed, stack)


def _loader(tensor: OnnxTensor) -> InOnnx:
    length = os.path.getsize(tensor.path)
    return InOnnx(tensor.path, tensor.name, tensor.dtype, tensor.shape, tensor.begin, length)


# -- Quantized weights -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Quantized:
    """A tensor of integers with its scale and zero point, which differ along `axis`.

    `output` is the name of the result in the graph; empty where the graph never computes it.
    """

    whole: OnnxTensor
    scale: OnnxTensor
    zero_point: OnnxTensor | None
    axis: int
    output: str = ""

    @property
    def helpers(self) -> list[OnnxTensor]:
        """The tensors that are not weights of their own."""
        return [self.scale, *([] if self.zero_point is None else [self.zero_point])]

    @property
    def problem(self) -> str:
        """Why the weight cannot be computed, else empty."""
        shape, scales = self.whole.shape, self.scale.shape
        axis = self.axis + len(shape) if self.axis < 0 else self.axis
        if scales not in ((), (1,)) and (len(scales) != 1 or not 0 <= axis < len(shape) or shape[axis] != scales[0]):
            return f"scales of shape {scales} for weights of shape {shape}, as of blocks"
        if self.zero_point is not None and self.zero_point.shape not in ((), (1,), scales):
            return f"zero points of shape {self.zero_point.shape} for scales of shape {scales}"
        return next((part.problem for part in (self.whole, *self.helpers) if part.problem), "")

    def record(self, name: str, transposed: bool) -> Record:
        whole = self.whole
        dtype = f"{whole.dtype} (ONNX)"
        if skip := self.problem or why_skipped(whole.shape, "float32"):
            return skipped(name, skip, whole.shape, dtype)
        axis = self.axis % max(len(whole.shape), 1)
        zero = None if self.zero_point is None else _loader(self.zero_point)
        load = Dequantized(_loader(whole), _loader(self.scale), zero, axis)
        return Record(name, whole.shape, dtype, load, None, None, transposed)


def _parts(tensors: Mapping[str, OnnxTensor], nodes: Iterable[Node]) -> dict[str, _Quantized]:
    """Return the quantized tensors by name: those that a node dequantizes, and those with onnxruntime's names."""
    found: dict[str, _Quantized] = {}
    for node in nodes:
        if node.operation == "DequantizeLinear" and len(node.inputs) >= 2 and node.outputs:
            whole, scale = tensors.get(node.inputs[0]), tensors.get(node.inputs[1])
            zero = tensors.get(node.inputs[2]) if len(node.inputs) > 2 else None
            if whole is not None and scale is not None and _fit(whole, scale, zero):
                found[whole.name] = _Quantized(whole, scale, zero, node.attributes.get("axis", 1), node.outputs[0])
    for name, whole in tensors.items():
        stem = name.removesuffix(_QUANTIZED)
        scale, zero = tensors.get(f"{stem}_scale"), tensors.get(f"{stem}_zero_point")
        if stem != name and name not in found and scale is not None and _fit(whole, scale, zero):
            found[name] = _Quantized(whole, scale, zero, -1)
    return found


def _fit(whole: OnnxTensor, scale: OnnxTensor, zero: OnnxTensor | None) -> bool:
    return (
        whole.dtype in _WHOLE_NUMBERS
        and scale.dtype in ("float32", "float16", "bfloat16")
        and (zero is None or zero.dtype == whole.dtype)
        and all(part.dtype in ITEM_BYTES for part in (whole, scale))
    )
