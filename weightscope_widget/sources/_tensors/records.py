"""Records of tensors, the facts that their names tell, and the source that they make.

Names tell the model's order, stacks of experts, and weights stored (in, out).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import nn

from weightscope_widget.errors import NoWeightsError
from weightscope_widget.layers.layer import Layer, Source, layer_name
from weightscope_widget.layers.naming import place
from weightscope_widget.sources._tensors.files import natural_key, quote
from weightscope_widget.sources._tensors.loaders import Loader, Unreadable

__all__ = [
    "Contents",
    "Record",
    "assemble",
    "is_conv1d",
    "is_expert_stack",
    "linear_by_name",
    "model_order",
    "skipped",
    "transposed_names",
    "why_skipped",
]

_MOST_EXPERTS = 4096
"""More than any model has; a tensor with a longer first axis is something else, and would flood the results."""

_CONV1D = frozenset({"c_attn", "c_fc", "c_proj", "q_attn"})
_BLOCK_INDEX = re.compile(r"(?:^|\.)[0-9]+\.")


@dataclass(frozen=True)
class Record:
    """One tensor, under its full name.

    Attributes
    ----------
    name : str
        The parameter's name, with ``.weight`` where it has one.
    shape : tuple of int
        Shape as stored; empty if unknown.
    dtype : str
        As torch names it, without the prefix; as the file's format does where torch has no such type.  Of a quantized
        weight it says what is stored, whatever it loads as.
    load : Loader
        Reads its values.
    skip : str, optional
        Why it cannot be analyzed; None if it can.
    identity : hashable, optional
        Equal for two records of the same storage; None if it is tied to nothing.
    transposed : bool
        It is stored (in, out).
    stack : bool
        It is a stack of expert matrices.
    linear : bool or None
        See `Layer`.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    load: Loader
    skip: str | None = None
    identity: Hashable = None
    transposed: bool = False
    stack: bool = False
    linear: bool | None = None


@dataclass(frozen=True)
class Contents:
    """The tensors of a file or of several, by name, and their free-form metadata."""

    records: Mapping[str, Record]
    metadata: Mapping[str, object] = field(default_factory=dict)


def skipped(name: str, reason: str, shape: tuple[int, ...] = (), dtype: str = "") -> Record:
    """Return the record of a tensor that is listed with a reason, a short phrase, and not measured."""
    return Record(name, shape, dtype, Unreadable(f"{quote(name)} cannot be read: {reason}."), reason)


def why_skipped(shape: tuple[int, ...], dtype: str) -> str | None:
    """Return why a tensor of this shape and type cannot be analyzed, or None if it can.

    >>> why_skipped((4, 4), "int8")
    'integer tensor (int8): packed or index data'
    >>> why_skipped((4, 4), "float16") is None
    True
    """
    kind = getattr(torch, dtype, None)
    if not isinstance(kind, torch.dtype):
        return f"stored as {dtype}, which this version of torch cannot hold"
    if kind.is_complex:
        return f"complex tensor ({dtype})"
    if kind == torch.bool:
        return "boolean tensor: a mask, not weights"
    if not kind.is_floating_point:
        return f"integer tensor ({dtype}): packed or index data"
    if dtype.startswith("float4"):
        return f"packed 4-bit tensor ({dtype}): two values in each byte"
    if math.prod(shape) == 0:
        return "empty tensor"
    return None if shape else "scalar"


def assemble(name: str, records: Sequence[Record], tied: Mapping[str, str] | None = None) -> Source:
    """Return the source that these records make; raise `NoWeightsError` where none can be analyzed.

    `records` are every tensor in the model's order, each name once.  `tied` maps names that are not among them to the
    record they are another name of; it is untrusted, and impossible entries are ignored.
    """
    found = {record.name: record for record in records}
    tied = {
        other: kept
        for other, kept in (tied or {}).items()
        if kept in found and found[kept].skip is None and other not in found
    }
    names = _result_names([*found, *tied])
    firsts, aliases = _merge(records, tied)
    taken = set(names.values())
    layers = tuple(
        layer
        for record in firsts
        for layer in _layers(record, names[record.name], tuple(names[other] for other in aliases[record.name]), taken)
    )
    reasons = {names[record.name]: record.skip for record in records if record.skip is not None}
    if not layers:
        counts = Counter(reasons.values()).most_common(3)
        why = "; ".join(f"{count} × {reason}" for reason, count in counts) or "it is empty"
        raise NoWeightsError(
            f"{name} holds no floating-point weights to analyze ({why}); give the model before quantization, or "
            "another model."
        )
    return Source(name, layers, reasons)


def _result_names(parameters: Iterable[str]) -> dict[str, str]:
    """Return each parameter's key in the results: without ``.weight``, unless that is another parameter's name.

    >>> _result_names(["a.weight", "b", "b.weight"])
    {'a.weight': 'a', 'b': 'b', 'b.weight': 'b.weight'}
    """
    full = dict.fromkeys(parameters)
    short = {name: layer_name(name) for name in full}
    return {name: name if not key or key in full else key for name, key in short.items()}


def _merge(records: Iterable[Record], tied: Mapping[str, str]) -> tuple[list[Record], dict[str, list[str]]]:
    """Return the first readable record of each storage, and the other names of each."""
    firsts: list[Record] = []
    aliases: dict[str, list[str]] = {}
    seen: dict[Hashable, str] = {}
    for record in records:
        if record.skip is not None:
            continue
        first = record.name if record.identity is None else seen.setdefault(record.identity, record.name)
        if first == record.name:
            firsts.append(record)
            aliases[first] = []
        else:
            aliases[first].append(record.name)
    for other, kept in tied.items():
        if kept in aliases:
            aliases[kept].append(other)
    return firsts, aliases


