"""Weights to measure: each case one risk, non-square wherever a transposition could hide, the same on every run."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch

from tests.python.support.matrices import gaussian, generator, geometric_spectrum, ill_conditioned, with_spectrum

Case = Callable[[], torch.Tensor]
CASES: dict[str, Case] = {}


def case(make: Case) -> Case:
    """Register a case under the function's name."""
    CASES[make.__name__] = make
    return make


# -- Plain -------------------------------------------------------------------------------------------------------------

for _name, _shape in {
    "gaussian_tall": (300, 70),
    "gaussian_wide": (64, 250),
    "gaussian_square": (96, 96),
    "gaussian_large": (384, 1536),
    "one_row": (1, 37),
    "one_column": (37, 1),
    "one_by_one": (1, 1),
    "two_entries": (2, 1),
    "three_entries": (1, 3),
    "five_entries": (1, 5),
    "conv1d_3d": (24, 7, 5),
    "conv2d_4d": (20, 6, 3, 5),
    "conv3d_5d": (5, 3, 2, 4, 2),
    "depthwise_4d": (40, 1, 3, 3),
}.items():
    CASES[_name] = lambda name=_name, shape=_shape: gaussian(*shape, seed=name)

DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.float8_e4m3fn, torch.float8_e5m2]
for _dtype in DTYPES:
    CASES[f"gaussian_{str(_dtype).removeprefix('torch.')}"] = lambda dtype=_dtype: gaussian(90, 41, dtype=dtype)


@case
def off_centre() -> torch.Tensor:
    """The spread is 1e-7 of the mean: E[w²] − E[w]² would lose it."""
    return 1e4 + gaussian(60, 35, seed="off_centre", dtype=torch.float64, std=1e-3)


# -- Heavy tails -------------------------------------------------------------------------------------------------------


@case
def student_t() -> torch.Tensor:
    return torch.from_numpy(generator("student_t").standard_t(3, (120, 75))).float()


@case
def cauchy() -> torch.Tensor:
    return torch.from_numpy(generator("cauchy").standard_cauchy((75, 120))).float()


@case
def one_huge_outlier() -> torch.Tensor:
    w = gaussian(50, 80, seed="one_huge_outlier")
    w[31, 7] = -1000.0
    return w


@case
def outlier_columns() -> torch.Tensor:
    w = gaussian(110, 60, seed="outlier_columns")
    w[:, [3, 41]] *= 60
    return w


# -- Spectra that are hard to compute ----------------------------------------------------------------------------------

# In float32 the rounding of the entries, 6e-8, is itself a random matrix: beyond κ = 1e6 it sets σ_min.
CONDITIONS = [(1e3, torch.float32), (1e5, torch.float32), (1e6, torch.float32)] + [
    (condition, torch.float64) for condition in (1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10)
]
SHAPES = {"tall": (96, 60), "wide": (60, 96), "square": (62, 62)}


for _condition, _dtype in CONDITIONS:
    for _kind, _shape in SHAPES.items():
        _id = f"ill_conditioned_{_condition:.0e}_{_kind}_{str(_dtype).removeprefix('torch.')}".replace("e+", "e")
        CASES[_id] = lambda c=_condition, s=_shape, d=_dtype: ill_conditioned(c, s, d)


@case
def one_small_singular_value() -> torch.Tensor:
    """All alike but the last: whatever looks at averages misses it."""
    sigma = np.ones(50)
    sigma[-1] = 1e-9
    return torch.from_numpy(with_spectrum(50, 130, sigma, seed="one_small"))


@case
def one_large_singular_value() -> torch.Tensor:
    """One direction 1e6 times the rest, as in real embeddings."""
    sigma = np.linspace(1.0, 0.5, 70)
    sigma[0] = 1e6
    return torch.from_numpy(with_spectrum(200, 70, sigma, seed="one_large"))


@case
def clustered_singular_values() -> torch.Tensor:
    return torch.from_numpy(with_spectrum(80, 45, np.repeat([3.0, 2.0, 1e-8], 15), seed="clustered"))


@case
def graded_columns() -> torch.Tensor:
    return gaussian(400, 30, seed="graded", dtype=torch.float64) * torch.logspace(0, -8, 30, dtype=torch.float64)


@case
def nearly_square_ill_conditioned() -> torch.Tensor:
    return gaussian(130, 129, seed="nearly_square", dtype=torch.float64)


@case
def thin_product_float32() -> torch.Tensor:
    """Rank 12 but for float32's rounding of the entries: κ is finite, about 1e8."""
    return (gaussian(90, 12, seed="left", std=1.0) @ gaussian(12, 140, seed="right", std=1.0)).float()


