"""Results as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from weightscope_widget.scanning.results import flatten

if TYPE_CHECKING:
    from weightscope_widget.scanning.results import ScanResults

__all__ = ["frame_of"]

_DTYPES = {"block": "Int64", "parameters": "Int64", "risk": "float64"}
_OBJECTS = ("stack", "kind", "family", "shape", "dtype", "grade", "error")


def frame_of(results: ScanResults) -> pd.DataFrame:
    """Return one row per layer, as `ScanResults.to_frame` describes it."""
    rows = {name: _row(results, name) for name in results}
    columns = dict.fromkeys(key for row in rows.values() for key in row if key != "error")
    if any("error" in row for row in rows.values()):
        columns["error"] = None
    frame: pd.DataFrame = pd.DataFrame(
        {key: pd.Series([row.get(key) for row in rows.values()], dtype=_dtype(key, rows)) for key in columns}
    )
    frame.index = pd.Index(list(rows), name="name")
    return frame


def _row(results: ScanResults, name: str) -> dict[str, Any]:
    info, sections = results.layers[name], results[name]
    row = {
        "block": info.placement.block,
        "stack": info.placement.stack,
        "kind": info.placement.kind,
        "family": info.placement.family,
        "shape": info.shape,
        "dtype": info.dtype,
        "parameters": info.parameters,
        "grade": results.grade(name),
        "risk": results.risk(name),
    }
    return row | flatten(sections) | ({"error": sections["error"]} if "error" in sections else {})


def _dtype(key: str, rows: Mapping[str, Mapping[str, Any]]) -> str:
    if key in _OBJECTS:
        return "object"
    whole = all(isinstance(row.get(key), int) for row in rows.values())
    return _DTYPES.get(key, "int64" if whole else "float64")
