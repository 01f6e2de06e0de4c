"""Results as the cases of advice and plans describe them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from weightscope_widget import ScanResults, Thresholds
from weightscope_widget.layers.layer import LayerInfo

FIXTURES = Path(__file__).parents[2] / "fixtures"
METHODS = ("basic_stats", "spectral", "quantization", "sparsity", "schemes")


def read(name: str) -> Any:
    return json.loads(FIXTURES.joinpath(name).read_text(encoding="utf-8"))


def spectrum_of(values: list[Any] | None) -> np.ndarray | None:
    """Singular values, of which [count, value] are several alike."""
    if values is None:
        return None
    runs = [value if isinstance(value, list) else [1, value] for value in values]
    return np.concatenate([np.full(count, float(value)) for count, value in runs])


def results_of(case: dict[str, Any]) -> ScanResults:
    """Results as if a scan had found what a case says."""
    infos = []
    for layer in case["layers"]:
        name = layer["name"]
        members = tuple(f"{name}[{index}]" for index in range(layer.get("members", 0)))
        infos.append(
            LayerInfo(
                name,
                tuple(layer["shape"]),
                layer.get("dtype", "float32"),
                tuple(layer.get("aliases", ())),
                members,
                layer.get("linear"),
            )
        )
    results = ScanResults("a model", infos, METHODS, thresholds=Thresholds(**case.get("thresholds", {})))
    for layer in case["layers"]:
        sections: dict[str, Any] = {"basic_stats": {"std": 1.0}} if "error" not in layer else {"error": layer["error"]}
        for column, value in layer.get("values", {}).items():
            section, metric = column.split(".")
            sections.setdefault(section, {})[metric] = float(value)
        results.add(layer["name"], sections, spectrum=spectrum_of(layer.get("spectrum")))
    return results
