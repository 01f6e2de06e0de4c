"""Numbers in valid JSON that reads back exactly: what is not finite is written as a string."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["numbers", "plain"]

_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def plain(value: Any) -> Any:
    """Return `value` with non-finite numbers as strings, which is what valid JSON can hold."""
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return next(text for text, number in _NON_FINITE.items() if repr(number) == repr(value))
    return value


def numbers(value: Any) -> Any:
    """Undo `plain`."""
    if isinstance(value, dict):
        return {key: numbers(one) for key, one in value.items()}
    if isinstance(value, list):
        return [numbers(one) for one in value]
    return _NON_FINITE.get(value, value) if isinstance(value, str) else value
