"""Results: the mapping and its exact keys, what it says of layers it does not have, the table, the judgement."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import weightscope_widget as wsw
from tests.python.support import checkpoints
from tests.python.support.watched import altered, matrices, matrix
from weightscope_widget import ScanResults, Thresholds
from weightscope_widget.errors import UnknownLayerError
from weightscope_widget.layers.layer import LayerInfo
from weightscope_widget.scanning.results import flatten
from weightscope_widget.sources import Layer

REFERENCE = Path(__file__).parents[4] / "shared" / "data" / "gpt2_reference_results.json"

KEYS = {
    "basic_stats": {"mean", "std", "min", "max", "l2_norm", "zeros_percentage"},
    "spectral": {
        *("max_singular_value", "min_singular_value", "condition_number", "singular_value_ratio", "stable_rank"),
        *("effective_rank", "total_rank", "stable_rank_percentage", "top_singular_values"),
    },
    "quantization": {
        *("abs_max", "quantization_scale", "quantization_mse", "quantization_mae", "cosine_similarity", "sqnr_db"),
        *("dynamic_range", "outlier_percentage", "outlier_count"),
        *("extreme_outlier_percentage", "extreme_outlier_count"),
    },
    "sparsity": {
        *("sparsity_levels", "structured_sparsity", "magnitude_percentiles", "mean_abs_weight", "median_abs_weight"),
    },
    "schemes": {
        f"{scheme}_{metric}"
        for scheme in (
            *("int8_tensor", "int8_channel", "int8_group128", "int4_channel", "int4_group128"),
            *("nf4_block64", "fp8_e4m3"),
        )
        for metric in ("sqnr_db", "relative_mse")
    },
}
SPARSITY_KEYS = {
    "sparsity_levels": {"threshold_0.0", "threshold_1e-6", "threshold_1e-4", "threshold_1e-2"},
    "structured_sparsity": {"dead_rows", "dead_rows_percentage", "dead_columns", "dead_columns_percentage"},
    "magnitude_percentiles": {"p10", "p25", "p50", "p75", "p90"},
}


def scan(model: object, methods: Any = "all", **options: Any) -> ScanResults:
    return wsw.scan(model, methods, progress=False, **options)


def fail(layer: Layer) -> torch.Tensor:
    raise OSError("disk on fire")


def measured(**layers: tuple[float, float]) -> ScanResults:
    """Results of layers whose condition number and percentage of extreme outliers are given."""
    results = ScanResults("hand-made", [LayerInfo(name) for name in layers], ("spectral", "quantization"))
    for name, (condition_number, outliers) in layers.items():
        spectral = {"condition_number": condition_number, "stable_rank": 1.0, "total_rank": 4}
        quantization = {"extreme_outlier_percentage": outliers, "sqnr_db": 35.0}
        results.add(name, {"spectral": spectral, "quantization": quantization})
    return results


# -- The mapping -------------------------------------------------------------------------------------------------------


def test_it_is_a_read_only_mapping_in_the_models_order() -> None:
    results = scan(matrices(3))
    assert isinstance(results, Mapping)
    assert [*results] == [*results.keys()] == ["l0", "l1", "l2"]
    assert len(results) == 3
    assert ("l1" in results, "l9" in results, 1 in results) == (True, False, False)
    assert results.get("l9") is None
    assert dict(results) == dict(scan(matrices(3))) != dict(scan(matrices(2)))
    with pytest.raises(TypeError):
        results["l0"] = {}  # type: ignore[index]
    results["l0"].clear()
    assert results["l0"].keys() == KEYS.keys()


@pytest.mark.parametrize("shape", [(7, 5), (1, 4), (1, 1), (5, 3, 2, 2)], ids=str)
def test_a_layer_has_exactly_the_documents_keys(shape: tuple[int, ...]) -> None:
    sections = scan({"a": matrix(shape[0], math.prod(shape[1:])).reshape(shape)})["a"]
    two_dimensional = len(shape) == 2
    assert list(sections) == list(KEYS)
    for section, keys in KEYS.items():
        assert sections[section].keys() == keys - (set() if two_dimensional else {"structured_sparsity"})
    for group, keys in SPARSITY_KEYS.items():
        assert group not in sections["sparsity"] or sections["sparsity"][group].keys() == keys


def test_every_number_is_a_plain_one() -> None:
    """NumPy's own would print as np.float64(…), and break the file's reader of NaN."""
    weight = matrix(6, 5)
    weight[0, 0] = math.nan
    for sections in scan({"a": matrix(6, 5), "nan": weight, "zero": torch.zeros(3, 2)}).values():
        numbers = [*flatten(sections).values(), *sections["spectral"]["top_singular_values"]]
        assert {type(number) for number in numbers} == {int, float}


def test_what_is_not_there_is_explained() -> None:
    model = {"a.weight": matrix(3, 2), "packed.weight": torch.ones(2, 2, dtype=torch.int8)}
    model["tied.weight"] = model["a.weight"]
    results = scan(model)
    for name, says in (
        ("tied", "'tied' is tied to 'a'; its numbers are under that name."),
        ("packed", "'packed' was left out (integer tensor (int8): packed or index data)."),
        ("a.weight", "'a.weight' is not a layer of state dict; list(results) names them."),
        ("", "'' is not a layer of state dict; list(results) names them."),
    ):
        for ask in (results.__getitem__, results.singular_values, results.histogram, results.grade, results.baseline):
            with pytest.raises(UnknownLayerError) as raised:
                ask(name)
            assert str(raised.value) == says
            assert isinstance(raised.value, KeyError)


def test_a_layer_to_come_is_said_to_be_so() -> None:
    results = ScanResults("m", [LayerInfo("a"), LayerInfo("b")], ("basic_stats", "spectral"))
    assert (list(results), len(results), results.complete, results.pending("a")) == ([], 0, False, True)
    with pytest.raises(UnknownLayerError, match=r"^'a' has not been analyzed yet; wait for the scan\.$"):
        results["a"]
    assert (results.health("a"), results.grade("a")) == (None, None)
    assert math.isnan(results.risk("a"))
    assert set(results.classes("a").values()) == {None}
    assert results.to_frame().empty
    assert repr(results) == "<ScanResults of m: 0 of 2 layers, basic_stats, spectral>"


def test_a_layer_is_pending_until_it_has_all_that_it_can_have() -> None:
    layers = [LayerInfo("a", (2, 2)), LayerInfo("b", (2,)), LayerInfo("c", (2, 2)), LayerInfo("d")]
    results = ScanResults("m", layers, ("basic_stats", "spectral"))
    results.add("a", {"spectral": {}})
    results.add("b", {"basic_stats": {}})
    results.add("d", {"basic_stats": {}})
    assert [results.pending(name) for name in "abcd"] == [True, False, True, True]
    results.add("a", {"basic_stats": {}})
    results.add("c", {"error": "It failed."})
    assert [results.pending(name) for name in "abcd"] == [False, False, False, True]
    assert list(results["a"]) == ["basic_stats", "spectral"]
    assert not results.complete
    results.add("d", {"spectral": {}})
    assert results.complete
    assert repr(results) == "<ScanResults of m: 4 layers, basic_stats, spectral>"
    with pytest.raises(UnknownLayerError):
        results.pending("nobody")


def test_it_can_be_read_while_another_thread_adds() -> None:
    names = [f"transformer.h.{index}.mlp.c_fc" for index in range(400)]
    whole = scan({"a": matrix(8, 4)})
    results = ScanResults("m", [LayerInfo(name, (8, 4)) for name in names], whole.methods)
    go_on = threading.Event()

    def add() -> None:
        go_on.wait()
        for name in reversed(names):
            for section, metrics in whole["a"].items():
                results.add(name, {section: metrics}, spectrum=whole.singular_values("a"))

    adding = threading.Thread(target=add)
    adding.start()
    rounds = []
    while not results.complete:
        for name, sections in results.items():
            assert sections.keys() <= KEYS.keys()
            results.grade(name)
        listed = list(results)
        assert listed == names[len(names) - len(listed) :]
        rounds.append(len(results.to_frame()))
        go_on.set()
    adding.join()
    assert rounds == sorted(rounds)
    assert rounds[0] == 0
    assert list(results) == names


# -- Spectra and histograms --------------------------------------------------------------------------------------------


def test_the_whole_spectrum_is_there() -> None:
    weight = matrix(70, 90)
    sigma = scan({"a": weight}).singular_values("a")
    assert (sigma.shape, sigma.dtype) == ((70,), np.float64)
    np.testing.assert_allclose(sigma, np.linalg.svd(weight.double().numpy(), compute_uv=False), rtol=1e-9)
    weight[0, 0] = math.nan
    broken = scan({"a": weight}).singular_values("a")
    assert broken.shape == (70,)
    assert np.isnan(broken).all()


def test_a_stack_has_the_singular_values_of_all_its_matrices() -> None:
    model = checkpoints.moe()
    nn.init.normal_(model["mlp"]["experts"].gate_up_proj, generator=torch.Generator().manual_seed(1))
    results = scan(model)
    name = "mlp.experts.gate_up_proj"
    members = [f"{name}[{index}]" for index in range(3)]
    assert results.layers[name].members == tuple(members)
    together = np.sort(np.concatenate([results.singular_values(member) for member in members]))[::-1]
    np.testing.assert_array_equal(results.singular_values(name), together)


def test_what_was_not_computed_says_how_to_get_it() -> None:
    without = scan({"a": matrix(3, 2)}, "sparsity")
    with pytest.raises(UnknownLayerError, match=r"The spectrum of 'a' is not in .*methods='all' or 'spectral'\.$"):
        without.singular_values("a")
    assert without.histogram("a").counts.sum() == 6
    with pytest.raises(UnknownLayerError, match=r"The histogram of 'a' is not in .*a method besides 'spectral'\.$"):
        scan({"a": matrix(3, 2)}, "spectral").histogram("a")


# -- Judgement ---------------------------------------------------------------------------------------------------------


def test_health_grade_and_risk_of_specification_2() -> None:
    results = measured(
        excellent=(1e4, 1.0), still=(2e4, 0.5), good=(2e4, 2.0), critical=(math.inf, 11.0), warning=(2e4, 11.0)
    )
    found = {name: (results.health(name), results.grade(name), results.risk(name)) for name in results}
    assert found == {
        "excellent": (100, "Excellent", 3.0),
        "still": (80, "Excellent", 26.5),
        "good": (65, "Good", 31.0),
        "critical": (30, "Critical", 83.0),
        "warning": (50, "Warning", 58.0),
    }


def test_new_thresholds_change_the_judgement_of_the_same_numbers() -> None:
    results = measured(a=(500.0, 0.05))
    assert (results.grade("a"), results.risk("a")) == ("Excellent", pytest.approx(0.15))
    assert results.classes("a") == {
        "condition_number": "safe",
        "sqnr_db": "medium",
        "extreme_outlier_percentage": "friendly",
        "stable_rank_percentage": "high",  # 1 of 4
    }
    results.thresholds = Thresholds((10, 100, 200), (34, 20), (0.001, 0.01, 0.02), (1, 2, 3, 20))
    assert (results.health("a"), results.grade("a")) == (30, "Critical")
    assert results.risk("a") == pytest.approx(50.15)
    assert results.classes("a") == {
        "condition_number": "very high",
        "sqnr_db": "safe",
        "extreme_outlier_percentage": "very high",
        "stable_rank_percentage": "already efficient",
    }
    assert results.to_frame().loc["a", "grade"] == "Critical"


@pytest.mark.parametrize("methods", ["all", "basic_stats", ["basic_stats", "quantization"]], ids=str)
def test_a_layer_that_is_not_finite_is_critical(methods: Any) -> None:
    weight = matrix(5, 4)
    weight[2, 2] = math.inf
    results = scan({"a": weight}, methods)
    assert (results.health("a"), results.grade("a"), results.risk("a")) == (0, "Critical", math.inf)


@pytest.mark.parametrize("methods", ["spectral", "quantization", "basic_stats"])
def test_a_layer_not_wholly_measured_has_no_grade(methods: str) -> None:
    results = scan({"a": matrix(5, 4)}, methods)
    assert (results.health("a"), results.grade("a")) == (None, None)
    assert math.isnan(results.risk("a"))


def test_a_failed_layer_is_never_healthy() -> None:
    """Not even where all that the grade rests on was there before it failed."""
    results = measured(a=(1.0, 0.0))
    results.add("a", {"error": "It failed."})
    assert list(results["a"])[-1] == "error"
    assert (results.health("a"), results.grade("a")) == (None, None)
    assert math.isnan(results.risk("a"))


def test_a_zero_layer_has_no_conditioning_to_be_graded_by() -> None:
    results = scan({"a": torch.zeros(4, 3)})
    assert (results.grade("a"), results.classes("a")["condition_number"]) == (None, None)
    assert results.classes("a")["extreme_outlier_percentage"] == "friendly"


def test_the_baseline_is_of_the_matrix_the_layer_is() -> None:
    std = 0.25
    shapes = {"matrix": (64, 72), "conv": (64, 8, 3, 3), "stack": (5, 64, 72), "vector": (64,), "unknown": None}
    layers = [LayerInfo(name, shape, members=("m",) * 5 * (name == "stack")) for name, shape in shapes.items()]
    results = ScanResults("m", layers, ("basic_stats",))
    for name in shapes:
        results.add(name, {"basic_stats": {"std": std}})
    for name in ("matrix", "conv", "stack"):
        baseline = results.baseline(name)
        assert baseline is not None
        assert baseline["marchenko_pastur_edge"] == pytest.approx(std * (math.sqrt(72) + 8))
        assert baseline["stable_rank_percentage"] == pytest.approx(100 * 72 / (math.sqrt(72) + 8) ** 2)
    assert results.baseline("matrix") == results.baseline("conv")
    # The largest of five times as many entries is larger, hence the step of INT8 and its noise.
    assert results.baseline("stack")["sqnr_db"] < results.baseline("matrix")["sqnr_db"]  # type: ignore[index]
    assert (results.baseline("vector"), results.baseline("unknown")) == (None, None)


@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference results are not beside this checkout")
def test_the_reference_gpt2_is_graded_as_specified() -> None:
    results = wsw.load_results(REFERENCE)
    grades = [results.grade(name) for name in results]
    assert [grades.count(grade) for grade in ("Excellent", "Good", "Warning", "Critical")] == [48, 2, 0, 1]
    risks = results.to_frame()["risk"].sort_values(ascending=False).head(5)
    assert [name.removeprefix("transformer.") for name in risks.index] == [
        *("h.0.attn.c_proj", "h.9.attn.c_proj", "wpe", "h.11.attn.c_proj", "h.1.attn.c_proj"),
    ]
    assert [round(risk, 3) for risk in risks[:4]] == [88.573, 50.277, 38.429, 26.264]


# -- The table ---------------------------------------------------------------------------------------------------------


def table_of_everything() -> tuple[ScanResults, pd.DataFrame]:
    nan = matrix(4, 4)
    nan[0, 0] = math.nan
    model = {
        "model.embed_tokens.weight": matrix(9, 4),
        "model.layers.2.self_attn.q_proj.weight": matrix(4, 4).half(),
        "model.layers.10.mlp.up_proj.weight": nan,
        "encoder.layers.0.mlp.down_proj.weight": matrix(4, 7),
        "norm.weight": torch.ones(4),
    }
    results = scan(altered(model, {"encoder.layers.0.mlp.down_proj": fail}), vectors=True)
    return results, results.to_frame()


def test_the_table_has_a_row_per_layer() -> None:
    results, frame = table_of_everything()
    assert frame.index.name == "name"
    assert list(frame.index) == list(results)
    fixed = frame[["block", "stack", "kind", "family", "shape", "dtype", "parameters", "grade"]]
    rows = [[None if value is pd.NA else value for value in row] for row in fixed.astype(object).to_numpy().tolist()]
    assert rows == [
        [None, None, "embed", "embedding", (9, 4), "float32", 36, "Excellent"],
        [2, None, "q", "attention", (4, 4), "float16", 16, results.grade("model.layers.2.self_attn.q_proj")],
        [10, None, "up", "mlp", (4, 4), "float32", 16, "Critical"],
        [0, "encoder", "down", "mlp", (4, 7), "float32", 28, None],
        [None, None, "norm", "other", (4,), "float32", 4, None],
    ]
    assert frame["risk"].tolist()[2] == math.inf
    assert frame["risk"].isna().tolist() == [False, False, False, True, True]
    assert frame["error"].isna().tolist() == [True, True, True, False, True]
    assert "disk on fire" in frame["error"].iloc[3]


def test_the_table_has_every_scalar_and_nothing_else() -> None:
    results, frame = table_of_everything()
    scalars = [
        f"{section}.{key}"
        for section, keys in KEYS.items()
        for key in sorted(keys - SPARSITY_KEYS.keys() - {"top_singular_values"})
    ] + [f"sparsity.{key}" for keys in SPARSITY_KEYS.values() for key in sorted(keys)]
    leading = ["block", "stack", "kind", "family", "shape", "dtype", "parameters", "grade", "risk"]
    assert list(frame.columns[: len(leading)]) == leading
    assert frame.columns[-1] == "error"
    assert sorted(frame.columns[len(leading) : -1]) == sorted(
        [*scalars, "basic_stats.nan_count", "basic_stats.inf_count"]
    )
    sections = [column.split(".")[0] for column in frame.columns if "." in column]
    assert list(dict.fromkeys(sections)) == list(KEYS)
    for name, row in frame.iterrows():
        for column in scalars:
            section, metric = column.split(".", 1)
            metrics = results[str(name)].get(section, {})
            flat = metrics | {
                key: one for value in metrics.values() if isinstance(value, dict) for key, one in value.items()
            }
            np.testing.assert_equal(row[column], flat.get(metric, math.nan))


def test_the_tables_types() -> None:
    frame = scan(matrices(2)).to_frame()
    assert "error" not in frame
    assert {str(frame[column].dtype) for column in ("block", "parameters")} == {"Int64"}
    whole = ["spectral.effective_rank", "spectral.total_rank", "quantization.outlier_count", "sparsity.dead_rows"]
    assert {str(frame[column].dtype) for column in whole} == {"int64"}
    objects = {"stack", "kind", "family", "shape", "dtype", "grade"}
    assert {column for column in frame if frame[column].dtype == object} == objects
    rest = frame.drop(columns=[*objects, *whole, "block", "parameters", "quantization.extreme_outlier_count"])
    assert {str(dtype) for dtype in rest.drop(columns="sparsity.dead_columns").dtypes} == {"float64"}
    assert str(table_of_everything()[1]["basic_stats.nan_count"].dtype) == "float64"


@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference results are not beside this checkout")
def test_the_references_table_has_no_shapes_and_all_its_numbers() -> None:
    document = json.loads(REFERENCE.read_text())
    frame = wsw.load_results(REFERENCE).to_frame()
    assert list(frame.index) == list(document)
    assert frame[["shape", "dtype", "parameters"]].isna().all(axis=None)
    name = "transformer.h.9.attn.c_proj"
    assert (frame.loc[name, "block"], frame.loc[name, "kind"]) == (9, "o")
    assert frame["sparsity.threshold_1e-4"].tolist() == [
        sections["sparsity"]["sparsity_levels"]["threshold_0.0001"] for sections in document.values()
    ]


def test_weights_that_are_not_finite_are_critical_whatever_was_scanned() -> None:
    weights = {"bad": torch.tensor([[1.0, math.nan], [2.0, 3.0]]), "zero": torch.zeros(3, 3)}
    results = wsw.scan(weights, methods=["spectral", "quantization"], progress=False)
    assert (results.grade("bad"), results.risk("bad")) == ("Critical", math.inf)
    assert results.grade("zero") is None
