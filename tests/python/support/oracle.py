"""An independent answer to every number of a layer: textbook NumPy in float64, written from the specification alone.

Nothing here is shared with the package. `expected` computes, `mismatches` compares at the bars the project promises:

* 1e-6 relative for a scalar, 1e-3 for what rests on the smallest singular value, exact for counts, extremes and
  percentiles;
* the mean to 1e-12 of mean |W|: weights cancel, so its own size says nothing of how well a sum can be known;
* a singular value below ε₆₄·max(m, n)·σ₁ is noise (the specification calls it zero): the absolute bar of each.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import mpmath
import numpy as np
import numpy.typing as npt
import torch

Array = npt.NDArray[np.float64]
Section = dict[str, Any]

EPS = 2.0**-52
THRESHOLDS = {"threshold_0.0": 0.0, "threshold_1e-6": 1e-6, "threshold_1e-4": 1e-4, "threshold_1e-2": 1e-2}
PERCENTILES = {"p10": 10, "p25": 25, "p50": 50, "p75": 75, "p90": 90}
INFINITE_DB = 280.0  # A ratio beyond float64's own rounding, 20·log10(2**53) ≈ 319 dB: "no error at all".


def to_numpy(tensor: torch.Tensor) -> Array:
    """Return a float64 copy; every weight format converts without rounding."""
    return tensor.detach().cpu().to(torch.float64).numpy().copy()


def finite_entries(w: Array) -> Array:
    return w[np.isfinite(w)]


def scaled(w: Array) -> tuple[Array, int]:
    """Return (x, e) with w = x·2**e exactly, e = 0 unless squares of the entries leave the range of float64."""
    largest = np.max(np.abs(w), initial=0.0)
    if largest == 0.0 or 2.0**-300 < largest < 2.0**300:
        return w, 0
    exponent = int(np.frexp(largest)[1])
    return np.ldexp(w, -exponent), exponent


def unscaled(value: float, exponent: int) -> float:
    """Return value·2**exponent, infinite or zero where float64 has no such number."""
    with np.errstate(over="ignore", under="ignore"):
        return float(np.ldexp(value, exponent))


def ratio(a: float, b: float) -> float:
    """Return a/b as IEEE 754 has it: 0/0 is NaN, 1/0 is infinite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.float64(a) / np.float64(b))


# -- The four sections -------------------------------------------------------------------------------------------------


def basic_stats(w: Array) -> Section:
    finite = finite_entries(w)
    stats: Section = {}
    if finite.size < w.size:
        stats |= {"nan_count": int(np.isnan(w).sum()), "inf_count": int(np.isinf(w).sum())}
    if finite.size == 0:
        return stats | dict.fromkeys(("mean", "std", "min", "max", "l2_norm", "zeros_percentage"), math.nan)
    x, e = scaled(finite)
    mean = x.sum() / x.size
    return stats | {
        "mean": unscaled(mean, e),
        "std": unscaled(math.sqrt(ratio(((x - mean) ** 2).sum(), x.size - 1)), e),
        "min": float(finite.min()),
        "max": float(finite.max()),
        "l2_norm": unscaled(math.sqrt((x**2).sum()), e),
        "zeros_percentage": 100.0 * int((finite == 0).sum()) / finite.size,
    }


def singular_values(w: Array) -> Array:
    """Return the spectrum of (out, in·∏kernel), largest first."""
    x, e = scaled(w.reshape(w.shape[0], -1))
    with np.errstate(over="ignore", under="ignore"):
        return np.ldexp(np.linalg.svd(x, compute_uv=False), e)


def accurate_singular_values(w: Array, digits: int = 60) -> Array:
    """Return the spectrum from an SVD carried out with `digits` decimals: for small matrices of any condition."""
    matrix = w.reshape(w.shape[0], -1)
    with mpmath.workdps(digits):
        tall = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
        values = mpmath.svd_r(mpmath.matrix(tall.tolist()), compute_uv=False)
        return np.array(sorted((float(value) for value in values), reverse=True))


def spectral(w: Array, top_k: int = 10, sigma: Array | None = None) -> Section:
    shape = (w.shape[0], math.prod(w.shape[1:]))
    total = min(shape)
    if not np.isfinite(w).all():
        names = ("max_singular_value", "min_singular_value", "condition_number", "singular_value_ratio", "stable_rank")
        return {
            **dict.fromkeys((*names, "effective_rank", "stable_rank_percentage"), math.nan),
            "total_rank": total,
            "top_singular_values": [math.nan] * min(top_k, total),
        }
    s = singular_values(w) if sigma is None else sigma
    first, last = float(s[0]), float(s[-1])
    condition = math.inf if last <= EPS * max(shape) * first else first / last
    stable_rank = ratio(basic_stats(w)["l2_norm"], first) ** 2
    return {
        "max_singular_value": first,
        "min_singular_value": last,
        "condition_number": condition if first > 0 else math.nan,
        "singular_value_ratio": ratio(last, first),
        "stable_rank": stable_rank,
        "effective_rank": int((s > 0.01 * first).sum()),
        "total_rank": total,
        "stable_rank_percentage": 100 * stable_rank / total,
        "top_singular_values": s[:top_k].tolist(),
    }


