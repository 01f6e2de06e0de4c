"""Every number of every section against the oracle, over weights chosen to break one computation each.

First the oracle itself, against numbers worked out by hand; then the analyzers, one by one and as a scan runs them.
"""

from __future__ import annotations

import copy
import json
import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch

import weightscope_widget as wsw
from tests.python.support import oracle
from tests.python.support.cases import CASES, DEFICIENT, DTYPES
from tests.python.support.matrices import gaussian, geometric_spectrum, ill_conditioned, with_spectrum
from weightscope_widget.analyzers import (
    analyze_basic_stats,
    analyze_quantization_sensitivity,
    analyze_sparsity,
    analyze_spectral,
)

ANALYZERS: dict[str, Callable[[torch.Tensor], Mapping[str, Any]]] = {
    "basic_stats": analyze_basic_stats,
    "spectral": analyze_spectral,
    "quantization": analyze_quantization_sensitivity,
    "sparsity": analyze_sparsity,
}
ELEMENTWISE = ("basic_stats", "quantization", "sparsity")


def analyze(tensor: torch.Tensor, sections: tuple[str, ...] = tuple(ANALYZERS)) -> dict[str, Any]:
    return {section: ANALYZERS[section](tensor) for section in sections}


def plain(value: Any) -> Any:
    """Return a mapping and its parts as dicts."""
    return {key: plain(part) for key, part in value.items()} if isinstance(value, Mapping) else value


# -- The oracle, by hand -----------------------------------------------------------------------------------------------


def test_oracle_basic_stats() -> None:
    # Deviations from 1 are −4, −1, 2, −1, 1, 3: squares 16+1+4+1+1+9 = 32 over 5.
    stats = oracle.basic_stats(np.array([[-3.0, 0.0, 3.0], [-0.0, 2.0, 4.0]]))
    assert stats == {
        "mean": 1.0,
        "std": math.sqrt(32 / 5),
        "min": -3.0,
        "max": 4.0,
        "l2_norm": math.sqrt(38),
        "zeros_percentage": 100 * 2 / 6,
    }


def test_oracle_spectral() -> None:
    # [[3, 0], [4, 5]]: WᵀW = [[25, 20], [20, 25]] has eigenvalues 45 and 5; a zero row changes nothing but the shape.
    w = np.array([[3.0, 0.0], [4.0, 5.0], [0.0, 0.0]])
    spectral = oracle.spectral(w, top_k=1)
    assert spectral.pop("top_singular_values") == pytest.approx([math.sqrt(45)])
    assert spectral == pytest.approx(
        {
            "max_singular_value": math.sqrt(45),
            "min_singular_value": math.sqrt(5),
            "condition_number": 3.0,
            "singular_value_ratio": 1 / 3,
            "stable_rank": 50 / 45,
            "effective_rank": 2,
            "total_rank": 2,
            "stable_rank_percentage": 100 * 50 / 45 / 2,
        }
    )


def test_oracle_quantization() -> None:
    # The scale is 1. Errors: 0.5 → 0, −1.5 → −2, 0.25 → 0, 127 → 127.
    quantization = oracle.quantization(np.array([[127.0, 0.5], [-1.5, 0.25]]))
    signal = 127**2 + 0.25 + 2.25 + 0.0625
    noise = 0.25 + 0.25 + 0.0625
    assert quantization == pytest.approx(
        {
            "abs_max": 127.0,
            "quantization_scale": 1.0,
            "quantization_mse": noise / 4,
            "quantization_mae": 1.25 / 4,
            "cosine_similarity": (127**2 + 3) / math.sqrt(signal * (127**2 + 4)),
            "sqnr_db": 10 * math.log10(signal / noise),
            "dynamic_range": 127 / (129.25 / 4),
            # Sorted −1.5, 0.25, 0.5, 127: Q1 = −0.1875, Q3 = 32.125, IQR = 32.3125, upper fences 80.59 and 129.06.
            "outlier_percentage": 25.0,
            "outlier_count": 1,
            "extreme_outlier_percentage": 0.0,
            "extreme_outlier_count": 0,
        },
        rel=1e-14,
    )


