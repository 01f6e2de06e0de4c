"""Results travel (pickle, copy) and cannot be changed through what they return."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import weightscope_widget as wsw
from tests.python.support.watched import altered, contents, matrices, matrix
from weightscope_widget.layers.layer import LayerInfo

TRAVELS: list[Callable[[Any], Any]] = [lambda each: pickle.loads(pickle.dumps(each)), copy.deepcopy, copy.copy]


@pytest.fixture(scope="module")
def results() -> wsw.ScanResults:
    model = matrices(3) | {"packed.weight": torch.ones(2, 2, dtype=torch.int8)}
    return wsw.scan(model, progress=False)


@pytest.fixture(scope="module")
def comparison() -> wsw.ComparisonResults:
    base = matrices(3)
    return wsw.compare(base, base | {"l1.weight": base["l1.weight"] + matrix(6, 4, 9)}, progress=False)


@pytest.mark.parametrize("travel", TRAVELS, ids=["pickle", "deepcopy", "copy"])
class TestTravels:
    def test_a_scan(self, results: wsw.ScanResults, travel: Callable[[Any], Any]) -> None:
        other = travel(results)
        assert contents(other) == contents(results)
        assert (other.model, other.methods, other.thresholds) == (results.model, results.methods, results.thresholds)
        assert (other.layers, other.skipped) == (results.layers, results.skipped)
        assert not other.spectra["l0"].flags.writeable
        assert not other.histograms["l0"].counts.flags.writeable
        other.add("l0", {"error": "It failed."})  # the lock works
        assert "error" not in results["l0"]

    def test_a_comparison(self, comparison: wsw.ComparisonResults, travel: Callable[[Any], Any]) -> None:
        other = travel(comparison)
        assert dict(other) == dict(comparison)
        assert other.complete
        np.testing.assert_array_equal(other.overlaps["l1"], comparison.overlaps["l1"])
        assert not other.overlaps["l1"].flags.writeable
        assert other.to_frame().equals(comparison.to_frame())

    def test_an_evolution(self, travel: Callable[[Any], Any]) -> None:
        evolution = wsw.evolution({"a": matrices(2), "b": matrices(2)}, progress=False)
        other = travel(evolution)
        assert other.to_frame().equals(evolution.to_frame())
        assert other.changes == evolution.changes


def test_a_scan_is_not_changed_through_what_it_returns(results: wsw.ScanResults) -> None:
    before = contents(results)
    for metrics in results["l0"].values():
        metrics["x"] = 1
    results["l0"]["spectral"]["top_singular_values"].append(1.0)
    results["l0"]["sparsity"]["sparsity_levels"].clear()
    results.skipped.clear()
    for mapping in (results.layers, results.spectra, results.histograms):
        with pytest.raises(TypeError, match="does not support item"):
            mapping["l0"] = None  # type: ignore[index]
    for array in (results.spectra["l0"], results.singular_values("l0"), results.histogram("l0").counts):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    assert contents(results) == before
    assert list(results.skipped) == ["packed"]
    json.dumps([dict(results), results.skipped])


def test_a_scan_is_not_changed_through_what_it_was_given() -> None:
    results = wsw.ScanResults("m", [LayerInfo("a")], ("spectral",))
    given: dict[str, Any] = {"spectral": {"top_singular_values": [2.0]}}
    results.add("a", given, spectrum=np.array([2.0]))
    given["spectral"]["top_singular_values"].append(1.0)
    given["spectral"]["x"] = 1.0
    assert results["a"] == {"spectral": {"top_singular_values": [2.0]}}


def test_a_comparison_is_not_changed_through_what_it_returns(comparison: wsw.ComparisonResults) -> None:
    before = dict(comparison)
    comparison["l1"]["comparison"].clear()
    comparison["l1"]["tuned"]["spectral"].clear()
    comparison.skipped["x"] = "y"
    for mapping in (comparison.layers, comparison.tuned_names, comparison.delta_spectra, comparison.delta_histograms):
        with pytest.raises(TypeError, match="does not support item"):
            mapping["l1"] = None  # type: ignore[index]
    with pytest.raises(ValueError, match="read-only"):
        comparison.delta_singular_values("l1")[0] = 0
    assert dict(comparison) == before


# -- Files of every kind -----------------------------------------------------------------------------------------------

SAVED = Path(__file__).parents[1] / "support" / "saved_before"  # written by commit 9e00743
LOADERS = {"results": wsw.load_results, "comparison": wsw.load_comparison, "evolution": wsw.load_evolution}


@pytest.mark.parametrize("kind", LOADERS)
def test_files_of_the_version_before_are_read(kind: str, tmp_path: Path) -> None:
    path = SAVED / f"{kind}.json"
    document = json.loads(path.read_text())
    found: Any = wsw.load(path)
    assert type(found) is type(LOADERS[kind](path))  # type: ignore[operator]  # functions of one signature
    scans = {"results": found} if kind == "results" else {}
    documents = {"results": document}
    if kind == "comparison":
        scans, documents = {"base": found.base, "tuned": found.tuned}, document
        assert [found.status(name) for name in document["order"]] == [
            document["changes"][name]["status"] for name in document["order"]
        ]
    if kind == "evolution":
        scans, documents = dict(found), {each["name"]: each["results"] for each in document["checkpoints"]}
        assert len(found.changes) == len(document["changes"])
    for name, scan in scans.items():
        assert scan.methods == ("basic_stats", "spectral", "quantization", "sparsity")
        assert list(scan.layers) == list(documents[name]["layers"])
        for layer, about in documents[name]["layers"].items():
            if "results" in about:
                spectral = about["results"].get("spectral", {})
                assert scan[layer].get("quantization", {}).keys() == about["results"].get("quantization", {}).keys()
                if isinstance(spectral.get("stable_rank"), float):
                    share = 100 * spectral["stable_rank"] / spectral["total_rank"]
                    assert scan[layer]["spectral"]["stable_rank_percentage"] == pytest.approx(share, rel=1e-15)
    found.save(tmp_path / "again.json")
    assert wsw.load(tmp_path / "again.json").to_frame().equals(found.to_frame())


@pytest.mark.parametrize("kind", LOADERS)
@pytest.mark.parametrize("asked", LOADERS)
def test_a_file_of_another_kind_names_the_function_that_opens_it(kind: str, asked: str) -> None:
    if kind != asked:
        with pytest.raises(wsw.errors.ResultsFormatError, match=rf"open (it|them) with load_{kind}\(\), .+\.$"):
            LOADERS[asked](SAVED / f"{kind}.json")


@pytest.mark.parametrize("content", ["[]", "3", "{}", '{"format": "other", "version": 1}', '{"weight_map": {}}', "x"])
def test_any_other_file_is_refused_in_one_sentence(content: str, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text(content)
    for load in (wsw.load, *LOADERS.values()):
        with pytest.raises(wsw.errors.ResultsFormatError, match=r"^[^\n]*other\.json [^\n]+; [^\n]+\.$"):
            load(path)  # type: ignore[operator]  # functions of one signature


@pytest.mark.parametrize("kind", ["comparison", "evolution"])
def test_a_damaged_file_is_refused_or_read_but_never_breaks(kind: str, tmp_path: Path) -> None:
    document = json.loads((SAVED / f"{kind}.json").read_text())
    path, read, refused = tmp_path / "damaged.json", 0, 0

    def spots(value: Any) -> list[tuple[Any, Any]]:
        inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        # The scans inside have a test of their own.
        return [each for key, one in inside for each in ([(value, key)] + (spots(one) if key != "layers" else []))]

    for holder, key in spots(document):
        whole = holder[key]
        for junk in (None, -3, "x", [], {}, {"x": 1}):
            holder[key] = junk
            path.write_text(json.dumps(document))
            try:
                found: Any = wsw.load(path)
            except wsw.errors.ResultsFormatError:
                refused += 1
            else:
                read += 1
                found.to_frame()
                found.save(tmp_path / "again.json")
                repr(found)
        holder[key] = whole
    assert read > 0
    assert refused > 100


def test_numpys_numbers_are_saved(tmp_path: Path) -> None:
    results = wsw.ScanResults("m", [LayerInfo("a")], ("basic_stats",))
    results.add("a", {"basic_stats": {"mean": np.float64("nan"), "max": np.float32(2.5), "nan_count": np.int64(3)}})
    results.save(tmp_path / "results.json")
    assert json.loads((tmp_path / "results.json").read_text())["layers"]["a"]["results"] == {
        "basic_stats": {"mean": "NaN", "max": 2.5, "nan_count": 3}
    }


def test_every_public_name_is_there() -> None:
    assert {"Advice", "LayerInfo", "LoraRanks", "QuantizationPlan", "Source", "errors", "load"} <= {*wsw.__all__}
    assert {*wsw.__all__} <= {*dir(wsw)}
    assert all(getattr(wsw, name) is not None for name in wsw.__all__)


def test_thresholds_that_are_no_lists_are_refused() -> None:
    with pytest.raises(wsw.errors.InvalidArgumentError, match=r"condition_number needs 3 .+ and is 1000\.0"):
        wsw.Thresholds(condition_number=1e3)  # type: ignore[arg-type]


# -- In a notebook -----------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """The elements and the text of a fragment, every element closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.cells: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.open.append(tag)
        assert {name for name, _ in attrs} <= {"style"}
        if tag == "td":
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if "td" in self.open:
            self.cells[-1] += data


