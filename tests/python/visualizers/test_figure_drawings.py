"""Live figures and image files draw what the content says, both of them."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import bqplot
import ipywidgets
import numpy as np
import pytest
import torch
from ipywidgets.widgets.widget import _instances
from matplotlib.colors import to_hex
from matplotlib.font_manager import findfont, fontManager, get_font
from matplotlib.patches import Rectangle
from PIL import Image

import weightscope_widget as wsw
from tests.python.support.figure_cases import CHINESE, HOSTILE, results, tensors
from weightscope_widget.errors import MissingGlyphWarning
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.visualizers import (
    condition_number_content,
    model_health_content,
    quantization_risk_content,
    rank_efficiency_content,
    singular_values_content,
    weight_distribution_content,
    weight_heatmap_content,
)
from weightscope_widget.visualizers.chart import Axis, Bars, Bins, Chart, Content, Points, Slices, Tick
from weightscope_widget.visualizers.palette import PALETTES
from weightscope_widget.visualizers.render.bqplot import LiveFigure
from weightscope_widget.visualizers.render.fonts import families_for
from weightscope_widget.visualizers.render.matplotlib import draw_figure, write_image

__all__ = ["results"]  # a fixture

CONTENTS = {
    "condition_heatmap": lambda results: condition_number_content(results),
    "quantization_risk": lambda results: quantization_risk_content(results),
    "rank_efficiency": lambda results: rank_efficiency_content(results),
    "health_dashboard": lambda results: model_health_content(results),
    "distribution": lambda _: weight_distribution_content(tensors()["h.0.attn.c_proj"]),
    "distributions": lambda _: weight_distribution_content({"a": tensors()["wte"], "b": tensors()["h.0.attn.c_proj"]}),
    "singular_values": lambda _: singular_values_content(tensors()["wte"]),
    "heatmap": lambda _: weight_heatmap_content(tensors()["h.0.attn.c_proj"], "max"),
}


@pytest.fixture(params=CONTENTS)
def content(request: pytest.FixtureRequest, results: ScanResults) -> Content:
    found: Content = CONTENTS[request.param](results)
    return found


def marks(figure: bqplot.Figure, kind: type) -> list[Any]:
    return [mark for mark in figure.marks if type(mark) is kind]


class TestLive:
    def test_every_value_is_drawn(self, content: Content) -> None:
        figure = LiveFigure(content)
        assert list(figure.charts) == list(content.charts)
        for name, chart in content.charts.items():
            drawn = figure.charts[name]
            for mark in chart.marks:
                if isinstance(mark, Bars):
                    (bars,) = marks(drawn, bqplot.Bars)
                    np.testing.assert_array_equal(bars.y, np.nan_to_num(mark.values))
                    assert tooltips(bars) == list(mark.hints)
                    assert len(mark.hints) == len(mark.values)
                    assert bars.orientation == ("horizontal" if chart.y.kind == "category" else "vertical")
                    assert len(bars.colors) == len(mark.values)
                    for css, colour in zip(bars.colors, mark.colours, strict=True):
                        assert PALETTES["light"][colour] in css
                elif isinstance(mark, Bins):
                    bars = marks(drawn, bqplot.Bars)[0]
                    np.testing.assert_array_equal(bars.y, np.maximum(mark.counts, chart.y.low))
                    assert tooltips(bars) == list(mark.hints)
                    assert len(bars.x) == len(mark.hints) == len(mark.counts)
                elif isinstance(mark, Points) and mark.shape == "circle":
                    scatter = marks(drawn, bqplot.Scatter)[-1]
                    np.testing.assert_allclose(scatter.x, chart.x.place(mark.x))
                    np.testing.assert_allclose(scatter.y, mark.y)
                    assert tooltips(scatter) == list(mark.hints)
                elif isinstance(mark, Slices):
                    (pie,) = marks(drawn, bqplot.Pie)
                    assert list(pie.sizes) == list(mark.counts)
                    assert pie.labels == list(mark.labels)

    def test_tooltips_of_bars_say_the_number_not_where_the_axis_ends(self, results: ScanResults) -> None:
        (bars,) = marks(wsw.plot_condition_number_heatmap(results).charts["condition_number"], bqplot.Bars)
        said = tooltips(bars)
        assert "h1.attn.c_proj: κ = ∞" in said
        assert "h2.attn.broken: failed" in said
        kappa = np.linalg.cond(tensors()["wte"].astype(np.float64))
        assert f"wte: κ = {kappa:.3f}, log₁₀ κ = {np.log10(kappa):.2f}" in said
        (bars,) = marks(wsw.plot_model_health_dashboard(results).charts["risks"], bqplot.Bars)
        assert tooltips(bars)[:2] == ["h2.attn.broken: failed", "h2.mlp.c_fc: risk ∞ (NaN or infinite weights)"]

    def test_tooltips_of_bins_say_from_where_to_where(self, results: ScanResults) -> None:
        charts = wsw.plot_model_health_dashboard(results).charts
        assert tooltips(charts["rank"].marks[0])[1].endswith(" layers from 5.000 to 10.00")
        assert tooltips(charts["condition_number"].marks[0])[-1].endswith(", 1 of them at ∞")
        # On a symlog axis too, in percent, though its bins are equal in places of the axis.
        assert " layers from 0 to 0.00" in tooltips(charts["extreme_outliers"].marks[0])[0]

    def test_ticks_say_what_the_content_says(self, content: Content) -> None:
        figure = LiveFigure(content)
        for name, chart in content.charts.items():
            for axis, drawn in zip(() if chart.bare else (chart.x, chart.y), figure.charts[name].axes, strict=True):
                if axis.kind == "category":
                    assert list(drawn.tick_values) == [tick.label for tick in axis.ticks]
                else:
                    assert len(drawn.tick_values) == len(drawn.tick_labels) == len(axis.ticks)
                    assert list(drawn.tick_labels.values()) == [tick.label for tick in axis.ticks]

    def test_the_page_finds_what_is_written_at_each_tick(self) -> None:
        node = shutil.which("node")
        if node is None:
            pytest.skip("JavaScript's own words for numbers were not compared; install 'nodejs' to do so.")
        values = [0.0, -0.0, 0.3, 1e-4, 1e-5, 2e-5, 2.5e-5, 1e-6, -1.5e-6, 9.99e-7, 1e-7, -2.5e-7, 1e-10, 1.5, -40.0]
        values += [2.5e6, 123456789.125, 1e20, 1e21, 2.5e21, 1e22, 1 / 3, 5e-324, float(np.log1p(1e4))]
        words = subprocess.run(
            [node, "-e", "console.log(JSON.stringify(JSON.parse(process.argv[1]).map(String)))", json.dumps(values)],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        axis = Axis("", -50, 2e22, ticks=tuple(Tick(value, str(index)) for index, value in enumerate(values)))
        chart = Chart("only", "", axis, Axis(""), ())
        drawn = LiveFigure(Content("", ((chart,),), (300,))).charts["only"].axes[0].tick_labels
        assert [drawn.get(word) for word in json.loads(words.stdout)][2:] == [tick.label for tick in axis.ticks][2:]
        assert drawn["0"] == "1"  # both zeros are the same

    def test_closing_leaves_nothing(self, results: ScanResults) -> None:
        before = set(_instances)
        kept = wsw.plot_rank_efficiency(results)
        both = set(_instances)
        for plot in (wsw.plot_rank_efficiency, wsw.plot_model_health_dashboard, wsw.plot_quantization_risk_matrix):
            figure = plot(results)
            assert len(set(_instances) - both) > 40
            figure.close()
            assert set(_instances) == both
        figure = wsw.plot_weight_heatmap(torch.eye(3))
        figure.charts["weights"].marks = [
            *figure.charts["weights"].marks,
            marks(kept.charts["ranks"], bqplot.Scatter)[0],
        ]
        figure.close()
        assert set(_instances) == both  # a mark that is another figure's stays
        kept.close()
        assert set(_instances) == before

    def test_a_click_selects_and_a_selection_highlights(self, results: ScanResults) -> None:
        figure = wsw.plot_quantization_risk_matrix(results)
        scatter = marks(figure.charts["risk"], bqplot.Scatter)[-1]
        points = [mark for mark in figure.content.charts["risk"].marks if isinstance(mark, Points)][-1]
        layers = points.layers
        scatter.selected = np.array([2], dtype=np.uint32)  # what a click sets
        assert figure.selected == layers[2]
        figure.selected = layers[5]
        assert list(scatter.selected) == [5]
        scatter.selected = None
        assert figure.selected is None

    def test_all_charts_of_a_figure_agree(self, results: ScanResults) -> None:
        figure = wsw.plot_rank_efficiency(results)
        (bars,) = marks(figure.charts["utilization"], bqplot.Bars)
        (scatter,) = marks(figure.charts["ranks"], bqplot.Scatter)
        bars.selected = np.array([4], dtype=np.uint32)
        assert list(scatter.selected) == [4]

    def test_it_links_to_a_dashboard_both_ways(self, results: ScanResults) -> None:
        dash, figure = wsw.show(results), wsw.plot_condition_number_heatmap(results)
        link = ipywidgets.link((dash, "selected"), (figure, "selected"))
        (bars,) = marks(figure.charts["condition_number"], bqplot.Bars)
        layers = next(m for m in figure.content.charts["condition_number"].marks if isinstance(m, Bars)).layers
        dash.selected = "wte"
        assert list(bars.selected) == [layers.index("wte")]
        bars.selected = np.array([0], dtype=np.uint32)
        assert dash.selected == layers[0]
        link.unlink()
        dash.close()

    def test_a_layer_that_is_not_drawn_highlights_nothing(self, results: ScanResults) -> None:
        figure = wsw.plot_condition_number_heatmap(results, top=2)
        (bars,) = marks(figure.charts["condition_number"], bqplot.Bars)
        figure.selected = "wte"
        assert bars.selected is None
        assert figure.selected == "wte"

    def test_from_a_drawn_layer_to_one_that_is_not(self, results: ScanResults) -> None:
        dash, figure = wsw.show(results), wsw.plot_condition_number_heatmap(results, top=4)
        link = ipywidgets.link((dash, "selected"), (figure, "selected"))
        (bars,) = marks(figure.charts["condition_number"], bqplot.Bars)
        dash.selected = "h.1.attn.c_proj"
        assert list(bars.selected) == [3]
        dash.selected = "wte"  # the mark is let go, the selection is not
        assert bars.selected is None
        assert (dash.selected, figure.selected) == ("wte", "wte")
        link.unlink()
        dash.close()

    def test_words_are_no_markup(self) -> None:
        scanned = wsw.scan({f"{HOSTILE}.weight": torch.eye(4)}, progress=False)
        figure = wsw.plot_condition_number_heatmap(scanned, title="<img src=x onerror=alert(1)>")
        several = wsw.plot_weight_distribution({HOSTILE: torch.eye(4), "b": torch.eye(3)})
        for each in (figure, several):
            for widget in _all_widgets(each):
                if isinstance(widget, ipywidgets.HTML):
                    assert "<img" not in widget.value
                    assert "<b>$x" not in widget.value
        assert "&lt;img" in figure.children[0].value

    def test_themes(self, results: ScanResults) -> None:
        assert "wsw-dark" in wsw.plot_rank_efficiency(results, theme="dark")._dom_classes
        with pytest.raises(wsw.WeightScopeError, match="theme is 'blue'"):
            wsw.plot_rank_efficiency(results, theme="blue")  # type: ignore[arg-type]


def tooltips(mark: Any) -> list[str]:
    """Return what the tooltip of each bar or point says."""
    (field,) = mark.tooltip.fields
    return list({"color": lambda: mark.color, "name": lambda: mark.names}[field]())


def _all_widgets(widget: Any) -> list[Any]:
    return [widget, *(inner for child in getattr(widget, "children", ()) for inner in _all_widgets(child))]


class TestImages:
    def test_every_value_is_drawn(self, content: Content) -> None:
        figure = draw_figure(content)
        every = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
        for axes, chart in zip(every, content.charts.values(), strict=True):
            for mark in chart.marks:
                if isinstance(mark, Bars | Bins):
                    count = len(mark.values) if isinstance(mark, Bars) else len(mark.counts)
                    rectangles = [each for each in axes.patches if isinstance(each, Rectangle)][:count]
                    if isinstance(mark, Bars):
                        assert [to_hex(each.get_facecolor()) for each in rectangles] == [
                            PALETTES["light"][colour] for colour in mark.colours
                        ]
                    across = isinstance(mark, Bars) and chart.y.kind == "category"
                    lengths = [each.get_width() if across else each.get_height() for each in rectangles]
                    floor = chart.y.low if isinstance(mark, Bins) else 0.0
                    values = np.nan_to_num(mark.values) if isinstance(mark, Bars) else mark.counts
                    np.testing.assert_allclose(lengths, np.maximum(values - floor, 0))
                elif isinstance(mark, Points) and mark.shape == "circle":
                    offsets = axes.collections[-1].get_offsets()
                    np.testing.assert_allclose(offsets, np.stack([chart.x.place(mark.x), mark.y], axis=1))
                elif isinstance(mark, Slices):
                    angles = [wedge.theta2 - wedge.theta1 for wedge in axes.patches]
                    np.testing.assert_allclose(angles, 360 * np.array(mark.counts) / sum(mark.counts), rtol=1e-5)
            if chart.y is not None:
                assert [label.get_text() for label in axes.get_yticklabels()] == [tick.label for tick in chart.y.ticks]

    @pytest.mark.slow
    @pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
    def test_kinds_of_files(self, results: ScanResults, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"risk{suffix}"
        figure = wsw.plot_quantization_risk_matrix(results, output_path=path)
        assert isinstance(figure, LiveFigure)
        content = path.read_bytes()
        if suffix == ".png":
            with Image.open(path) as image:
                assert image.width == 1500
        elif suffix == ".svg":
            assert ET.fromstring(content).tag.endswith("svg")
        else:
            assert content.startswith(b"%PDF-")
            assert content.rstrip().endswith(b"%%EOF")
        again = tmp_path / f"again{suffix}"
        wsw.plot_quantization_risk_matrix(results, output_path=again)
        assert again.read_bytes() == content

    @pytest.mark.parametrize(
        ("name", "sentence"),
        [("risk.gif", "does not end in"), ("risk", "does not end in"), ("missing/risk.png", "cannot be written")],
    )
    def test_paths_that_cannot_be(self, results: ScanResults, tmp_path: Path, name: str, sentence: str) -> None:
        with pytest.raises(wsw.WeightScopeError, match=sentence):
            wsw.plot_rank_efficiency(results, output_path=tmp_path / name)
        assert list(tmp_path.iterdir()) == []

    def test_names_are_no_formulas(self, tmp_path: Path) -> None:
        scanned = wsw.scan({f"{HOSTILE}.weight": torch.eye(4), "a.$\\frac{$.weight": torch.eye(3)}, progress=False)
        figure = draw_figure(condition_number_content(scanned))
        words = [label.get_text() for label in figure.axes[0].get_yticklabels()]
        assert any("<b>$x_1$</b>" in word for word in words)
        assert not any(label.get_parse_math() for label in figure.axes[0].get_yticklabels())
        write_image(condition_number_content(scanned), tmp_path / "names.png")

    @pytest.mark.slow
    @pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
    def test_chinese_is_drawn(self, tmp_path: Path, caplog: pytest.LogCaptureFixture, suffix: str) -> None:
        scanned = wsw.scan({f"{CHINESE}.weight": torch.eye(4), "h.1.mlp.plain.weight": torch.eye(3)}, progress=False)
        if not any(
            font.name.startswith(("Noto Sans CJK", "Droid Sans Fallback", "WenQuanYi")) for font in fontManager.ttflist
        ):
            pytest.skip("No font with Chinese characters was found; install Debian's 'fonts-droid-fallback'.")
        path = tmp_path / f"chinese{suffix}"
        with warnings.catch_warnings(), caplog.at_level(logging.WARNING):
            warnings.simplefilter("error")  # matplotlib warns of characters that no font has
            wsw.plot_condition_number_heatmap(scanned, title="条件数", output_path=path)
        assert caplog.messages == []  # and writes a line of log where a font has no bold letters
        (family,) = {*families_for("层归一条件数")} - {"DejaVu Sans"}
        font = get_font(findfont(family))
        if suffix == ".svg":
            # Each letter is in the file as an outline, under its font and its number, and is used.
            drawn = path.read_text()
            for letter in "层归一条件数":
                glyph = f"{font.postscript_name}-{font.get_char_index(ord(letter)):x}"
                assert f'<path id="{glyph}"' in drawn
                assert f'"#{glyph}"' in drawn
        elif suffix == ".pdf":
            content = path.read_bytes()
            assert font.postscript_name.encode() in content
            assert content.count(b"/FontFile2") + content.count(b"/FontFile3") >= 2

    @pytest.mark.slow
    def test_characters_that_no_font_has_are_said(self, tmp_path: Path) -> None:
        with pytest.warns(MissingGlyphWarning, match="No installed font has the characters"):
            wsw.plot_weight_heatmap(torch.eye(3), title="\U0010fff0", output_path=tmp_path / "a.png")

    @pytest.mark.slow
    def test_without_matplotlib_one_sentence_says_what_to_install(self) -> None:
        code = (
            "import sys; sys.modules['matplotlib'] = None\n"
            "import torch, weightscope_widget as wsw\n"
            "wsw.plot_weight_heatmap(torch.eye(3))\n"
            "try: wsw.plot_weight_heatmap(torch.eye(3), output_path='a.png')\n"
            "except wsw.WeightScopeError as error: print(type(error).__name__, error)\n"
        )
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
        assert ran.stdout.startswith("MissingLibraryError Drawing an image file needs the package matplotlib")
        assert 'pip install "weightscope-widget[images]"' in ran.stdout
