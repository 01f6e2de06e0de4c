"""What the figures show: every value, class, order and count, against the numbers they are made of."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import weightscope_widget as wsw
from tests.python.support.figure_cases import CHINESE, HOSTILE, only, reference, results, svd, tensors
from weightscope_widget.layers.layer import LayerInfo
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.visualizers import (
    condition_number_content,
    model_health_content,
    quantization_risk_content,
    rank_efficiency_content,
)
from weightscope_widget.visualizers.chart import Band, Bars, Bins, Line, Points, Rule, Slices, Texts
from weightscope_widget.visualizers.given import as_results

__all__ = ["results"]  # a fixture

EYES = {"a.weight": torch.eye(3), "b.weight": torch.eye(4)}


class TestConditionNumbers:
    def test_bars_are_the_logarithms_worst_first(self, results: ScanResults) -> None:
        chart = condition_number_content(results).charts["condition_number"]
        bars = only(chart, Bars)
        measured = [name for name in tensors() if name not in ("h.1.attn.c_proj", "h.2.mlp.c_fc", "h.2.mlp.zero")]
        expected = sorted(((math.log10(svd(name)[0] / svd(name)[-1]), name) for name in measured), reverse=True)
        # First the three whose κ is not known, then the infinite one.
        assert set(bars.layers[:3]) == {"h.2.attn.broken", "h.2.mlp.c_fc", "h.2.mlp.zero"}
        assert bars.layers[3] == "h.1.attn.c_proj"
        assert list(bars.layers[4:]) == [name for _, name in expected]
        assert np.isnan(bars.values[:3]).all()
        assert bars.values[3] == chart.x.high
        assert bars.values[4:] == pytest.approx([value for value, _ in expected], rel=1e-3)

    def test_what_has_no_number_says_why_and_is_never_green(self, results: ScanResults) -> None:
        content = condition_number_content(results)
        chart = content.charts["condition_number"]
        bars, words = only(chart, Bars), {}
        for mark in chart.marks:
            if isinstance(mark, Texts):
                words |= {bars.layers[int(row)]: word for row, word in zip(mark.y, mark.words, strict=True)}
        assert words == {
            "h.2.attn.broken": "failed",
            "h.2.mlp.c_fc": "NaN or infinite weights",
            "h.2.mlp.zero": "all weights zero",
            "h.1.attn.c_proj": "κ = ∞",
        }
        assert set(bars.colours[:3]) == {"muted"}
        assert bars.colours[3] == "red"
        assert any("failed" in note and "h2.attn.broken" in note for note in content.notes)

    def test_classes_and_lines_follow_the_thresholds(self) -> None:
        diagonals = {
            f"layers.{i}.mlp.up_proj.weight": torch.diag(torch.tensor([2.0 * 10**i, 1.0])) for i in range(1, 7)
        }
        scanned = wsw.scan(diagonals, progress=False)
        chart = condition_number_content(scanned).charts["condition_number"]
        bars = only(chart, Bars)
        assert bars.values == pytest.approx(np.log10([2e6, 2e5, 2e4, 2e3, 200, 20]), abs=1e-6)
        assert bars.colours == ("red", "red", "orange", "yellow", "green", "green")
        assert [mark.value for mark in chart.marks if isinstance(mark, Rule)] == [3, 4, 5]
        assert [key.label for key in chart.keys] == [
            *("safe: 2", "attention: 1", "high: 1", "very high: 2"),
            "a random matrix of the same shape",
        ]
        scanned.thresholds = wsw.Thresholds(condition_number=(10.0, 100.0, 1000.0))
        chart = condition_number_content(scanned).charts["condition_number"]
        assert [mark.value for mark in chart.marks if isinstance(mark, Rule)] == [1, 2, 3]
        assert only(chart, Bars).colours == ("red", "red", "red", "red", "orange", "yellow")

    def test_the_worst_of_many(self) -> None:
        scanned = ScanResults("deep", [LayerInfo(f"layers.{i}.mlp.up_proj") for i in range(900)], ["spectral"])
        for i in range(900):
            scanned.add(f"layers.{i}.mlp.up_proj", {"spectral": {"condition_number": float(1 + i)}})
        content = condition_number_content(scanned)
        chart = content.charts["condition_number"]
        bars = only(chart, Bars)
        assert bars.layers == tuple(f"layers.{i}.mlp.up_proj" for i in range(899, 399, -1))
        assert "The worst 500 of 900 layers; the legend counts all." in content.notes
        assert [key.label for key in chart.keys] == ["safe: 900"]
        assert chart.y is not None
        assert 19 * len(chart.y.ticks) <= content.heights[0]  # each label has the room of a line
        assert len(condition_number_content(scanned, 800).charts["condition_number"].y.categories) == 500
        top = condition_number_content(scanned, 3).charts["condition_number"]
        assert only(top, Bars).values == pytest.approx(np.log10([900, 899, 898]))

    @pytest.mark.parametrize("top", [0, -1, True, 2.5, "3"])
    def test_top_is_a_count(self, results: ScanResults, top: Any) -> None:
        with pytest.raises(wsw.WeightScopeError, match="top is"):
            condition_number_content(results, top)

    def test_the_reference(self) -> None:
        numbers = reference()
        chart = condition_number_content(as_results(numbers)).charts["condition_number"]
        kappas = {name: sections["spectral"]["condition_number"] for name, sections in numbers.items()}
        bars = only(chart, Bars)
        assert bars.values == pytest.approx(sorted(np.log10(list(kappas.values())), reverse=True))
        assert [bars.colours.count(colour) for colour in ("green", "yellow", "orange", "red")] == [36, 4, 9, 2]


class TestQuantizationRisk:
    def test_points_are_outliers_and_sqnr(self, results: ScanResults) -> None:
        points = only(quantization_risk_content(results).charts["risk"], Points, shape="circle")
        placed = dict(zip(points.layers, zip(points.x, points.y, strict=True), strict=True))
        for name, array in tensors().items():
            if name == "h.2.mlp.zero":
                continue
            finite = array[np.isfinite(array)].astype(np.float64)
            low, high = np.quantile(finite, [0.25, 0.75])
            beyond = (finite < low - 3 * (high - low)) | (finite > high + 3 * (high - low))
            step = np.abs(finite).max() / 127
            error = finite - np.round(finite / step) * step
            sqnr = 10 * np.log10(np.mean(finite**2) / np.mean(error**2))
            assert placed[name] == pytest.approx((100 * beyond.mean(), sqnr), rel=1e-6), name

    def test_colours_say_what_layers_are(self, results: ScanResults) -> None:
        points = only(quantization_risk_content(results).charts["risk"], Points, shape="circle")
        colours = dict(zip(points.layers, points.colours, strict=True))
        assert colours["wte"] == "embedding"
        assert colours["h.0.attn.c_attn"] == "attention"
        assert colours["h.0.mlp.c_fc"] == "mlp"

    def test_lines_and_region(self, results: ScanResults) -> None:
        chart = quantization_risk_content(results).charts["risk"]
        assert only(chart, Rule, axis="y").value == 40
        assert only(chart, Rule, axis="x").value == 1
        band = only(chart, Band)
        assert (band.axis, band.high, band.colour) == ("y", 30, "red")
        assert band.low == chart.y.low

    def test_the_riskiest_are_named(self) -> None:
        numbers = reference()
        chart = quantization_risk_content(as_results(numbers)).charts["risk"]
        risks = {
            name: (50 if (k := each["spectral"]["condition_number"]) > 1e5 else 25 if k > 1e4 else 0)
            + 3 * each["quantization"]["extreme_outlier_percentage"]
            for name, each in numbers.items()
        }
        riskiest = sorted(risks, key=risks.__getitem__, reverse=True)[:12]
        words = [word for mark in chart.marks if isinstance(mark, Texts) for word in mark.words]
        assert sorted(words) == sorted(name.replace("transformer.", "").replace("h.", "h", 1) for name in riskiest)
        # The riskiest is drawn last, over all others.
        points = only(chart, Points, shape="circle")
        assert points.layers[-1] == riskiest[0]
        # What lies under it has a ring.
        ring = only(chart, Points, shape="ring")
        assert [name.removeprefix("transformer.") for name in ring.layers] == ["wpe"]
        assert ring.colours == ("embedding",)
        assert (ring.x[0], ring.y[0]) == pytest.approx((points.x[-1], points.y[-1]), rel=0.01)

    def test_what_chance_reaches_is_said_of_the_shapes_that_it_holds_for(self) -> None:
        draw = torch.Generator().manual_seed(1)
        shapes = {"a": (300, 300), "b": (200, 400), "small": (2, 3)}
        scanned = wsw.scan(
            {f"{name}.weight": torch.randn(shape, generator=draw) for name, shape in shapes.items()}, progress=False
        )
        (note,) = (note for note in quantization_risk_content(scanned).notes if "Gaussian" in note)
        assert "of the shapes of 2 of 3 layers" in note

    def test_what_is_not_drawn_is_said(self, results: ScanResults) -> None:
        content = quantization_risk_content(results)
        assert "h.2.attn.broken" not in only(content.charts["risk"], Points, shape="circle").layers
        assert any("h2.attn.broken (failed)" in note for note in content.notes)

    def test_what_quantizes_without_error_is_at_the_top(self) -> None:
        scanned = wsw.scan(
            {"a.weight": torch.tensor([[127.0, -1.0], [3.0, 0.0]]), "b.weight": torch.eye(3)}, progress=False
        )
        chart = quantization_risk_content(scanned).charts["risk"]
        points = only(chart, Points, shape="circle")
        assert set(points.layers) == {"a", "b"}
        assert (points.y == chart.y.high).all()


class TestRankEfficiency:
    def test_bars_and_scatter(self, results: ScanResults) -> None:
        charts = rank_efficiency_content(results).charts
        bars, points = only(charts["utilization"], Bars), only(charts["ranks"], Points)
        drawn = [name for name in tensors() if name not in ("h.2.mlp.c_fc", "h.2.mlp.zero")]
        assert list(bars.layers) == list(points.layers) == drawn  # in the model's order
        stable = [float((svd(name) ** 2).sum() / svd(name)[0] ** 2) for name in drawn]
        total = [min(tensors()[name].shape) for name in drawn]
        assert points.x == pytest.approx(total)
        assert points.y == pytest.approx(stable, rel=1e-6)
        assert bars.values == pytest.approx([100 * s / t for s, t in zip(stable, total, strict=True)], rel=1e-6)

    def test_the_diagonal_is_where_ranks_are_equal(self, results: ScanResults) -> None:
        line = only(rank_efficiency_content(results).charts["ranks"], Line)
        assert (line.x == line.y).all()

    def test_the_pie_counts_the_document_s_four_classes(self) -> None:
        shares = [5, 15, 29.9, 30, 49, 50, 69, 70, 100]
        scanned = ScanResults("ranks", [LayerInfo(f"layers.{i}.mlp.up_proj") for i in range(9)], ["spectral"])
        for i, share in enumerate(shares):
            scanned.add(f"layers.{i}.mlp.up_proj", {"spectral": {"stable_rank": share * 2.0, "total_rank": 200}})
        charts = rank_efficiency_content(scanned).charts
        pie = only(charts["potential"], Slices)
        assert pie.labels == (
            *("high, < 10 %: 1", "high, 10–30 %: 2", "medium, 30–50 %: 2", "low, 50–70 %: 2"),
            "already efficient, ≥ 70 %: 2",
        )
        assert pie.counts == (1, 2, 2, 2, 2)
        # The legend of the bars has the same words in the same colours.
        keys = charts["utilization"].keys
        assert [key.label for key in keys] == [label.rpartition(":")[0] for label in pie.labels]
        assert tuple(key.colour for key in keys) == pie.colours == ("red", "orange", "yellow", "green", "blue")
        # Below 10 % drawn red.
        assert only(charts["utilization"], Bars).colours == (
            *("red", "orange", "orange", "yellow", "yellow", "green", "green", "blue", "blue"),
        )

    def test_of_too_many_layers_the_bars_are_those_that_use_least(self) -> None:
        names = [f"layers.{i}.mlp.up_proj" for i in range(300)]
        scanned = ScanResults("deep", [LayerInfo(name) for name in names], ["spectral"])
        for i, name in enumerate(names):
            scanned.add(name, {"spectral": {"stable_rank": float(1 + (7 * i) % 300), "total_rank": 400}})
        content = rank_efficiency_content(scanned)
        bars = only(content.charts["utilization"], Bars)
        assert bars.layers == tuple(name for i, name in enumerate(names) if (7 * i) % 300 < 200)
        assert "Bars: the 200 of 300 layers that use the least of their rank." in content.notes
        assert sum(only(content.charts["potential"], Slices).counts) == 300
        assert len(only(content.charts["ranks"], Points).layers) == 300


class TestModelHealth:
    def test_the_reference(self) -> None:
        numbers = reference()
        charts = model_health_content(as_results(numbers)).charts
        pie = only(charts["grades"], Slices)
        assert pie.labels == ("Excellent: 48", "Good: 2", "Critical: 1")
        assert pie.colours == ("green", "yellow", "red")
        bars = only(charts["risks"], Bars)
        assert len(bars.values) == 10
        assert [name.removeprefix("transformer.") for name in bars.layers[:5]] == [
            *("h.0.attn.c_proj", "h.9.attn.c_proj", "wpe", "h.11.attn.c_proj", "h.1.attn.c_proj"),
        ]
        assert bars.values[:4] == pytest.approx([88.573, 50.277, 38.429, 26.264], abs=5e-4)

    def test_every_layer_is_in_each_histogram(self) -> None:
        numbers = reference()
        charts = model_health_content(as_results(numbers)).charts
        values = {
            "condition_number": [math.log10(each["spectral"]["condition_number"]) for each in numbers.values()],
            "rank": [
                100 * each["spectral"]["stable_rank"] / each["spectral"]["total_rank"] for each in numbers.values()
            ],
            "sqnr": [each["quantization"]["sqnr_db"] for each in numbers.values()],
            "sparsity": [each["sparsity"]["sparsity_levels"]["threshold_0.01"] for each in numbers.values()],
            "extreme_outliers": [each["quantization"]["extreme_outlier_percentage"] for each in numbers.values()],
        }
        for name, expected in values.items():
            bins = only(charts[name], Bins)
            assert (np.diff(bins.edges) > 0).all(), name
            counts = [
                sum(low <= value < high or (high == bins.edges[-1] and value == high) for value in expected)
                for low, high in zip(bins.edges[:-1], bins.edges[1:], strict=True)
            ]
            assert bins.counts.sum() == len(numbers), name
            assert bins.counts.tolist() == counts, name

    def test_failed_layers_come_first_and_are_graded_by_nobody(self, results: ScanResults) -> None:
        content = model_health_content(results)
        pie = only(content.charts["grades"], Slices)
        expected = [results.grade(name) for name in results.layers]
        assert sum(pie.counts) == len(results.layers)
        assert f"Critical: {expected.count('Critical')}" in pie.labels
        assert f"Not graded: {expected.count(None)}" in pie.labels
        bars = only(content.charts["risks"], Bars)
        assert bars.layers[0] == "h.2.attn.broken"
        assert bars.layers[1] == "h.2.mlp.c_fc"  # NaN weights: an infinite risk
        assert "green" not in bars.colours[:2]
        # On the bar of an infinite risk, whose colour is no ground for ink in the dark; beside nothing, in ink.
        said = [mark for mark in content.charts["risks"].marks if isinstance(mark, Texts)]
        assert [(mark.words, mark.y.tolist(), mark.colour) for mark in said] == [
            (("NaN or infinite weights",), [1], "ground"),
            (("failed",), [0], "ink"),
        ]

    def test_infinite_condition_numbers_are_in_the_last_bin(self, results: ScanResults) -> None:
        chart = model_health_content(results).charts["condition_number"]
        bins = only(chart, Bins)
        assert bins.counts[-1] == 1
        assert chart.note == "1 at ∞"

    def test_a_section_that_is_missing_is_said(self) -> None:
        scanned = wsw.scan({"a.weight": torch.eye(3)}, methods=["basic_stats", "quantization"], progress=False)
        charts = model_health_content(scanned).charts
        assert charts["condition_number"].note == "The results have no spectral section."
        assert only(charts["condition_number"], Bins).counts.sum() == 0
        assert "which the results lack" in charts["risks"].note


class TestGiven:
    def test_plain_dicts_files_and_results_give_the_same(self, results: ScanResults, tmp_path: Path) -> None:
        path = tmp_path / "results.json"
        results.save(path)
        plain = {name: dict(results[name]) for name in results}
        drawn = [only(condition_number_content(as_results(each)).charts["condition_number"], Bars)
                 for each in (results, plain, path, str(path))]  # fmt: skip
        for bars in drawn:
            assert bars.layers == drawn[0].layers
            np.testing.assert_array_equal(bars.values[3:], drawn[0].values[3:])

    def test_the_reference_s_file(self, tmp_path: Path) -> None:
        path = tmp_path / "gpt2.json"
        path.write_text(json.dumps(reference()))
        assert quantization_risk_content(as_results(path)).title == "Quantization risk of gpt2"

    @pytest.mark.parametrize(
        ("given", "sentence"),
        [
            (3, "results is of type int"),
            ({}, "holds no results"),
            ({"a": {"nonsense": {}}}, "its entry 'a' is not made of"),
            ({1: {"spectral": {}}}, "1 for a layer's name"),
            ("/nowhere/results.json", "There is no results file"),
        ],
    )
    def test_anything_else_is_one_sentence(self, given: Any, sentence: str) -> None:
        with pytest.raises(wsw.WeightScopeError, match=sentence):
            wsw.plot_rank_efficiency(given)

    @pytest.mark.parametrize(
        "content", [condition_number_content, quantization_risk_content, rank_efficiency_content, model_health_content]
    )
    def test_results_without_layers(self, content: Any) -> None:
        with pytest.raises(wsw.WeightScopeError):
            content(ScanResults("empty", [], ["spectral", "quantization"]))

    @pytest.mark.parametrize(
        ("content", "section"),
        [
            (condition_number_content, "spectral"),
            (quantization_risk_content, "quantization"),
            (rank_efficiency_content, "spectral"),
        ],
    )
    def test_results_without_the_section(self, content: Any, section: str) -> None:
        scanned = wsw.scan({"a.weight": torch.eye(3)}, methods="basic_stats", progress=False)
        with pytest.raises(wsw.WeightScopeError, match=f"have no {section} section"):
            content(scanned)


class TestFailures:
    @pytest.fixture
    def halfway(self) -> ScanResults:
        """Return two layers, of which one failed after everything that figures show was found."""
        found = {name: dict(sections) for name, sections in wsw.scan(EYES, progress=False).items()}
        found["b"]["error"] = "the disk is gone"
        return as_results(found)

    def test_a_layer_that_failed_late_is_in_no_class(self, halfway: ScanResults) -> None:
        chart = condition_number_content(halfway).charts["condition_number"]
        assert [key.label for key in chart.keys] == ["safe: 1"]
        bars = only(chart, Bars)
        assert dict(zip(bars.layers, bars.colours, strict=True)) == {"a": "green", "b": "muted"}

    def test_a_layer_that_failed_late_is_counted_in_no_histogram(self, halfway: ScanResults) -> None:
        charts = model_health_content(halfway).charts
        counts = {
            name: mark.counts.sum() for name, chart in charts.items() for mark in chart.marks if isinstance(mark, Bins)
        }
        assert set(counts.values()) == {1}
        assert len(counts) == 5
        assert only(charts["risks"], Bars).layers == ("b", "a")

    def test_a_layer_that_failed_with_weights_that_are_not_finite_is_one_bar(self) -> None:
        given = {"a": {"basic_stats": {"nan_count": 1}, "error": "the disk is gone"}, "b": {"spectral": {}}}
        assert only(model_health_content(as_results(given)).charts["risks"], Bars).layers == ("a",)

    @pytest.mark.parametrize("content", [condition_number_content, quantization_risk_content, rank_efficiency_content])
    def test_where_all_failed_that_is_said(self, content: Any) -> None:
        errors = {"a": {"error": "the disk is gone"}, "b": {"error": "it too"}}
        with pytest.raises(wsw.WeightScopeError, match=r"\(failed: 2\); results\['a'\]\['error'\] says more"):
            content(as_results(errors))

    def test_where_all_failed_late_that_is_said(self, halfway: ScanResults) -> None:
        halfway.add("a", {"error": "the disk is gone"})
        for content in (quantization_risk_content, rank_efficiency_content):
            with pytest.raises(wsw.WeightScopeError, match=r"\(failed: 2\)"):
                content(halfway)
        assert "Without a condition number: a, b (failed)." in condition_number_content(halfway).notes

    def test_levels_of_zero(self) -> None:
        scanned = wsw.scan(EYES, progress=False)
        scanned.thresholds = wsw.Thresholds(condition_number=(0, 0, 0))
        chart = condition_number_content(scanned).charts["condition_number"]
        assert set(only(chart, Bars).colours) == {"red"}
        assert not [mark for mark in chart.marks if isinstance(mark, Rule)]
        model_health_content(scanned)


def test_vectors_in_plain_dicts_are_no_matrices() -> None:
    scanned = wsw.scan(EYES | {"norm.weight": torch.ones(5)}, progress=False, vectors=True)
    plain = as_results({name: dict(scanned[name]) for name in scanned})
    for given in (scanned, plain):
        assert not [note for note in condition_number_content(given).notes if "measured" in note]
        assert only(model_health_content(given).charts["grades"], Slices).labels == ("Excellent: 2",)


def test_of_five_thousand_layers_twelve_are_named() -> None:
    names = [f"layers.{i}.mlp.up_proj" for i in range(5000)]
    scanned = ScanResults("deep", [LayerInfo(name) for name in names], ["quantization"])
    for i, name in enumerate(names):
        scanned.add(name, {"quantization": {"extreme_outlier_percentage": i / 5e4, "sqnr_db": 40 - i % 17}})
    chart = quantization_risk_content(scanned).charts["risk"]
    assert sum(len(mark.words) for mark in chart.marks if isinstance(mark, Texts)) == 12


def test_names_are_text(results: ScanResults) -> None:
    words = only(condition_number_content(results).charts["condition_number"], Bars).layers
    assert HOSTILE in words
    scanned = wsw.scan({f"{CHINESE}.weight": torch.eye(4)}, progress=False)
    axis = condition_number_content(scanned).charts["condition_number"].y
    assert axis is not None
    assert axis.categories == ("h1.mlp.层归一",)
