"""Results as a file: exact there and back, valid JSON, whole or not at all, and a sentence for any other file."""

from __future__ import annotations

import copy
import json
import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import weightscope_widget as wsw
from tests.python.support.watched import altered, contents, matrices, matrix, variety
from weightscope_widget import ScanResults, Thresholds
from weightscope_widget.analyzers.numerics.histogram import Histogram
from weightscope_widget.errors import ModelNotFoundError, ResultsFormatError
from weightscope_widget.layers.layer import LayerInfo
from weightscope_widget.scanning.options import RunOptions
from weightscope_widget.scanning.run import ScanRun
from weightscope_widget.sources import Layer

REFERENCE = Path(__file__).parents[4] / "shared" / "data" / "gpt2_reference_results.json"
HOSTILE = [
    "</script><img src=x onerror=alert(1)>",
    "\u2028\u0000\n\t\"\\'",
    "权重.🧠.é",
    "\ud800",
    "NaN",
    "__proto__",
    "",
]


def scan(model: object, **options: Any) -> ScanResults:
    return wsw.scan(model, progress=False, **options)


def strictly(text: str) -> Any:
    """Parse JSON as a browser does: without Python's NaN and Infinity."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def everything(results: ScanResults) -> object:
    about = (results.model, results.methods, results.skipped, results.thresholds)
    return about, list(results.layers.values()), contents(results)


def there_and_back(results: ScanResults, path: Path) -> ScanResults:
    results.save(path)
    strictly(path.read_text(encoding="utf-8"))
    return wsw.load_results(path)


# -- There and back ----------------------------------------------------------------------------------------------------


def test_a_scan_comes_back_exactly(tmp_path: Path) -> None:
    model = variety()
    with torch.no_grad():
        model["conv"].weight[1, 2, 0, 1] = math.nan
        model["layers2"].weight.zero_()  # sqnr is inf, κ is NaN
        model["layers3"].weight[:, 5] = 0  # κ is inf
    results = scan(model, vectors=True)
    results.thresholds = Thresholds(sqnr_db=(41.5, 1 / 3))
    back = there_and_back(results, tmp_path / "results.json")
    assert everything(back) == everything(results)
    assert back.complete
    assert back.to_frame().to_csv() == results.to_frame().to_csv()
    assert math.isinf(back["layers3"]["spectral"]["condition_number"])
    assert type(back["layers0"]["spectral"]["total_rank"]) is int
    spectrum = back.singular_values("layers0")
    assert not spectrum.flags.writeable
    np.testing.assert_array_equal(spectrum, results.singular_values("layers0"))


numbers = st.floats(width=64) | st.integers(1 - 2**63, 2**63 - 1)


def arrays(*, nan: bool) -> st.SearchStrategy[np.ndarray]:
    """Singular values, which may be NaN, or counts."""
    lengths = st.floats(min_value=0, allow_infinity=False) | (st.just(math.nan) if nan else st.nothing())
    return st.lists(lengths, min_size=1, max_size=5).map(lambda values: np.array(values, dtype=np.float64))


groups = st.dictionaries(st.text(max_size=5), numbers, max_size=4)
sections = st.fixed_dictionaries(
    {},
    optional={
        "basic_stats": groups,
        "spectral": st.dictionaries(st.text(max_size=5), numbers | st.lists(numbers, max_size=4), max_size=4),
        "sparsity": st.dictionaries(st.text(max_size=5), numbers | groups, max_size=4),
        "error": st.sampled_from(["NaN", "Infinity", "It failed; α ≤ β."]),
    },
)
edges = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=2).map(sorted)
histograms = st.builds(lambda edges, counts: Histogram(*edges, counts), edges, arrays(nan=False))
layers = st.tuples(
    st.none() | st.lists(st.integers(1, 2**40), max_size=3).map(tuple),
    st.none() | st.sampled_from(["float32", "NaN"]),
    st.lists(st.text(max_size=5), max_size=2).map(tuple),
    st.none() | st.tuples(sections, st.none() | arrays(nan=True), st.none() | histograms),
)
names = st.text(max_size=8) | st.sampled_from(HOSTILE)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    model=names, layers=st.dictionaries(names, layers, max_size=4), skipped=st.dictionaries(names, names, max_size=2)
)
def test_anything_comes_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, model: str, layers: dict[str, Any], skipped: dict[str, str]
) -> None:
    infos = [LayerInfo(name, shape, dtype, aliases) for name, (shape, dtype, aliases, _) in layers.items()]
    results = ScanResults(model, infos, ("basic_stats", "spectral", "sparsity"), skipped=skipped)
    for name, (*_, found) in layers.items():
        if found is not None:
            results.add(name, found[0], spectrum=found[1], histogram=found[2])
    path = tmp_path_factory.getbasetemp() / "anything.json"
    assert everything(there_and_back(results, path)) == everything(results)


@pytest.mark.parametrize(
    "value", [0.0, -0.0, 5e-324, 2.2250738585072014e-308, 0.1, 1 / 3, math.pi, 1.7976931348623157e308, *[-1e22, 1e23]]
)
def test_a_number_comes_back_to_the_bit(tmp_path: Path, value: float) -> None:
    results = ScanResults("m", [LayerInfo("a")], ("basic_stats",))
    results.add("a", {"basic_stats": {"mean": value}}, spectrum=np.array([abs(value)]))
    back = there_and_back(results, tmp_path / "results.json")
    assert back["a"]["basic_stats"]["mean"].hex() == value.hex()
    assert back.singular_values("a")[0].hex() == abs(value).hex()


def test_numbers_that_json_lacks_are_strings(tmp_path: Path) -> None:
    results = ScanResults("m", [LayerInfo("a")], ("basic_stats",))
    results.add("a", {"basic_stats": {"mean": math.nan, "max": math.inf, "min": -math.inf, "std": 1.5}})
    results.save(tmp_path / "results.json")
    found = strictly((tmp_path / "results.json").read_text())["layers"]["a"]["results"]["basic_stats"]
    assert found == {"mean": "NaN", "max": "Infinity", "min": "-Infinity", "std": 1.5}


def test_hostile_names_come_back(tmp_path: Path) -> None:
    results = scan({f"{name}.weight": matrix(3, 2, seed) for seed, name in enumerate(HOSTILE) if name})
    back = there_and_back(results, tmp_path / "结果 of a scan.json")
    assert list(back) == HOSTILE[:-1]
    assert contents(back) == contents(results)


def test_an_unfinished_scan_comes_back_unfinished(tmp_path: Path) -> None:
    run = ScanRun(matrices(3), RunOptions(("basic_stats", "spectral")), cheap_first=True)
    steps = run.steps()
    for _ in range(4):
        next(steps)
    run.cancel()
    back = there_and_back(run.results, tmp_path / "results.json")
    assert [list(back[name]) for name in back] == [["basic_stats", "spectral"], ["basic_stats"], ["basic_stats"]]
    assert [back.pending(name) for name in back] == [False, True, True]
    run = ScanRun(matrices(2), RunOptions(("spectral",)))
    next(run.steps())
    back = there_and_back(run.results, tmp_path / "results.json")
    assert (list(back), list(back.layers), back.complete) == (["l0"], ["l0", "l1"], False)


def test_a_failed_layer_keeps_its_error(tmp_path: Path) -> None:
    def fail(layer: Layer) -> torch.Tensor:
        raise OSError("disk on fire")

    results = scan(altered(matrices(2), {"l0": fail}))
    back = there_and_back(results, tmp_path / "results.json")
    assert back["l0"] == results["l0"]
    assert "disk on fire" in back["l0"]["error"]
    assert (back.grade("l0"), back.complete) == (None, True)


def test_paths_are_expanded_and_given_in_any_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    scan(matrices(1)).save("~/results.json")
    assert list(wsw.load_results("~/results.json")) == list(wsw.load_results(tmp_path / "results.json")) == ["l0"]


# -- Whole or not at all -----------------------------------------------------------------------------------------------


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    scan(matrices(2)).save(path)
    before = path.read_bytes()
    unspeakable = ScanResults("m", [LayerInfo("a"), LayerInfo("b")], ("basic_stats",))
    unspeakable.add("b", {"basic_stats": {"mean": object()}})
    with pytest.raises(TypeError):
        unspeakable.save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["results.json"]


def test_a_save_onto_a_folder_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    with pytest.raises(wsw.WeightScopeError, match="results"):
        scan(matrices(1)).save(tmp_path / "results")
    assert os.listdir(tmp_path) == ["results"]


def test_a_save_replaces_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    for count in (3, 1):
        scan(matrices(count)).save(path)
        assert len(wsw.load_results(path)) == count
    assert os.listdir(tmp_path) == ["results.json"]


@pytest.mark.skipif(os.name != "posix", reason="the platform has no file modes")
def test_others_may_read_the_file_as_any_other(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        scan(matrices(1)).save(tmp_path / "results.json")
    finally:
        os.umask(before)
    assert (tmp_path / "results.json").stat().st_mode & 0o777 == 0o640


# -- Other files -------------------------------------------------------------------------------------------------------


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"xxx cannot be read \(.+\); check the path\.$"):
        wsw.load_results(tmp_path / ("x" * 5_000))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    scan(matrices(1)).save(tmp_path / "mine.json")
    (tmp_path / "mine.json").chmod(0)
    with pytest.raises(ModelNotFoundError, match=r"mine\.json cannot be read \(Permission denied\)"):
        wsw.load_results(tmp_path / "mine.json")


@pytest.mark.parametrize("name", ["gone.json", "folder", ""])
def test_a_missing_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ModelNotFoundError, match=rf"There is no results file at .*{name}; check the path\.$"):
        wsw.load_results(tmp_path / name)


@pytest.fixture
def document(tmp_path: Path) -> dict[str, Any]:
    scan({"a.weight": matrix(3, 2), "b": torch.zeros(2, 2, dtype=torch.int8)}).save(tmp_path / "saved.json")
    return json.loads((tmp_path / "saved.json").read_text())  # type: ignore[no-any-return]


def refused(path: Path, content: str | bytes) -> str:
    """Return the sentence with which a file of this content is refused."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ResultsFormatError) as raised:
        wsw.load_results(path)
    sentence = str(raised.value)
    assert str(path) in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert isinstance(raised.value, ValueError)
    return sentence


