"""Numbers in valid JSON that reads back exactly: what is not finite is written as a string."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from weightscope_widget._shared.atomic_write import whole_file
from weightscope_widget.errors import InvalidArgumentError, ModelNotFoundError, ResultsFormatError

__all__ = ["numbers", "plain", "read_json", "write_json"]

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


def read_json(path: Path, kind: str) -> Any:
    """Return what a file holds, as `json` reads it.

    Parameters
    ----------
    path : Path
        Where.
    kind : str
        What it should hold, as ``results.save()`` has it, for sentences.

    Raises
    ------
    ModelNotFoundError
        Where there is no such file, or none that may be read.
    ResultsFormatError
        Where it is not JSON.
    """
    try:
        if not path.is_file():
            raise ModelNotFoundError(f"There is no {kind} file at {path}; check the path.")
        return json.loads(path.read_text(encoding="utf-8"))
    except ModelNotFoundError:
        raise
    except OSError as error:
        raise ModelNotFoundError(f"{path} cannot be read ({error.strerror or error}); check the path.") from error
    except (ValueError, RecursionError) as error:
        raise ResultsFormatError(
            f"{path} is not a JSON file ({error}); give a file that {kind}.save() wrote."
        ) from None
