"""Read and write scan results as JSON; read the reference project's JSON."""

from __future__ import annotations

import base64
import math
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from weightscope_widget._shared.document import DocumentKind, load_document
from weightscope_widget.analyzers import METHODS
from weightscope_widget.analyzers.numerics.histogram import Histogram
from weightscope_widget.assessment import Thresholds
from weightscope_widget.errors import ResultsFormatError
from weightscope_widget.layers.layer import LayerInfo
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.scanning.validate import (
    checked,
    checked_names,
    checked_number,
    checked_sections,
    checked_shape,
)

__all__ = [
    "RESULTS",
    "decode_array",
    "decode_histogram",
    "decode_spectrum",
    "encode_array",
    "encode_histogram",
    "load_results",
    "plain_results",
]

# The reference project wrote thresholds as Python prints them.
_REFERENCE_KEYS = {
    "threshold_1e-06": "threshold_1e-6",
    "threshold_0.0001": "threshold_1e-4",
    "threshold_0.01": "threshold_1e-2",
}


def load_results(path: str | os.PathLike[str]) -> ScanResults:
    """Return the results that `ScanResults.save` or the reference project wrote to `path`; raises as `load` does.

    The reference's files have no shapes, histograms or spectra.
    """
    found: ScanResults = load_document(path, [RESULTS])
    return found


def _write(results: ScanResults) -> dict[str, Any]:
    return {
        "model": results.model,
        "methods": results.methods,
        "thresholds": asdict(results.thresholds),
        "skipped": results.skipped,
        "layers": {name: _layer_document(results, name) for name in results.layers},
    }


def _layer_document(results: ScanResults, name: str) -> dict[str, Any]:
    info = results.layers[name]
    document: dict[str, Any] = {
        "shape": info.shape,
        "dtype": info.dtype,
        "aliases": info.aliases,
        "members": info.members,
        "linear": info.linear,
    }
    if name in results:
        document["results"] = results[name]
    spectrum, histogram = results.spectra.get(name), results.histograms.get(name)
    if spectrum is not None:
        document["singular_values"] = encode_array(spectrum)
    if histogram is not None:
        document["histogram"] = encode_histogram(histogram)
    return document


def _read(document: dict[str, Any]) -> ScanResults:
    layers = checked(document["layers"], Mapping, "layers")
    results = ScanResults(
        checked(document["model"], str, "the model's name"),
        [_layer_info(name, layer) for name, layer in layers.items()],
        checked_names(document["methods"], "methods"),
        skipped={name: checked(why, str, "a reason") for name, why in document["skipped"].items()},
        thresholds=Thresholds(**document["thresholds"]),
    )
    for name, layer in layers.items():
        if "results" not in layer:
            continue
        results.add(
            name,
            checked_sections(layer["results"], name),
            spectrum=decode_spectrum(layer["singular_values"]) if "singular_values" in layer else None,
            histogram=decode_histogram(layer["histogram"]) if "histogram" in layer else None,
        )
    return results


def _layer_info(name: str, layer: Mapping[str, Any]) -> LayerInfo:
    return LayerInfo(
        name,
        checked_shape(layer["shape"], name),
        checked(layer["dtype"], str | None, f"the dtype of {name!r}"),
        checked_names(layer["aliases"], f"other names of {name!r}"),
        checked_names(layer["members"], f"the matrices of {name!r}"),
        checked(layer.get("linear"), bool | None, f"whether {name!r} is linear"),
    )


def plain_results(document: Any, model: str, where: str) -> ScanResults:
    """Return results from untrusted ``{layer: {section: {metric: value}}}``, as in the reference project's JSON.

    `where` names the document in the message of a ResultsFormatError.
    """
    if not isinstance(document, Mapping) or not document:
        raise ResultsFormatError(f"{where} holds no results; give a file that results.save() wrote.")
    found: dict[str, dict[str, Any]] = {}
    for name, sections in document.items():
        try:
            found[name] = checked_sections(_renamed(sections), checked(name, str, "a layer's name"))
            if not found[name]:
                raise ValueError(f"its entry {name!r} is empty")
        except (ValueError, RecursionError) as error:
            raise ResultsFormatError(
                f"{where} is not results: {error}; give a file that results.save() wrote."
            ) from error
    chosen = [method for method in METHODS if any(method in sections for sections in found.values())]
    results = ScanResults(model, [LayerInfo(name) for name in found], chosen)
    for name, sections in found.items():
        results.add(name, sections)
    return results


def _renamed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_REFERENCE_KEYS.get(key, key): _renamed(one) for key, one in value.items()}
    return value


def encode_array(array: np.ndarray) -> str:
    """Return the numbers of an array as base64 of little-endian float64."""
    return base64.b64encode(array.astype("<f8").tobytes()).decode("ascii")


def decode_array(text: str) -> np.ndarray:
    """Undo `encode_array`; the array has one dimension."""
    return np.frombuffer(base64.b64decode(text, validate=True), dtype="<f8").astype(np.float64)


def decode_spectrum(text: str) -> np.ndarray:
    """Undo `encode_array` for singular values."""
    values = decode_array(text)
    if not values.size or (values < 0).any():
        raise ValueError("no singular values, or negative ones")
    return values


def encode_histogram(histogram: Histogram) -> dict[str, Any]:
    """Return a histogram as JSON."""
    return {"low": histogram.low, "high": histogram.high, "counts": encode_array(histogram.counts)}


def decode_histogram(document: dict[str, Any]) -> Histogram:
    """Undo `encode_histogram`."""
    low, high = float(checked_number(document["low"])), float(checked_number(document["high"]))
    counts = decode_array(document["counts"])
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError(f"a histogram from {low} to {high}")
    if not counts.size or not (np.isfinite(counts) & (counts >= 0)).all():
        raise ValueError("a histogram without counts")
    return Histogram(low, high, counts)


RESULTS = DocumentKind(
    *("weightscope-results", 1, "results", "scan the model again"),
    _write,
    _read,
    lambda document, path: plain_results(document, path.stem, str(path)),
)