def test_oracle_sparsity() -> None:
    w = np.array([[0.0, -1e-6, 0.0, 1e-7], [1e-4, 0.0, 2.0, 0.005], [-4.0, 0.0, 1.0, 3.0]])
    # |W| sorted: 0 0 0 0 1e-7 1e-6 1e-4 0.005 1 2 3 4; p75 at index 8.25, p90 at 9.9.
    sparsity = oracle.sparsity(w)
    assert sparsity["sparsity_levels"] == {
        "threshold_0.0": 100 * 4 / 12,
        "threshold_1e-6": 50.0,
        "threshold_1e-4": 100 * 7 / 12,
        "threshold_1e-2": 100 * 8 / 12,
    }
    assert sparsity["structured_sparsity"] == {
        "dead_rows": 1,
        "dead_rows_percentage": 100 / 3,
        "dead_columns": 1,
        "dead_columns_percentage": 25.0,
    }
    percentiles = {"p10": 0.0, "p25": 0.0, "p50": (1e-6 + 1e-4) / 2, "p75": 1.25, "p90": 2.9}
    assert sparsity["magnitude_percentiles"] == pytest.approx(percentiles, rel=1e-14)
    assert sparsity["mean_abs_weight"] == pytest.approx((1e-7 + 1e-6 + 1e-4 + 0.005 + 10) / 12, rel=1e-14)
    assert sparsity["median_abs_weight"] == pytest.approx(5.05e-5, rel=1e-14)


@pytest.mark.parametrize("exponent", [-700, 0, 700])
def test_oracle_scales_exactly_where_squares_leave_the_range(exponent: int) -> None:
    near = oracle.expected(gaussian(9, 5, dtype=torch.float64, std=1.0))
    far = oracle.expected(torch.ldexp(gaussian(9, 5, dtype=torch.float64, std=1.0), torch.tensor(exponent)))
    for section, name in (("basic_stats", "l2_norm"), ("basic_stats", "std"), ("spectral", "max_singular_value")):
        assert far[section][name] == pytest.approx(math.ldexp(near[section][name], exponent), rel=1e-14)
    assert far["quantization"]["sqnr_db"] == pytest.approx(near["quantization"]["sqnr_db"], rel=1e-14)


def test_oracle_conditions_agree_with_sixty_digits() -> None:
    w = with_spectrum(14, 9, geometric_spectrum(9, 1e10), seed="digits")
    assert oracle.singular_values(w) == pytest.approx(oracle.accurate_singular_values(w), rel=1e-4, abs=0)
    assert oracle.accurate_singular_values(np.diag([3.0, 1e-30])) == pytest.approx([3.0, 1e-30], rel=1e-15, abs=0)


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    return [path] if items is None else [leaf for key, part in items for leaf in leaves(part, (*path, key))]


@pytest.mark.parametrize(
    "path", leaves(oracle.expected(CASES["outlier_columns"]())), ids=lambda path: ".".join(map(str, path[-2:]))
)
@pytest.mark.parametrize(
    "damage", [lambda x: x * (1 + 2e-3) + 1e-5, lambda x: math.nan, str], ids=["off", "nan", "str"]
)
def test_the_comparison_sees_each_number(path: tuple[str | int, ...], damage: Callable[[float], object]) -> None:
    tensor = CASES["outlier_columns"]()
    expect = oracle.expected(tensor)
    actual: Any = copy.deepcopy(expect)
    assert oracle.mismatches(actual, tensor, expect) == []
    place = actual
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = damage(place[path[-1]])
    assert len(oracle.mismatches(actual, tensor, expect)) == 1
    if isinstance(place, dict):
        del place[path[-1]]
        assert len(oracle.mismatches(actual, tensor, expect)) == 1


# -- Each analyzer -----------------------------------------------------------------------------------------------------


LARGE = {"gaussian_large", "large_ill_conditioned_float32", "nearly_square_ill_conditioned", "thin_product_float32"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LARGE else name for name in CASES]
)
def test_analyzers(name: str) -> None:
    tensor = CASES[name]()
    assert oracle.mismatches(analyze(tensor), tensor, oracle.expected(tensor)) == []