def test_a_later_version_is_refused(tmp_path: Path, document: dict[str, Any]) -> None:
    document["version"] += 1
    says = refused(tmp_path / "later.json", json.dumps(document))
    assert "later version of weightscope-widget; upgrade" in says


def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path: Path, document: dict[str, Any]) -> None:
    whole = json.dumps(document).encode()
    for end in range(0, len(whole), 37):
        assert "is not a JSON file" in refused(tmp_path / "cut.json", whole[:end])


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00", b"\0" * 64, b"results", b"\x93NUMPY", b"[" * 100_000, b'{"a":' * 100_000], ids=len
)
def test_what_is_no_json_is_refused(tmp_path: Path, content: bytes) -> None:
    assert "give a file that results.save() wrote" in refused(tmp_path / "any.json", content)


@pytest.mark.parametrize(
    "content",
    [
        *(None, 3, "text", [], [1], {}, {"a": 1}, {"a": {}}, {"a": None}, {"a": []}),
        *({"a": {"spectral": 3}}, {"a": {"spectral": None}}, {"a": {"spectral": {}, "energy": {}}}),
        {"metadata": {"total_size": 3}, "weight_map": {"a": "model.safetensors"}},
        {"cells": [], "metadata": {}, "nbformat": 4},
        {"format": "weightscope-results"},
        {"format": "weightscope-results", "version": "one"},
        {"format": "weightscope-results", "version": 1, "layers": []},
    ],
    ids=lambda content: json.dumps(content)[:50],
)
def test_other_json_is_refused(tmp_path: Path, content: object) -> None:
    refused(tmp_path / "other.json", json.dumps(content))


