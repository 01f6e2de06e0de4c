"""The dashboard without a browser: what it sends over the wire, and what it does with what the page sends."""

from __future__ import annotations

import gc
import math
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from traitlets import TraitError

import weightscope_widget as wsw
from tests.python.support import checkpoints
from tests.python.support.watched import (
    Reads,
    Show,
    Table,
    altered,
    contents,
    finished,
    gate,
    matrices,
    matrix,
    our_threads,
    until,
    variety,
    wire,
)
from weightscope_widget.dashboard import board
from weightscope_widget.errors import FrontEndMissingError, InvalidArgumentError, ResultsFormatError, UnknownLayerError
from weightscope_widget.scanning.results import flatten
from weightscope_widget.sources import Layer

WAITING, PARTIAL, DONE, FAILED = range(4)


def ask(dash: wsw.Dashboard, method: str, **parameters: Any) -> tuple[dict[str, Any], list[bytes]]:
    """Ask as `js/src/wire/requests.ts` does, and return the one answer."""
    ((answer, buffers),) = wire(dash).tell({**parameters, "type": "request", "id": 7, "method": method})
    assert (answer["type"], answer["id"]) == ("reply", 7)
    return answer, buffers


# -- What can be shown -------------------------------------------------------------------------------------------------


SHOWN = "all"  # what `show` asks for unless told otherwise


SAVED = Path(__file__).parents[1] / "support" / "saved_before"


def test_saved_results_of_the_right_kind_are_shown(show: Show) -> None:
    dash = show(SAVED / "results.json")
    assert list(dash.results) == list(wsw.load(SAVED / "results.json"))
    assert repr(dash) == "<Dashboard of state dict: 4 layers>"
    diff, evolution = wsw.show_diff(SAVED / "comparison.json"), wsw.show_evolution(str(SAVED / "evolution.json"))
    assert repr(diff) == "<DiffDashboard of state dict → state dict: 5 layers>"
    assert repr(evolution) == "<EvolutionDashboard of first → last: 4 layers>"
    diff.close()
    evolution.close()
    with pytest.raises(ResultsFormatError, match=r"holds a comparison; open it with load_comparison\(\)"):
        show(SAVED / "comparison.json")


def test_its_repr_says_how_far_it_is(show: Show) -> None:
    with gate() as held:
        dash = show(held.before(matrices(3), "l0"), "basic_stats", workers=1)
        held.wait()
        assert repr(dash) == "<Dashboard of state dict: 0 of 3 layers, running>"
    assert dash.wait(60)
    assert repr(dash) == "<Dashboard of state dict: 3 layers>"


def test_whatever_can_be_scanned_can_be_shown(show: Show, tmp_path: Path) -> None:
    tensors = matrices(2)
    path = checkpoints.write(tmp_path / "model" / "model.safetensors", tensors)
    module = torch.nn.ModuleDict({name.removesuffix(".weight"): torch.nn.Linear(4, 6) for name in tensors})
    module.load_state_dict(tensors, strict=False)
    scope = wsw.Scope(tensors)
    expected = contents(wsw.scan(tensors, SHOWN, progress=False))
    for model in (tensors, module, path, str(path), path.parent, scope, scope.source):
        dash = finished(show(model))
        assert contents(dash.results) == expected
        assert wire(dash).state["_catalog"]["names"] == ["l0", "l1"]


def test_showing_gives_the_numbers_of_a_scan_to_the_bit(show: Show) -> None:
    model = variety()
    for options in (
        {"methods": SHOWN},
        {"methods": ["spectral", "sparsity"], "top_k": 3, "vectors": True, "workers": 3},
    ):
        results = finished(show(model, **options)).results
        assert contents(results) == contents(wsw.scan(model, progress=False, **options))
        assert results.complete


def test_results_are_shown_as_they_are(show: Show, tmp_path: Path) -> None:
    results = wsw.scan(matrices(2), progress=False)
    results.save(tmp_path / "results.json")
    for given in (results, wsw.load_results(tmp_path / "results.json")):
        dash = show(given)
        assert dash.results is given
        assert dash.wait(0)
        dash.wait()
        dash.cancel()
        table = Table(wire(dash).state["_table"], 2)
        assert table.stages == [DONE, DONE]
        assert table.progress == {
            "state": "done",
            "done": 2,
            "total": 2,
            "fraction": 1.0,
            "seconds_left": None,
            "message": "",
        }
    assert not our_threads()


