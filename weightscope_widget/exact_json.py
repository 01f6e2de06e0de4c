"""Numbers in valid JSON that reads back exactly: what is not finite is written as a string."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from typing import Any

from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.whole_file import whole_file

__all__ = ["numbers", "plain", "write_json"]

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


def write_json(document: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a document as valid JSON; the file appears whole or not at all.

    Raises
    ------
    InvalidArgumentError
        Where it cannot be written.
    """
    try:
        with whole_file(path) as file:
            json.dump(plain(document), file, allow_nan=False)
    except OSError as error:
        raise InvalidArgumentError(
            f"{os.fspath(path)!r} cannot be written ({error.strerror or error}); choose another path."
        ) from error
