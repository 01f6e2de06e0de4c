"""Quantization schemes beyond per-tensor INT8, against a reading of their definitions one scale at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch

import weightscope_widget as wsw
from tests.python.support.cases import CASES
from tests.python.support.matrices import gaussian
from weightscope_widget.analyzers import SCHEMES, Weights, analyze_schemes
from weightscope_widget.errors import InvalidArgumentError

# The sixteen values of NF4, as QLoRA's appendix E prints them.
NF4 = [
    *(-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635),
    *(-0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725),
    *(0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0),
]
E4M3 = torch.arange(256, dtype=torch.uint8).view(torch.float8_e4m3fn).double().numpy()
FORMATS = {
    "int8": [float(level) for level in range(-127, 128)],
    "int4": [float(level) for level in range(-7, 8)],
    "nf4": NF4,
    "fp8": sorted(set(E4M3[np.isfinite(E4M3)].tolist())),
}


def stored(values: np.ndarray, levels: list[float]) -> np.ndarray:
    """Values that share one scale, each put at the nearest level."""
    scale = np.abs(values).max() / levels[-1]
    if scale == 0:
        return np.zeros_like(values)
    nearest = np.abs(values[:, None] / scale - np.array(levels)).argmin(axis=1)
    return np.array(levels)[nearest] * scale


def sharing(matrix: np.ndarray, shared_by: str, size: int) -> Iterator[np.ndarray]:
    """The runs of entries of a matrix that share a scale."""
    if shared_by == "tensor":
        yield matrix.reshape(-1)
    elif shared_by == "block":
        flat = matrix.reshape(-1)
        yield from (flat[start : start + size] for start in range(0, len(flat), size))
    else:
        for row in matrix:
            run = size or len(row)
            yield from (row[start : start + run] for start in range(0, len(row), run))


def oracle(matrix: np.ndarray) -> dict[str, float]:
    """The relative squared error of each scheme, entry by entry."""
    largest = np.abs(matrix).max()
    unit = largest if largest > 0 else 1.0
    x = matrix / unit
    errors = {}
    for name, (form, shared_by, size) in {
        "int8_tensor": ("int8", "tensor", 0),
        "int8_channel": ("int8", "channel", 0),
        "int8_group128": ("int8", "group", 128),
        "int4_channel": ("int4", "channel", 0),
        "int4_group128": ("int4", "group", 128),
        "nf4_block64": ("nf4", "block", 64),
        "fp8_e4m3": ("fp8", "tensor", 0),
    }.items():
        error = math.fsum(
            float(np.square(run - stored(run, FORMATS[form])).sum()) for run in sharing(x, shared_by, size)
        )
        errors[name] = error / float(np.square(x).sum()) if largest > 0 else math.nan
    return errors


def relative_mse(found: dict[str, float]) -> dict[str, float]:
    return {scheme: found[f"{scheme}_relative_mse"] for scheme in SCHEMES}


def as_matrix(tensor: torch.Tensor) -> np.ndarray:
    wide = tensor.detach().double().flatten(1).numpy()
    return np.where(np.isfinite(wide), wide, 0.0)


SMALL = [name for name, make in CASES.items() if make().numel() <= 40_000 and make().ndim > 1]


@pytest.mark.parametrize("name", SMALL)
def test_every_scheme_agrees_with_its_definition(name: str) -> None:
    tensor = CASES[name]()
    assert relative_mse(analyze_schemes(tensor)) == pytest.approx(
        oracle(as_matrix(tensor)), rel=1e-6, abs=1e-25, nan_ok=True
    )


@pytest.mark.parametrize(
    "shape", [(40, 128), (9, 129), (64, 127), (3, 640), (5, 100), (1, 70_000), (700, 3), (300, 330)]
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_groups_and_blocks_of_every_length(shape: tuple[int, int], dtype: torch.dtype) -> None:
    """70,000 columns and 99,000 entries are more than one chunk; 127, 129, 3, 330 make no whole groups or blocks."""
    tensor = gaussian(*shape, seed=f"groups {shape}").to(dtype)
    assert relative_mse(analyze_schemes(tensor)) == pytest.approx(oracle(as_matrix(tensor)), rel=1e-6)


@pytest.mark.slow
def test_what_a_gaussian_matrix_loses() -> None:
    """The figures that this shape is known to have; another such matrix differs by hundredths, per tensor by tenths."""
    found = analyze_schemes(gaussian(1024, 4096, seed="spec"))
    expected = {
        "int8_channel": 41.22,
        "int8_group128": 43.78,
        "int4_channel": 16.05,
        "int4_group128": 18.61,
        "nf4_block64": 20.73,
        "fp8_e4m3": 31.55,
    }
    assert {scheme: found[f"{scheme}_sqnr_db"] for scheme in expected} == pytest.approx(expected, abs=0.05)
    assert found["int8_tensor_sqnr_db"] == pytest.approx(38.76, abs=0.6)  # its scale hangs on one entry


def test_fp8_is_the_cast_of_torch() -> None:
    tensor = gaussian(200, 300, seed="fp8") * torch.logspace(-6, 0, 300)  # down into the subnormal range
    scale = tensor.abs().max() / 448
    cast = (tensor / scale).to(torch.float8_e4m3fn).float() * scale
    error = (tensor.double() - cast.double()).square().sum() / tensor.double().square().sum()
    # torch divides and multiplies in float32.
    assert analyze_schemes(tensor)["fp8_e4m3_relative_mse"] == pytest.approx(float(error), rel=1e-4)


def test_int8_per_channel_is_that_of_torch() -> None:
    tensor = gaussian(50, 400, seed="per channel") * torch.logspace(-3, 3, 50)[:, None]
    scales = tensor.abs().amax(dim=1) / 127
    image = torch.fake_quantize_per_channel_affine(tensor, scales, torch.zeros(50), 0, -127, 127)
    error = (tensor.double() - image.double()).square().sum() / tensor.double().square().sum()
    assert analyze_schemes(tensor)["int8_channel_relative_mse"] == pytest.approx(float(error), rel=1e-4)


def test_per_tensor_int8_is_that_of_the_document() -> None:
    tensor = CASES["student_t"]()
    found = wsw.scan({"a.weight": tensor}, methods=["quantization", "schemes"], progress=False)["a"]
    assert found["schemes"]["int8_tensor_sqnr_db"] == found["quantization"]["sqnr_db"]


def test_decibels_are_those_of_the_relative_error() -> None:
    found = analyze_schemes(CASES["student_t"]())
    for scheme in SCHEMES:
        assert found[f"{scheme}_sqnr_db"] == pytest.approx(-10 * math.log10(found[f"{scheme}_relative_mse"]), abs=1e-9)


def test_the_channels_of_a_transposed_weight_are_its_columns() -> None:
    tensor = gaussian(96, 200, seed="conv1d") * torch.logspace(-2, 2, 200)
    found = analyze_schemes(Weights(tensor, transposed=True))
    assert relative_mse(found) == pytest.approx(oracle(as_matrix(tensor).T.copy()), rel=1e-6)
    assert found["int8_channel_sqnr_db"] > analyze_schemes(tensor)["int8_channel_sqnr_db"] + 5


def test_the_matrices_of_a_stack_have_their_own_channels_and_groups() -> None:
    stack = torch.stack([gaussian(30, 50, seed=f"expert {index}") * 10.0**index for index in range(3)])
    found = relative_mse(analyze_schemes(Weights(stack, stack=True)))
    one_by_one = [oracle(as_matrix(expert)) for expert in stack]
    signals = [float(expert.double().square().sum()) for expert in stack]
    for scheme in ("int8_channel", "int8_group128", "int4_channel", "int4_group128", "nf4_block64"):
        expected = sum(each[scheme] * signal for each, signal in zip(one_by_one, signals, strict=True)) / sum(signals)
        assert found[scheme] == pytest.approx(expected, rel=1e-6)
    whole = oracle(as_matrix(stack.flatten(0, 1)))
    assert found["fp8_e4m3"] == pytest.approx(whole["fp8_e4m3"], rel=1e-6)
    assert found["int8_tensor"] == pytest.approx(whole["int8_tensor"], rel=1e-6)


def test_a_power_of_two_changes_nothing() -> None:
    tensor = gaussian(31, 257, seed="scaled", dtype=torch.float64)
    assert analyze_schemes(tensor * 2.0**700) == pytest.approx(analyze_schemes(tensor), rel=1e-12)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [1e-310, 1e-320])
def test_a_row_whose_scale_has_no_inverse_is_nothing_beside_the_others(size: float) -> None:
    w = gaussian(6, 200, seed="no inverse", dtype=torch.float64)
    dead = w.clone()
    w[2] *= size
    dead[2] = 0.0
    assert analyze_schemes(w) == pytest.approx(analyze_schemes(dead), rel=1e-12)


def test_zeros_lose_nothing() -> None:
    found = analyze_schemes(torch.zeros(4, 300))
    assert all(found[f"{scheme}_sqnr_db"] == math.inf for scheme in SCHEMES)
    assert all(math.isnan(found[f"{scheme}_relative_mse"]) for scheme in SCHEMES)


def test_where_nothing_is_finite_there_is_no_error() -> None:
    found = analyze_schemes(torch.full((3, 4), math.nan))
    assert len(found) == 2 * len(SCHEMES)
    assert all(math.isnan(value) for value in found.values())


def test_a_vector_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match=r"need rows and columns, and this tensor has shape \(7,\)"):
        analyze_schemes(torch.ones(7))


def test_a_vector_in_a_scan_has_no_schemes() -> None:
    results = wsw.scan(torch.nn.Linear(4, 3), methods="all", vectors=True, progress=False)
    assert list(results["weight"]) == ["basic_stats", "spectral", "quantization", "sparsity", "schemes"]
    assert list(results["bias"]) == ["basic_stats"]


def test_the_table_and_the_file_have_them(tmp_path: object) -> None:
    results = wsw.scan(torch.nn.Linear(40, 30), methods="schemes", progress=False)
    path = f"{tmp_path}/results.json"
    results.save(path)
    loaded = wsw.load_results(path)
    assert loaded["weight"] == results["weight"]
    for scheme in SCHEMES:
        assert (
            results.to_frame().loc["weight", f"schemes.{scheme}_sqnr_db"]
            == results["weight"]["schemes"][f"{scheme}_sqnr_db"]
        )


@pytest.mark.parametrize(
    ("scheme", "bits"),
    [
        ("int8_tensor", 8 + 16 / (300 * 200)),
        ("int8_channel", 8 + 16 / 200),
        ("int8_group128", 8 + 2 * 16 / 200),
        ("int4_channel", 4 + 16 / 200),
        ("int4_group128", 4 + 2 * 16 / 200),
        ("nf4_block64", 4 + 938 * 32 / (300 * 200)),
        ("fp8_e4m3", 8 + 16 / (300 * 200)),
    ],
)
def test_bits_per_weight_count_the_scales(scheme: str, bits: float) -> None:
    assert SCHEMES[scheme].bits_per_weight(300, 200) == pytest.approx(bits, rel=1e-12)
