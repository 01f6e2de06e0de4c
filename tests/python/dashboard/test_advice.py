"""Advice and plans as the page gets them: columns, keys of messages that exist, and code."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

import weightscope_widget as wsw
from tests.python.support.matrices import gaussian
from tests.python.support.plan_cases import read, results_of
from tests.python.support.watched import Show, finished, wire
from weightscope_widget import Thresholds
from weightscope_widget._shared.messages import message, render
from weightscope_widget.analyzers.schemes import SCHEMES

CASE = read("advice_cases.json")["models"][0]
TOPICS = ("training", "int8", "compression")
THRESHOLDS = {name: list(levels) for name, levels in vars(Thresholds()).items()}


def columns(dash: Any, scans: int = 1) -> list[dict[str, np.ndarray]]:
    encoded = wire(dash).state["_advice"]
    shape = (scans, len(encoded["columns"]), len(dash.results.layers))
    values = np.frombuffer(encoded["data"], "<f8").reshape(shape)
    return [dict(zip(encoded["columns"], of_scan, strict=True)) for of_scan in values]


def variants(advice: dict[str, np.ndarray], row: int) -> list[tuple[str, str]]:
    """What the page reads off a row: the place of a message in its group."""
    return [
        (topic, list(message(f"advice.layer.{topic}"))[int(advice[topic][row])])
        for topic in TOPICS
        if not math.isnan(advice[topic][row])
    ]


def ask(dash: Any, key: str, energy: float = 0.9, **thresholds: Any) -> dict[str, Any]:
    request = {"type": "request", "id": 1, "method": "plan", "key": key, "energy": energy}
    ((reply, _),) = wire(dash).tell(request | {"thresholds": THRESHOLDS | thresholds})
    assert "error" not in reply, reply
    answer: dict[str, Any] = wire(dash).state["_plans"][key]
    return answer


def said(answer: dict[str, Any], language: str = "en") -> str:
    return " ".join(render(key, language, **arguments) for key, arguments in answer["said"])


def test_layers_have_columns(show: Show) -> None:
    dash = show(results_of(CASE))
    dash.wait()
    (advice,) = columns(dash)
    for row, layer in enumerate(CASE["layers"]):
        expected = [tuple(one) for one in layer["advice"]]
        measured = "rank" in layer or ("compression", "low_rank") not in expected
        if measured:
            assert variants(advice, row) == expected
        if "rank" in layer:
            assert [advice["rank_90"][row], advice["break_even_rank"][row]] == layer["rank"]


def test_the_model_has_a_list(show: Show) -> None:
    results = results_of(CASE)
    dash = show(results)
    dash.wait()
    (found,) = wire(dash).state["_advice"]["models"]
    assert [(one["topic"], one["action"], one["layers"]) for one in found] == [
        (one["topic"], one["action"], one["layers"]) for one in CASE["model"]
    ]
    for one, advice in zip(found, results.advice(), strict=True):
        assert str(advice).startswith(render(one["message"], **one["evidence"]))


def test_advice_follows_thresholds(show: Show) -> None:
    dash = finished(show({"mix.weight": gaussian(64, 96)}))
    assert variants(columns(dash)[0], 0)[0] == ("training", "train_as_usual")
    wire(dash).set(thresholds=THRESHOLDS | {"condition_number": [0.01, 0.02, 0.03]})
    dash.wait()
    assert variants(columns(dash)[0], 0)[0] == ("training", "like_random")


def test_a_plan_is_the_kernels(show: Show) -> None:
    results = wsw.scan({"mix.weight": gaussian(64, 96), "lm_head.weight": gaussian(32, 96)}, progress=False)
    dash = show(results)
    dash.wait()
    answer = ask(dash, "0/int8_channel")
    plan = results.quantization_plan("int8_channel")
    assert answer["bitsandbytes"] == plan.bitsandbytes_code()
    assert answer["llm_compressor"] == plan.llm_compressor_recipe()
    assert said(answer).startswith("1 of 2 matrices quantized: those that keep at least 30.0 dB")
    assert said(answer, "zh").startswith("2 个矩阵中量化 1 个")
    assert said(ask(dash, "0/int8_channel", sqnr_db=[90, 80])).startswith("0 of 2 matrices quantized")
    assert ask(dash, "0/fp8_e4m3")["bitsandbytes"] is None
    assert ask(dash, "0/nf4_block64")["llm_compressor"] is None


def test_ranks_follow_the_energy(show: Show) -> None:
    results = wsw.scan({"mix.weight": gaussian(64, 96)}, progress=False)
    dash = show(results)
    dash.wait()
    for energy in (0.13, 0.9):
        answer = ask(dash, "0/ranks", energy)
        assert answer["peft"] == results.lora_ranks(energy, 64).peft_code()
        assert f"keeps {100 * energy:.1f} % of their energy" in said(answer)


@pytest.mark.parametrize(
    ("methods", "key", "expected"),
    [
        ("basic_stats", "0/int8_channel", "No layer's error in this scheme is known"),
        ("basic_stats", "0/ranks", "LoRA ranks need the spectra"),
        ("all", "0/ranks", "No layer here can take an adapter"),
    ],
)
def test_what_is_missing_is_said(show: Show, methods: str, key: str, expected: str) -> None:
    answer = ask(finished(show({"lm_head.weight": gaussian(32, 96)}, methods)), key)
    assert said(answer).startswith(expected)
    assert {value for name, value in answer.items() if name != "said"} == {None}


def test_a_wrong_question_is_answered_with_an_error(show: Show) -> None:
    dash = finished(show({"mix.weight": gaussian(8, 8)}))
    request = {"type": "request", "id": 1, "method": "plan", "key": "0/int3", "energy": 1, "thresholds": THRESHOLDS}
    ((reply, _),) = wire(dash).tell(request)
    assert "'int3' is not a scheme" in reply["error"]


def test_a_scan_that_ended_keeps_every_plan(show: Show) -> None:
    dash = finished(show({"mix.weight": gaussian(8, 8)}))
    assert list(wire(dash).state["_plans"]) == [*(f"0/{scheme}" for scheme in SCHEMES), "0/ranks"]
    for scheme in SCHEMES:
        ask(dash, f"0/{scheme}")
    assert len(wire(dash).state["_plans"]) == 8


def test_advice_for_a_comparison_is_of_the_tuned_side(monkeypatch: pytest.MonkeyPatch, show: Show) -> None:
    base = {"mix.weight": gaussian(64, 96), "gone.weight": gaussian(8, 9)}
    broken = gaussian(64, 96)
    broken[0, 0] = torch.nan
    results = wsw.compare(base, {"mix.weight": broken}, progress=False)
    show({"w.weight": gaussian(2, 2)})  # puts wires in place
    dash = wsw.show_diff(results)
    dash.wait()
    rows = list(results.layers)
    (advice,) = columns(dash)
    assert variants(advice, rows.index("mix")) == [("training", "repair_weights")]
    assert variants(advice, rows.index("gone")) == []
    dash.close()


def test_every_checkpoint_has_its_own(show: Show) -> None:
    steps = {"a": {"mix.weight": gaussian(64, 96)}, "b": {"mix.weight": torch.full((64, 96), torch.inf)}}
    show({"w.weight": gaussian(2, 2)})
    dash = wsw.show_evolution(wsw.evolution(steps, progress=False))
    dash.wait()
    first, last = columns(dash, 2)
    assert [variants(first, 0)[0], variants(last, 0)[0]] == [
        ("training", "train_as_usual"),
        ("training", "repair_weights"),
    ]
    assert said(ask(dash, "0/ranks")).startswith("LoRA ranks of 1 layer:")
    assert said(ask(dash, "1/ranks")).startswith("No layer here can take an adapter")
    dash.close()
