"""Each way to hold entries gives what NumPy gives of the same entries, whatever their number, type and spread."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from weightscope_widget.analyzers.numerics.entries.binned import BinnedEntries
from weightscope_widget.analyzers.numerics.entries.ordered import Entries, OrderedEntries
from weightscope_widget.analyzers.numerics.entries.tallied import TalliedEntries
from weightscope_widget.analyzers.weights import entries_of

QUANTILES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.999, 1.0)
BOUNDS = (0.0, 1e-6, 1e-4, 1e-2)
TALLIED = (torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def check(entries: Entries, stored: torch.Tensor) -> None:
    """Compare everything with NumPy on the float64 copy."""
    wide = stored.to(torch.float64).numpy().ravel()
    finite = wide[np.isfinite(wide)]
    assert (entries.count, entries.nan_count) == (len(finite), np.isnan(wide).sum())
    assert entries.inf_count == np.isinf(wide).sum()
    if not len(finite):
        assert math.isnan(entries.minimum)
        assert math.isnan(entries.maximum)
        return
    assert (entries.minimum, entries.maximum) == (finite.min(), finite.max())
    for q in QUANTILES:
        assert entries.quantile(q) == np.quantile(finite, q), q
        assert entries.magnitude_quantile(q) == np.quantile(np.abs(finite), q), q
    q1, q3 = np.quantile(finite, [0.25, 0.75])
    fences = [q + sign * k * (q3 - q1) for q, sign in ((q1, -1), (q3, 1)) for k in (1.5, 3.0)]
    few = rng().choice(finite, 5)
    for bound in (*BOUNDS, *fences, *few, *np.nextafter(few, np.inf), finite.min(), finite.max(), -1e300, 1e300):
        assert entries.count_below(bound) == np.count_nonzero(finite < bound), bound
        assert entries.count_at_most(bound) == np.count_nonzero(finite <= bound), bound
    for bound in BOUNDS:
        assert entries.count_within(bound) == np.count_nonzero(np.abs(finite) <= bound), bound
    check_moments(entries, finite)
    if finite.min() < finite.max():
        for bins in (200, 17):
            counts = entries.histogram(bins)
            edges = finite.min() + np.ptp(finite) * (np.arange(bins + 1) / bins)
            edges[-1] = finite.max()
            assert np.array_equal(counts, np.histogram(finite, edges)[0])


def check_moments(entries: Entries, finite: Any) -> None:
    scale = np.abs(finite).max() / 127
    moments = entries.moments(1.0, scale)
    d = np.rint(finite / scale) * scale if scale > 0 else np.zeros_like(finite)
    e = finite - d
    size = np.abs(finite).mean()
    assert moments.mean == pytest.approx(finite.mean(), rel=1e-12, abs=1e-13 * size)
    if len(finite) > 1:
        assert moments.std == pytest.approx(finite.std(ddof=1), rel=1e-9, abs=1e-13 * size)
    for value, expected in (
        (moments.mean_abs, size),
        (moments.sum_squares, finite @ finite),
        (moments.dot, finite @ d),
        (moments.image_squares, d @ d),
    ):
        assert value == pytest.approx(expected, rel=1e-12)
    assert moments.error_squares == pytest.approx(e @ e, rel=1e-9, abs=1e-28 * (finite @ finite))
    assert moments.error_abs == pytest.approx(np.abs(e).sum(), rel=1e-9, abs=1e-14 * np.abs(finite).sum())


CASES = {
    "gaussian": lambda: rng().standard_normal(200_000) * 0.02,
    "one_sided": lambda: rng(1).gamma(2.0, size=70_000) + 0.5,
    "all_negative": lambda: -rng(2).gamma(2.0, size=70_000) - 3,
    "off_centre": lambda: 5000 + rng(3).standard_normal(70_000) * 1e-2,
    "two_neighbours": lambda: np.where(rng(22).random(70_000) < 0.4, 1.0, 1.0 + 2.0**-23),
    "neighbours_below_zero": lambda: -1.0 - 2.0**-23 * rng(23).integers(0, 9, 70_000),
    "cauchy": lambda: rng(4).standard_cauchy(100_000),
    "one_huge_outlier": lambda: np.append(rng(5).standard_normal(99_999), 1e30),
    "ternary": lambda: rng(6).integers(-1, 2, 90_001).astype(float),
    "integers": lambda: rng(7).integers(-100, 101, 90_001).astype(float),
    "mostly_zero": lambda: np.where(rng(8).random(100_000) < 0.97, 0.0, rng(9).standard_normal(100_000)),
    "negative_zeros": lambda: np.where(rng(10).random(40_000) < 0.5, -0.0, rng(11).standard_normal(40_000)),
    "two_clusters": lambda: rng(12).choice([-1.0, 1.0], 80_000) * (100 + rng(13).standard_normal(80_000)),
    "constant": lambda: np.full(40_000, 0.1),
    "zeros": lambda: np.zeros(40_000),
    "tiny": lambda: rng(14).standard_normal(60_000) * 1e-41,
    "huge": lambda: np.clip(rng(15).standard_normal(60_000) * 1e38, -3e38, 3e38),
    "on_the_edges": lambda: np.arange(-400, 401).repeat(100) / 64,
    "with_nan": lambda: np.where(rng(16).random(80_000) < 0.01, np.nan, rng(17).standard_normal(80_000)),
    "with_infinities": lambda: np.where(rng(18).random(80_000) < 0.01, -np.inf, rng(19).standard_normal(80_000)),
    "all_nan": lambda: np.full(40_000, np.nan),
    "symmetric_around_zero": lambda: np.concatenate([[-1.0, 1.0], rng(21).standard_normal(70_000) * 1e-20]),
    "chunks_and_one": lambda: rng(20).standard_normal(2 * 262_144 + 1),
}


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")  # where NumPy casts what a type cannot hold
@pytest.mark.parametrize("name", CASES)
def test_binned(name: str) -> None:
    stored = CASES[name]().astype(np.float32)
    entries = entries_of(torch.from_numpy(stored))
    assert isinstance(entries, BinnedEntries)
    check(entries, torch.from_numpy(stored))


@pytest.mark.parametrize("dtype", TALLIED, ids=str)
@pytest.mark.parametrize("name", CASES)
def test_tallied(name: str, dtype: torch.dtype) -> None:
    stored = torch.from_numpy(CASES[name]()).to(dtype)
    entries = entries_of(stored)
    assert isinstance(entries, TalliedEntries)
    check(entries, stored)


@pytest.mark.parametrize("dtype", [*TALLIED, torch.float32, torch.float64], ids=str)
def test_few_are_sorted(dtype: torch.dtype) -> None:
    stored = torch.from_numpy(rng().standard_normal(500)).to(dtype)
    entries = entries_of(stored)
    assert isinstance(entries, OrderedEntries)
    check(entries, stored)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.lists(st.floats(width=32) | st.sampled_from([0.0, -0.0, 1.0, 1.0, -1.0, 0.25]), min_size=1, max_size=60))
@example([-7.7e-44, 1.0, -1.0])
def test_binned_of_any_few(values: list[float]) -> None:
    """Few entries in many bins: gaps, ties and extremes that large tensors seldom have."""
    stored = np.array(values, dtype=np.float32)
    check(BinnedEntries(stored), torch.from_numpy(stored))


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 65_535), min_size=1, max_size=60), st.sampled_from([torch.float16, torch.bfloat16]))
def test_tallied_of_any_few(codes: list[int], dtype: torch.dtype) -> None:
    stored = torch.tensor(codes, dtype=torch.int32).to(torch.int16).view(dtype)
    check(TalliedEntries(stored), stored)


def test_values_are_left_alone() -> None:
    stored = torch.from_numpy(CASES["with_nan"]().astype(np.float32))
    before = stored.clone()
    entries = entries_of(stored)
    entries.quantile(0.5)
    entries.histogram(200)
    assert torch.equal(stored.view(torch.int32), before.view(torch.int32))
