"""The classic score of a layer: health, grade and risk, of its condition number and its extreme outliers."""

from __future__ import annotations

import math
from typing import TypeGuard

from weightscope_widget.assessment.classes import class_index
from weightscope_widget.assessment.thresholds import DEFAULT, Thresholds
from weightscope_widget.data import read

__all__ = ["GRADES", "grade", "health", "risk"]

_RULES = read("rules")

GRADES: tuple[str, ...] = tuple(grade["name"] for grade in _RULES["grades"])


def health(
    condition_number: float | None, extreme_outlier_percentage: float | None, thresholds: Thresholds = DEFAULT
) -> int | None:
    """Return a layer's health: 100 less 40 or 20 for its conditioning, less 30 or 15 for its extreme outliers.

    None where either number does not exist: a layer that was not measured is not healthy.
    """
    if not (_exists(condition_number) and _exists(extreme_outlier_percentage)):
        return None
    values = {"condition_number": condition_number, "extreme_outlier_percentage": extreme_outlier_percentage}
    costs = _RULES["health"]["costs"]
    lost = sum(costs[metric][class_index(metric, value, thresholds)] for metric, value in values.items())
    return int(_RULES["health"]["best"] - lost)


def grade(score: float | None) -> str | None:
    """Return the grade of a health score: Excellent from 80, Good from 60, Warning from 40, Critical below."""
    if score is None:
        return None
    return next((each["name"] for each in _RULES["grades"] if score >= each["floor"]), GRADES[-1])


def risk(
    condition_number: float | None, extreme_outlier_percentage: float | None, thresholds: Thresholds = DEFAULT
) -> float:
    """Return a layer's risk score: 50 or 25 for its conditioning, plus three times its extreme outlier percentage.

    At least 0, at most 350; NaN where either number does not exist.
    """
    if not (_exists(condition_number) and _exists(extreme_outlier_percentage)):
        return math.nan
    rules = _RULES["risk"]
    step = rules["condition_number"][class_index("condition_number", condition_number, thresholds)]
    return float(step + rules["per_extreme_outlier_percentage"] * extreme_outlier_percentage)


def _exists(value: float | None) -> TypeGuard[float]:
    return value is not None and not math.isnan(value)
