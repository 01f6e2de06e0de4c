"""The histogram of a tensor's entries, against NumPy's on the same edges, for every range that entries can have."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from weightscope_widget.analyzers import Weights
from weightscope_widget.analyzers.numerics.histogram import Histogram, histogram

LARGEST = 1.7976931348623157e308


def normal(*shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(shape).standard_normal(shape)).to(dtype)


def doubles(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def finite(tensor: torch.Tensor) -> npt.NDArray[np.float64]:
    entries = tensor.double().flatten().numpy()
    return entries[np.isfinite(entries)]


def checked(tensor: torch.Tensor) -> Histogram:
    """Return the histogram of a tensor with a finite entry, after comparing it with NumPy's."""
    found = histogram(Weights(tensor).entries)
    assert found is not None
    entries = finite(tensor)
    assert (found.low, found.high) == (entries.min(), entries.max())
    assert (found.edges[0], found.edges[-1]) == (found.low, found.high)
    assert found.edges.dtype == found.counts.dtype == np.float64
    assert len(found.edges) == len(found.counts) + 1
    assert np.isfinite(found.edges).all()
    assert (found.edges[1:] >= found.edges[:-1]).all()
    np.testing.assert_array_equal(found.counts, np.histogram(entries, bins=found.edges)[0])
    assert found.counts.sum() == len(entries)
    return found


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn])
@pytest.mark.parametrize("shape", [(300, 41), (5, 3, 2, 2), (64,)], ids=str)
def test_counts_are_numpys(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    found = checked(normal(*shape, dtype=dtype))
    np.testing.assert_allclose(found.edges, np.linspace(found.low, found.high, len(found.edges)), rtol=0, atol=1e-13)


@pytest.mark.parametrize(
    ("entries", "bins"),
    [(2, 10), (24, 10), (30, 11), (100, 20), (2500, 100), (9801, 198), (10_000, 200), (90_000, 200)],
)
def test_there_are_twice_as_many_bins_as_the_root_of_the_entries(entries: int, bins: int) -> None:
    assert len(checked(normal(entries)).counts) == bins


def test_a_bin_has_its_lower_edge_and_the_last_one_both() -> None:
    found = checked(torch.arange(0.0, 11.0))
    np.testing.assert_array_equal(found.edges, np.arange(11.0))
    np.testing.assert_array_equal(found.counts, [*[1.0] * 9, 2.0])


@pytest.mark.parametrize("value", [0.0, -3.5, 1e-40, LARGEST])
def test_a_constant_is_one_bin_of_no_width(value: float) -> None:
    for shape in ((4, 6), (1, 1)):
        found = checked(torch.full(shape, value, dtype=torch.float64))
        assert found.edges.tolist() == [value, value]
        assert found.counts.tolist() == [math.prod(shape)]


def test_zeros_of_both_signs_are_a_constant() -> None:
    assert checked(doubles(0.0, -0.0, 0.0)).counts.tolist() == [3.0]


def test_only_finite_entries_count() -> None:
    tensor = normal(20, 10)
    whole = checked(tensor)
    more = torch.cat([tensor.flatten(), doubles(math.nan, math.inf, -math.inf, -math.nan)])
    found = checked(more)
    assert (found.low, found.high) == (whole.low, whole.high)
    np.testing.assert_array_equal(found.counts, whole.counts)
    assert checked(doubles(math.inf, 2.0, math.nan)).edges.tolist() == [2.0, 2.0]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_without_a_finite_entry_there_is_none(dtype: torch.dtype) -> None:
    assert histogram(Weights(doubles(math.nan, math.inf, -math.inf).to(dtype)).entries) is None
    assert histogram(Weights(doubles(math.nan).to(dtype)).entries) is None


@pytest.mark.parametrize(
    "ends",
    [
        *((-LARGEST, LARGEST), (-LARGEST, 0.0), (1.0, LARGEST), (-1e308, 1.7e308), (1e-308, 1e308)),
        *((-5e-324, 5e-324), (0.0, 1e-323), (2e-308, 3e-308)),
        *((1.0, math.nextafter(1, 2)), (-1e16, -1e16 + 8), (0.1, 0.1 + 1e-16), (3.0, 3.0 + 1e-14)),
    ],
    ids=str,
)
def test_the_ends_of_the_number_range(ends: tuple[float, float]) -> None:
    low, high = ends
    inside = [low / 2 + high / 2, low / 4 + high / 4 * 3]
    checked(doubles(low, high, *(min(max(one, low), high) for one in inside), low))


def test_the_largest_range_is_divided_evenly() -> None:
    found = checked(doubles(-LARGEST, LARGEST, 0.0, *[LARGEST / 2] * 3, LARGEST / -4))
    np.testing.assert_allclose(found.edges / LARGEST, np.linspace(-1, 1, 11), rtol=0, atol=1e-15)
    assert found.counts.tolist() == [1, 0, 0, 1, 0, 1, 0, 3, 0, 1]


entries = st.lists(st.floats(width=64), min_size=1, max_size=60)
narrow = st.tuples(st.floats(-1e6, 1e6), st.lists(st.integers(0, 40), min_size=1, max_size=60)).map(
    lambda drawn: [drawn[0] + step * math.ulp(drawn[0]) for step in drawn[1]]
)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(values=entries | narrow, dtype=st.sampled_from([torch.float64, torch.float32, torch.bfloat16]))
def test_any_entries(values: list[float], dtype: torch.dtype) -> None:
    tensor = doubles(*values).to(dtype)
    if len(finite(tensor)):
        checked(tensor)
    else:
        assert histogram(Weights(tensor).entries) is None
