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
from tests.python.figure_cases import CHINESE, HOSTILE, reference, results, tensors
from weightscope_widget.results import LayerInfo, ScanResults
from weightscope_widget.visualizers import (
    condition_number_content,
    model_health_content,
    quantization_risk_content,
    rank_efficiency_content,
    singular_values_content,
    weight_distribution_content,
    weight_heatmap_content,
)
from weightscope_widget.visualizers.chart import Band, Bars, Bins, Cells, Chart, Line, Points, Rule, Slices, Texts
from weightscope_widget.visualizers.given import as_results

__all__ = ["results"]  # a fixture


def only(chart: Chart, kind: type, **wanted: Any) -> Any:
    (found,) = (
        mark
        for mark in chart.marks
        if isinstance(mark, kind) and all(getattr(mark, name) == value for name, value in wanted.items())
    )
    return found


def svd(name: str) -> np.ndarray:
    return np.linalg.svd(tensors()[name].astype(np.float64), compute_uv=False)


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
        assert bars.values[3] == chart.x.high  # type: ignore[union-attr]
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
        assert "The 500 worst of 900 layers." in content.notes
        assert chart.y is not None
        assert len(chart.y.ticks) <= 60
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
        points = only(quantization_risk_content(results).charts["risk"], Points)
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
        points = only(quantization_risk_content(results).charts["risk"], Points)
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
        assert band.low == chart.y.low  # type: ignore[union-attr]

    def test_the_riskiest_are_named_each_near_its_point(self) -> None:
        numbers = reference()
        chart = quantization_risk_content(as_results(numbers)).charts["risk"]
        words = only(chart, Texts).words
        risks = {
            name: (50 if (k := each["spectral"]["condition_number"]) > 1e5 else 25 if k > 1e4 else 0)
            + 3 * each["quantization"]["extreme_outlier_percentage"]
            for name, each in numbers.items()
        }
        riskiest = sorted(risks, key=risks.__getitem__, reverse=True)[:12]
        short = {name: name.replace("transformer.", "").replace("h.", "h", 1) for name in riskiest}
        assert set(words) <= set(short.values())
        assert {"h0.attn.c_proj", "wpe", "h9.attn.c_proj", "h11.attn.c_proj"} <= set(words)
        assert len(words) >= 10
        # The riskiest is drawn last, over all others.
        assert only(chart, Points).layers[-1] == riskiest[0]

    def test_labels_do_not_cover_each_other(self) -> None:
        chart = quantization_risk_content(as_results(reference())).charts["risk"]
        texts = only(chart, Texts)
        assert chart.x is not None
        assert chart.y is not None
        left, right = chart.x.place([chart.x.low, chart.x.high])
        across = (chart.x.place(texts.x) - left) / (right - left) * 900
        upwards = (texts.y - chart.y.low) / (chart.y.high - chart.y.low) * 400
        boxes = [(x, y, x + 6 * len(word)) for x, y, word in zip(across, upwards, texts.words, strict=True)]
        for index, (x, y, end) in enumerate(boxes):
            assert x >= 0
            assert end <= 900
            for other_x, other_y, other_end in boxes[index + 1 :]:
                assert end < other_x or other_end < x or abs(y - other_y) >= 13

    def test_what_is_not_drawn_is_said(self, results: ScanResults) -> None:
        content = quantization_risk_content(results)
        assert "h.2.attn.broken" not in only(content.charts["risk"], Points).layers
        assert any("h2.attn.broken (failed)" in note for note in content.notes)

    def test_what_quantizes_without_error_is_at_the_top(self) -> None:
        scanned = wsw.scan(
            {"a.weight": torch.tensor([[127.0, -1.0], [3.0, 0.0]]), "b.weight": torch.eye(3)}, progress=False
        )
        chart = quantization_risk_content(scanned).charts["risk"]
        points = only(chart, Points)
        assert set(points.layers) == {"a", "b"}
        assert (points.y == chart.y.high).all()  # type: ignore[union-attr]


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
        assert pie.labels == ("high potential: 3", "medium potential: 2", "low potential: 2", "already efficient: 2")
        assert pie.counts == (3, 2, 2, 2)
        # Below 10 % drawn red.
        assert only(charts["utilization"], Bars).colours == (
            *("red", "orange", "orange", "yellow", "yellow", "green", "green", "blue", "blue"),
        )


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
        words = only(content.charts["risks"], Texts)
        assert words.words == ("failed", "NaN or infinite weights")

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


