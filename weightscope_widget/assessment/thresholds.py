"""Where the classes of each metric begin: rules of thumb for sorting and early warning, not laws."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any

from weightscope_widget.data import read
from weightscope_widget.errors import InvalidArgumentError

__all__ = ["DEFAULT", "Thresholds"]


def _default(metric: str) -> Any:
    return field(default=tuple(map(float, read("rules")["classes"][metric]["levels"])))


@dataclass(frozen=True)
class Thresholds:
    """Where the classes of a metric begin, in the metric's own unit.

    Attributes
    ----------
    condition_number : (float, float, float)
        Ascending, by default 1e3, 1e4, 1e5: attention from the first, high above the second, very high above the third.
    sqnr_db : (float, float)
        Descending, by default 40, 30: safe above the first, high risk below the second.
    extreme_outlier_percentage : (float, float, float)
        Ascending, 0–100, by default 0.1, 1, 10: a strategy is needed from the first, high risk above the second, very
        high above the third.
    stable_rank_percentage : (float, float, float, float)
        Ascending, 0–100 (stable rank / total rank), by default 10, 30, 50, 70: compression potential is very high below
        the first, high below the second, medium below the third, low below the fourth.

    Raises
    ------
    InvalidArgumentError
        Where a field has the wrong number of levels, or they are not finite and in order.
    """

    condition_number: tuple[float, ...] = _default("condition_number")
    sqnr_db: tuple[float, ...] = _default("sqnr_db")
    extreme_outlier_percentage: tuple[float, ...] = _default("extreme_outlier_percentage")
    stable_rank_percentage: tuple[float, ...] = _default("stable_rank_percentage")

    def __post_init__(self) -> None:
        for spec in fields(self):
            given = getattr(self, spec.name)
            rules = read("rules")["classes"][spec.name]
            expected, descending = len(rules["levels"]), rules["reached"][0].startswith("<")
            try:
                levels = tuple(float(level) for level in given)
            except (TypeError, ValueError):
                raise InvalidArgumentError(
                    f"thresholds: {spec.name} needs {expected} finite levels, and is {given!r}."
                ) from None
            if len(levels) != expected or not all(map(math.isfinite, levels)):
                raise InvalidArgumentError(f"thresholds: {spec.name} needs {expected} finite levels, and got {levels}.")
            if list(levels) != sorted(levels, reverse=descending):
                order = "descending" if descending else "ascending"
                raise InvalidArgumentError(f"thresholds: {spec.name} must be {order}, and is {levels}.")
            object.__setattr__(self, spec.name, levels)


DEFAULT = Thresholds()
