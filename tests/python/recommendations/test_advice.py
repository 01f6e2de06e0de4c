"""Advice for layers and models, by cases worked out by hand, and its sentences."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch

import weightscope_widget as wsw
from tests.python.support.matrices import gaussian
from tests.python.support.plan_cases import read, results_of
from weightscope_widget.errors import UnknownLayerError
from weightscope_widget.layers.naming import place
from weightscope_widget.recommendations import Advice

MODELS = read("advice_cases.json")["models"]


def title(case: dict[str, Any]) -> str:
    return str(case["title"])


@pytest.mark.parametrize("case", MODELS, ids=title)
def test_cases_are_of_this_world(case: dict[str, Any]) -> None:
    results = results_of(case)
    for layer in case["layers"]:
        assert (place(layer["name"]).kind, place(layer["name"]).family) == (layer["kind"], layer["family"])
        for metric, value in layer["baseline"].items():
            assert results.baseline(layer["name"])[metric] == pytest.approx(value, rel=0.01)  # type: ignore[index]


@pytest.mark.parametrize("case", MODELS, ids=title)
def test_layers(case: dict[str, Any]) -> None:
    results = results_of(case)
    for layer in case["layers"]:
        advice = results.advice(layer["name"])
        assert [[one.topic, one.action] for one in advice] == layer["advice"], layer["name"]
        if "rank" in layer:
            found = [advice[-1].evidence[key] for key in ("rank_90", "break_even_rank")]
            assert found == layer["rank"]
        for one in advice:
            for metric, value in one.evidence.items():
                if metric in layer["values"]:
                    assert value == float(layer["values"][metric])


@pytest.mark.parametrize("case", MODELS, ids=title)
def test_models(case: dict[str, Any]) -> None:
    found = results_of(case).advice()
    assert [(one.topic, one.action, list(one.layers)) for one in found] == [
        (one["topic"], one["action"], one["layers"]) for one in case["model"]
    ]
    for one, expected in zip(found, case["model"], strict=True):
        assert dict(one.evidence) == pytest.approx(expected["evidence"], rel=1e-6)


def test_chance_alone_is_no_alarm() -> None:
    """Twenty Gaussian layers, some of them square and hence of a large κ."""
    model = {f"layers.{i}.mlp.up_proj.weight": gaussian(256, 256 if i % 2 else 512, seed=f"{i}") for i in range(20)}
    results = wsw.scan(model, "all", progress=False)
    assert [(one.topic, one.action) for one in results.advice() if one.action != "start_with"] == [
        ("training", "train_as_usual"),
        ("int8", "int8_per_tensor"),
        ("compression", "leave_rank"),
    ]


def test_a_layer_made_of_few_directions_is_found_and_its_saving_is_true() -> None:
    torch.manual_seed(1)
    weights = torch.randn(200, 8) @ torch.randn(8, 100) + 0.01 * torch.randn(200, 100)
    advice = wsw.scan({"layers.0.mlp.up_proj.weight": weights}, progress=False).advice("layers.0.mlp.up_proj")[-1]
    assert advice.action == "low_rank"
    rank = int(advice.evidence["rank_90"])
    assert rank <= 8
    saved = 100 * (1 - rank * (200 + 100) / (200 * 100))
    assert f"saves {saved:.1f} % of its weights" in str(advice)


def test_every_action_can_be_said() -> None:
    for case in MODELS:
        results = results_of(case)
        for advice in (one for name in [None, *results] for one in results.advice(name)):
            for text in (advice.sentence, advice.sentence_in("zh")):
                assert not text[0].islower()
                assert text[-1] in ".。"
                assert not re.search(r"nan|[{}]|—|advice\.", text), text


@pytest.mark.parametrize(
    ("advice", "expected"),
    [
        (
            Advice("int8", "int8_per_channel", {"count": 0, "total": 37}),
            "One scale per channel is enough for all 37 layers.",
        ),
        (
            Advice("int8", "int8_per_channel", {"count": 2, "total": 37}),
            "One scale per channel is enough for all but 2 of 37 layers.",
        ),
        (
            Advice("training", "train_as_usual", {"like_random": 0, "watch": 0, "total": 40}),
            "Train as usual: none of 40 layers is more ill-conditioned than chance explains.",
        ),
        (
            Advice("training", "keep_fp32", {"keep_fp32": 1, "lower_learning_rate": 2, "total": 40}, ("a", "b")),
            (
                "Keep 1 of 40 layers in FP32 (or BF16), with a lower learning rate: very ill-conditioned. "
                "Lower the learning rate of 2 more. Most pressing: 'a', 'b'."
            ),
        ),
        (
            Advice("compression", "low_rank", {"count": 1, "total": 1000}),
            "1 of 1,000 matrices is of low rank; how much that saves takes its spectrum.",
        ),
    ],
)
def test_a_sentence_depends_on_the_counts(advice: Advice, expected: str) -> None:
    assert str(advice) == expected


def test_sentences_in_chinese() -> None:
    advice = Advice("training", "repair_weights", {"count": 2, "total": 40}, ("a",))
    assert advice.sentence_in("zh") == "请先修复：40 层中有 2 层含有 NaN 或无穷大的权重。最需要关注：'a'。"


def test_sentences_carry_their_numbers() -> None:
    results = results_of(MODELS[0])
    assert [str(one) for one in results.advice("layers.0.self_attn.q_proj")] == [
        "Nothing to do: κ = 20,000 is high, but typical of a random matrix of this shape (about 3,600).",
        "One scale for the whole tensor is enough: it keeps 38.5 dB.",
        "Leave its rank: its stable rank (24.7 % of the full rank) is typical of a random matrix of this shape.",
    ]
    assert str(results.advice("layers.1.mlp.gate_proj")[0]) == (
        "Restore it from an earlier checkpoint before anything else: it has NaN or infinite weights."
    )
    assert str(results.advice()[3]).startswith(
        "Start with three layers: they hold 75.9 % of the risk of the 6 that have any. Most pressing:"
    )


def test_a_layer_that_is_not_here() -> None:
    with pytest.raises(UnknownLayerError, match="'x' is not a layer"):
        results_of(MODELS[0]).advice("x")
