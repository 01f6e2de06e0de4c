"""One small model in which every kind of layer occurs, as the figures see it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import weightscope_widget as wsw
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.sources import Layer, Source
from weightscope_widget.visualizers.chart import Chart

REFERENCE = Path(__file__).parents[3].parent / "shared/data/gpt2_reference_results.json"

HOSTILE = "h.1.mlp.<b>$x_1$</b>"
CHINESE = "h.1.mlp.层归一"


def tensors() -> dict[str, np.ndarray]:
    """Return weights that NumPy draws, the same on every platform."""
    draw = np.random.default_rng(20)

    def normal(*shape: int) -> np.ndarray:
        return (0.05 * draw.standard_normal(shape)).astype(np.float32)

    found = {"wte": normal(90, 24)}
    for block in range(3):
        found[f"h.{block}.attn.c_attn"] = normal(24, 72)
        found[f"h.{block}.attn.c_proj"] = normal(24, 24)
        found[f"h.{block}.mlp.c_fc"] = normal(24, 96)
    heavy = found["h.0.attn.c_proj"]
    heavy[::5, ::4] *= 40  # extreme outliers
    found["h.1.attn.c_proj"][:, 0] = found["h.1.attn.c_proj"][:, 1]  # κ = ∞
    found["h.2.attn.c_proj"][0] = 1e-7 + found["h.2.attn.c_proj"][1]  # nearly so
    found["h.2.mlp.c_fc"][3, 5] = np.nan
    found["h.2.mlp.zero"] = np.zeros((12, 8), np.float32)
    found[HOSTILE] = normal(16, 12)
    return found


def model() -> Source:
    """Return them as a source, with a layer that cannot be read."""

    def broken() -> torch.Tensor:
        raise OSError("the disk is gone")

    layers = [
        Layer(name, array.shape, "float32", lambda array=array: torch.from_numpy(array))  # type: ignore[misc]
        for name, array in tensors().items()
    ]
    return Source("every kind", (*layers, Layer("h.2.attn.broken", (8, 8), "float32", broken)))


def only(chart: Chart, kind: type, **wanted: Any) -> Any:
    """Return the one mark of a kind."""
    (found,) = (
        mark
        for mark in chart.marks
        if isinstance(mark, kind) and all(getattr(mark, name) == value for name, value in wanted.items())
    )
    return found


def svd(name: str) -> np.ndarray:
    """Return the singular values of one of the tensors, by LAPACK."""
    return np.linalg.svd(tensors()[name].astype(np.float64), compute_uv=False)


@pytest.fixture(scope="session")
def results() -> ScanResults:
    return wsw.scan(model(), progress=False)


def reference() -> dict[str, Any]:
    """Return the reference project's numbers of GPT-2, as they are in its file."""
    if not REFERENCE.is_file():
        pytest.skip("The reference project's results are not beside this checkout.")
    document: dict[str, Any] = json.loads(REFERENCE.read_text())
    return document
