"""Read and write comparisons as JSON."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from weightscope_widget._shared.document import DocumentKind, load_document
from weightscope_widget.comparison.job import MeasuredPair
from weightscope_widget.comparison.results import STATUSES, ComparisonResults
from weightscope_widget.scanning.file import (
    RESULTS,
    decode_array,
    decode_histogram,
    decode_spectrum,
    encode_array,
    encode_histogram,
)
from weightscope_widget.scanning.validate import checked, checked_names, checked_number

__all__ = ["COMPARISON", "load_comparison"]


def load_comparison(path: str | os.PathLike[str]) -> ComparisonResults:
    """Return the comparison that `ComparisonResults.save` wrote to `path`; raises as `load` does."""
    found: ComparisonResults = load_document(path, [COMPARISON])
    return found


def _write(comparison: ComparisonResults) -> dict[str, Any]:
    return {
        "base": RESULTS.document(comparison.base),
        "tuned": RESULTS.document(comparison.tuned),
        "tuned_names": dict(comparison.tuned_names),
        "order": list(comparison.layers),
        "changes": {name: _change_document(comparison, name) for name in comparison},
    }


def _change_document(comparison: ComparisonResults, name: str) -> dict[str, Any]:
    entry = comparison[name]
    document = {"status": entry["status"], "pending": comparison.pending(name), "metrics": entry["comparison"]}
    if "error" in entry:
        document["error"] = entry["error"]
    if name in comparison.delta_histograms:
        document["histogram"] = encode_histogram(comparison.delta_histograms[name])
    for key, kept in (
        ("singular_values", comparison.delta_spectra),
        ("overlap", comparison.overlaps),
        ("nearest", comparison.nearest),
    ):
        if name in kept:
            document[key] = {"shape": kept[name].shape, "data": encode_array(kept[name])}
    return document


def _read(document: dict[str, Any]) -> ComparisonResults:
    base, tuned = RESULTS.parse(document["base"]), RESULTS.parse(document["tuned"])
    infos = [base.layers.get(name) or tuned.layers[name] for name in checked_names(document["order"], "the order")]
    names = {name: checked(other, str, "a name") for name, other in document["tuned_names"].items()}
    comparison = ComparisonResults(base, tuned, infos, names)
    for name, change in document["changes"].items():
        if name not in comparison.layers or change["status"] not in (*STATUSES, None):
            raise ValueError(f"its change of {name!r} has the status {change['status']!r}")
        comparison.add(name, _measured(change), last=not change["pending"])
    return comparison


def _measured(change: Mapping[str, Any]) -> MeasuredPair:
    metrics: dict[str, Any] = {key: checked_number(value) for key, value in change["metrics"].items()}
    if "error" in change:
        metrics["error"] = checked(change["error"], str, "an error")
    return MeasuredPair(
        change["status"],
        metrics,
        spectrum=decode_spectrum(change["singular_values"]["data"]) if "singular_values" in change else None,
        histogram=decode_histogram(change["histogram"]) if "histogram" in change else None,
        overlap=_array(change, "overlap", 2),
        nearest=_array(change, "nearest", 1),
    )


def _array(change: Mapping[str, Any], key: str, dimensions: int) -> np.ndarray | None:
    if key not in change:
        return None
    array: np.ndarray = decode_array(change[key]["data"]).reshape(change[key]["shape"])
    if array.ndim != dimensions:
        raise ValueError(f"{key} has {array.ndim} dimensions")
    return array


COMPARISON = DocumentKind("weightscope-comparison", 1, "comparison", "compare the models again", _write, _read)
