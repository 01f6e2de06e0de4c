"""Results as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from weightscope_widget.layers.layer import LayerInfo

__all__ = ["frame_of", "leading_columns"]

_DTYPES = {"block": "Int64", "parameters": "Int64", "risk": "float64"}
_OBJECTS = ("stack", "kind", "family", "shape", "dtype", "grade", "status", "error")


def leading_columns(info: LayerInfo) -> dict[str, Any]:
    """Return the columns that every table begins with."""
    place = info.placement
    return {
        "block": place.block,
        "stack": place.stack,
        "kind": place.kind,
        "family": place.family,
        "shape": info.shape,
        "dtype": info.dtype,
        "parameters": info.parameters,
    }


def frame_of(rows: Mapping[str, Mapping[str, Any]], *, integers: bool = True) -> pd.DataFrame:
    """Return a table indexed by the rows' names, with ``error`` last; `integers` keeps whole columns as int64."""
    columns = dict.fromkeys(key for row in rows.values() for key in row if key != "error")
    if any("error" in row for row in rows.values()):
        columns["error"] = None
    frame: pd.DataFrame = pd.DataFrame(
        {key: pd.Series([row.get(key) for row in rows.values()], dtype=_dtype(key, rows, integers)) for key in columns}
    )
    frame.index = pd.Index(list(rows), name="name")
    return frame


def _dtype(key: str, rows: Mapping[str, Mapping[str, Any]], integers: bool) -> str:
    if key in _OBJECTS:
        return "object"
    whole = integers and all(isinstance(row.get(key), int) for row in rows.values())
    return _DTYPES.get(key, "int64" if whole else "float64")
