"""The class of a metric's value."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from weightscope_widget.assessment.thresholds import DEFAULT, Thresholds
from weightscope_widget.errors import InvalidArgumentError

__all__ = ["CLASSES", "classify"]

CLASSES: dict[str, tuple[str, ...]] = {
    "condition_number": ("safe", "attention", "high", "very high"),
    "sqnr_db": ("safe", "medium", "high"),
    "extreme_outlier_percentage": ("friendly", "needs a strategy", "high", "very high"),
    "stable_rank_percentage": ("very high", "high", "medium", "low", "already efficient"),
}
"""Classes of each metric, in the order of its thresholds: of risk, or for the rank of compression potential."""


def _best_inside(value: float, levels: Sequence[float]) -> int:
    # The safe class ends before its level; of the others each reaches up to and including the next level.
    return 0 if value < levels[0] else 1 + sum(value > level for level in levels[1:])


_RANK_OF: dict[str, Callable[[float, Sequence[float]], int]] = {
    "condition_number": _best_inside,
    "sqnr_db": lambda value, levels: 0 if value > levels[0] else 1 + (value < levels[1]),
    "extreme_outlier_percentage": _best_inside,
    "stable_rank_percentage": lambda value, levels: sum(value >= level for level in levels),
}


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
    return CLASSES[metric][_RANK_OF[metric](value, getattr(thresholds, metric))]