@pytest.mark.parametrize("name", CASES)
def test_input_is_left_alone_and_nothing_is_warned(name: str) -> None:
    tensor = CASES[name]()
    before, version = tensor.detach().clone(), tensor._version
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        analyze(tensor)
    assert tensor._version == version
    assert tensor.dtype == before.dtype
    # Bits, for NaN is not itself and −0 is 0.
    assert torch.equal(tensor.detach().contiguous().view(torch.uint8), before.contiguous().view(torch.uint8))


@pytest.mark.parametrize("name", CASES)
def test_numbers_are_plain_python(name: str) -> None:
    sections = plain(analyze(CASES[name]()))
    for path in leaves(sections):
        value = sections
        for key in path:
            value = value[key]
        assert type(value) in (int, float), path
    assert json.loads(json.dumps(sections)).keys() == sections.keys()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("count", [1, 2, 3, 5, 100])
def test_one_dimension(count: int, dtype: torch.dtype) -> None:
    tensor = gaussian(count, dtype=torch.float64, std=1.0).to(dtype)
    expect = oracle.expected(tensor)
    del expect["spectral"]
    assert oracle.mismatches(analyze(tensor, ELEMENTWISE), tensor, expect) == []


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf], ids=str)
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64], ids=str)
def test_nothing_finite(bad: float, dtype: torch.dtype) -> None:
    tensor = torch.full((4, 7), bad, dtype=dtype)
    expect = oracle.expected(tensor)
    # The norm of no entries may be called 0 or unknown, and the specification does not say whether dead means "none".
    del expect["basic_stats"]["l2_norm"], expect["sparsity"]["structured_sparsity"]
    assert oracle.mismatches({**analyze(tensor), "sparsity": {**analyze_sparsity(tensor)}}, tensor, expect) == [
        "sparsity.structured_sparsity: must be absent"
    ]


def test_non_finite_counts_are_separate() -> None:
    tensor = torch.tensor([[math.nan, 1.0, math.inf], [-math.inf, math.nan, math.nan]])
    stats = analyze_basic_stats(tensor)
    assert (stats["nan_count"], stats["inf_count"]) == (3, 2)
    assert (stats["mean"], stats["min"], stats["max"]) == (1.0, 1.0, 1.0)


# -- Statements of the specification, apart from the oracle ------------------------------------------------------------


@pytest.mark.parametrize("name", DEFICIENT)
def test_deficient_rank_is_infinite_condition(name: str) -> None:
    assert analyze_spectral(DEFICIENT[name]())["condition_number"] == math.inf


@pytest.mark.parametrize("shape", [(96, 60), (60, 96), (62, 62)], ids=str)
@pytest.mark.parametrize("condition", [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10], ids="{:.0e}".format)
def test_known_spectra(condition: float, shape: tuple[int, int]) -> None:
    spectral = analyze_spectral(ill_conditioned(condition, shape), top_k=1000)
    sigma = geometric_spectrum(min(shape), condition)
    assert spectral["condition_number"] == pytest.approx(condition, rel=1e-3)
    assert spectral["min_singular_value"] == pytest.approx(1 / condition, rel=1e-3)
    assert spectral["max_singular_value"] == pytest.approx(1, rel=1e-12)
    assert spectral["top_singular_values"] == pytest.approx(sigma.tolist(), rel=1e-6, abs=oracle.EPS * 96)


@pytest.mark.parametrize("shape", [(12, 8), (8, 12), (9, 9)], ids=str)
@pytest.mark.parametrize("condition", [1e3, 1e6, 1e8, 1e10, 1e11, 1e12], ids="{:.0e}".format)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_ill_conditioned_against_sixty_digits(dtype: torch.dtype, condition: float, shape: tuple[int, int]) -> None:
    """The SVD of the stored entries to 60 digits: no rounding of the oracle's own."""
    sigma = geometric_spectrum(min(shape), condition)
    tensor = torch.from_numpy(with_spectrum(*shape, sigma, seed="digits")).to(dtype)
    expect = oracle.expected(tensor, sigma=oracle.accurate_singular_values(oracle.to_numpy(tensor)))
    assert oracle.mismatches({"spectral": analyze_spectral(tensor)}, tensor, {"spectral": expect["spectral"]}) == []