def quantization(w: Array) -> Section:
    finite = finite_entries(w)
    if finite.size == 0:
        names = (
            "abs_max",
            "quantization_scale",
            "quantization_mse",
            "quantization_mae",
            "cosine_similarity",
            "sqnr_db",
        )
        percentages = ("dynamic_range", "outlier_percentage", "extreme_outlier_percentage")
        return {**dict.fromkeys(names + percentages, math.nan), "outlier_count": 0, "extreme_outlier_count": 0}
    x, e = scaled(finite)
    magnitude = np.abs(x)
    scale = float(magnitude.max()) / 127
    rounded = np.clip(np.rint(x / scale), -127, 127) * scale if scale > 0 else x
    error = x - rounded
    signal, noise = float((x**2).mean()), float((error**2).mean())
    norms = math.sqrt((x**2).sum()) * math.sqrt((rounded**2).sum())

    q1, q3 = np.percentile(finite, [25, 75])
    fences = [(q1 - k * (q3 - q1), q3 + k * (q3 - q1)) for k in (1.5, 3.0)]
    outliers, extreme = (int(((finite < low) | (finite > high)).sum()) for low, high in fences)
    return {
        "abs_max": unscaled(float(magnitude.max()), e),
        "quantization_scale": unscaled(scale, e),
        "quantization_mse": unscaled(noise, 2 * e),
        "quantization_mae": unscaled(float(np.abs(error).mean()), e),
        "cosine_similarity": ratio(float((x * rounded).sum()), norms),
        "sqnr_db": 10 * math.log10(signal / noise) if noise > 0 else math.inf,
        "dynamic_range": ratio(float(magnitude.max()), float(magnitude.mean())),
        "outlier_percentage": 100.0 * outliers / x.size,
        "outlier_count": outliers,
        "extreme_outlier_percentage": 100.0 * extreme / x.size,
        "extreme_outlier_count": extreme,
    }


def sparsity(w: Array) -> Section:
    magnitude = np.abs(finite_entries(w))
    if magnitude.size == 0:
        levels, percentiles = dict.fromkeys(THRESHOLDS, math.nan), dict.fromkeys(PERCENTILES, math.nan)
        mean = median = math.nan
    else:
        levels = {name: 100.0 * int((magnitude <= t).sum()) / magnitude.size for name, t in THRESHOLDS.items()}
        x, e = scaled(magnitude)
        percentiles = {name: float(np.percentile(magnitude, p)) for name, p in PERCENTILES.items()}
        mean, median = unscaled(float(x.mean()), e), float(np.median(magnitude))
    section: Section = {
        "sparsity_levels": levels,
        "magnitude_percentiles": percentiles,
        "mean_abs_weight": mean,
        "median_abs_weight": median,
    }
    if w.ndim == 2:
        small = np.abs(w) <= 1e-6
        rows, columns = int(small.all(axis=1).sum()), int(small.all(axis=0).sum())
        section["structured_sparsity"] = {
            "dead_rows": rows,
            "dead_rows_percentage": 100.0 * rows / w.shape[0],
            "dead_columns": columns,
            "dead_columns_percentage": 100.0 * columns / w.shape[1],
        }
    return section


def expected(tensor: torch.Tensor, top_k: int = 10, sigma: Array | None = None) -> dict[str, Section]:
    """Return all four sections; `sigma` replaces NumPy's spectrum where a better one is known."""
    w = to_numpy(tensor)
    return {
        "basic_stats": basic_stats(w),
        "spectral": spectral(w, top_k, sigma),
        "quantization": quantization(w),
        "sparsity": sparsity(w),
    }


# -- Comparison --------------------------------------------------------------------------------------------------------

