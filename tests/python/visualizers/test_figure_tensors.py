"""What the figures of single tensors show: histograms, spectra and heatmaps, against NumPy's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

import weightscope_widget as wsw
from tests.python.support.figure_cases import only, results, svd, tensors
from weightscope_widget.layers.layer import LayerInfo
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.visualizers import (
    singular_values_content,
    weight_distribution_content,
    weight_heatmap_content,
)
from weightscope_widget.visualizers.chart import Bins, Cells, Line, Rule
from weightscope_widget.visualizers.given import as_results

__all__ = ["results"]  # a fixture

LONG = [f"transformer.encoder.layers.{block}.attention.self.query.weight" for block in (3, 4)]


class TestWeightDistribution:
    def test_counts_of_a_tensor(self) -> None:
        array = tensors()["h.0.attn.c_proj"]
        charts = weight_distribution_content(array).charts
        for chart in charts.values():
            bins = only(chart, Bins)
            expected, _ = np.histogram(array.astype(np.float64), bins.edges)
            assert bins.counts.tolist() == expected.tolist()
            assert (bins.edges[0], bins.edges[-1]) == (array.min(), array.max())
        assert charts["linear"].y.kind == "linear"
        assert charts["log"].y.kind == "log"

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

    def test_two_tensors_whose_long_labels_differ_in_the_middle(self) -> None:
        """Each was drawn as the other, when their labels were cut to the same."""
        first, second = LONG
        array = tensors()["wte"]
        content = weight_distribution_content({first: array, second: 100 * array})
        lines = [mark for mark in content.charts["linear"].marks if isinstance(mark, Line)]
        assert [line.name for line in lines] == ["L3.attention.self.query", "L4.attention.self.query"]
        assert [line.x[-1] for line in lines] == pytest.approx([array.max(), 100 * array.max()])

    def test_a_layer_has_the_label_that_it_is_given(self, results: ScanResults) -> None:
        content = weight_distribution_content({"before": "wte", "after": "h.0.mlp.c_fc"}, results)
        assert [key.label for key in content.charts["linear"].keys] == ["before", "after"]

    def test_labels_that_would_be_the_same_are_numbered(self, results: ScanResults) -> None:
        labels = ["before " * 9, "before " * 8 + "before  ", "wte"]
        for given in (dict.fromkeys(labels, "wte"), ["wte"] * 3):
            keys = weight_distribution_content(given, results).charts["linear"].keys
            assert len({key.label for key in keys}) == 3

    def test_what_is_not_finite_is_counted(self, results: ScanResults) -> None:
        assert any(
            "1 weight NaN or infinite" in note for note in weight_distribution_content("h.2.mlp.c_fc", results).notes
        )
        array = np.array([[1.0, np.inf], [np.nan, 2.0]])
        assert any("2 weights NaN or infinite" in note for note in weight_distribution_content(array).notes)

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

    def test_two_matrices_whose_long_labels_differ_in_the_middle(self) -> None:
        array = tensors()["wte"]
        content = singular_values_content({label: scale * array for label, scale in zip(LONG, (1, 100), strict=True)})
        lines = [mark for mark in content.charts["top"].marks if isinstance(mark, Line)]
        assert content.title == "Singular values of 2 layers"
        assert [line.y[0] for line in lines] == pytest.approx([svd("wte")[0], 100 * svd("wte")[0]])
        assert len({line.name for line in lines}) == 2

    def test_large_entries_have_an_edge_too(self) -> None:
        array = np.random.default_rng(1).standard_normal((60, 20))
        usual, large = (only(singular_values_content(each).charts["all"], Rule) for each in (array, 1e200 * array))
        assert large.value == pytest.approx(1e200 * usual.value)

    @pytest.mark.slow
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
        assert "the tensor: 2 zeros not drawn." in content.notes

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

    def test_results_that_list_the_largest_only_show_these(self, results: ScanResults) -> None:
        listed = as_results({name: dict(results[name]) for name in ("wte", "h.0.attn.c_proj")})
        content = singular_values_content("wte", listed)
        assert list(content.charts) == ["top"]
        assert only(content.charts["top"], Line).y == pytest.approx(svd("wte")[:10], rel=1e-9)
        assert content.notes == ("These results list the largest singular values only; scan for all.",)
        # Beside a layer whose spectrum is here, too; the legend is then on the chart that there is.
        both = singular_values_content({"some": "wte", "other": "h.0.attn.c_proj"}, listed)
        assert [key.label for key in both.charts["top"].keys] == ["some", "other"]

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
        assert (chart.y.label, chart.x.label) == ("Output index", "Input index")
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
        assert (chart.x.label, chart.x.high) == ("Output index", 6)
        assert (chart.y.label, chart.y.high) == ("Input index", 4)
        chart = weight_heatmap_content(torch.nn.Linear(4, 6)).charts["weights"]
        assert (chart.x.label, chart.x.high) == ("Input index", 4)

    def test_a_convolution(self) -> None:
        chart = weight_heatmap_content(torch.nn.Conv2d(3, 8, 5)).charts["weights"]
        assert (chart.y.high, chart.x.high) == (8, 75)
        assert chart.x.label == "Input × kernel index"

    @pytest.mark.parametrize(
        ("weights", "down", "across"),
        [
            (torch.nn.Embedding(9, 4), "Row index", "Embedding dimension"),
            (torch.nn.ConvTranspose1d(4, 6, 3), "Input index", "Output × kernel index"),
            (torch.ones(2, 3, 4), "Index along the first dimension", "Index along the others"),
            (torch.ones(2, 3, 4, 4), "Output index", "Input × kernel index"),
        ],
    )
    def test_what_rows_and_columns_are_called(self, weights: Any, down: str, across: str) -> None:
        chart = weight_heatmap_content(weights).charts["weights"]
        assert (chart.y.label, chart.x.label) == (down, across)

    def test_a_conv1d_of_another_kind_is_no_conv1d(self) -> None:
        """Only transformers' has ``nf``, and only that is stored (in, out)."""

        class Conv1D(torch.nn.Linear):
            pass

        chart = weight_heatmap_content(Conv1D(4, 6)).charts["weights"]
        assert (chart.y.label, chart.y.high) == ("Output index", 6)

    @pytest.mark.parametrize(
        ("weights", "sentence"),
        [
            ("wte", "the name 'wte'; this figure needs the weights themselves"),
            (torch.full((2, 2), 1e308, dtype=torch.float64), "too large to be drawn"),
            (torch.ones(4), "two dimensions"),
        ],
    )
    def test_what_has_none_says_why(self, weights: Any, sentence: str) -> None:
        with pytest.raises(wsw.WeightScopeError, match=sentence):
            weight_heatmap_content(weights)

    def test_what_is_not_finite_is_left_empty(self) -> None:
        content = weight_heatmap_content(np.array([[1.0, np.nan], [-np.inf, 2.0]]))
        cells = only(content.charts["weights"], Cells)
        assert np.isnan(cells.values).tolist() == [[False, True], [True, False]]
        assert any("infinite weights: 2 blocks" in note for note in content.notes)


class TestGiven:
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
            (torch.eye(3).to_sparse(), "not a dense tensor"),
            (torch.nn.LazyLinear(4), "not initialized yet"),
            (np.array([[1e308, -1e308], [1.0, 2.0]]), "too large to be drawn"),
        ],
    )
    def test_weights_that_cannot_be_drawn(self, weights: Any, sentence: str) -> None:
        with pytest.raises(wsw.WeightScopeError, match=sentence):
            weight_distribution_content(weights)

    def test_a_name_that_is_not_there(self, results: ScanResults) -> None:
        with pytest.raises(wsw.WeightScopeError, match="wtf"):
            weight_distribution_content("wtf", results)


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 384])
def test_an_index_is_a_whole_number(size: int) -> None:
    charts = singular_values_content(np.diag(np.arange(1.0, size + 1))).charts
    for chart in charts.values():
        assert chart.x is not None
        values = [tick.value for tick in chart.x.ticks]
        assert values == [int(tick.label) for tick in chart.x.ticks]
        assert values
