"""Plans and their code, by cases worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.python.support.plan_cases import read, results_of
from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.layers.naming import place

CASES = read("plan_cases.json")


def title(case: dict[str, Any]) -> str:
    return str(case["title"])


@pytest.mark.parametrize("case", CASES["quantization"] + CASES["lora"], ids=title)
def test_names_are_placed_as_the_cases_say(case: dict[str, Any]) -> None:
    for layer in case["layers"]:
        if layer["kind"] != "norm":
            assert (place(layer["name"]).kind, place(layer["name"]).family) == (layer["kind"], layer["family"])


@pytest.mark.parametrize("case", CASES["quantization"], ids=title)
def test_quantization(case: dict[str, Any]) -> None:
    plan = results_of(case).quantization_plan(case["scheme"], case.get("minimum_sqnr_db"), case.get("keep", ()))
    expected = case["expected"]
    assert plan.minimum_sqnr_db == expected["minimum_sqnr_db"]
    assert list(plan.reasons.items()) == list(expected["reasons"].items())
    assert list(plan.keep) == list(expected["reasons"])
    assert list(plan.quantized) == expected["quantized"]
    assert (plan.bytes_before, plan.bytes_after) == (expected["bytes_before"], expected["bytes_after"])
    assert plan.mean_sqnr_db == pytest.approx(float(expected["mean_sqnr_db"]), nan_ok=True)
    for text, made in (("bitsandbytes", plan.bitsandbytes_code), ("llm_compressor", plan.llm_compressor_recipe)):
        if expected[text] is None:
            with pytest.raises(InvalidArgumentError, match="does not have"):
                made()
        else:
            assert made().split("\n") == expected[text]


@pytest.mark.parametrize("case", CASES["lora"], ids=title)
def test_lora(case: dict[str, Any]) -> None:
    ranks = results_of(case).lora_ranks(case["energy"], case["maximum"])
    expected = case["expected"]
    assert list(ranks.items()) == list(expected["ranks"].items())
    assert list(ranks.targets) == expected["targets"]
    assert list(ranks.left_out) == expected["left_out"]
    assert ranks.peft_code().split("\n") == expected["peft"]
