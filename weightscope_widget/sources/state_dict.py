"""A state dict, a mapping from parameter names to tensors; also inside a training checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from weightscope_widget.errors import UnsupportedModelError
from weightscope_widget.layers.layer import Source
from weightscope_widget.sources._checkpoint import checkpoint_records
from weightscope_widget.sources._tensors.files import quote
from weightscope_widget.sources._tensors.memory import memory_source, tensor_record
from weightscope_widget.sources._tensors.records import Record, skipped

__all__ = ["open_state_dict", "unwrap"]

_NAME = "state dict"
_USUAL_KEYS = ("state_dict", "model_state_dict", "model", "module", "params", "weights", "net")
_GIVE = "give a mapping from parameter names to torch tensors, such as model.state_dict() returns"


def open_state_dict(model: Mapping[Any, Any]) -> Source:
    """Open a state dict, or the one in a training checkpoint; its order is kept."""
    tensors = unwrap(model, "This mapping")
    return memory_source(_NAME, checkpoint_records([_record(name, value) for name, value in tensors.items()]))


def _record(name: str, value: object) -> Record:
    if not isinstance(value, torch.Tensor):
        return skipped(name, f"not a tensor ({type(value).__name__})")
    return tensor_record(name, value)


def unwrap(model: object, title: str) -> Mapping[str, Any]:
    """Return the state dict: the mapping itself if it holds a tensor, else the one of its values that does.

    Where several of its values do, the first of the usual keys decides: ``state_dict``, ``model_state_dict``,
    ``model``, ``module``, ``params``, ``weights``, ``net``.  Messages begin with `title`.
    """
    if not isinstance(model, Mapping):
        raise UnsupportedModelError(f"{title} is of type {type(model).__name__}, not a state dict; {_GIVE}.")
    tensors = _inner(model, title)
    for key in tensors:
        if not isinstance(key, str):
            raise UnsupportedModelError(
                f"A state dict's keys are parameter names, but {title} has the key {quote(repr(key))} of type "
                f"{type(key).__name__}; give the mapping that model.state_dict() returns."
            )
    return tensors


def _inner(model: Mapping[Any, Any], title: str) -> Mapping[Any, Any]:
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
        raise UnsupportedModelError(f"{title} holds several state dicts ({keys}); give one of them.")
    kinds = ", ".join(sorted({type(value).__name__ for value in model.values()})[:5])
    raise UnsupportedModelError(f"{title} is a {type(model).__name__} whose values are no tensors ({kinds}); {_GIVE}.")


def _holds_tensors(model: Mapping[Any, Any]) -> bool:
    return any(isinstance(value, torch.Tensor) for value in model.values())
