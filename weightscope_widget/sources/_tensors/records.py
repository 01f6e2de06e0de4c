"""Records of tensors, and the source that they make: result names, tied weights, stacks of experts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch

from weightscope_widget.errors import NoWeightsError
from weightscope_widget.layers.layer import Layer, Source, layer_name
from weightscope_widget.sources._tensors.files import quote
from weightscope_widget.sources._tensors.loaders import Loader, Unreadable

__all__ = ["Contents", "Record", "assemble", "skipped", "why_skipped"]


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
