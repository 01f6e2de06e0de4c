"""From the tensors of a checkpoint to its layers: quantized weights unpacked, orientation and experts recognized."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from weightscope_widget.layers.layer import Source
from weightscope_widget.sources._tensors.records import (
    Contents,
    Record,
    assemble,
    is_expert_stack,
    linear_by_name,
    model_order,
    transposed_names,
)
from weightscope_widget.sources.packed import unpacked

__all__ = ["checkpoint_records", "checkpoint_source"]

_WIDE = ("float64", "float32", "bfloat16", "float16")


def checkpoint_source(
    name: str,
    contents: Contents,
    settings: Callable[[], Mapping[str, Any]],
    order: Callable[[Iterable[str]], Iterable[str]] = model_order,
) -> Source:
    """Return the source of the tensors in one or several files.

    The metadata may name tied weights, as ``safetensors.torch.save_model`` does: a name that was not written → the name
    its values were written under.  `settings` returns the ``quantization_config`` beside the files, and is called only
    if a quantized weight depends on it.  `order` sorts the names in the model's order; ``tuple`` keeps the file's.
    """
    records = {record.name: record for record in checkpoint_records(list(contents.records.values()), settings)}
    tied = {key: kept for key, kept in contents.metadata.items() if isinstance(kept, str) and key != "format"}
    return assemble(name, [records[key] for key in order(records)], tied)


def checkpoint_records(records: Sequence[Record], settings: Callable[[], Mapping[str, Any]] = dict) -> list[Record]:
    """Return one record for each weight of a checkpoint, with orientation and experts recognized by names."""
    # The codes of quantized weights are integers, or floats of 8 bits and less.
    plain = all(record.dtype in _WIDE for record in records)
    weights = records if plain else unpacked(records, settings)
    transposed = transposed_names({record.name: record.shape for record in weights})
    return [
        replace(
            record,
            transposed=record.name in transposed,
            stack=record.stack or (record.dtype != "unknown" and is_expert_stack(record.name, record.shape)),
            linear=linear_by_name(record.name),
        )
        for record in weights
    ]
