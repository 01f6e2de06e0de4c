"""The ways to a spectrum beside the usual one, whose numbers test_numbers checks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import weightscope_widget as wsw
from tests.python.support.matrices import gaussian, ill_conditioned
from weightscope_widget.analyzers import Weights
from weightscope_widget.analyzers.numerics.spectrum import (
    gram_spectrum,
    is_fast_in_float64,
    low_rank_singular_values,
    singular_values,
)


def oracle(matrix: torch.Tensor) -> np.ndarray:
    return np.linalg.svd(matrix.double().numpy(), compute_uv=False)


# -- Products ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("m", "rank", "n"), [(40, 4, 30), (30, 4, 40), (5, 8, 30), (30, 8, 5), (7, 7, 7), (1, 1, 9)])
def test_the_spectrum_of_a_product(m: int, rank: int, n: int) -> None:
    left = gaussian(m, rank, seed="left", dtype=torch.float64)
    right = gaussian(rank, n, seed="right", dtype=torch.float64)
    found = low_rank_singular_values(left, right)
    expected = oracle(left @ right)
    assert found.shape == expected.shape
    assert found == pytest.approx(expected, rel=1e-10, abs=1e-14 * expected[0])
    assert (found[rank:] == 0).all()
    assert (np.diff(found) <= 0).all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_product_that_is_not_finite_has_none(value: float) -> None:
    left, right = torch.ones(5, 2, dtype=torch.float64), torch.ones(2, 4, dtype=torch.float64)
    right[1, 2] = value
    assert np.isnan(low_rank_singular_values(left, right)).all()


@pytest.mark.parametrize("stored", ["out, in", "in, out"])
def test_an_adapter_has_the_rank_of_its_factors(tmp_path: Path, stored: str) -> None:
    a, b = gaussian(4, 60, seed="a"), gaussian(80, 4, seed="b")
    save_file(
        {"base_model.model.h.0.c_fc.lora_A.weight": a, "base_model.model.h.0.c_fc.lora_B.weight": b},
        tmp_path / "adapter_model.safetensors",
    )
    flipped = "true" if stored == "in, out" else "false"
    (tmp_path / "adapter_config.json").write_text(
        f'{{"peft_type": "LORA", "r": 4, "lora_alpha": 8, "fan_in_fan_out": {flipped}}}'
    )
    results = wsw.scan(tmp_path, progress=False)
    spectral, sigma = results["h.0.c_fc"]["spectral"], results.singular_values("h.0.c_fc")
    expected = oracle(2 * b.double() @ a.double())
    assert sigma[:4] == pytest.approx(expected[:4], rel=1e-10)
    assert (sigma[4:] == 0).all()
    assert spectral["condition_number"] == np.inf
    assert (spectral["effective_rank"], spectral["total_rank"]) == (4, 60)


# -- Accelerators: the same code on the processor, and on a GPU where there is one -------------------------------------

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("shape", [(300, 100), (100, 300), (128, 128), (5000, 70), (3, 1)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_the_spectrum_on_a_device(device: str, shape: tuple[int, int], dtype: torch.dtype) -> None:
    matrix = gaussian(*shape, seed="device", dtype=dtype)
    found = gram_spectrum(matrix.to(device))
    assert found is not None
    assert found == pytest.approx(oracle(matrix), rel=1e-6)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("rows", [300, 10_000])
def test_rows_come_in_pieces(device: str, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weightscope_widget.analyzers.numerics.spectrum._DEVICE_CHUNK_BYTES", 8 * 50 * 100)
    matrix = gaussian(rows, 50, seed="pieces")
    assert gram_spectrum(matrix.to(device)) == pytest.approx(oracle(matrix), rel=1e-9)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("kind", ["ill-conditioned", "dead column", "NaN", "infinite", "huge", "tiny", "zero"])
def test_what_is_not_exact_there_is_left_to_the_processor(device: str, kind: str) -> None:
    matrix = gaussian(60, 40, seed="hostile", dtype=torch.float64)
    if kind == "ill-conditioned":
        matrix = ill_conditioned(1e7, (60, 40))
    elif kind == "dead column":
        matrix[:, 7] = 0
    elif kind in ("NaN", "infinite"):
        matrix[3, 4] = torch.nan if kind == "NaN" else torch.inf
    else:
        matrix *= {"huge": 1e200, "tiny": 1e-200, "zero": 0.0}[kind]
    assert gram_spectrum(matrix.to(device)) is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("kind", ["usual", "ill-conditioned"])
def test_a_module_on_a_gpu_has_the_numbers_it_has_on_the_processor(kind: str) -> None:
    weight = gaussian(200, 90, seed="gpu") if kind == "usual" else ill_conditioned(1e6, (200, 90), torch.float32)
    assert singular_values(weight.cuda()) == pytest.approx(singular_values(weight), rel=1e-6)
    assert Weights(weight.cuda()).singular_values == pytest.approx(oracle(weight), rel=1e-3)
    layer = torch.nn.Linear(90, 200, bias=False)
    layer.weight.data = weight
    on_cpu = wsw.scan(layer, progress=False)["weight"]
    on_gpu = wsw.scan(layer.cuda(), progress=False)["weight"]
    for section in ("basic_stats", "quantization", "sparsity"):
        assert on_gpu[section] == on_cpu[section]


def test_the_processor_is_no_accelerator() -> None:
    assert not is_fast_in_float64(torch.device("cpu"))
    assert not is_fast_in_float64(torch.device("mps"))