@pytest.mark.parametrize("transposed", [False, True], ids=["tall", "wide"])
@pytest.mark.parametrize("scale", [1.0, 2.0**60, 2.0**-400], ids=["1", "2**60", "2**-400"])
@pytest.mark.parametrize(
    ("exponent", "condition"), [(-51, math.inf), (-49, math.inf), (-48, 2.0**48), (-40, 2.0**40)], ids=str
)
def test_infinite_condition_begins_at_the_cut(exponent: int, condition: float, scale: float, transposed: bool) -> None:
    """ε₆₄·max(m, n) is 2⁻⁴⁹ for 8 × 4: at the cut and below κ is infinite, above it is what it is."""
    w = torch.zeros(8, 4, dtype=torch.float64)
    w.diagonal().copy_(torch.tensor([1.0, 0.5, 0.25, 2.0**exponent], dtype=torch.float64) * scale)
    assert analyze_spectral(w.t() if transposed else w)["condition_number"] == pytest.approx(condition, rel=1e-3)


def test_effective_rank_counts_above_one_percent() -> None:
    w = torch.diag(torch.tensor([100.0, 7.0, 1.001, 0.999, 0.001], dtype=torch.float64))
    assert analyze_spectral(w)["effective_rank"] == 3


@pytest.mark.parametrize("top_k", [1, 3, 10, 41, 1000])
def test_top_k(top_k: int) -> None:
    tensor = gaussian(90, 41)
    top = analyze_spectral(tensor, top_k=top_k)["top_singular_values"]
    assert len(top) == min(top_k, 41)
    assert top == pytest.approx(oracle.singular_values(oracle.to_numpy(tensor))[:top_k].tolist(), rel=1e-6)
    assert top == sorted(top, reverse=True)


@pytest.mark.parametrize("shape", [(40, 3), (3, 40)], ids=str)
def test_default_top_k_is_ten_or_the_rank(shape: tuple[int, int]) -> None:
    assert len(analyze_spectral(gaussian(*shape))["top_singular_values"]) == 3
    assert len(analyze_spectral(gaussian(40, 30))["top_singular_values"]) == 10


def test_all_zero() -> None:
    sections = analyze(torch.zeros(5, 8))
    for section, name in (
        ("spectral", "condition_number"),
        ("spectral", "stable_rank"),
        ("spectral", "stable_rank_percentage"),
        ("quantization", "cosine_similarity"),
    ):
        assert math.isnan(sections[section][name]), name
    assert sections["quantization"]["quantization_mse"] == 0
    assert sections["quantization"]["sqnr_db"] == math.inf
    assert sections["basic_stats"]["zeros_percentage"] == 100
    assert sections["sparsity"]["structured_sparsity"]["dead_rows"] == 5
    assert sections["sparsity"]["structured_sparsity"]["dead_columns"] == 8


def test_half_is_rounded_to_even() -> None:
    # With scale 1: 0.5 → 0. Upwards it would be 1, and the cosine 0.9980 instead of 1 − 1/(2·SQNR) = 0.9920.
    w = torch.full((16, 65), 0.5)
    w[3, 5] = 127.0
    quantized = 127.0**2
    cosine = quantized / math.sqrt(quantized * (127.0**2 + 0.25 * (w.numel() - 1)))
    assert analyze_quantization_sensitivity(w)["cosine_similarity"] == pytest.approx(cosine, rel=1e-12)


def test_fences_are_strict() -> None:
    quantization = analyze_quantization_sensitivity(CASES["entries_at_fences"]())
    # Beyond ±8: four at and past ±14, two a step past ±8; beyond ±14: the two a step past.
    assert quantization["outlier_count"] == 6
    assert quantization["extreme_outlier_count"] == 2