EXACT = {
    *("nan_count", "inf_count", "min", "max", "total_rank", "effective_rank", "abs_max"),
    *("outlier_count", "extreme_outlier_count", "dead_rows", "dead_columns", *PERCENTILES),
}
INTEGERS = {
    "nan_count",
    "inf_count",
    "total_rank",
    "outlier_count",
    "extreme_outlier_count",
    "dead_rows",
    "dead_columns",
}
# Relative to the value. A share is a count over a count: its bar leaves no room for another count.
RELATIVE = {
    **dict.fromkeys(("min_singular_value", "condition_number", "singular_value_ratio"), 1e-3),
    **dict.fromkeys(("zeros_percentage", "outlier_percentage", "extreme_outlier_percentage", *THRESHOLDS), 1e-12),
    **dict.fromkeys(("dead_rows_percentage", "dead_columns_percentage"), 1e-12),
    "mean": 0.0,
    "median_abs_weight": 1e-15,
    # 1 − cosine is 1/(2·SQNR), about 5e-5 at 40 dB: 1e-6 of the cosine itself would not see it.
    "cosine_similarity": 1e-10,
}
SMALLEST = 2.0**-1074


def floors(tensor: torch.Tensor, expect: Mapping[str, Section]) -> dict[str, float]:
    """Return the absolute bars: what rounding in float64 leaves of a quantity that cancels to nothing."""
    w = finite_entries(to_numpy(tensor))
    largest = float(np.max(np.abs(w), initial=0.0))
    x, e = scaled(w)
    bars = {
        "mean": unscaled(1e-12 * float(np.abs(x).mean()), e) if w.size else 0.0,
        "std": 1e-13 * largest,
        "quantization_mse": unscaled((4 * EPS * float(np.max(np.abs(x), initial=0.0))) ** 2, 2 * e),
        "quantization_mae": 4 * EPS * largest,
        "sqnr_db": 1e-8,
    }
    spectrum = expect.get("spectral")
    if spectrum and not math.isnan(spectrum["max_singular_value"]):
        rows = tensor.shape[0]
        noise = EPS * max(rows, tensor.numel() // rows)
        condition, first = spectrum["condition_number"], spectrum["max_singular_value"]
        bars["top_singular_values"] = noise * first
        # Up to 1e10 a float64 SVD knows σ_min to 1e-3 and no floor is granted.
        if condition > 1e10:
            bars["min_singular_value"], bars["singular_value_ratio"] = noise * first, noise
            bars["condition_number"] = 2 * noise * condition**2 if condition < math.inf else 0.0
    return bars


def close(name: str, actual: float, expect: float, floor: float = 0.0) -> bool:
    if math.isnan(expect):
        return math.isnan(actual)
    if name == "sqnr_db" and expect >= INFINITE_DB:
        return actual >= INFINITE_DB
    if name in EXACT or math.isinf(expect):
        return actual == expect
    if name == "cosine_similarity" and abs(actual) > 1 + 1e-12:
        return False
    # Two units of the smallest subnormal: results down there have no digits left to agree in.
    return abs(actual - expect) <= max(RELATIVE.get(name, 1e-6) * abs(expect), floor, 2 * SMALLEST)


def mismatches(actual: Mapping[str, Section], tensor: torch.Tensor, expect: Mapping[str, Section]) -> list[str]:
    """Return one line for each number of `expect` that `actual` lacks or has wrong, `[]` if all is well."""
    bars = floors(tensor, expect)
    wrong: list[str] = []

    def compare(path: str, name: str, a: Any, b: Any) -> None:
        if isinstance(b, dict):
            if not isinstance(a, Mapping):
                wrong.append(f"{path}: a mapping was expected, not {a!r}")
                return
            for key, value in b.items():
                if key in a:
                    compare(f"{path}.{key}", key, a[key], value)
                else:
                    wrong.append(f"{path}.{key}: missing")
        elif isinstance(b, list):
            if not isinstance(a, list) or len(a) != len(b):
                wrong.append(f"{path}: a list of {len(b)} was expected, not {a!r}")
                return
            for index, (left, right) in enumerate(zip(a, b, strict=True)):
                compare(f"{path}[{index}]", name, left, right)
        elif name in INTEGERS and type(a) is not int:
            wrong.append(f"{path}: an int was expected, not {a!r} ({type(a).__name__})")
        elif not isinstance(a, (int, float)) or isinstance(a, bool):
            wrong.append(f"{path}: a number was expected, not {a!r} ({type(a).__name__})")
        elif not close(name, a, b, bars.get(name, 0.0)):
            off = abs(a - b) / abs(b) if b and math.isfinite(a - b) else math.nan
            wrong.append(f"{path}: {a!r}, expected {b!r} (relative {off:.1e})")

    for section, numbers in expect.items():
        if section in actual:
            compare(section, section, actual[section], numbers)
        else:
            wrong.append(f"{section}: missing")
    for section, key in (
        ("basic_stats", "nan_count"),
        ("basic_stats", "inf_count"),
        ("sparsity", "structured_sparsity"),
    ):
        if key in actual.get(section, {}) and section in expect and key not in expect[section]:
            wrong.append(f"{section}.{key}: must be absent")
    return wrong