@pytest.mark.parametrize("depth", [600, 800, 5_000])
def test_lists_within_lists_are_refused_or_read(tmp_path: Path, depth: int) -> None:
    """Which depth is too much for the parser, and which for the reader, depends on the version of Python."""
    path = tmp_path / "deep.json"
    path.write_text('{"a": {"spectral": {"top_singular_values": ' + "[" * depth + "]" * depth + "}}}")
    with suppress(ResultsFormatError):
        assert list(wsw.load_results(path)) == ["a"]
        assert depth < 5_000


def spots(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield (*path, key)
        yield from spots(one, (*path, key))


def test_a_damaged_file_is_refused_or_read_but_never_breaks(tmp_path: Path, document: dict[str, Any]) -> None:
    path, read, tried = tmp_path / "damaged.json", [], 0
    for spot in spots(document):
        for junk in (None, -3, "x", [], [[]], {}, {"x": 1}):
            tried += 1
            damaged = copy.deepcopy(document)
            target = damaged
            for key in spot[:-1]:
                target = target[key]
            target[spot[-1]] = junk
            path.write_text(json.dumps(damaged))
            with suppress(ResultsFormatError):
                read.append(wsw.load_results(path))
    assert 0 < len(read) < tried


# -- The reference project's file --------------------------------------------------------------------------------------


@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference results are not beside this checkout")
def test_the_reference_loads_with_the_documents_keys(tmp_path: Path) -> None:
    document = json.loads(REFERENCE.read_text())
    results = wsw.load_results(str(REFERENCE))
    assert (results.model, results.complete, list(results)) == ("gpt2_reference_results", True, list(document))
    for name, sections in document.items():
        levels = results[name]["sparsity"]["sparsity_levels"]
        assert list(levels) == ["threshold_0.0", "threshold_1e-6", "threshold_1e-4", "threshold_1e-2"]
        assert list(levels.values()) == list(sections["sparsity"]["sparsity_levels"].values())
        for section in ("basic_stats", "quantization"):
            assert results[name][section] == sections[section]
        spectral = sections["spectral"]
        share = 100 * spectral["stable_rank"] / spectral["total_rank"]
        assert results[name]["spectral"] == spectral | {"stable_rank_percentage": share}
    assert (results.spectra, results.histograms) == ({}, {})
    assert {layer.shape for layer in results.layers.values()} == {None}
    back = there_and_back(results, tmp_path / "again.json")
    assert everything(back) == everything(results)
