"""Values of layers in results, and why a layer has none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from weightscope_widget.scanning.results import ScanResults

__all__ = ["Missing", "failed", "matrices", "metric", "missing", "sections_of"]

Missing: TypeAlias = Literal["failed", "not_finite", "not_measured", "all_zero", "no_value"]


def sections_of(results: ScanResults, name: str) -> dict[str, Any]:
    """Return the sections of a layer; empty before it is measured."""
    if name not in results:  # asking would search for similar names
        return {}
    return results[name]


def failed(results: ScanResults, name: str) -> bool:
    """Return whether a layer's analysis failed, so that its values do not count."""
    return "error" in sections_of(results, name)


def metric(results: ScanResults, name: str, section: str, *keys: str) -> float:
    """Return one number of a layer, down the keys of a section; NaN where it does not exist or the layer failed."""
    found: Any = {} if failed(results, name) else sections_of(results, name).get(section, {})
    for key in keys:
        found = found.get(key, {})
    return math.nan if isinstance(found, Mapping) else float(found)


def missing(results: ScanResults, name: str) -> Missing:
    """Return why a layer lacks a number; the messages ``figures.missing`` say it in words."""
    sections = sections_of(results, name)
    if failed(results, name):
        return "failed"
    if not results.is_finite(name):
        return "not_finite"
    if results.pending(name):
        return "not_measured"
    norms = sections.get("spectral", {}).get("max_singular_value"), sections.get("basic_stats", {}).get("l2_norm")
    return "all_zero" if 0 in norms else "no_value"


def matrices(results: ScanResults) -> list[str]:
    """Return the layers that are not vectors, including those not measured yet, in the model's order."""
    return [name for name in results.layers if not _is_vector(results, name)]


def _is_vector(results: ScanResults, name: str) -> bool:
    shape = results.layers[name].shape
    if shape is not None:
        return len(shape) < 2
    # Plain dicts hold no shapes; vectors have basic_stats alone, matrices more.
    return set(sections_of(results, name)) == {"basic_stats"} and set(results.methods) != {"basic_stats"}
