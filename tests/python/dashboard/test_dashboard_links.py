"""What page and Python tell each other besides the selected layer: what is compared, what is left, what classes are."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from traitlets import TraitError

import weightscope_widget as wsw
from tests.python.support.watched import Show, finished, matrices, wire
from weightscope_widget.errors import InvalidArgumentError, UnknownLayerError


def changes(dash: wsw.Dashboard, trait: str) -> list[Any]:
    seen: list[Any] = []
    dash.observe(lambda change: seen.append(change["new"]), trait)
    return seen


@pytest.mark.parametrize("trait", ["compared", "selection"])
def test_names_go_both_ways(show: Show, trait: str) -> None:
    dash = finished(show(matrices(4)))
    seen = changes(dash, trait)
    assert getattr(dash, trait) == wire(dash).state[trait] == []
    setattr(dash, trait, ["l1", "l3"])
    assert wire(dash).state[trait] == ["l1", "l3"]
    wire(dash).set(**{trait: ["l0"]})
    assert getattr(dash, trait) == ["l0"]
    wire(dash).set(**{trait: []})
    assert seen == [["l1", "l3"], ["l0"], []]


def test_what_is_left_is_in_the_models_order_and_what_is_compared_in_the_persons(show: Show) -> None:
    dash = finished(show(matrices(4)))
    dash.selection = ["l3", "l0", "l3"]
    dash.compared = ["l3", "l0", "l3"]
    assert (dash.selection, dash.compared) == (["l0", "l3"], ["l3", "l0"])


@pytest.mark.parametrize("trait", ["compared", "selection"])
def test_a_name_that_is_none_is_refused(show: Show, trait: str, caplog: pytest.LogCaptureFixture) -> None:
    dash = finished(show(matrices(2)))
    setattr(dash, trait, ["l1"])
    with pytest.raises(UnknownLayerError, match="'l9' is not a layer of state dict"):
        setattr(dash, trait, ["l0", "l9"])
    wire(dash).set(**{trait: ["l9"]})  # nobody there to raise at: it is logged, and the page is told
    assert "'l9'" in caplog.text
    assert getattr(dash, trait) == wire(dash).state[trait] == ["l1"]
    with pytest.raises(TraitError):
        setattr(dash, trait, 3)


def test_the_selected_layer_is_one_of_those_compared(show: Show) -> None:
    dash = finished(show(matrices(4)))

    def chosen() -> tuple[str | None, list[str]]:
        state = wire(dash).state
        assert (state["selected"], state["compared"]) == (dash.selected, dash.compared)
        return dash.selected, dash.compared

    dash.selected = "l1"
    assert chosen() == ("l1", ["l1"])
    dash.compared = ["l0", "l1"]
    assert chosen() == ("l1", ["l0", "l1"])
    dash.compared = ["l2", "l3"]
    assert chosen() == ("l2", ["l2", "l3"])
    dash.selected = "l3"
    assert chosen() == ("l3", ["l2", "l3"])
    with dash.hold_trait_notifications():
        dash.selected, dash.compared = "l1", ["l0", "l1"]
    assert chosen() == ("l1", ["l0", "l1"])
    wire(dash).set(selected="l0", compared=["l3", "l0"])
    assert (dash.selected, dash.compared) == ("l0", ["l3", "l0"])
    dash.selected = None
    assert chosen() == (None, [])


def test_seven_are_too_many_to_compare(show: Show) -> None:
    dash = finished(show(matrices(8)))
    dash.compared = list(dash.results)[:6]
    with pytest.raises(InvalidArgumentError, match="7 layers are too many to compare; choose at most 6"):
        dash.compared = list(dash.results)[:7]
    assert len(dash.compared) == 6


def test_thresholds_go_both_ways_and_the_results_follow(show: Show) -> None:
    # κ = 2e4 by construction.
    dash = finished(show({"w": torch.diag(torch.tensor([2e4, 1.0], dtype=torch.float64))}))
    results = dash.results
    assert wire(dash).state["thresholds"] == {
        "condition_number": [1e3, 1e4, 1e5],
        "sqnr_db": [40.0, 30.0],
        "extreme_outlier_percentage": [0.1, 1.0, 10.0],
        "stable_rank_percentage": [10.0, 30.0, 50.0, 70.0],
    }
    assert (results.health("w"), results.classes("w")["condition_number"]) == (80, "high")
    seen = changes(dash, "thresholds")

    moved = {**wire(dash).state["thresholds"], "condition_number": [10, 100, 1000]}
    wire(dash).set(thresholds=moved)
    assert dash.thresholds == results.thresholds == wsw.Thresholds(condition_number=(10, 100, 1000))
    assert (results.health("w"), results.classes("w")["condition_number"]) == (60, "very high")

    dash.thresholds = wsw.Thresholds(condition_number=(1e5, 1e6, 1e7))
    assert wire(dash).state["thresholds"]["condition_number"] == [1e5, 1e6, 1e7]
    assert (results.health("w"), results.classes("w")["condition_number"]) == (100, "safe")
    assert len(seen) == 2


@pytest.mark.parametrize(
    "levels",
    [
        {"condition_number": [1e5, 1e4, 1e3]},
        {"sqnr_db": [30, 40]},
        {"sqnr_db": [40]},
        {"sqnr_db": ["safe", "risky"]},
        {"unknown": [1]},
        {"condition_number": [1, 2, math.inf]},
        {"condition_number": 3},
        [1, 2],
        None,
    ],
)
def test_thresholds_that_are_none_are_refused(show: Show, levels: object, caplog: pytest.LogCaptureFixture) -> None:
    dash = finished(show(matrices(1)))
    wire(dash).set(thresholds=levels)
    assert "Error" in caplog.text
    assert dash.thresholds == dash.results.thresholds == wsw.Thresholds()
    with pytest.raises(TraitError):
        dash.thresholds = levels  # type: ignore[assignment]


def test_thresholds_given_to_show_are_drawn(show: Show) -> None:
    thresholds = wsw.Thresholds(sqnr_db=(50, 20))
    dash = finished(show(matrices(1), thresholds=thresholds))
    assert dash.thresholds == dash.results.thresholds == thresholds


def test_how_the_page_is_arranged_is_kept_for_a_page_opened_anew(show: Show) -> None:
    dash = finished(show(matrices(1)))
    wire(dash).set(_view={"panels": ["table"], "energy": 0.5})
    assert dash.get_state("_view") == {"_view": {"panels": ["table"], "energy": 0.5}}


def test_stacks_of_matrices_are_told_apart(show: Show) -> None:
    dash = finished(show({"a.weight": torch.ones(4, 3), "layers.0.mlp.experts.gate_up_proj": torch.ones(2, 4, 3)}))
    state = wire(dash).state["_catalog"]
    assert [state["names"][row] for row in state["stacked"]] == ["layers.0.mlp.experts.gate_up_proj"]
