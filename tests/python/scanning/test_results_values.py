"""Values of results that come from elsewhere: numbers come through, anything else is refused in one sentence."""

from __future__ import annotations

import copy
import itertools
import json
import math
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import weightscope_widget as wsw
from weightscope_widget.errors import ResultsFormatError
from weightscope_widget.scanning.file import encode_array, plain_results
from weightscope_widget.visualizers import (
    condition_number_content,
    model_health_content,
    quantization_risk_content,
    rank_efficiency_content,
)

SPECTRAL = {"condition_number": 4.0, "stable_rank": 1.5, "total_rank": 3}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A file of two layers, as JSON has it."""
    path = tmp_path_factory.mktemp("saved") / "results.json"
    draw = torch.Generator().manual_seed(0)
    state = {f"h.{block}.mlp.c_fc.weight": torch.randn(6, 5, generator=draw) for block in range(2)}
    wsw.scan(state, "all", progress=False).save(path)
    return json.loads(path.read_text())  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("given", "expected"),
    [(None, math.nan), ("NaN", math.nan), ("Infinity", math.inf), (np.float32(2.5), 2.5), (np.int64(3), 3), (7, 7)],
)
def test_numbers_come_through_as_others_write_them(given: Any, expected: float) -> None:
    found = plain_results({"a": {"spectral": {"condition_number": given}}}, "m", "The mapping")
    value = found["a"]["spectral"]["condition_number"]
    assert type(value) is type(expected)
    assert value == pytest.approx(expected, nan_ok=True)


def test_a_layer_of_which_a_tool_wrote_null_has_no_grade() -> None:
    document = {"a": {"spectral": {"condition_number": None}, "quantization": {"extreme_outlier_percentage": 0.0}}}
    assert plain_results(document, "m", "The mapping").grade("a") is None


@pytest.mark.parametrize("value", ["x", 0, -1, 0.0, [1.0], {"a": 1.0}, True, object(), 10**400, [[1.0]], "-Infinity"])
def test_a_condition_number_is_a_positive_number(value: Any) -> None:
    for plot in (wsw.plot_condition_number_heatmap, wsw.plot_rank_efficiency, wsw.plot_model_health_dashboard):
        with pytest.raises(
            ResultsFormatError, match=r"^The mapping .*'a' has .*spectral\.condition_number \(.+\); .+\.$"
        ):
            plot({"a": {"spectral": SPECTRAL | {"condition_number": value}}})


@pytest.mark.parametrize(
    "sections",
    [
        *({"spectral": SPECTRAL | {"stable_rank": 0}}, {"spectral": SPECTRAL | {"total_rank": 0}}),
        *({"spectral": {"top_singular_values": 3.0}}, {"spectral": {"top_singular_values": ["x"]}}),
        *({"sparsity": {"sparsity_levels": None}}, {"sparsity": {"sparsity_levels": {"threshold_0.0": []}}}),
        *({"basic_stats": {"mean": "1"}}, {"basic_stats": {3: 1.0}}, {"basic_stats": {"mean": 2**63}}),
        *({"error": 3}, {"spectral": [1]}, [], None, {}),
    ],
    ids=repr,
)
def test_what_is_no_number_is_refused(sections: Any) -> None:
    with pytest.raises(ResultsFormatError, match=r"^The mapping is not results: [^\n]+; give a file .+\.$"):
        plain_results({"a": sections}, "m", "The mapping")


# Each replaces one value of a layer's entry in a file.
BROKEN = {
    "shape": ["ab", [2.5, 3], [True], [0, 3], [-1], {"0": 3}, 5],
    "dtype": [3, ["float32"]],
    "aliases": ["ab", [3], None],
    "members": [{"a": 1}],
    "linear": ["yes"],
    "results": [3, [], {"spectral": 3}, {"spectral": {"condition_number": "abc"}}, {"error": 3}, {"energy": {}}],
    "singular_values": ["", "abc", 3, encode_array(np.array([2.0, -1.0])), None],
    "histogram": [
        *(
            3,
            {},
            {"low": 0.0, "high": 1.0, "counts": ""},
            {"low": "x", "high": 1.0, "counts": encode_array(np.ones(2))},
        ),
        {"low": 2.0, "high": 1.0, "counts": encode_array(np.ones(2))},
        {"low": 0.0, "high": "Infinity", "counts": encode_array(np.ones(2))},
        {"low": 0.0, "high": 1.0, "counts": encode_array(np.array([1.0, math.nan]))},
        {"low": 0.0, "high": 1.0, "counts": encode_array(np.array([1.0, -1.0]))},
    ],
}


@pytest.mark.parametrize(
    ("key", "value"),
    [(key, value) for key, values in BROKEN.items() for value in values],
    ids=lambda value: repr(value)[:60],
)
def test_a_file_with_a_broken_entry_is_refused(saved: dict[str, Any], tmp_path: Path, key: str, value: Any) -> None:
    document = copy.deepcopy(saved)
    document["layers"]["h.1.mlp.c_fc"][key] = value
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(document))
    with pytest.raises(
        ResultsFormatError,
        match=r"broken\.json does not hold what results\.save\(\) writes .+; scan the model again\.$",
    ):
        wsw.load_results(path)


@pytest.mark.parametrize(("key", "value"), [("model", 3), ("methods", "all"), ("skipped", {"a": 3}), ("layers", [])])
def test_a_file_with_a_broken_head_is_refused(saved: dict[str, Any], tmp_path: Path, key: str, value: Any) -> None:
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(saved | {key: value}))
    with pytest.raises(
        ResultsFormatError,
        match=r"broken\.json does not hold what results\.save\(\) writes .+; scan the model again\.$",
    ):
        wsw.load_results(path)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of numbers that no weights have, such as −∞ dB
def test_whatever_number_comes_through_is_drawn_or_refused_in_a_sentence(saved: dict[str, Any]) -> None:
    layers = {name: layer["results"] for name, layer in saved["layers"].items()}
    contents = (condition_number_content, quantization_risk_content, rank_efficiency_content, model_health_content)
    drawn = 0
    numbers = (0, -1, 1e300, -1e300, math.inf, -math.inf, math.nan, 2**62)
    for (section, metrics), number in itertools.product(layers["h.0.mlp.c_fc"].items(), numbers):
        for key, value in metrics.items():
            document = copy.deepcopy(layers)
            group: Any = dict.fromkeys(value, number) if isinstance(value, dict) else [number]
            document["h.0.mlp.c_fc"][section][key] = group if isinstance(value, dict | list) else number
            with suppress(wsw.WeightScopeError):
                results = plain_results(document, "m", "The mapping")
                assert len(results.to_frame()) == 2
                results.advice()
                for content in contents:
                    content(results)
                drawn += 1
    assert drawn > 300