def _layers(record: Record, name: str, aliases: tuple[str, ...], taken: set[str]) -> Iterator[Layer]:
    """Yield the layer of a record; before it, the layers of its members if it is a stack."""
    members = tuple(f"{name}[{index}]" for index in range(record.shape[0])) if record.stack else ()
    if not taken.isdisjoint(members):  # a tensor of its own has such a name; keys must stay unique
        members = ()
    for index, member in enumerate(members):
        others = tuple(f"{alias}[{index}]" for alias in aliases)
        load = record.load.member(index)
        yield Layer(member, record.shape[1:], record.dtype, load, others, record.transposed)
    yield Layer(name, record.shape, record.dtype, record.load, aliases, record.transposed, members, record.linear)


# -- Names -------------------------------------------------------------------------------------------------------------


def model_order(parameters: Iterable[str]) -> list[str]:
    """Return parameter names in the order of a forward pass: embeddings, blocks, the rest, the head.

    >>> model_order(["lm_head.weight", "h.10.w", "h.2.w", "ln_f.weight", "wte.weight"])
    ['wte.weight', 'h.2.w', 'h.10.w', 'ln_f.weight', 'lm_head.weight']
    """
    return sorted(parameters, key=lambda name: (_part(name), natural_key(name), name))


def _part(parameter: str) -> int:
    where = place(layer_name(parameter))
    if where.is_head:
        return 3
    if where.block is not None:
        return 1
    return 0 if where.is_embedding else 2


def linear_by_name(parameter: str) -> bool | None:
    """Return `Layer.linear` as far as a name tells it: a parameter not called ``weight`` is not a linear layer's.

    >>> linear_by_name("mixer.A_log")
    False
    >>> linear_by_name("mixer.in_proj.weight") is None
    True
    """
    return None if parameter.endswith(".weight") else False


# -- Experts -----------------------------------------------------------------------------------------------------------


def is_expert_stack(parameter: str, shape: tuple[int, ...]) -> bool:
    """Return whether a parameter is a 3-D stack, experts × rows × columns.

    >>> is_expert_stack("model.layers.0.mlp.experts.gate_up_proj", (8, 4, 6))
    True
    >>> is_expert_stack("blk.0.ffn_down_exps.weight", (8, 4, 6))
    True
    >>> is_expert_stack("layers.0.experts.5.conv.weight", (8, 4, 6))
    False
    """
    path = layer_name(parameter).split(".")
    return (
        len(shape) == 3
        and shape[0] <= _MOST_EXPERTS
        and not any("conv" in element.lower() for element in path)
        and (_below_experts(path) or path[-1].endswith("_exps") or _below_sparse_moe(path))
    )


def _below_experts(path: list[str]) -> bool:
    # experts.5.w1 belongs to the one expert 5, experts.w1 to all of them.
    return any(
        element == "experts" and not "".join(path[at + 1 : at + 2]).isdecimal() for at, element in enumerate(path)
    )


def _below_sparse_moe(path: list[str]) -> bool:
    return path[-1] in ("input_linear", "output_linear") and "block_sparse_moe" in path[:-1]


# -- GPT-2's Conv1D, which stores (in, out) ----------------------------------------------------------------------------


def is_conv1d(module: nn.Module) -> bool:
    """Return whether a module is transformers' ``Conv1D`` or derived from it."""
    # Recognized by name, so that transformers need not be installed, let alone imported.
    return hasattr(module, "nf") and any(kind.__name__ == "Conv1D" for kind in type(module).__mro__)


def transposed_names(shapes: Mapping[str, tuple[int, ...]]) -> frozenset[str]:
    """Return which parameters are ``Conv1D`` weights, from names and shapes alone.

    The bias has as many entries as there are outputs, so a matrix that is not square shows where its outputs are.
    A square matrix, or one without a bias, follows the others of its tower (the path before the block index).

    Parameters
    ----------
    shapes : mapping of str to tuple of int
        Every parameter of the model, biases included.

    Examples
    --------
    >>> sorted(transposed_names({"c_attn.weight": (4, 12), "c_attn.bias": (12,), "c_proj.weight": (4, 4)}))
    ['c_attn.weight', 'c_proj.weight']
    >>> transposed_names({"c_attn.weight": (12, 4), "c_attn.bias": (12,), "c_proj.weight": (4, 4)})
    frozenset()
    """
    candidates = [name for name, shape in shapes.items() if len(shape) == 2 and _is_candidate(name)]
    shown: dict[str, bool] = {}
    towers: dict[str, set[bool]] = {}
    for name in candidates:
        rows, columns = shapes[name]
        bias = shapes.get(name.removesuffix("weight") + "bias")
        if rows != columns and bias in ((rows,), (columns,)):
            shown[name] = bias == (columns,)
            towers.setdefault(_tower(name), set()).add(shown[name])
    return frozenset(name for name in candidates if shown.get(name, towers.get(_tower(name)) == {True}))


def _is_candidate(name: str) -> bool:
    path = name.split(".")
    return len(path) > 1 and path[-1] == "weight" and path[-2] in _CONV1D


def _tower(name: str) -> str:
    index = _BLOCK_INDEX.search(name)
    return name[: index.start()] if index else ""