class TestWeightDistribution:
    def test_counts_of_a_tensor(self) -> None:
        array = tensors()["h.0.attn.c_proj"]
        charts = weight_distribution_content(array).charts
        for chart in charts.values():
            bins = only(chart, Bins)
            expected, _ = np.histogram(array.astype(np.float64), bins.edges)
            assert bins.counts.tolist() == expected.tolist()
            assert (bins.edges[0], bins.edges[-1]) == (array.min(), array.max())
        assert charts["linear"].y.kind == "linear"  # type: ignore[union-attr]
        assert charts["log"].y.kind == "log"  # type: ignore[union-attr]

    def test_a_layer_by_name_is_the_same_as_its_tensor(self, results: ScanResults) -> None:
        by_name = only(weight_distribution_content("wte", results).charts["log"], Bins)
        by_tensor = only(weight_distribution_content(torch.from_numpy(tensors()["wte"])).charts["log"], Bins)
        assert by_name.counts.tolist() == by_tensor.counts.tolist()
        assert by_name.edges == pytest.approx(by_tensor.edges)

    def test_several_are_densities_of_area_one(self, results: ScanResults) -> None:
        content = weight_distribution_content(["wte", "h.0.attn.c_proj"], results)
        lines = [mark for mark in content.charts["linear"].marks if isinstance(mark, Line)]
        assert [line.name for line in lines] == ["wte", "h0.attn.c_proj"]
        for line in lines:
            assert (line.y * np.diff(line.x)).sum() == pytest.approx(1)
        assert [key.label for key in content.charts["linear"].keys] == ["wte", "h0.attn.c_proj"]

    def test_what_is_not_finite_is_counted(self, results: ScanResults) -> None:
        assert any("1 weights are NaN" in note for note in weight_distribution_content("h.2.mlp.c_fc", results).notes)
        array = np.array([[1.0, np.inf], [np.nan, 2.0]])
        assert any("2 weights are NaN" in note for note in weight_distribution_content(array).notes)

    def test_a_constant_tensor(self) -> None:
        bins = only(weight_distribution_content(torch.full((4, 4), 0.5)).charts["linear"], Bins)
        assert bins.counts.tolist() == [16]
        assert bins.edges[0] < 0.5 < bins.edges[1]

    def test_a_module(self) -> None:
        linear = torch.nn.Linear(6, 5)
        bins = only(weight_distribution_content(linear).charts["linear"], Bins)
        assert bins.counts.sum() == 30

    @pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
    def test_types(self, dtype: torch.dtype) -> None:
        tensor = torch.from_numpy(tensors()["wte"]).to(dtype)
        bins = only(weight_distribution_content(tensor).charts["linear"], Bins)
        expected, _ = np.histogram(tensor.double().numpy(), bins.edges)
        assert bins.counts.tolist() == expected.tolist()


class TestSingularValues:
    def test_all_and_the_largest(self, results: ScanResults) -> None:
        for given in (singular_values_content("wte", results), singular_values_content(tensors()["wte"])):
            expected = svd("wte")
            top = only(given.charts["top"], Line)
            assert top.y == pytest.approx(expected[:10], rel=1e-9)
            assert top.x.tolist() == list(range(1, 11))
            assert only(given.charts["all"], Line).y == pytest.approx(expected, rel=1e-6)

    def test_the_random_edge(self) -> None:
        array = np.random.default_rng(1).standard_normal((600, 200))
        rule = only(singular_values_content(array).charts["all"], Rule)
        assert rule.value == pytest.approx(math.sqrt(600) + math.sqrt(200), rel=0.01)
        assert rule.value == pytest.approx(np.linalg.svd(array, compute_uv=False)[0], rel=0.03)

    def test_zeros_are_left_out_and_said(self) -> None:
        matrix = np.diag([3.0, 2.0, 0.0, 0.0])
        content = singular_values_content(matrix)
        assert only(content.charts["all"], Line).y.tolist() == [3, 2]
        assert only(content.charts["top"], Line).y.tolist() == [3, 2, 0, 0]
        assert "the tensor: 2 zeros are not drawn." in content.notes

    def test_energy_in_words(self) -> None:
        content = singular_values_content(np.diag([3.0, 2.0, 1.0, 1.0]))
        # 9, 13, 14, 15: half of 15 is in the first, nine tenths in the first three.
        assert "half of the energy Σσ² is in the first 1, 90 % in the first 3." in content.notes[0]

    def test_long_spectra_are_thinned_with_their_ends_kept(self) -> None:
        scanned = ScanResults("long", [LayerInfo("a", (9000, 9000))], ["spectral"])
        values = np.linspace(9000, 1, 9000)
        scanned.add("a", {"spectral": {}}, spectrum=values)
        line = only(singular_values_content("a", scanned).charts["all"], Line)
        assert len(line.y) <= 2001
        assert (line.y[0], line.y[-1], line.x[-1]) == (9000, 1, 9000)
        assert line.y == pytest.approx(values[line.x.astype(int) - 1])

    @pytest.mark.parametrize(
        ("weights", "sentence"),
        [
            (np.ones(4), "two dimensions"),
            (np.array([[1.0, np.nan], [0.0, 1.0]]), "NaN or infinite weights"),
            (np.zeros((3, 3)), "All weights of the tensor are zero"),
        ],
    )
    def test_what_has_none_says_why(self, weights: np.ndarray, sentence: str) -> None:
        with pytest.raises(wsw.WeightScopeError, match=sentence):
            singular_values_content(weights)


