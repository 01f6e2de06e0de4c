"""The classic score of a layer: health, grade and risk, of its condition number and its extreme outliers."""

from __future__ import annotations

import math

from weightscope_widget.assessment.thresholds import DEFAULT, Thresholds

__all__ = ["GRADES", "grade", "health", "risk"]

GRADES = ("Excellent", "Good", "Warning", "Critical")


def health(
    condition_number: float | None, extreme_outlier_percentage: float | None, thresholds: Thresholds = DEFAULT
) -> int | None:
    """Return a layer's health: 100 less 40 or 20 for its conditioning, less 30 or 15 for its extreme outliers.

    None where either number does not exist: a layer that was not measured is not healthy.
    """
    if _missing(condition_number, extreme_outlier_percentage):
        return None
    _, high, very_high = thresholds.condition_number
    _, outlier_high, outlier_very_high = thresholds.extreme_outlier_percentage
    return (
        100
        - _step(condition_number, (high, 20), (very_high, 40))
        - _step(extreme_outlier_percentage, (outlier_high, 15), (outlier_very_high, 30))
    )


def grade(score: float | None) -> str | None:
    """Return the grade of a health score: Excellent from 80, Good from 60, Warning from 40, Critical below."""
    if score is None:
        return None
    return GRADES[sum(score < floor for floor in (80, 60, 40))]


def risk(
    condition_number: float | None, extreme_outlier_percentage: float | None, thresholds: Thresholds = DEFAULT
) -> float:
    """Return a layer's risk score: 50 or 25 for its conditioning, plus three times its extreme outlier percentage.

    At least 0, without an upper bound of note (350); NaN where either number does not exist.
    """
    if _missing(condition_number, extreme_outlier_percentage):
        return math.nan
    _, high, very_high = thresholds.condition_number
    assert extreme_outlier_percentage is not None
    return _step(condition_number, (high, 25), (very_high, 50)) + 3 * extreme_outlier_percentage


def _missing(*values: float | None) -> bool:
    return any(value is None or math.isnan(value) for value in values)


def _step(value: float | None, *steps: tuple[float, int]) -> int:
    """Return the amount of the last step whose level `value` exceeds, 0 for none."""
    assert value is not None
    return max((amount for level, amount in steps if value > level), default=0)
