"""Valid JSON that reads back exactly: non-finite numbers are written as strings."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from weightscope_widget._shared.atomic_write import whole_file
from weightscope_widget.errors import InvalidArgumentError, ModelNotFoundError, ResultsFormatError

__all__ = ["NON_FINITE", "plain", "read_json", "write_json"]

NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def plain(value: Any) -> Any:
    """Return `value` with NumPy's scalars as Python's, and non-finite numbers as the strings in `NON_FINITE`."""
    if value is None or isinstance(value, str | int):  # the common types first
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return int(value) if isinstance(value, Integral) else plain(float(value)) if isinstance(value, Real) else value


def write_json(document: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a document; the file appears whole or not at all, or an InvalidArgumentError is raised."""
    try:
        with whole_file(path) as file:
            file.write(json.dumps(plain(document), allow_nan=False))  # json.dump is five times slower
    except OSError as error:
        raise InvalidArgumentError(
            f"{os.fspath(path)!r} cannot be written ({error.strerror or error}); choose another path."
        ) from error


def read_json(path: Path, kind: str) -> Any:
    """Return the JSON value in a file that ``kind.save()`` wrote; raises ModelNotFoundError or ResultsFormatError."""
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
