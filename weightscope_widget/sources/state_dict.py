"""A state dict: a mapping from parameter names to tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeGuard

import torch

from weightscope_widget.layers.layer import Source
from weightscope_widget.sources._tensors.conv1d import transposed_names
from weightscope_widget.sources._tensors.experts import is_expert_stack
from weightscope_widget.sources._tensors.loaders import Unreadable
from weightscope_widget.sources._tensors.memory import memory_source, tensor_record
from weightscope_widget.sources._tensors.paths import quote
from weightscope_widget.sources._tensors.record import Record, linear_by_name
from weightscope_widget.sources.packed import unpacked
from weightscope_widget.sources.torch.unwrap import unwrap

__all__ = ["accepts", "open_state_dict"]

_NAME = "state dict"


def accepts(model: object) -> TypeGuard[Mapping[Any, Any]]:
    """Return whether this is a mapping."""
    return isinstance(model, Mapping)


def open_state_dict(model: Mapping[Any, Any]) -> Source:
    """Open a state dict, or a training checkpoint that has one inside; its order is kept.

    Raises
    ------
    UnsupportedModelError
        It holds no tensors, or several state dicts.
    MetaDeviceError
        Every tensor is on the meta device.
    NoWeightsError
        It is empty, or has no floating-point tensor.
    """
    tensors = unwrap(model, "This mapping")
    records = unpacked([_record(name, value) for name, value in tensors.items()])
    transposed = transposed_names({record.name: record.shape for record in records})
    return memory_source(_NAME, [_placed(record, record.name in transposed) for record in records])


def _placed(record: Record, transposed: bool) -> Record:
    stack = record.stack or is_expert_stack(record.name, record.shape)
    return replace(record, transposed=transposed, stack=stack, linear=linear_by_name(record.name))


def _record(name: str, value: object) -> Record:
    if not isinstance(value, torch.Tensor):
        kind = type(value).__name__
        return Record(name, (), "", Unreadable(f"{quote(name)} is not a tensor."), f"not a tensor ({kind})")
    return tensor_record(name, value)
