"""A comparison as a file: valid JSON that reads back exactly."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from weightscope_widget._shared.document import SavedDocument
from weightscope_widget._shared.exact_json import numbers
from weightscope_widget.comparison.job import MeasuredPair
from weightscope_widget.scanning.file import (
    decode_array,
    encode_array,
    histogram_document,
    read_histogram,
    read_results,
    results_document,
)

if TYPE_CHECKING:
    from weightscope_widget.comparison.results import ComparisonResults

__all__ = ["load_comparison", "write_comparison"]


def write_comparison(comparison: ComparisonResults, path: str | os.PathLike[str]) -> None:
    """Write `comparison` to `path`; the file appears whole or not at all."""
    document = {
        "base": results_document(comparison.base),
        "tuned": results_document(comparison.tuned),
        "tuned_names": comparison.tuned_names,
        "order": list(comparison.layers),
        "changes": {name: _change_document(comparison, name) for name in comparison},
    }
    _SAVED.write(document, path)


def load_comparison(path: str | os.PathLike[str]) -> ComparisonResults:
    """Read a comparison that `ComparisonResults.save` wrote.

    Parameters
    ----------
    path : path-like
        A JSON file.

    Returns
    -------
    ComparisonResults
        As it was saved.

    Raises
    ------
    ModelNotFoundError
        Where there is no such file.
    ResultsFormatError
        Where the file is something else, or was written by a later version of this package.
    """
    return _SAVED.load(path)


def _change_document(comparison: ComparisonResults, name: str) -> dict[str, Any]:
    entry = comparison[name]
    document = {"status": entry["status"], "pending": comparison.pending(name), "metrics": entry["comparison"]}
    if "error" in entry:
        document["error"] = entry["error"]
    if name in comparison.delta_histograms:
        document["histogram"] = histogram_document(comparison.delta_histograms[name])
    for key, kept in _arrays(comparison).items():
        if name in kept:
            document[key] = {"shape": kept[name].shape, "data": encode_array(kept[name])}
    return document


def _arrays(comparison: ComparisonResults) -> dict[str, dict[str, np.ndarray]]:
    return {
        "singular_values": comparison.delta_spectra,
        "overlap": comparison.overlaps,
        "nearest": comparison.nearest,
    }


def _read(document: dict[str, Any], path: Path) -> ComparisonResults:
    from weightscope_widget.comparison.results import ComparisonResults

    base, tuned = (read_results(document[side], path) for side in ("base", "tuned"))
    infos = [base.layers.get(name) or tuned.layers[name] for name in document["order"]]
    comparison = ComparisonResults(base, tuned, infos, document["tuned_names"])
    for name, change in document["changes"].items():
        arrays = {
            key: decode_array(change[key]["data"]).reshape(change[key]["shape"])
            for key in ("singular_values", "overlap", "nearest")
            if key in change
        }
        error = {"error": change["error"]} if "error" in change else {}
        comparison.add(
            name,
            MeasuredPair(
                change["status"],
                numbers(change["metrics"]) | error,
                spectrum=arrays.get("singular_values"),
                histogram=read_histogram(change["histogram"]) if "histogram" in change else None,
                overlap=arrays.get("overlap"),
                nearest=arrays.get("nearest"),
            ),
            last=not change["pending"],
        )
    return comparison


_SAVED = SavedDocument("weightscope-comparison", 1, "comparison", "compare the models again", _read)
