"""What a file or plain dicts hold of a layer, checked value by value: whatever draws it relies on numbers."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from functools import cache
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch

from weightscope_widget._shared.exact_json import numbers
from weightscope_widget.analyzers import METHODS, Weights
from weightscope_widget.analyzers.distribution import Histogram

__all__ = ["checked", "checked_histogram", "checked_names", "checked_sections", "checked_shape", "checked_spectrum"]

_POSITIVE = ("condition_number", "stable_rank", "total_rank")  # of which figures take logarithms and quotients
_WHOLE = 2**63  # beyond which a table holds no whole numbers


def checked_sections(sections: Any, layer: str) -> dict[str, Any]:
    """Return the sections of a layer: numbers as they are, what JSON cannot hold decoded, null as NaN.

    Parameters
    ----------
    sections : mapping
        Untrusted: ``{section: {metric: value}}``, a value being a number, a list of numbers, or a group of numbers by
        name; and ``error``, a sentence.
    layer : str
        Whose, for sentences.

    Raises
    ------
    ValueError
        Where something is of another form; the message is a phrase.
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
    """Return the form of each metric of a section, read off what its analyzer returns."""
    sample = Weights(torch.tensor([[1.0, math.nan], [math.inf, 2.0]]))  # counts what is not finite, too
    return {key: _form(value) for key, value in METHODS[section](sample, 1).items()}


def _form(value: Any) -> type:
    return next((form for form in (dict, list) if isinstance(value, form)), float)


def _value(value: Any, form: type | None) -> Any:
    found: Any
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, Mapping):
        found = {key: _number(one) for key, one in value.items()}
    elif isinstance(value, list | tuple):
        found = [_number(one) for one in value]
    else:
        found = _number(value)
    if form is not None and _form(found) is not form:
        raise ValueError(f"which is {_WORDS[form]}")
    return found


_WORDS: dict[type, str] = {float: "a number", list: "a list of numbers", dict: "a group of numbers"}


def _number(value: Any) -> float | int:
    value = math.nan if value is None else numbers(value)  # null is how many tools write NaN
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueError("not a number")
    if isinstance(value, Integral):
        whole = int(value)
        if abs(whole) >= _WHOLE:
            raise ValueError("too large")
        return whole
    return float(value)


def checked_shape(shape: Any, layer: str) -> tuple[int, ...] | None:
    """Return the shape of a layer, None where it is not known.

    Raises
    ------
    ValueError
        Where it is something else; the message is a phrase.
    """
    if shape is None:
        return None
    if not isinstance(shape, list) or not all(type(side) is int and 0 < side < _WHOLE for side in shape):
        raise ValueError(f"its entry {layer!r} has {reprlib.repr(shape)} for its shape")
    return tuple(shape)


def checked(value: Any, kind: Any, what: str) -> Any:
    """Return a value of a kind, as `isinstance` takes it.

    Raises
    ------
    ValueError
        Where it is of another; the message is a phrase.
    """
    if not isinstance(value, kind):
        raise ValueError(f"it has {reprlib.repr(value)} for {what}")
    return value


def checked_names(names: Any, what: str) -> tuple[str, ...]:
    """Return a list of names.

    Raises
    ------
    ValueError
        Where it is something else; the message is a phrase.
    """
    return tuple(checked(name, str, what) for name in checked(names, list, what))


def checked_histogram(low: Any, high: Any, counts: np.ndarray) -> Histogram:
    """Return a histogram.

    Raises
    ------
    ValueError
        Where its edges are no finite numbers in order, or it has no bins or impossible counts; the message is a phrase.
    """
    edges = _number(low), _number(high)
    if not (all(map(math.isfinite, edges)) and edges[0] <= edges[1]):
        raise ValueError(f"a histogram from {edges[0]} to {edges[1]}")
    if not counts.size or not (np.isfinite(counts) & (counts >= 0)).all():
        raise ValueError("a histogram without counts")
    return Histogram(float(edges[0]), float(edges[1]), counts)


def checked_spectrum(values: np.ndarray) -> np.ndarray:
    """Return singular values.

    Raises
    ------
    ValueError
        Where there are none, or negative ones; the message is a phrase.
    """
    if not values.size or (values < 0).any():
        raise ValueError("singular values that are none")
    return values
