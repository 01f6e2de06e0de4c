"""Results as a file: valid JSON that reads back exactly, and the reference project's JSON."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from weightscope_widget._shared.exact_json import read_json, write_json
from weightscope_widget.analyzers import METHODS
from weightscope_widget.analyzers.distribution import Histogram
from weightscope_widget.assessment import Thresholds
from weightscope_widget.errors import ResultsFormatError
from weightscope_widget.layers.layer import LayerInfo
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.scanning.validate import (
    checked,
    checked_histogram,
    checked_names,
    checked_sections,
    checked_shape,
    checked_spectrum,
)

__all__ = [
    "decode_array",
    "encode_array",
    "histogram_document",
    "load_results",
    "plain_results",
    "read_histogram",
    "read_results",
    "results_document",
    "write_results",
]

_FORMAT, _VERSION = "weightscope-results", 1

# The reference project wrote thresholds as Python prints them.
_REFERENCE_KEYS = {
    "threshold_1e-06": "threshold_1e-6",
    "threshold_0.0001": "threshold_1e-4",
    "threshold_0.01": "threshold_1e-2",
}


def write_results(results: ScanResults, path: str | os.PathLike[str]) -> None:
    """Write `results` to `path`; the file appears whole or not at all."""
    write_json(results_document(results), path)


def results_document(results: ScanResults) -> dict[str, Any]:
    """Return results as what JSON can hold, but for non-finite numbers."""
    return {
        "format": _FORMAT,
        "version": _VERSION,
        "model": results.model,
        "methods": results.methods,
        "thresholds": asdict(results.thresholds),
        "skipped": results.skipped,
        "layers": {name: _layer_document(results, name) for name in results.layers},
    }


def load_results(path: str | os.PathLike[str]) -> ScanResults:
    """Read results written by `ScanResults.save`, or by the reference project.

    Parameters
    ----------
    path : path-like
        A JSON file.

    Returns
    -------
    ScanResults
        As it was saved.  The reference's files hold no shapes, histograms or spectra, so neither do these results.

    Raises
    ------
    ModelNotFoundError
        Where there is no such file, or none that may be read.
    ResultsFormatError
        Where the file is something else, or was written by a later version of this package.
    """
    path = Path(path).expanduser()
    document = read_json(path, "results")
    try:
        if isinstance(document, dict) and document.get("format") == _FORMAT:
            return read_results(document, path)
        return plain_results(document, path.stem, str(path))
    except ResultsFormatError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ResultsFormatError(
            f"{path} does not hold results as results.save() writes them "
            f"({type(error).__name__}: {error}); scan the model again."
        ) from error


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
        document["histogram"] = histogram_document(histogram)
    return document


def read_results(document: dict[str, Any], path: Path) -> ScanResults:
    """Undo `results_document`; what it holds is untrusted."""
    if document["version"] > _VERSION:
        raise ResultsFormatError(
            f"{path} was written by a later version of weightscope-widget; upgrade the package to read it."
        )
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
            spectrum=checked_spectrum(decode_array(layer["singular_values"])) if "singular_values" in layer else None,
            histogram=read_histogram(layer["histogram"]) if "histogram" in layer else None,
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


def histogram_document(histogram: Histogram) -> dict[str, Any]:
    """Return a histogram as JSON has it."""
    return {"low": histogram.low, "high": histogram.high, "counts": encode_array(histogram.counts)}


def read_histogram(document: dict[str, Any]) -> Histogram:
    """Undo `histogram_document`."""
    return checked_histogram(document["low"], document["high"], decode_array(document["counts"]))


def plain_results(document: Any, model: str, where: str) -> ScanResults:
    """Return results from plain dicts, ``{layer: {section: {metric: value}}}``, as the reference's JSON has them.

    Parameters
    ----------
    document : mapping
        Untrusted.
    model : str
        What to call the model.
    where : str
        What `document` is, as the start of an error's sentence.

    Raises
    ------
    ResultsFormatError
        Where it is something else.
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
    """Return the numbers of an array, as float64, in base64."""
    return base64.b64encode(array.astype("<f8").tobytes()).decode("ascii")


def decode_array(text: str) -> np.ndarray:
    """Undo `encode_array`; the array has one dimension."""
    return np.frombuffer(base64.b64decode(text, validate=True), dtype="<f8").astype(np.float64)