@case
def large_ill_conditioned_float32() -> torch.Tensor:
    return torch.from_numpy(with_spectrum(400, 512, geometric_spectrum(400, 1e6), seed="large")).float()


# -- Rank-deficient: κ is infinite -------------------------------------------------------------------------------------

DEFICIENT: dict[str, Case] = {}


def deficient(make: Case) -> Case:
    DEFICIENT[make.__name__] = make
    return case(make)


@deficient
def thin_product_float64() -> torch.Tensor:
    return gaussian(90, 12, seed="left", dtype=torch.float64) @ gaussian(12, 140, seed="right", dtype=torch.float64)


@deficient
def duplicated_columns() -> torch.Tensor:
    w = gaussian(80, 50, seed="duplicated")
    w[:, 17] = w[:, 4]
    return w


@deficient
def proportional_rows() -> torch.Tensor:
    w = gaussian(40, 100, seed="proportional")
    w[23] = -4 * w[2]
    return w


@deficient
def dead_column() -> torch.Tensor:
    w = gaussian(90, 55, seed="dead_column")
    w[:, 12] = 0
    return w


@deficient
def dead_rows() -> torch.Tensor:
    w = gaussian(55, 90, seed="dead_rows")
    w[[0, 7, 54]] = 0
    return w


@deficient
def constant() -> torch.Tensor:
    return torch.full((30, 47), 0.1)


@deficient
def constant_negative() -> torch.Tensor:
    return torch.full((47, 30), -2.5, dtype=torch.bfloat16)


@deficient
def single_entry() -> torch.Tensor:
    w = torch.zeros(20, 33)
    w[19, 4] = -3.0
    return w


@deficient
def beyond_double() -> torch.Tensor:
    """κ would be 1e400."""
    return torch.diag(torch.tensor([1e200, 1e-200], dtype=torch.float64))


# -- Rows and columns all but dead -------------------------------------------------------------------------------------


@case
def rows_at_the_threshold() -> torch.Tensor:
    """Row 1 and column 2 hold 1e-6 (dead), row 3 the next number above it (alive)."""
    w = 1.0 + torch.arange(35, dtype=torch.float64).reshape(5, 7).cos()
    w[1] = 1e-6
    w[3] = math.nextafter(1e-6, 1.0)
    w[:, 2] = -1e-6
    return w


@case
def entries_at_thresholds() -> torch.Tensor:
    """Each threshold itself, and its neighbours on both sides: ≤ takes two of the three."""
    values = [0.0, -0.0]
    for t in (1e-6, 1e-4, 1e-2):
        values += [math.nextafter(t, 0), t, math.nextafter(t, 1), -math.nextafter(t, 0), -t, -math.nextafter(t, 1)]
    return torch.tensor(values, dtype=torch.float64).reshape(4, 5)


for _dtype in (torch.float16, torch.bfloat16, torch.float32):
    # Rounded to its type a threshold moves, and each number counts as what it is, not as what was meant:
    # float16's nearest to 1e-2 is 0.0100021, above it; float32's is 0.00999999978, below.
    CASES[f"thresholds_in_{str(_dtype).removeprefix('torch.')}"] = lambda dtype=_dtype: torch.tensor(
        [[1e-6, 1e-4, 1e-2], [-1e-6, -1e-4, -1e-2], [0.0, 5e-5, 1.0], [2e-6, 2e-4, 2e-2]], dtype=dtype
    )


@case
def negative_zeros() -> torch.Tensor:
    w = gaussian(12, 19, seed="negative_zeros")
    w[::2, ::3] = -0.0
    w[1::2, ::5] = 0.0
    return w


# -- Ties --------------------------------------------------------------------------------------------------------------


@case
def integers() -> torch.Tensor:
    return torch.from_numpy(generator("integers").integers(-9, 10, (60, 44))).float()


@case
def ternary() -> torch.Tensor:
    return torch.from_numpy(generator("ternary").integers(-1, 2, (33, 61))).to(torch.bfloat16)


@case
def few_values_with_outliers() -> torch.Tensor:
    rng = generator("few_values")
    return torch.from_numpy(rng.choice([-40.0, -6, -1, 0, 0, 0, 0, 1, 1, 2, 7, 90], (51, 38))).float()


@case
def entries_at_fences() -> torch.Tensor:
    """Q1 = −2 and Q3 = 2, so the fences are ±8 and ±14: entries lie on them (inside) and a step beyond (outside)."""
    on, beyond = [8.0, -8.0, 14.0, -14.0], [math.nextafter(f, 2 * f) for f in (8.0, -8.0, 14.0, -14.0)]
    values = torch.tensor(on + beyond + [-2.0] * 14 + [0.0] * 5 + [2.0] * 14, dtype=torch.float64)
    return torch.nn.functional.pad(values, (0, 4)).reshape(3, 15)