ELEMENTS = {"div", "strong", "span", "table", "tbody", "tr", "td", "code"}


def test_a_notebook_shows_grades_worst_layers_and_how_to_go_on() -> None:
    hostile = "</code><img src=x onerror=alert(1)>&amp;"
    outlier = matrix(40, 30)
    outlier[3, 4] = 3000.0  # SQNR: Σw² is its square, the step 3000/127 zeroes all others
    nan = matrix(3, 3)
    nan[0, 0] = torch.nan

    def fail(_: object) -> torch.Tensor:
        raise OSError("<b>disk</b>")

    model = {f"{hostile}.weight": outlier, "nan.weight": nan, "fine.weight": torch.eye(4), "bad.weight": matrix(3, 3)}
    packed = {"packed.weight": torch.ones(2, 2, dtype=torch.int8)}
    results = wsw.scan(altered(model | packed, {"bad": fail}), progress=False)
    page = Page(results._repr_html_())
    assert page.tags <= ELEMENTS
    names = page.cells[::2]
    assert sorted(names[:2]) == ["bad", "nan"]
    assert names[2:] == [hostile]
    assert "<b>disk</b>" in page.cells[2 * names.index("bad") + 1]
    assert page.cells[2 * names.index("nan") + 1] == "NaN or infinite weights"
    for part in ("Scan of state dict", "4 layers", "Critical 1", "1 failed", "1 tensor left out", "wsw.show(results)"):
        assert part in page.text
    assert f"{40 * 30 + 9 + 16 + 9:,} weights" in page.text
    assert "<img" not in results._repr_html_()
    assert "No layer stands out." in Page(wsw.scan({"a": torch.eye(4)}, progress=False)._repr_html_()).text


def test_a_notebook_shows_what_changed_most() -> None:
    base = matrices(4)
    tuned = dict(base)
    tuned["l1.weight"], tuned["l3.weight"] = base["l1.weight"] * 1.02, base["l3.weight"] * 1.5
    comparison = wsw.compare(base, tuned, progress=False)
    page = Page(comparison._repr_html_())
    assert page.tags <= ELEMENTS
    assert page.cells == ["l3", "changed by 50.0 % of its norm", "l1", "changed by 2.00 % of its norm"]
    for part in ("identical 2", "changed 2", "wsw.show_diff(comparison)"):
        assert part in page.text
    evolution = wsw.evolution({"<i>a</i>": base, "b": tuned}, progress=False)
    page = Page(evolution._repr_html_())
    assert page.cells == ["l3", "changed by 50.0 % of its norm", "l1", "changed by 2.00 % of its norm"]
    for part in ("Evolution <i>a</i> → b", "2 checkpoints · 4 layers", "wsw.show_evolution(evolution)"):
        assert part in page.text
