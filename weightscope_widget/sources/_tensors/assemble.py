"""From records to a `Source`: result names, tied weights, stacks of experts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

from weightscope_widget.errors import NoWeightsError
from weightscope_widget.layers.layer import Layer, Source, layer_name
from weightscope_widget.sources._tensors.record import Record

__all__ = ["assemble", "result_names"]


def assemble(name: str, records: Sequence[Record], tied: Mapping[str, str] | None = None) -> Source:
    """Return the source that these records make.

    Parameters
    ----------
    name : str
        What to call the model.
    records : sequence of Record
        Every tensor, in the model's order, each name once.
    tied : mapping of str to str, optional
        Names that are not among the records → the record they are another name of. Untrusted: entries that cannot be
        so are ignored.

    Raises
    ------
    NoWeightsError
        No record can be analyzed.
    """
    found = {record.name: record for record in records}
    tied = {
        other: kept
        for other, kept in (tied or {}).items()
        if kept in found and found[kept].skip is None and other not in found
    }
    names = result_names([*found, *tied])
    firsts, aliases = _merge(records, tied)
    taken = set(names.values())
    layers = tuple(
        layer
        for record in firsts
        for layer in _layers(record, names[record.name], tuple(names[other] for other in aliases[record.name]), taken)
    )
    skipped = {names[record.name]: record.skip for record in records if record.skip is not None}
    if not layers:
        raise NoWeightsError(_nothing(name, skipped.values()))
    return Source(name, layers, skipped)


def result_names(parameters: Iterable[str]) -> dict[str, str]:
    """Return each parameter's key in the results: without ``.weight``, unless that is another parameter's name.

    >>> result_names(["a.weight", "b", "b.weight"])
    {'a.weight': 'a', 'b': 'b', 'b.weight': 'b.weight'}
    """
    full = dict.fromkeys(parameters)
    short = {name: layer_name(name) for name in full}
    return {name: name if not key or key in full else key for name, key in short.items()}


def _merge(records: Iterable[Record], tied: Mapping[str, str]) -> tuple[list[Record], dict[str, list[str]]]:
    """Split the readable records into the first of each storage, and the other names that each first one has."""
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
    """Yield the layer of a record, after the layers of its members if it is a stack."""
    members = tuple(f"{name}[{index}]" for index in range(record.shape[0])) if record.stack else ()
    if not taken.isdisjoint(members):  # a tensor of its own has such a name; keys must stay unique
        members = ()
    for index, member in enumerate(members):
        yield Layer(
            member,
            record.shape[1:],
            record.dtype,
            record.load.member(index),
            tuple(f"{alias}[{index}]" for alias in aliases),
            record.transposed,
        )
    yield Layer(name, record.shape, record.dtype, record.load, aliases, record.transposed, members, record.linear)


def _nothing(name: str, reasons: Iterable[str]) -> str:
    counts = Counter(reasons)
    why = "; ".join(f"{count} × {reason}" for reason, count in counts.most_common(3)) or "it is empty"
    return f"{name} holds no floating-point weights to analyze ({why}); give the model before quantization, or another."