@pytest.mark.parametrize(
    ("values", "outliers", "extreme"),
    [([5.0], 0, 0), ([-1.0, 1.0], 0, 0), ([0.0, 0.0, 9.0], 0, 0), ([0.0, 0.0, 0.0, 0.0, 9.0], 1, 1)],
    ids=lambda value: str(value),
)
def test_quartiles_of_few(values: list[float], outliers: int, extreme: int) -> None:
    # Of three, Q3 is half-way between the middle and the last, so that 9 is inside; of five it is the fourth, 0.
    quantization = analyze_quantization_sensitivity(torch.tensor([values]))
    assert (quantization["outlier_count"], quantization["extreme_outlier_count"]) == (outliers, extreme)


@pytest.mark.slow
def test_gaussian_int8_is_below_forty_decibels() -> None:
    """38.76 dB at 1024 × 4096, by the specification; the largest entry makes single matrices scatter by 0.5 dB."""
    drawn = [analyze_quantization_sensitivity(gaussian(1024, 4096, seed=str(seed)))["sqnr_db"] for seed in range(9)]
    assert sorted(drawn)[4] == pytest.approx(38.76, abs=0.5)


@pytest.mark.slow
def test_more_entries_than_float32_can_count() -> None:
    """In float32 a running sum of ones stops at 2**24, and torch.quantile refuses as many entries."""
    tensor = torch.ones(4100, 4100, dtype=torch.float16)
    tensor[:, 0] = 3.0
    tensor[17, 1:4] = 0.0
    sections = analyze(tensor, ELEMENTWISE)
    n = tensor.numel()
    assert sections["basic_stats"]["mean"] == pytest.approx((n + 2 * 4100 - 3) / n, rel=1e-13)
    assert sections["basic_stats"]["l2_norm"] == pytest.approx(math.sqrt(n + 8 * 4100 - 3), rel=1e-13)
    assert sections["basic_stats"]["zeros_percentage"] == pytest.approx(100 * 3 / n, rel=1e-13)
    assert sections["quantization"]["outlier_count"] == 4103
    assert sections["sparsity"]["magnitude_percentiles"] == dict.fromkeys(oracle.PERCENTILES, 1.0)


# -- As a scan computes them -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scanned() -> Any:
    weights = {f"case.{name}.weight": make().detach() for name, make in CASES.items()}
    return wsw.scan(weights, methods="all", progress=False)


@pytest.mark.parametrize("name", CASES)
def test_scan(scanned: Any, name: str) -> None:
    tensor = CASES[name]()
    assert oracle.mismatches(scanned[f"case.{name}"], tensor, oracle.expected(tensor)) == []


@pytest.mark.parametrize("name", [name for name in CASES if "nan" not in name and "infinite" not in name])
def test_full_spectrum(scanned: Any, name: str) -> None:
    w = oracle.to_numpy(CASES[name]())
    expect = oracle.singular_values(w)
    actual = scanned.singular_values(f"case.{name}")
    assert isinstance(actual, np.ndarray)
    assert actual.dtype == np.float64
    assert actual.shape == expect.shape
    assert (np.diff(actual) <= 0).all()
    assert (actual >= 0).all()
    # What lies below ε₆₄·max(m, n)·σ₁ is zero by the specification; the eigenvalues of WᵀW know σ to ε₆₄·(σ₁/σ)².
    floor = oracle.EPS * max(w.shape[0], w[0].size) * expect[0]
    with np.errstate(all="ignore"):
        known = np.fmin(1e-4, 1e-6 + 10 * oracle.EPS * (expect[0] / expect) ** 2)
    assert (np.abs(actual - expect) <= np.fmax(known * expect, floor)).all()


@pytest.mark.parametrize("section", ANALYZERS)
def test_one_method_gives_what_all_give(scanned: Any, section: str) -> None:
    alone = wsw.scan({"case.cauchy.weight": CASES["cauchy"]()}, methods=[section], progress=False)["case.cauchy"]
    tensor = CASES["cauchy"]()
    assert oracle.mismatches(alone, tensor, {section: oracle.expected(tensor)[section]}) == []
    assert set(alone) & set(ANALYZERS) == {section}
