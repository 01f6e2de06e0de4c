"""Thresholds, classes, health, grades and risk, by cases of the specification that the front end shares."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from weightscope_widget import Thresholds
from weightscope_widget.assessment import classify, gaussian_baseline, grade, health, risk

CASES = json.loads(Path(__file__).parents[2].joinpath("fixtures/assessment_cases.json").read_text())
SETS = [(Thresholds(), CASES), (Thresholds(**CASES["moved"]["thresholds"]), CASES["moved"])]


def number(value: Any) -> Any:
    return float(value) if isinstance(value, str) else value


def named(value: object) -> str:
    return f"κ={value.condition_number}" if isinstance(value, Thresholds) else str(value)


def test_thresholds() -> None:
    assert {name: list(levels) for name, levels in asdict(Thresholds()).items()} == CASES["thresholds"]


@pytest.mark.parametrize(
    ("case", "thresholds"), [(case, levels) for levels, cases in SETS for case in cases["classes"]], ids=named
)
def test_class(case: dict[str, Any], thresholds: Thresholds) -> None:
    assert classify(case["metric"], number(case["value"]), thresholds) == case["class"]


@pytest.mark.parametrize(
    ("case", "thresholds"), [(case, levels) for levels, cases in SETS for case in cases["judgements"]], ids=named
)
def test_judgement(case: dict[str, Any], thresholds: Thresholds) -> None:
    values = number(case["condition_number"]), number(case["extreme_outlier_percentage"])
    assert health(*values, thresholds) == case["health"]
    assert grade(health(*values, thresholds)) == case["grade"]
    assert risk(*values, thresholds) == pytest.approx(number(case["risk"]), nan_ok=True, abs=1e-9)


@pytest.mark.parametrize(("score", "expected"), CASES["grades"])
def test_grade(score: float, expected: str) -> None:
    assert grade(score) == expected


@pytest.mark.parametrize("case", CASES["baselines"], ids=str)
def test_baseline(case: dict[str, Any]) -> None:
    baseline = gaussian_baseline(case["shape"], case.get("std", 1.0))
    assert baseline[case["metric"]] == pytest.approx(case["value"], rel=case["within"])


def test_missing_is_as_good_as_nan() -> None:
    assert classify("sqnr_db", None) is None
    assert health(None, 1.0) is None
    assert grade(None) is None
    assert math.isnan(risk(10.0, None))
