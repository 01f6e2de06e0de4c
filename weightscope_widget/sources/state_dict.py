"""A state dict: a mapping from parameter names to tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

import torch

from weightscope_widget.errors import UnsupportedModelError
from weightscope_widget.sources._conv1d import transposed_names
from weightscope_widget.sources._experts import is_expert_stack
from weightscope_widget.sources._loaders import Unreadable
from weightscope_widget.sources._memory import memory_source, tensor_record
from weightscope_widget.sources._paths import quote
from weightscope_widget.sources._record import Record
from weightscope_widget.sources.layer import Source

__all__ = ["accepts", "open_state_dict"]

_NAME = "state dict"
_USUAL_KEYS = ("state_dict", "model_state_dict", "model", "module", "params", "weights", "net")


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
    tensors = _inner(model)
    for key in tensors:
        if not isinstance(key, str):
            raise UnsupportedModelError(
                f"A state dict's keys are parameter names, but this one has the key {quote(repr(key))} of type "
                f"{type(key).__name__}; give the mapping that model.state_dict() returns."
            )
    transposed = transposed_names({name: _shape(value) for name, value in tensors.items()})
    return memory_source(_NAME, [_record(name, value, name in transposed) for name, value in tensors.items()])


def _record(name: str, value: object, transposed: bool) -> Record:
    if not isinstance(value, torch.Tensor):
        kind = type(value).__name__
        return Record(name, (), "", Unreadable(f"{quote(name)} is not a tensor."), f"not a tensor ({kind})")
    return tensor_record(name, value, transposed=transposed, stack=is_expert_stack(name, _shape(value)))


def _shape(value: object) -> tuple[int, ...]:
    return tuple(value.shape) if isinstance(value, torch.Tensor) and not torch.nn.parameter.is_lazy(value) else ()


def _inner(model: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """Return the mapping that holds the tensors: this one, or the one of its values that does."""
    if not model or _holds_tensors(model):
        return model
    inside = {key: value for key, value in model.items() if isinstance(value, Mapping) and _holds_tensors(value)}
    for key in _USUAL_KEYS:
        if key in inside:
            return inside[key]
    if len(inside) == 1:
        return next(iter(inside.values()))
    if inside:
        keys = ", ".join(quote(key) for key in list(inside)[:8])
        raise UnsupportedModelError(f"This mapping holds several state dicts ({keys}); give one of them.")
    kinds = ", ".join(sorted({type(value).__name__ for value in model.values()})[:5])
    raise UnsupportedModelError(
        f"A {type(model).__name__} was given whose values are no tensors ({kinds}); give a mapping from parameter "
        "names to torch tensors, such as model.state_dict() returns."
    )


def _holds_tensors(model: Mapping[Any, Any]) -> bool:
    return any(isinstance(value, torch.Tensor) for value in model.values())