def test_unfinished_results_are_shown_as_far_as_they_are(show: Show) -> None:
    results = wsw.ScanResults("m", list(wsw.scan(matrices(3), progress=False).layers.values()), ("basic_stats",))
    results.add("l1", {"basic_stats": {"mean": 0.5}})
    table = Table.of(show(results))
    assert table.stages == [WAITING, DONE, WAITING]
    assert (table.progress["state"], table.progress["done"], table.progress["total"]) == ("cancelled", 1, 3)
    np.testing.assert_array_equal(table.columns["basic_stats.mean"], [math.nan, 0.5, math.nan])


def test_arguments_are_checked(show: Show) -> None:
    results = wsw.scan(matrices(1), progress=False)
    for options, says in (
        ({"theme": "pink"}, r"^theme is 'pink'; choose 'auto', 'light' or 'dark'\.$"),
        ({"language": "fr"}, r"^language is 'fr'; choose 'auto', 'en' or 'zh'\.$"),
        ({"height": 2.5}, r"^height is 2\.5; give pixels as an int"),
        ({"height": True}, r"^height is True"),
    ):
        with pytest.raises(InvalidArgumentError, match=says):
            show(results, **options)
    dash = show(results, theme="dark", height="80vh", thresholds=wsw.Thresholds(sqnr_db=(50, 20)))
    state = wire(dash).state
    assert (state["theme"], state["height"], state["thresholds"]["sqnr_db"]) == ("dark", "80vh", [50.0, 20.0])
    assert show(results, height=500).height == 500


def test_the_language_is_one_the_page_speaks(show: Show) -> None:
    results = wsw.scan(matrices(1), progress=False)
    opened = wire(show(results)).state
    assert (opened["language"], list(opened["_texts"])) == ("auto", ["en", "zh"])
    # What the page never shows does not travel.
    assert not {"figures", "report", "cli"} & opened["_texts"]["en"].keys()
    dash = show(results, language="zh")
    assert (dash.language, wire(dash).state["language"]) == ("zh", "zh")
    dash.language = "en"
    assert wire(dash).state["language"] == "en"
    assert {language: texts["page"]["cancel"] for language, texts in wire(dash).state["_texts"].items()} == {
        "en": "Cancel"
    }
    with pytest.raises(TraitError, match="language"):
        dash.language = "fr"
    assert dash.language == "en"
    with pytest.raises(InvalidArgumentError, match=r"^language is None; choose"):
        wsw.Dashboard(results, language=None)  # type: ignore[arg-type]


