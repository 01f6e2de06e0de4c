"""Finding the state dict in what a training script saved around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from weightscope_widget.errors import UnsupportedModelError
from weightscope_widget.sources._tensors.paths import quote

__all__ = ["unwrap"]

_USUAL_KEYS = ("state_dict", "model_state_dict", "model", "module", "params", "weights", "net")


def unwrap(model: object, what: str) -> Mapping[str, Any]:
    """Return the state dict: the mapping itself if it holds a tensor, else the one of its values that does.

    Where several of its values do, the first of the usual keys (``state_dict``, ``model_state_dict``, ``model``,
    ``module``, ``params``, ``weights``, ``net``) decides.

    Parameters
    ----------
    model : object
        What was given or read.
    what : str
        What to call it at the start of a sentence.

    Raises
    ------
    UnsupportedModelError
        It is no mapping, holds no tensors or several state dicts, or its keys are no names.
    """
    if not isinstance(model, Mapping):
        raise UnsupportedModelError(f"{what} is of type {type(model).__name__}, which is no state dict; {_GIVE}.")
    tensors = _inner(model, what)
    for key in tensors:
        if not isinstance(key, str):
            raise UnsupportedModelError(
                f"A state dict's keys are parameter names, but {what} has the key {quote(repr(key))} of type "
                f"{type(key).__name__}; give the mapping that model.state_dict() returns."
            )
    return tensors


_GIVE = "give a mapping from parameter names to torch tensors, such as model.state_dict() returns"


def _inner(model: Mapping[Any, Any], what: str) -> Mapping[Any, Any]:
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
        raise UnsupportedModelError(f"{what} holds several state dicts ({keys}); give one of them.")
    kinds = ", ".join(sorted({type(value).__name__ for value in model.values()})[:5])
    raise UnsupportedModelError(f"{what} is a {type(model).__name__} whose values are no tensors ({kinds}); {_GIVE}.")


def _holds_tensors(model: Mapping[Any, Any]) -> bool:
    return any(isinstance(value, torch.Tensor) for value in model.values())
