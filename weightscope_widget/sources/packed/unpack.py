"""Quantized weights of a checkpoint: one record for each, in place of the tensors that it is stored as."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import torch

from weightscope_widget.errors import TensorReadError
from weightscope_widget.sources._tensors.files import quote
from weightscope_widget.sources._tensors.records import Record, skipped
from weightscope_widget.sources.packed import bitsandbytes, fp4, ints, others, scaled
from weightscope_widget.sources.packed.group import Checkpoint, Group, oddity

__all__ = ["unpacked"]

# Each returns the group that a tensor is the main part of; None if it is not stored so.
_FORMATS: tuple[Callable[[Record, Checkpoint], Group | None], ...] = (
    bitsandbytes.find_4bit,
    bitsandbytes.find_8bit,
    ints.find_gptq,
    ints.find_awq,
    ints.find_compressed,
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
"""Endings of the tensors that quantized layers keep for their activations."""

_ORPHANS = ("weight_scale", "weight_scale_inv", "weight_scale_2", "weight_global_scale", "scale_weight")

_LARGEST_NOTE = 65536
"""Bytes; real ones have a few hundred."""

_WIDEST = 8
_NOTES_AT_A_TIME = 8


def unpacked(records: Sequence[Record], settings: Callable[[], Mapping[str, Any]] = dict) -> list[Record]:
    """Return a checkpoint's records, with one for each quantized weight.

    That record has the layer's own name and shape, says what is stored (``"int4 (GPTQ)"``), and loads as float32.
    A weight that cannot be computed is skipped under that name, with the reason.
    """
    found = {record.name: record for record in records}
    checkpoint = Checkpoint(found, settings, _notes(record for record in records if _is_note(record.name)))
    groups: dict[str, Group] = {}
    taken: set[str] = set()
    for record in records:
        group = None if record.name in taken else _group(record, checkpoint)
        if group is not None and taken.isdisjoint(group.names):
            groups[record.name] = group
            taken |= group.names
    return list(_replaced(records, groups, taken)) if groups else list(records)


def _group(anchor: Record, checkpoint: Checkpoint) -> Group | None:
    return next((group for find in _FORMATS if (group := find(anchor, checkpoint)) is not None), None)


def _replaced(records: Iterable[Record], groups: Mapping[str, Group], taken: set[str]) -> Iterator[Record]:
    names = {record.name for record in records if record.name not in taken}
    for record in records:
        group = groups.get(record.name)
        if group is not None:
            # Where a tensor of its own has the name, the name of the codes distinguishes the two.
            name = record.name if group.record.name in names else group.record.name
            names.add(name)
            yield replace(group.record, name=name)
        elif record.name not in taken:
            reason = _not_weights(record.name)
            yield record if reason is None else skipped(record.name, reason, record.shape, record.dtype)


def _not_weights(name: str) -> str | None:
    if _ends(name, _ACTIVATIONS):
        return "a scale of the activations of a quantized layer, not weights"
    return "scales without their weights" if _ends(name, _ORPHANS) else None


def _ends(name: str, endings: tuple[str, ...]) -> bool:
    return f"_{name.rpartition('.')[2]}".endswith(tuple(f"_{ending}" for ending in endings))


# -- Small tensors that describe others: the shape of a weight, or all that bitsandbytes keeps -------------------------


def _is_note(name: str) -> bool:
    return name.endswith(".weight_shape") or name == "weight_shape" or ".quant_state.bitsandbytes__" in name


def _notes(records: Iterable[Record]) -> dict[str, torch.Tensor | TensorReadError]:
    records = list(records)
    with ThreadPoolExecutor(_NOTES_AT_A_TIME) as pool:  # each may be a request to a server
        return dict(zip((record.name for record in records), pool.map(_note, records), strict=True))


def _note(record: Record) -> torch.Tensor | TensorReadError:
    why, count = oddity(record), math.prod(record.shape)
    if why is None and count > (_LARGEST_NOTE if record.dtype == "uint8" else _LARGEST_NOTE // _WIDEST):
        why = f"{count} entries, too many"
    if why is not None:
        return TensorReadError(f"{quote(record.name)} cannot be read: {why}")
    try:
        return record.load()
    except TensorReadError as error:
        return error