def test_an_unknown_keyword_is_an_error_and_no_more(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    noise: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", noise.append)
    with pytest.raises(TypeError, match="colour"):
        show(matrices(1), colour="red")
    with pytest.raises(TypeError, match="colour"):
        wsw.Dashboard(wsw.scan(matrices(1), progress=False), colour="red")  # type: ignore[call-arg]
    gc.collect()
    assert noise == []


def test_an_installation_without_its_front_end_says_what_to_do(
    show: Show, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(board, "files", lambda _: tmp_path)
    board.front_end_source.cache_clear()
    with pytest.raises(FrontEndMissingError, match=r"static/index\.js.*pip install --force-reinstall") as raised:
        show(matrices(1))
    assert isinstance(raised.value, RuntimeError)
    assert not our_threads()
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "index.js").write_text("export default {} // ≤", encoding="utf-8")
    assert wire(show(matrices(1))).state["_esm"] == "export default {} // ≤"
    board.front_end_source.cache_clear()


# -- What the page gets ------------------------------------------------------------------------------------------------


def test_the_page_opens_with_every_layer_and_no_number(show: Show) -> None:
    model = {
        "model.layers.0.self_attn.q_proj.weight": matrix(4, 6).half(),
        "model.layers.0.mlp.up_proj.weight": matrix(3, 8, 1),
        "steps": torch.arange(3),
    }
    model["tied.weight"] = model["model.layers.0.mlp.up_proj.weight"]
    with gate() as held:
        names = ["model.layers.0.self_attn.q_proj", "model.layers.0.mlp.up_proj"]
        dash = show(held.before(model, *names))
        kind, opened, buffers = wire(dash).sent[0]
        assert (kind, opened["buffer_paths"], len(buffers)) == ("comm_open", [["_table", "data"]], 1)
        assert opened["state"]["_catalog"] == {
            "model": "state dict",
            "methods": ["basic_stats", "spectral", "quantization", "sparsity", "schemes"],
            "names": names,
            "labels": ["L0.self_attn.q_proj", "L0.mlp.up_proj"],
            "kinds": ["q", "up"],
            "families": ["attention", "mlp"],
            "stacks": ["", ""],
            "shapes": ["4 × 6", "3 × 8"],
            "dtypes": ["float16", "float32"],
            "stacked": [],
            "not_linear": [],
            "aliases": {"model.layers.0.mlp.up_proj": ["tied"]},
            "skipped": {"steps": "integer tensor (int64): packed or index data"},
        }
        table = Table({**opened["state"]["_table"], "data": buffers[0]}, 2)
        assert {name: list(column) for name, column in table.columns.items()} == {
            "block": [0, 0],
            "parameters": [24, 24],
            "stage": [WAITING, WAITING],
        }
        assert (table.progress["state"], table.progress["done"], table.progress["total"]) == ("running", 0, 2)


def test_the_page_ends_with_every_number_of_the_results(show: Show) -> None:
    model = variety()
    with torch.no_grad():
        model["conv"].weight[0, 0, 0, 0] = math.nan
        model["layers0"].weight[:, 3] = 0  # κ is infinite
    dash = finished(show(model, vectors=True))
    results, names = dash.results, list(dash.results)
    table = Table(wire(dash).state["_table"], len(names))
    assert table.stages == [DONE] * len(names)
    assert table.errors == {}
    assert (table.progress["state"], table.progress["fraction"]) == ("done", 1.0)
    expected: dict[str, list[float]] = {}
    for row, name in enumerate(names):
        numbers = flatten(results[name]) | {
            f"baseline.{key}": one for key, one in (results.baseline(name) or {}).items()
        }
        for column, value in numbers.items():
            expected.setdefault(column, [math.nan] * len(names))[row] = value
    assert math.inf in expected["spectral.condition_number"]
    assert sum(map(math.isnan, expected["spectral.condition_number"])) > 1
    found = {name: column for name, column in table.columns.items() if "." in name}
    assert found.keys() == expected.keys()
    for column, values in expected.items():
        np.testing.assert_array_equal(found[column], values, err_msg=column)


def test_cheap_numbers_of_all_layers_come_before_the_first_spectrum(show: Show) -> None:
    reads: Counter[str] = Counter()
    with gate() as held:

        def read(layer: Layer) -> torch.Tensor:
            reads[layer.name] += 1
            return held(layer) if reads[layer.name] == 2 else layer.load()

        dash = show(altered(matrices(3), dict.fromkeys(("l0", "l1", "l2"), read)))
        until(dash, lambda table: table.stages == [PARTIAL] * 3)
        table = Table.of(dash)
        assert not np.isnan(table.columns["quantization.sqnr_db"]).any()
        assert "spectral.condition_number" not in table.columns
        assert table.progress["done"] == 0
        assert 0 < table.progress["fraction"] < 1
        assert table.progress["seconds_left"] > 0
        assert [dash.results.grade(name) for name in dash.results] == [None] * 3


def test_a_failed_layer_is_shown_with_its_sentence(show: Show) -> None:
    def fail(layer: Layer) -> torch.Tensor:
        raise OSError("disk on fire")

    dash = finished(show(altered(matrices(3), {"l1": fail})))
    table = Table(wire(dash).state["_table"], 3)
    assert table.stages == [DONE, FAILED, DONE]
    assert table.errors == {"l1": dash.results["l1"]["error"]}
    assert "disk on fire" in table.errors["l1"]
    assert table.progress["state"] == "done"


def test_names_are_data_whatever_they_are(show: Show) -> None:
    names = ["</script><script>alert(1)</script>", "权重.🧠", '"\\\n\u2028', "__proto__", "NaN", "x" * 3000]
    dash = finished(show({f"{name}.weight": matrix(2, 3, seed) for seed, name in enumerate(names)}))
    catalog = wire(dash).state["_catalog"]
    assert catalog["names"] == names
    assert len(set(catalog["labels"])) == len(names)
    for name in names:
        wire(dash).set(selected=name)
        assert dash.selected == name
        answer, buffers = ask(dash, "details", keys=[name])
        assert answer["result"]["layers"][0]["key"] == name
        assert np.frombuffer(buffers[1]).tolist() == dash.results.singular_values(name).tolist()


# -- Selecting ---------------------------------------------------------------------------------------------------------


def test_a_selection_goes_both_ways(show: Show) -> None:
    dash = finished(show(matrices(2)))
    seen: list[Any] = []
    dash.observe(lambda change: seen.append(change["new"]), "selected")
    assert dash.selected is None
    dash.selected = "l1"
    assert wire(dash).state["selected"] == "l1"
    wire(dash).set(selected="l0")
    assert dash.selected == "l0"
    dash.selected = None
    assert wire(dash).state["selected"] is None
    wire(dash).set(selected="l1")
    wire(dash).set(selected=None)
    assert seen == ["l1", "l0", None, "l1", None]


@pytest.mark.parametrize("name", ["l9", "l0.weight", ""])
def test_an_unknown_layer_cannot_be_selected(show: Show, name: str, caplog: pytest.LogCaptureFixture) -> None:
    dash = finished(show(matrices(1)))
    dash.selected = "l0"

    with pytest.raises(UnknownLayerError) as raised:
        dash.selected = name
    assert str(raised.value) == f"{name!r} is not a layer of state dict; list(dash.results) names them."
    assert dash.selected == "l0"
    with pytest.raises(UnknownLayerError), dash.hold_trait_notifications():
        dash.selected = name
    assert dash.selected == "l0"
    wire(dash).set(selected=name)  # nobody there to raise at: it is logged
    assert repr(name) in caplog.text
    assert dash.selected == "l0"
    with pytest.raises(TraitError):
        dash.selected = 3  # type: ignore[assignment]


@pytest.mark.parametrize("by_page", [True, False])
def test_a_selected_layer_jumps_the_queue(show: Show, by_page: bool) -> None:
    reads = Reads(matrices(6))
    with gate() as held:
        dash = show(held.before(reads.source, "l0"), workers=1)
        held.wait()
        if by_page:
            wire(dash).set(selected="l4")
        else:
            dash.selected = "l4"
        held.opened.set()
        finished(dash)
    assert reads.names[:5] == ["l0", "l4", "l4", "l1", "l2"]
    assert dash.results.complete


# -- Requests ----------------------------------------------------------------------------------------------------------


def test_details_are_the_histogram_and_the_spectrum(show: Show) -> None:
    weight = matrix(5, 3)
    weight[0, 0] = math.nan
    dash = finished(show({"a": matrix(9, 7), "bias": torch.ones(4), "nan": weight}, vectors=True))
    wire(dash).set(selected="a")
    answer, buffers = ask(dash, "details", keys=["a", "bias", "nan", "nobody"])
    found = {layer["key"]: layer for layer in answer["result"]["layers"]}
    assert list(found) == ["a", "bias", "nan", "nobody"]
    assert found["nobody"] == {"key": "nobody", "histogram": None, "spectrum": None}
    assert [found[name]["spectrum"] for name in ("bias", "nan")] == [None, None]
    used = []
    for name in ("a", "bias", "nan"):
        sent, histogram = found[name]["histogram"], dash.results.histogram(name)
        assert (sent["low"], sent["high"]) == (histogram.low, histogram.high)
        np.testing.assert_array_equal(np.frombuffer(buffers[sent["counts"]], "<f8"), histogram.counts)
        used.append(sent["counts"])
    np.testing.assert_array_equal(
        np.frombuffer(buffers[found["a"]["spectrum"]], "<f8"), dash.results.singular_values("a")
    )
    assert sorted([*used, found["a"]["spectrum"]]) == list(range(len(buffers)))


def test_details_are_answered_as_they_stand_while_the_scan_runs(show: Show) -> None:
    with gate() as held:
        dash = show(held.before(matrices(2), "l1"), ["basic_stats"], workers=1)
        until(dash, lambda table: table.stages == [DONE, WAITING])
        answer, buffers = ask(dash, "details", keys=["l0", "l1"])
    assert answer["result"]["layers"] == [
        {"key": "l0", "histogram": {**answer["result"]["layers"][0]["histogram"], "counts": 0}, "spectrum": None},
        {"key": "l1", "histogram": None, "spectrum": None},
    ]
    assert len(buffers) == 1
    assert list(dash.results["l0"]) == ["basic_stats"]


def test_the_pages_cancel_stops_the_scan(show: Show) -> None:
    with gate() as held:
        dash = show(held.before(matrices(5), "l1"), workers=1)
        held.wait()
        assert ask(dash, "cancel")[0]["result"] == {}
        held.opened.set()
        table = Table(wire(finished(dash)).state["_table"], 5)
    assert table.stages == [PARTIAL, PARTIAL, WAITING, WAITING, WAITING]
    assert (table.progress["state"], table.progress["seconds_left"]) == ("cancelled", None)
    assert list(dash.results) == ["l0", "l1"]


def test_every_request_is_answered_and_nothing_else(show: Show) -> None:
    dash = finished(show(matrices(1)))
    assert "another version" in ask(dash, "sing")[0]["error"]
    for wrong in ({}, {"keys": 3}, {"keys": [["l0"]]}):
        answer, buffers = ask(dash, "details", **wrong)
        assert answer["error"]
        assert "result" not in answer
        assert buffers == []
    for message in ({"type": "reply", "id": 1}, {}, "request", None, [1]):
        assert wire(dash).tell(message) == []