class TestWeightHeatmap:
    def test_small_matrices_are_shown_weight_by_weight(self) -> None:
        array = np.arange(-6.0, 6.0).reshape(3, 4)
        chart = weight_heatmap_content(array).charts["weights"]
        cells = only(chart, Cells)
        assert cells.values.tolist() == array.tolist()
        assert (chart.y.label, chart.x.label) == ("Output index", "Input index")  # type: ignore[union-attr]
        assert cells.y_edges.tolist() == [0, 1, 2, 3]

    @pytest.mark.parametrize("pooling", ["mean", "max"])
    def test_blocks_hold_every_weight(self, pooling: Any) -> None:
        array = np.random.default_rng(3).standard_normal((401, 333))
        cells = only(weight_heatmap_content(array, pooling).charts["weights"], Cells)
        assert cells.values.shape == (160, 160)
        rows, columns = cells.y_edges.astype(int), cells.x_edges.astype(int)
        assert (rows[0], rows[-1], columns[0], columns[-1]) == (0, 401, 0, 333)
        for i, j in ((0, 0), (7, 80), (159, 159), (100, 3)):
            block = array[rows[i] : rows[i + 1], columns[j] : columns[j + 1]]
            expected = block.mean() if pooling == "mean" else block.flat[np.abs(block).argmax()]
            assert cells.values[i, j] == pytest.approx(expected)
        if pooling == "mean":
            sizes = np.outer(np.diff(rows), np.diff(columns))
            assert (cells.values * sizes).sum() == pytest.approx(array.sum())

    def test_a_lone_spike_is_seen(self) -> None:
        array = np.zeros((1000, 1000), np.float32)
        array[777, 333] = -5.0
        cells = only(weight_heatmap_content(array, "max").charts["weights"], Cells)
        assert cells.values.min() == -5
        assert (cells.values != 0).sum() == 1
        assert cells.limit == 5  # most cells are zero; the colours reach the one that is not

    def test_conv1d_has_its_outputs_across(self) -> None:
        from transformers.pytorch_utils import Conv1D

        chart = weight_heatmap_content(Conv1D(6, 4)).charts["weights"]
        assert (chart.x.label, chart.x.high) == ("Output index", 6)  # type: ignore[union-attr]
        assert (chart.y.label, chart.y.high) == ("Input index", 4)  # type: ignore[union-attr]
        chart = weight_heatmap_content(torch.nn.Linear(4, 6)).charts["weights"]
        assert (chart.x.label, chart.x.high) == ("Input index", 4)  # type: ignore[union-attr]

    def test_a_convolution(self) -> None:
        chart = weight_heatmap_content(torch.nn.Conv2d(3, 8, 5)).charts["weights"]
        assert (chart.y.high, chart.x.high) == (8, 75)  # type: ignore[union-attr]
        assert chart.x.label == "Input × kernel index"  # type: ignore[union-attr]

    def test_what_is_not_finite_is_left_empty(self) -> None:
        content = weight_heatmap_content(np.array([[1.0, np.nan], [-np.inf, 2.0]]))
        cells = only(content.charts["weights"], Cells)
        assert np.isnan(cells.values).tolist() == [[False, True], [True, False]]
        assert any("2 blocks hold NaN" in note for note in content.notes)


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
            ({1: {"spectral": {}}}, "its entry 1 is not made of"),
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

    @pytest.mark.parametrize(
        ("weights", "sentence"),
        [
            ("wte", "give the results"),
            (torch.ones(3, 3, dtype=torch.int64), "int64; give floating weights"),
            (torch.empty(3, 0), "no entries"),
            (torch.empty(3, 3, device="meta"), "meta device"),
            ([], "holds 0 tensors"),
            ([torch.ones(2, 2)] * 7, "holds 7 tensors"),
            (None, "of type NoneType"),
        ],
    )
    def test_weights_that_cannot_be_drawn(self, weights: Any, sentence: str) -> None:
        with pytest.raises(wsw.WeightScopeError, match=sentence):
            weight_distribution_content(weights)

    def test_a_name_that_is_not_there(self, results: ScanResults) -> None:
        with pytest.raises(wsw.WeightScopeError, match="wtf"):
            weight_distribution_content("wtf", results)


def test_names_are_text(results: ScanResults) -> None:
    words = only(condition_number_content(results).charts["condition_number"], Bars).layers
    assert HOSTILE in words
    scanned = wsw.scan({f"{CHINESE}.weight": torch.eye(4)}, progress=False)
    axis = condition_number_content(scanned).charts["condition_number"].y
    assert axis is not None
    assert axis.categories == ("h1.mlp.层归一",)
