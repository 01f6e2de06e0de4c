"""The one step between a checkpoint's tensors and its layers: quantized weights put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from weightscope_widget.sources._tensors.loaders import Unreadable
from weightscope_widget.sources._tensors.paths import quote
from weightscope_widget.sources._tensors.record import Record
from weightscope_widget.sources.packed import awq, bitsandbytes, compressed_ints, fp4, gptq, others, scaled
from weightscope_widget.sources.packed.group import Checkpoint, Group
from weightscope_widget.sources.packed.notes import is_note, read_notes

__all__ = ["unpacked"]


class Format(Protocol):
    """Recognises one way to store a weight."""

    def __call__(self, anchor: Record, checkpoint: Checkpoint) -> Group | None:
        """Return the group that this tensor is the main part of; None if it is not stored so."""
        ...


_FORMATS: tuple[Format, ...] = (
    bitsandbytes.find,
    scaled.find_bitsandbytes,
    gptq.find,
    awq.find,
    compressed_ints.find,
    fp4.find_blocks,
    fp4.find_packed,
    scaled.find,
    others.find,
)

_ACTIVATIONS = (
    *("input_scale", "input_scale_ub", "input_zero_point", "input_global_scale", "activation_scale"),
    *("scale_input", "output_scale", "output_zero_point", "k_scale", "v_scale", "q_scale", "prob_output_scale"),
    *("pre_quant_scale", "comfy_quant", "scaled_fp8"),
)
"""Endings of what quantized layers keep beside their weights for what passes through them."""

_ORPHANS = ("weight_scale", "weight_scale_inv", "weight_scale_2", "weight_global_scale", "scale_weight")


def unpacked(records: Sequence[Record], told: Callable[[], Mapping[str, Any]] = dict) -> list[Record]:
    """Return a checkpoint's records with one for each quantized weight, in place of the tensors that it is stored as.

    The record has the layer's own name and shape, says what is stored (``"int4 (GPTQ)"``), and loads as float32. What
    cannot be put together is skipped under that name, with the reason.

    Parameters
    ----------
    records : sequence of Record
        Every tensor, each name once.
    told : callable, optional
        Returns the ``quantization_config``; called only if a quantized weight depends on it.
    """
    found = {record.name: record for record in records}
    notes = read_notes(record for record in records if is_note(record.name))
    checkpoint = Checkpoint(found, told, notes)
    groups: dict[str, Group] = {}
    taken: set[str] = set()
    for record in records:
        group = None if record.name in taken else _group(record, checkpoint)
        if group is not None and taken.isdisjoint(group.names):
            groups[record.name] = group
            taken |= group.names
    if not groups:
        return list(records)
    return list(_replaced(records, groups, taken))


def _group(anchor: Record, checkpoint: Checkpoint) -> Group | None:
    return next((group for find in _FORMATS if (group := find(anchor, checkpoint)) is not None), None)


def _replaced(records: Iterable[Record], groups: Mapping[str, Group], taken: set[str]) -> Iterable[Record]:
    names = {record.name for record in records if record.name not in taken}
    for record in records:
        group = groups.get(record.name)
        if group is not None:
            # Where a tensor of its own has the name, the codes' name tells the two apart.
            name = record.name if group.record.name in names else group.record.name
            names.add(name)
            yield group.record if name == group.record.name else replace(group.record, name=name)
        elif record.name not in taken:
            reason = _no_weight(record.name)
            yield record if reason is None else _left_out(record, reason)


def _no_weight(name: str) -> str | None:
    if _ends(name, _ACTIVATIONS):
        return "a scale of what passes through a quantized layer, not weights"
    return "scales without the weights that they belong to" if _ends(name, _ORPHANS) else None


def _ends(name: str, endings: tuple[str, ...]) -> bool:
    return f"_{name.rpartition('.')[2]}".endswith(tuple(f"_{ending}" for ending in endings))


def _left_out(record: Record, reason: str) -> Record:
    return Record(record.name, record.shape, record.dtype, Unreadable(f"{quote(record.name)} is {reason}."), reason)
