"""A comparison as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from weightscope_widget.scanning.results import flatten

if TYPE_CHECKING:
    from weightscope_widget.comparison.results import ComparisonResults

__all__ = ["frame_of"]

_DTYPES = {"block": "Int64", "parameters": "Int64"}
_OBJECTS = ("stack", "kind", "family", "shape", "dtype", "status", "error")


def frame_of(comparison: ComparisonResults) -> pd.DataFrame:
    """Return one row per tensor, as `ComparisonResults.to_frame` describes it."""
    rows = {name: _row(comparison, name) for name in comparison}
    columns = dict.fromkeys(key for row in rows.values() for key in row if key != "error")
    if any("error" in row for row in rows.values()):
        columns["error"] = None
    frame: pd.DataFrame = pd.DataFrame(
        {
            key: pd.Series(
                [row.get(key) for row in rows.values()],
                dtype="object" if key in _OBJECTS else _DTYPES.get(key, "float64"),
            )
            for key in columns
        }
    )
    frame.index = pd.Index(list(rows), name="name")
    return frame


def _row(comparison: ComparisonResults, name: str) -> dict[str, Any]:
    info, entry = comparison.layers[name], comparison[name]
    before, after = flatten(entry["base"]), flatten(entry["tuned"])
    row: dict[str, Any] = {
        "block": info.placement.block,
        "stack": info.placement.stack,
        "kind": info.placement.kind,
        "family": info.placement.family,
        "shape": info.shape,
        "dtype": info.dtype,
        "parameters": info.parameters,
        "status": entry["status"],
        **entry["comparison"],
    }
    for column in dict.fromkeys([*before, *after]):
        for side, values in (("base", before), ("tuned", after)):
            if column in values:
                row[f"{column}.{side}"] = values[column]
        if column in before and column in after:
            row[f"{column}.change"] = after[column] - before[column]
    return row | ({"error": entry["error"]} if "error" in entry else {})
