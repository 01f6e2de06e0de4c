"""What must hold of any weights whatever: against the oracle, and under changes whose effect is known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.python.analyzers.test_numbers import analyze
from tests.python.support import oracle
from weightscope_widget.analyzers import (
    analyze_basic_stats,
    analyze_quantization_sensitivity,
    analyze_sparsity,
    analyze_spectral,
)
from weightscope_widget.analyzers.numerics.entries.ordered import (
    count_at_most,
    count_below,
    count_within,
    magnitude_quantile,
    quantile,
)

pytestmark = pytest.mark.slow

DTYPES = {np.float16: torch.float16, np.float32: torch.float32, np.float64: torch.float64}


def arrays(*, finite: bool, dtypes: tuple[Any, ...] = tuple(DTYPES), dimensions: int = 2) -> Any:
    def of(dtype: Any) -> Any:
        width = np.dtype(dtype).itemsize * 8
        few = st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, 1e-6, -1e-4, 100.0]).map(lambda value: float(dtype(value)))
        # A norm or σ₁ of larger doubles is no double.
        entries = few | st.floats(-1e300, 1e300) if width == 64 else few | st.floats(width=width).filter(math.isfinite)
        if not finite:
            entries |= st.sampled_from([math.nan, math.inf, -math.inf])
        shapes = hnp.array_shapes(min_dims=dimensions, max_dims=4, min_side=1, max_side=7)
        return hnp.arrays(dtype, shapes, elements=entries)

    return st.sampled_from(dtypes).flatmap(of)


def matrices(low: float = -4, high: float = 4) -> Any:
    """Matrices whose sums and products stay far from the ends of float64."""
    entries = st.floats(low, high, width=32).filter(lambda value: value == 0 or abs(value) > 1e-3)
    return hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=entries)


@settings(max_examples=400, deadline=None)
@given(arrays(finite=True))
def test_any_finite_weights(w: Any) -> None:
    tensor = torch.from_numpy(w)
    expect = oracle.expected(tensor)
    # A singular value within rounding of the cut of 1 % may be counted or not.
    sigma = oracle.singular_values(oracle.to_numpy(tensor))
    if sigma[0] > 0 and np.any(np.abs(sigma - 0.01 * sigma[0]) <= 1e-9 * sigma[0]):
        del expect["spectral"]["effective_rank"]
    wrong = oracle.mismatches(analyze(tensor), tensor, expect)
    # Above κ = 1e10 a float64 SVD, the oracle's too, no longer knows on which side of its cut σᵣ lies.
    if expect["spectral"]["condition_number"] > 1e10:
        wrong = [line for line in wrong if not line.startswith("spectral.condition_number")]
    assert wrong == []


@settings(max_examples=300, deadline=None)
@given(arrays(finite=False))
def test_any_weights_at_all(w: Any) -> None:
    assume(np.isfinite(w).any() and not np.isfinite(w).all())
    tensor = torch.from_numpy(w)
    assert oracle.mismatches(analyze(tensor), tensor, oracle.expected(tensor)) == []


@settings(max_examples=100, deadline=None)
@given(matrices(), st.integers(-200, 200))
def test_scaling_by_a_power_of_two_scales_exactly(w: Any, exponent: int) -> None:
    one, other = analyze(torch.from_numpy(w)), analyze(torch.from_numpy(np.ldexp(w, exponent)))
    for name in ("mean", "min", "max"):
        assert other["basic_stats"][name] == math.ldexp(one["basic_stats"][name], exponent)
    for name in ("outlier_count", "extreme_outlier_count", "dynamic_range", "sqnr_db", "cosine_similarity"):
        np.testing.assert_equal(other["quantization"][name], one["quantization"][name])
    np.testing.assert_allclose(other["spectral"]["stable_rank"], one["spectral"]["stable_rank"], rtol=1e-9)


@settings(max_examples=100, deadline=None)
@given(matrices(), st.randoms(use_true_random=False))
def test_order_of_rows_and_columns_is_nothing_to_any_number(w: Any, random: Any) -> None:
    rows, columns = list(range(w.shape[0])), list(range(w.shape[1]))
    random.shuffle(rows)
    random.shuffle(columns)
    shuffled = torch.from_numpy(w[rows][:, columns].copy())
    tensor = torch.from_numpy(w)
    for analyzer in (analyze_basic_stats, analyze_quantization_sensitivity, analyze_sparsity):
        np.testing.assert_equal(analyzer(shuffled), analyzer(tensor))
    top, top_shuffled = (analyze_spectral(one)["top_singular_values"] for one in (tensor, shuffled))
    np.testing.assert_allclose(top_shuffled, top, rtol=1e-9, atol=1e-13 * top[0])


@settings(max_examples=100, deadline=None)
@given(matrices())
def test_transposing_swaps_rows_and_columns(w: Any) -> None:
    one, other = analyze(torch.from_numpy(w)), analyze(torch.from_numpy(w.T))
    dead, dead_other = one["sparsity"].pop("structured_sparsity"), other["sparsity"].pop("structured_sparsity")
    assert (dead["dead_rows"], dead["dead_columns"]) == (dead_other["dead_columns"], dead_other["dead_rows"])
    for section in ("basic_stats", "quantization", "sparsity"):
        np.testing.assert_equal(one[section], other[section])
    np.testing.assert_allclose(
        one["spectral"]["top_singular_values"], other["spectral"]["top_singular_values"], rtol=1e-9, atol=1e-13
    )


@settings(max_examples=100, deadline=None)
@given(matrices())
def test_bounds(w: Any) -> None:
    assume(w.any())
    spectral, quantization = (
        analyze_spectral(torch.from_numpy(w)),
        analyze_quantization_sensitivity(torch.from_numpy(w)),
    )
    rank = spectral["total_rank"]
    assert 1 <= spectral["stable_rank"] <= rank + 1e-9
    assert 1 <= spectral["effective_rank"] <= rank
    assert spectral["condition_number"] >= 1
    assert quantization["extreme_outlier_count"] <= quantization["outlier_count"] <= w.size
    assert -1 <= quantization["cosine_similarity"] <= 1
    assert quantization["quantization_mae"] <= quantization["quantization_scale"] / 2 * (1 + 1e-12)
    assert quantization["dynamic_range"] >= 1 - 1e-12


@settings(max_examples=300, deadline=None)
@given(arrays(finite=True, dtypes=(np.float32, np.float64), dimensions=1), st.floats(0, 1), st.data())
def test_order_statistics(w: Any, q: float, data: Any) -> None:
    flat = w.flatten()
    ordered = np.sort(flat)
    wide = flat.astype(np.float64)
    assert quantile(ordered, q) == np.quantile(wide, q)
    assert magnitude_quantile(ordered, q) == np.quantile(np.abs(wide), q)
    bound = data.draw(st.floats(allow_nan=False) | st.sampled_from(wide.tolist()))
    assert count_below(ordered, bound) == np.count_nonzero(wide < bound)
    assert count_at_most(ordered, bound) == np.count_nonzero(wide <= bound)
    assert count_within(ordered, abs(bound)) == np.count_nonzero(np.abs(wide) <= abs(bound))


def test_order_statistics_of_the_largest_doubles() -> None:
    assert quantile(np.array([-1.75e308, -1.5e308, 1.5e308, 1.75e308]), 0.5) == 0
    assert quantile(np.array([-1.75e308, 1.75e308]), 0.0) == -1.75e308
