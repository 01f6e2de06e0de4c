"""Where the classes of each metric begin: rules of thumb for sorting and early warning, not laws."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from weightscope_widget.errors import InvalidArgumentError

__all__ = ["DEFAULT", "Thresholds"]


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
            given = getattr(self, spec.name)
            expected = len(spec.default)  # type: ignore[arg-type]  # every field's default is a tuple
            try:
                levels = tuple(float(level) for level in given)
            except (TypeError, ValueError):
                raise InvalidArgumentError(
                    f"thresholds: {spec.name} needs {expected} finite levels, and is {given!r}."
                ) from None
            descending = spec.name == "sqnr_db"
            if len(levels) != expected or not all(map(math.isfinite, levels)):
                raise InvalidArgumentError(f"thresholds: {spec.name} needs {expected} finite levels, and got {levels}.")
            if list(levels) != sorted(levels, reverse=descending):
                order = "descending" if descending else "ascending"
                raise InvalidArgumentError(f"thresholds: {spec.name} must be {order}, and is {levels}.")
            object.__setattr__(self, spec.name, levels)


DEFAULT = Thresholds()
