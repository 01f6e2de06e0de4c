"""A state dict: a mapping from parameter names to tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

import torch

from weightscope_widget.sources._conv1d import transposed_names
from weightscope_widget.sources._experts import is_expert_stack
from weightscope_widget.sources._loaders import Unreadable
from weightscope_widget.sources._memory import memory_source, tensor_record
from weightscope_widget.sources._paths import quote
from weightscope_widget.sources._record import Record
from weightscope_widget.sources._unwrap import unwrap
from weightscope_widget.sources.layer import Source

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
    transposed = transposed_names({name: _shape(value) for name, value in tensors.items()})
    return memory_source(_NAME, [_record(name, value, name in transposed) for name, value in tensors.items()])


def _record(name: str, value: object, transposed: bool) -> Record:
    if not isinstance(value, torch.Tensor):
        kind = type(value).__name__
        return Record(name, (), "", Unreadable(f"{quote(name)} is not a tensor."), f"not a tensor ({kind})")
    return tensor_record(name, value, transposed=transposed, stack=is_expert_stack(name, _shape(value)))


def _shape(value: object) -> tuple[int, ...]:
    return tuple(value.shape) if isinstance(value, torch.Tensor) and not torch.nn.parameter.is_lazy(value) else ()
