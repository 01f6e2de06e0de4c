"""Judgement of numbers: the real GPT-2 results, and what a random matrix scores against random matrices.

Where each class begins is in ``test_assessment_parity``, whose cases Python and the front end share.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from weightscope_widget import Thresholds
from weightscope_widget.analyzers import analyze_quantization_sensitivity, analyze_spectral
from weightscope_widget.assessment import classify, gaussian_baseline, grade, health, risk
from weightscope_widget.errors import InvalidArgumentError


def drawn(shape: tuple[int, ...], count: int, std: float = 1.0) -> list[torch.Tensor]:
    rng = np.random.default_rng(20)
    return [torch.from_numpy(rng.standard_normal(shape) * std) for _ in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "bar"), [((100, 400), 0.05), ((400, 100), 0.05), ((160, 200), 0.1), ((64, 8, 3, 3), 0.2)], ids=str
)
def test_baseline_of_a_rectangle_is_what_random_matrices_score(shape: tuple[int, ...], bar: float) -> None:
    baseline = gaussian_baseline(shape, 0.5)
    scored = [analyze_spectral(matrix) for matrix in drawn(shape, 20, 0.5)]
    for name, key, scale in (
        ("condition_number", "condition_number", 1),
        ("marchenko_pastur_edge", "max_singular_value", 1),
        ("stable_rank_percentage", "stable_rank", 100 / scored[0]["total_rank"]),
    ):
        assert baseline[name] == pytest.approx(scale * np.mean([one[key] for one in scored]), rel=bar), name


@pytest.mark.slow
def test_baseline_of_a_square_is_the_geometric_mean() -> None:
    """ln κ of one square matrix scatters by about 1 (Edelman 1988): of the mean of 300, by 0.06."""
    logs = [math.log(analyze_spectral(matrix)["condition_number"]) for matrix in drawn((60, 60), 300)]
    assert math.log(gaussian_baseline((60, 60))["condition_number"]) == pytest.approx(np.mean(logs), abs=0.2)


@pytest.mark.parametrize(("shape", "matrices"), [((200, 300), 1), ((30, 40), 50)], ids=str)
def test_baseline_sqnr_is_what_random_entries_score(shape: tuple[int, int], matrices: int) -> None:
    whole = (shape[0] * matrices, shape[1])
    scored = [analyze_quantization_sensitivity(matrix)["sqnr_db"] for matrix in drawn(whole, 41)]
    assert gaussian_baseline(shape, matrices=matrices)["sqnr_db"] == pytest.approx(np.median(scored), abs=0.15)


def test_baselines_of_the_specification() -> None:
    assert gaussian_baseline((768, 768))["condition_number"] == pytest.approx(3500, rel=0.03)
    assert gaussian_baseline((768, 3072))["condition_number"] == pytest.approx(3, rel=0.01)
    assert gaussian_baseline((3072, 768))["condition_number"] == gaussian_baseline((768, 3072))["condition_number"]
    assert gaussian_baseline((768, 768))["stable_rank_percentage"] == pytest.approx(25, rel=1e-12)
    assert gaussian_baseline((1024, 4096))["sqnr_db"] == pytest.approx(38.76, abs=0.5)


@pytest.mark.parametrize("shape", [(1, 50), (50, 1), (1, 1)], ids=str)
def test_baseline_of_one_row_is_what_any_row_scores(shape: tuple[int, int]) -> None:
    spectral, baseline = analyze_spectral(drawn(shape, 1)[0]), gaussian_baseline(shape)
    assert baseline["condition_number"] == spectral["condition_number"] == 1
    assert baseline["stable_rank_percentage"] == pytest.approx(100 * spectral["stable_rank"], rel=1e-12)


def test_thresholds_move_classes_health_and_risk() -> None:
    strict = Thresholds(condition_number=(10, 100, 1000), extreme_outlier_percentage=(0.01, 0.1, 0.5))
    assert [classify("condition_number", 500, one) for one in (Thresholds(), strict)] == ["safe", "high"]
    assert [health(5000, 0.6, one) for one in (Thresholds(), strict)] == [100, 30]
    assert [grade(health(5000, 0.6, one)) for one in (Thresholds(), strict)] == ["Excellent", "Critical"]
    assert [risk(5000, 0.6, one) for one in (Thresholds(), strict)] == pytest.approx([1.8, 51.8])


@pytest.mark.parametrize(
    ("levels", "sentence"),
    [
        ({"sqnr_db": (30, 40)}, "sqnr_db must be descending"),
        ({"condition_number": (1e5, 1e4, 1e3)}, "condition_number must be ascending"),
        ({"condition_number": (1e3, 1e4)}, "condition_number needs 3 finite levels"),
        ({"stable_rank_percentage": (10, 30, math.nan, 70)}, "stable_rank_percentage needs 4 finite levels"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_thresholds_out_of_order_are_refused(levels: Any, sentence: str) -> None:
    with pytest.raises(InvalidArgumentError, match=sentence):
        Thresholds(**levels)


def test_a_metric_without_classes_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="'mean' has no classes; those that have are condition_number, "):
        classify("mean", 1.0)