@case
def half_way() -> torch.Tensor:
    """The scale is 1 and most entries lie half-way: to even they become 0, 2, 2, 4, up they become 1, 2, 3, 4."""
    w = torch.tensor([0.5, 1.5, 2.5, 3.5, -0.5, -1.5, -2.5, -3.5, 0.5, 0.5, 2.5, 0.5]).repeat(30)
    w[77] = 127.0
    return w.reshape(24, 15)


# -- The ends of the number range --------------------------------------------------------------------------------------


@case
def subnormal_float32() -> torch.Tensor:
    return gaussian(20, 13, seed="subnormal", dtype=torch.float64, std=1e-40).float()


@case
def subnormal_float16() -> torch.Tensor:
    return gaussian(13, 20, seed="subnormal", dtype=torch.float64, std=1e-6).half()


@case
def subnormal_float64() -> torch.Tensor:
    return gaussian(11, 14, seed="subnormal", dtype=torch.float64, std=1e-310)


@case
def largest_float16() -> torch.Tensor:
    return (gaussian(31, 22, seed="largest", dtype=torch.float64, std=2e4).clamp(-65504, 65504)).half()


@case
def largest_bfloat16() -> torch.Tensor:
    return gaussian(22, 31, seed="largest", dtype=torch.float64, std=5e37).to(torch.bfloat16)


@case
def near_the_end_of_float32() -> torch.Tensor:
    return gaussian(26, 17, seed="largest", dtype=torch.float64, std=5e37).float()


@case
def huge_float64() -> torch.Tensor:
    return gaussian(30, 21, seed="huge", dtype=torch.float64, std=1e200)


@case
def tiny_float64() -> torch.Tensor:
    return gaussian(21, 30, seed="tiny", dtype=torch.float64, std=1e-200)


@case
def sum_beyond_double() -> torch.Tensor:
    """The sum, 3e308, is no double; mean, norm and σ₁ are."""
    return torch.full((2, 3), 5e307, dtype=torch.float64)


@case
def huge_among_tiny() -> torch.Tensor:
    w = gaussian(12, 17, seed="huge_among_tiny", dtype=torch.float64, std=1e-180)
    w[:, :6] *= 1e160
    return w


# -- Values that do not exist ------------------------------------------------------------------------------------------


@case
def zeros() -> torch.Tensor:
    return torch.zeros(17, 29)


@case
def zeros_float64_4d() -> torch.Tensor:
    return torch.zeros(4, 3, 2, 2, dtype=torch.float64)


@case
def some_nan() -> torch.Tensor:
    w = gaussian(40, 27, seed="some_nan")
    w[3, 4] = w[0, 0] = w[39, 26] = math.nan
    return w


@case
def some_infinite() -> torch.Tensor:
    w = gaussian(27, 40, seed="some_infinite", dtype=torch.bfloat16)
    w[5, 6], w[7, 8] = math.inf, -math.inf
    return w


@case
def nan_and_infinite() -> torch.Tensor:
    w = student_t()
    w[2, :9] = math.nan
    w[10, 3:7] = -math.inf
    w[100:103, 5] = 0.0
    return w


@case
def conv_with_nan() -> torch.Tensor:
    w = gaussian(6, 5, 3, 2, seed="conv_with_nan", dtype=torch.float16)
    w[1, 2, 0, 1] = math.nan
    return w


# -- Views -------------------------------------------------------------------------------------------------------------


@case
def transposed_view() -> torch.Tensor:
    return gaussian(64, 39, seed="view").t()


@case
def strided_view() -> torch.Tensor:
    return gaussian(90, 120, seed="view")[::3, 1::4]


@case
def permuted_conv_view() -> torch.Tensor:
    return gaussian(3, 5, 8, 14, seed="view").permute(3, 2, 0, 1)


@case
def expanded_view() -> torch.Tensor:
    return gaussian(1, 23, seed="view").expand(9, 23)


DEFICIENT["expanded_view"] = CASES["expanded_view"]


@case
def channels_last() -> torch.Tensor:
    return gaussian(10, 6, 3, 3, seed="view").to(memory_format=torch.channels_last)


@case
def parameter() -> torch.Tensor:
    return torch.nn.Parameter(gaussian(32, 53, seed="parameter"))


@case
def computed_with_gradient() -> torch.Tensor:
    return torch.nn.Parameter(gaussian(53, 32, seed="gradient")) * 2
