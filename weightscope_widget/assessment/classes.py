"""The class of a metric's value."""

from __future__ import annotations

import math
import operator

from weightscope_widget.assessment.thresholds import DEFAULT, Thresholds
from weightscope_widget.data import read
from weightscope_widget.errors import InvalidArgumentError

__all__ = ["CLASSES", "class_index", "classify"]

CLASSES: dict[str, tuple[str, ...]] = {
    metric: tuple(each["names"]) for metric, each in read("rules")["classes"].items()
}
"""Classes of each metric, in the order of its thresholds: of risk, or for the rank of compression potential."""

_OPERATORS = {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt}


def class_index(metric: str, value: float, thresholds: Thresholds = DEFAULT) -> int:
    """Return the index into ``CLASSES[metric]`` of a value that is not NaN: how many levels it has reached."""
    reached = read("rules")["classes"][metric]["reached"]
    levels = getattr(thresholds, metric)
    return sum(_OPERATORS[sign](value, level) for sign, level in zip(reached, levels, strict=True))


def classify(metric: str, value: float | None, thresholds: Thresholds = DEFAULT) -> str | None:
    """Return the class of a value, or None where the value does not exist.

    Parameters
    ----------
    metric : {"condition_number", "sqnr_db", "extreme_outlier_percentage", "stable_rank_percentage"}
        Which metric the value is of.
    value : float or None
        In the metric's unit; NaN and None have no class.
    thresholds : Thresholds
        Where the classes begin.

    Raises
    ------
    InvalidArgumentError
        Where the metric has no classes.

    Examples
    --------
    >>> classify("condition_number", 2.5e4)
    'high'
    """
    if metric not in CLASSES:
        raise InvalidArgumentError(f"{metric!r} has no classes; those that have are {', '.join(CLASSES)}.")
    if value is None or math.isnan(value):
        return None
    return CLASSES[metric][class_index(metric, value, thresholds)]
