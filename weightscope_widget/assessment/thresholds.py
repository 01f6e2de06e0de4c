"""From numbers to judgement: thresholds, classes, health, risk, and what a random matrix would score.

Every threshold here is a rule of thumb for sorting and early warning, not a law; `gaussian_baseline` says what chance
alone gives for a matrix of the same shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from statistics import NormalDist

from weightscope_widget.errors import InvalidArgumentError

__all__ = [
    "CLASSES",
    "GRADES",
    "Thresholds",
    "classify",
    "gaussian_baseline",
    "grade",
    "health",
    "risk",
]


@dataclass(frozen=True)
class Thresholds:
    """Where the classes of a metric begin, in the metric's own unit.

    Attributes
    ----------
    condition_number : (float, float, float)
        Ascending: attention from the first, high above the second, very high above the third.
    sqnr_db : (float, float)
        Descending: safe above the first, high risk below the second.
    extreme_outlier_percentage : (float, float, float)
        Ascending, 0–100: a strategy is needed from the first, high risk above the second, very high above the third.
    stable_rank_percentage : (float, float, float, float)
        Ascending, 0–100 (stable rank / total rank): compression potential is very high below the first, high below the
        second, medium below the third, low below the fourth.

    Raises
    ------
    InvalidArgumentError
        Where a field has the wrong number of levels, or they are not finite and in order.
    """

    condition_number: tuple[float, ...] = (1e3, 1e4, 1e5)
    sqnr_db: tuple[float, ...] = (40.0, 30.0)
    extreme_outlier_percentage: tuple[float, ...] = (0.1, 1.0, 10.0)
    stable_rank_percentage: tuple[float, ...] = (10.0, 30.0, 50.0, 70.0)

    def __post_init__(self) -> None:
        for spec in fields(self):
            levels = tuple(float(level) for level in getattr(self, spec.name))
            expected = len(spec.default)  # type: ignore[arg-type]  # every field's default is a tuple
            descending = spec.name == "sqnr_db"
            if len(levels) != expected or not all(map(math.isfinite, levels)):
                raise InvalidArgumentError(f"thresholds: {spec.name} needs {expected} finite levels, and got {levels}.")
            if list(levels) != sorted(levels, reverse=descending):
                order = "descending" if descending else "ascending"
                raise InvalidArgumentError(f"thresholds: {spec.name} must be {order}, and is {levels}.")
            object.__setattr__(self, spec.name, levels)


CLASSES: dict[str, tuple[str, ...]] = {
    "condition_number": ("safe", "attention", "high", "very high"),
    "sqnr_db": ("safe", "medium", "high"),
    "extreme_outlier_percentage": ("friendly", "needs a strategy", "high", "very high"),
    "stable_rank_percentage": ("very high", "high", "medium", "low", "already efficient"),
}
"""Classes of each metric, in the order of its thresholds: of risk, or for the rank of compression potential."""

GRADES = ("Excellent", "Good", "Warning", "Critical")

_DEFAULT = Thresholds()


def _best_inside(value: float, levels: Sequence[float]) -> int:
    # The safe class ends before its level; of the others each reaches up to and including the next level.
    return 0 if value < levels[0] else 1 + sum(value > level for level in levels[1:])


_RANK_OF: dict[str, Callable[[float, Sequence[float]], int]] = {
    "condition_number": _best_inside,
    "sqnr_db": lambda value, levels: 0 if value > levels[0] else 1 + (value < levels[1]),
    "extreme_outlier_percentage": _best_inside,
    "stable_rank_percentage": lambda value, levels: sum(value >= level for level in levels),
}


def classify(metric: str, value: float | None, thresholds: Thresholds = _DEFAULT) -> str | None:
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


def health(
    condition_number: float | None, extreme_outlier_percentage: float | None, thresholds: Thresholds = _DEFAULT
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
    condition_number: float | None, extreme_outlier_percentage: float | None, thresholds: Thresholds = _DEFAULT
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


def gaussian_baseline(shape: Sequence[int], std: float = 1.0, *, matrices: int = 1) -> dict[str, float]:
    """Return what a matrix of independent Gaussian entries of this shape would score.

    These are asymptotic formulas, good to some per cent from sizes of about 100 (κ of a nearly square shape, 64 × 72,
    to 20 %); a single matrix of the ensemble scatters around them, κ of a square one by a factor of 2 and more.

    Parameters
    ----------
    shape : sequence of int
        (out, in, *kernel), taken as the matrix (out, in·∏kernel).
    std : float
        Standard deviation of the entries; only the edge depends on it.
    matrices : int
        How many such matrices a stack holds; only the SQNR depends on it, through the number of entries.

    Returns
    -------
    dict
        ``condition_number``: σ₁/σᵣ ≈ (√m + √n)/(√m − √(n−1)) for m > n (Rudelson & Vershynin 2009), n·e^1.537 for a
        square matrix (the geometric mean; Edelman 1988).
        ``stable_rank_percentage``: 100·m/(√m + √n)², m the larger side.
        ``sqnr_db``: of symmetric per-tensor INT8, with the median of the largest of all magnitudes.
        ``marchenko_pastur_edge``: std·(√m + √n), where the spectrum ends (Marchenko & Pastur 1967).

    Examples
    --------
    >>> round(gaussian_baseline((768, 3072))["condition_number"], 1)
    3.0
    """
    rows, columns = int(shape[0]), math.prod(int(side) for side in shape[1:])
    m, n = max(rows, columns), min(rows, columns)
    edge = math.sqrt(m) + math.sqrt(n)
    if n == 1:  # one singular value, its own spread: nothing is asymptotic
        condition_number, stable_rank_percentage, edge = 1.0, 100.0, math.sqrt(m)
    else:
        condition_number = n * math.exp(1.537) if m == n else edge / (math.sqrt(m) - math.sqrt(n - 1))
        stable_rank_percentage = 100 * m / edge**2
    entries = m * n * matrices
    # P(all of N magnitudes < x) = ½, solved in the tail, where 1 − 2^(−1/N) keeps its digits.
    largest = -NormalDist().inv_cdf(-math.expm1(-math.log(2) / entries) / 2)
    return {
        "condition_number": condition_number,
        "stable_rank_percentage": stable_rank_percentage,
        # A uniform rounding error has variance step²/12, and the step is largest/127.
        "sqnr_db": 10 * math.log10(12 * 127**2 / largest**2),
        "marchenko_pastur_edge": std * edge,
    }
