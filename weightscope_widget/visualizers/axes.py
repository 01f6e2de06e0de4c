"""Axes with their ends and ticks, and tooltips of histograms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal

from weightscope_widget._shared.formats import format_number, format_tick, power_of_ten
from weightscope_widget._shared.messages import say
from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.visualizers.chart import Axis, FloatArray, Tick

__all__ = [
    "bin_hints",
    "category_axis",
    "check_drawable",
    "count_axis",
    "format_level",
    "index_axis",
    "linear_axis",
    "log_axis",
    "percentage_axis",
    "symlog_axis",
]

_SYMLOG_TICKS = (0, 0.01, 0.1, 1, 10, 100)
_STEPS = (1, 2, 2.5, 5, 10)
_FARTHEST = 1e300
"""Drawing larger values overflows float64."""


def check_drawable(*values: float) -> None:
    """Raise InvalidArgumentError for values beyond ±1e300, which no axis can show."""
    for value in values:
        if abs(value) > _FARTHEST:
            raise InvalidArgumentError(
                f"weights lead to {format_number(value)}, too large to be drawn; scale them down first."
            )


def linear_axis(label: str, low: float, high: float, ticks: int = 6) -> Axis:
    """Return an axis with round ticks, at most about `ticks` of them, between its ends."""
    check_drawable(low, high)
    if not low < high:
        margin = 0.5 * abs(low) or 0.5
        low, high = low - margin, high + margin
    rough = (high - low) / ticks
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(size * power for size in _STEPS if size * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    # Counted in steps, so that 0.3 is not 0.30000000000000004.
    values = [round(index * step, 12 - math.floor(math.log10(step))) for index in range(first, last + 1)]
    return Axis(label, low, high, ticks=tuple(Tick(value + 0.0, format_tick(value)) for value in values))


def percentage_axis(label: str) -> Axis:
    """Return an axis from 0 to 100."""
    return linear_axis(label, 0, 100, 5)


def log_axis(label: str, low: float, high: float, ticks: int = 7) -> Axis:
    """Return a logarithmic axis from `low` to `high`, both above 0, with a tick at each decade or each few."""
    check_drawable(high)
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    stride = max(1, math.ceil((last - first + 1) / ticks))
    # All as powers, or none.
    written = format_tick if first >= -3 and last <= 4 else _power
    decades = [Tick(10.0**exponent, written(10.0**exponent)) for exponent in range(first, last + 1, stride)]
    if len(decades) < 2:  # a narrow range: 2s and 5s too
        values = [digit * 10.0**exponent for exponent in range(first - 1, last + 1) for digit in (1, 2, 5)]
        decades = [Tick(value, format_tick(value)) for value in values if low <= value <= high]
    return Axis(label, low, high, "log", tuple(decades))


def symlog_axis(label: str, high: float) -> Axis:
    """Return an axis of a percentage, linear near zero and logarithmic beyond.

    It begins a little below 0, so that points at 0 are drawn whole.
    """
    high = max(1.2 * high, 0.1)
    ticks = tuple(Tick(value, format_tick(value)) for value in _SYMLOG_TICKS if value <= high)
    return Axis(label, -0.002, high, "symlog", ticks)


def count_axis(label: str, most: float, *, log: bool = False) -> Axis:
    """Return an axis of counts, from 0; a logarithmic one from 0.5, so that a count of 1 is visible."""
    if log:
        return log_axis(label, 0.5, max(1.0, most) * 1.6)
    return index_axis(label, 0.0, max(1.0, most) * 1.06, 5)


def index_axis(label: str, low: float, high: float, ticks: int = 6) -> Axis:
    """Return an axis with ticks at whole numbers only."""
    axis = linear_axis(label, low, high, ticks)
    return replace(axis, ticks=tuple(tick for tick in axis.ticks if tick.value == round(tick.value)))


def category_axis(label: str, categories: Sequence[str], most: int) -> Axis:
    """Return an axis of names with at most `most` evenly spaced ticks."""
    stride = max(1, math.ceil(len(categories) / most))
    ticks = tuple(Tick(index, categories[index]) for index in range(0, len(categories), stride))
    return Axis(label, -0.5, max(1, len(categories)) - 0.5, "category", ticks, tuple(categories))


def format_level(level: float, *, logarithmic: bool) -> str:
    """Return the label of a threshold: 10⁴ where the axis shows powers of ten."""
    if logarithmic and level > 0 and math.log10(level).is_integer():
        return power_of_ten(round(math.log10(level)))
    return format_tick(level)


def bin_hints(edges: FloatArray, counts: FloatArray, what: Literal["layers", "weights"], language: str) -> list[str]:
    """Return tooltips of bins: how many there are, and between which values.

    >>> import numpy as np
    >>> bin_hints(np.array([0.5, 1.0, 2.0]), np.array([1.0, 0.0]), "layers", "en")
    ['1 layer from 0.5000 to 1.000', '0 layers from 1.000 to 2.000']
    """
    return [
        say(
            "figures.bin",
            language,
            what=say("layers" if what == "layers" else "figures.weights", language, count=count),
            low=low,
            high=high,
        )
        for (low, high), count in zip(pairwise(edges.tolist()), counts.tolist(), strict=True)
    ]


def _power(value: float) -> str:
    return power_of_ten(round(math.log10(value)))
