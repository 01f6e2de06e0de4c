"""Check untrusted values of saved results; each function raises ValueError with a phrase."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from functools import cache
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch

from weightscope_widget._shared.exact_json import NON_FINITE
from weightscope_widget.analyzers import METHODS, Weights

__all__ = ["checked", "checked_names", "checked_number", "checked_sections", "checked_shape"]

_POSITIVE = ("condition_number", "stable_rank", "total_rank")  # figures take their logarithms
_WHOLE = 2**63  # the limit of a table's integers


def checked_sections(sections: Any, layer: str) -> dict[str, Any]:
    """Return ``{section: {metric: value}}`` with strings and null as numbers, and ``error`` as it is.

    A value is a number, a list of numbers, or a group of numbers by name.
    """
    if not isinstance(sections, Mapping) or sections.keys() - METHODS.keys() - {"error"}:
        raise ValueError(f"its entry {layer!r} is not made of {', '.join(METHODS)}")
    found = {}
    for section, metrics in sections.items():
        checked(metrics, str if section == "error" else Mapping, f"{section} of {layer!r}")
        found[section] = metrics if section == "error" else _section(section, metrics, layer)
    return found


def _section(section: str, metrics: Mapping[Any, Any], layer: str) -> dict[str, Any]:
    found = {}
    for key, value in metrics.items():
        if not isinstance(key, str):
            raise ValueError(f"its entry {layer!r} has the key {reprlib.repr(key)} in {section}, which is no name")
        try:
            found[key] = _value(value, _forms(section).get(key))
            if key in _POSITIVE and found[key] <= 0:
                raise ValueError(f"a {key.replace('_', ' ')} is positive")
        except ValueError as error:
            raise ValueError(f"its entry {layer!r} has {reprlib.repr(value)} for {section}.{key} ({error})") from None
    return found


@cache
def _forms(section: str) -> Mapping[str, type]:
    """Return the form of each metric of a section, from what its analyzer returns."""
    sample = Weights(torch.tensor([[1.0, math.nan], [math.inf, 2.0]]))  # counts what is not finite, too
    return {key: _form(value) for key, value in METHODS[section](sample, 1).items()}


def _form(value: Any) -> type:
    return next((form for form in (dict, list) if isinstance(value, form)), float)


def _value(value: Any, form: type | None) -> Any:
    found: Any
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, Mapping):
        found = {key: checked_number(one) for key, one in value.items()}
    elif isinstance(value, list | tuple):
        found = [checked_number(one) for one in value]
    else:
        found = checked_number(value)
    if form is not None and _form(found) is not form:
        raise ValueError(f"which is {_WORDS[form]}")
    return found


_WORDS: dict[type, str] = {float: "a number", list: "a list of numbers", dict: "a group of numbers"}


def checked_number(value: Any) -> float | int:
    """Return a number given as one, as null (NaN), or as the string that stands for a non-finite one."""
    if value is None or isinstance(value, str):
        value = math.nan if value is None else NON_FINITE.get(value)
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueError("not a number")
    if isinstance(value, Integral):
        whole = int(value)
        if abs(whole) >= _WHOLE:
            raise ValueError("too large")
        return whole
    return float(value)


def checked_shape(shape: Any, layer: str) -> tuple[int, ...] | None:
    """Return the shape of a layer, None where it is not known."""
    if shape is None:
        return None
    if not isinstance(shape, list) or not all(type(side) is int and 0 < side < _WHOLE for side in shape):
        raise ValueError(f"its entry {layer!r} has {reprlib.repr(shape)} for its shape")
    return tuple(shape)


def checked(value: Any, kind: Any, what: str) -> Any:
    """Return a value that is an instance of `kind`."""
    if not isinstance(value, kind):
        raise ValueError(f"it has {reprlib.repr(value)} for {what}")
    return value


def checked_names(names: Any, what: str) -> tuple[str, ...]:
    """Return a list of names."""
    return tuple(checked(name, str, what) for name in checked(names, list, what))
