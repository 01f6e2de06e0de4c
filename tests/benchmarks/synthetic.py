"""Results of a model that nobody has to load: ten thousand layers, most of them experts, with random figures."""

from __future__ import annotations

import numpy as np

from weightscope_widget.analyzers.numerics.histogram import Histogram
from weightscope_widget.analyzers.schemes.catalogue import SCHEMES
from weightscope_widget.layers.layer import LayerInfo
from weightscope_widget.scanning.results import ScanResults

__all__ = ["ten_thousand_layers"]

ATTENTION = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj")
METHODS = ("basic_stats", "spectral", "quantization", "sparsity", "schemes")


def ten_thousand_layers() -> ScanResults:
    """Return 100 blocks of 4 attention matrices and 32 experts of 3 matrices each."""
    layers = []
    for block in range(100):
        path = f"model.layers.{block}"
        layers += [LayerInfo(f"{path}.{kind}", (512, 512), "bfloat16") for kind in ATTENTION]
        for expert in range(32):
            name = f"{path}.block_sparse_moe.experts.{expert}"
            layers += [LayerInfo(f"{name}.w{index}", (256, 512), "bfloat16") for index in (1, 2, 3)]
    results = ScanResults("ten thousand layers", layers, METHODS)
    rng = np.random.default_rng(0)
    counts = np.floor(1000 * np.exp(-(np.linspace(-3, 3, 100) ** 2)))
    for layer in layers:
        spectrum = np.sort(rng.gamma(2, 1, 256))[::-1].copy()
        results.add(layer.name, _figures(rng), spectrum=spectrum, histogram=Histogram(-0.2, 0.2, counts))
    return results


def _figures(rng: np.random.Generator) -> dict[str, dict[str, object]]:
    condition, sqnr = 10 ** rng.normal(3.2, 0.7), float(rng.normal(36, 3))
    schemes = {f"{scheme}_sqnr_db": sqnr + float(rng.normal(2, 1)) for scheme in SCHEMES}
    schemes |= {f"{scheme}_relative_mse": 1e-4 for scheme in SCHEMES}
    return {
        "basic_stats": {"mean": 0.0, "std": 0.02, "min": -0.2, "max": 0.2, "l2_norm": float(rng.gamma(5) * 3)},
        "spectral": {
            "max_singular_value": 5.0,
            "min_singular_value": 5.0 / condition,
            "condition_number": condition,
            "stable_rank": float(rng.uniform(5, 200)),
            "effective_rank": 200,
            "total_rank": 256,
        },
        "quantization": {
            "sqnr_db": sqnr,
            "dynamic_range": 9.0,
            "outlier_percentage": 1.0,
            "extreme_outlier_percentage": float(10 ** rng.normal(-1.2, 0.6)),
        },
        "sparsity": {"sparsity_levels": {"threshold_1e-2": float(rng.uniform(5, 60))}, "mean_abs_weight": 0.01},
        "schemes": schemes,
    }
