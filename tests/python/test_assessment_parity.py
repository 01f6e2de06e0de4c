"""Thresholds, classes, health, grades and risk, by cases of the specification that the front end shares."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from weightscope_widget import Thresholds
from weightscope_widget.assessment import classify, grade, health, risk

CASES = json.loads(Path(__file__).parents[1].joinpath("fixtures/assessment_cases.json").read_text())


def number(value: Any) -> Any:
    return float(value) if isinstance(value, str) else value


def test_thresholds() -> None:
    assert {name: list(levels) for name, levels in asdict(Thresholds()).items()} == CASES["thresholds"]


@pytest.mark.parametrize("case", CASES["classes"], ids=lambda case: f"{case['metric']}={case['value']}")
def test_class(case: dict[str, Any]) -> None:
    assert classify(case["metric"], number(case["value"])) == case["class"]


@pytest.mark.parametrize("case", CASES["judgements"], ids=str)
def test_judgement(case: dict[str, Any]) -> None:
    values = number(case["condition_number"]), number(case["extreme_outlier_percentage"])
    assert health(*values) == case["health"]
    assert grade(health(*values)) == case["grade"]
    assert risk(*values) == pytest.approx(number(case["risk"]), nan_ok=True, abs=1e-9)


@pytest.mark.parametrize(("score", "expected"), CASES["grades"])
def test_grade(score: float, expected: str) -> None:
    assert grade(score) == expected


def test_missing_is_as_good_as_nan() -> None:
    assert classify("sqnr_db", None) is None
    assert health(None, 1.0) is None
    assert grade(None) is None
    assert math.isnan(risk(10.0, None))
