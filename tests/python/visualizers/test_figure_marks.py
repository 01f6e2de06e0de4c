"""Each mark by itself, in both drawings: where it is, in which colour, with which words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex

from weightscope_widget.visualizers.chart import (
    Axis,
    Band,
    Bars,
    Bins,
    Cells,
    Chart,
    Content,
    Line,
    Mark,
    Points,
    Rule,
    Slices,
    Texts,
)
from weightscope_widget.visualizers.render.bqplot import LiveFigure
from weightscope_widget.visualizers.render.matplotlib import draw_figure

X, Y = Axis("across", 0.0, 10.0), Axis("upwards", 0.0, 4.0)
LOG = Axis("upwards", 0.5, 400.0, "log")
SYMLOG = Axis("across", 0.0, 10.0, "symlog")
NAMES = Axis("", -0.5, 2.5, "category", categories=("a", "b", "c"))
HEX = {"red": "#d62728", "green": "#2ca02c", "muted": "#5f6670", "ink": "#1c1e21", "line": "#dfe2e6"}


def chart(*marks: Mark, x: Axis = X, y: Axis = Y) -> Chart:
    return Chart("only", "", x, y, marks)


def live(of: Chart) -> list[Any]:
    """Return what bqplot draws."""
    marks: list[Any] = LiveFigure(Content("a figure", ((of,),), (300,))).charts["only"].marks
    return marks


def image(of: Chart) -> Any:
    """Return what matplotlib draws."""
    return draw_figure(Content("a figure", ((of,),), (300,))).axes[0]


def css(mark: Any) -> list[str]:
    return [colour.rpartition(" ")[2].rstrip(")") for colour in mark.colors]


def said(label: Any) -> list[tuple[str, float, float]]:
    """Return the words of a bqplot label, each with its place."""
    return list(zip(label.text.tolist(), label.x.tolist(), label.y.tolist(), strict=True))


def annotated(axes: Any) -> list[tuple[str, float, float]]:
    """Return the words beside lines and regions, each with its place: a value on one axis, a share of the other."""
    return [(text.get_text(), *map(float, text.xy)) for text in axes.texts]


class TestRules:
    @pytest.mark.parametrize(
        ("rule", "x", "y", "label"),
        [
            (Rule("x", 3.0, "red", "three"), [3, 3], [0, 4], ("three", 3, 4)),
            (Rule("x", 3.0, "red", "three", low=True), [3, 3], [0, 4], ("three", 3, 0)),
            (Rule("y", 2.0, "red", "two"), [0, 10], [2, 2], ("two", 10, 2)),
        ],
    )
    def test_live(self, rule: Rule, x: list[float], y: list[float], label: tuple[str, float, float]) -> None:
        line, words = live(chart(rule))
        assert (line.x.tolist(), line.y.tolist(), line.line_style, css(line)) == (x, y, "dashed", [HEX["red"]])
        assert said(words) == [label]

    @pytest.mark.parametrize(
        ("rule", "data", "label"),
        [
            (Rule("x", 3.0, "red", "three"), [3, 3], ("three", 3, 1)),
            (Rule("x", 3.0, "red", "three", low=True), [3, 3], ("three", 3, 0)),
            (Rule("y", 2.0, "red", "two"), [2, 2], ("two", 1, 2)),
        ],
    )
    def test_in_a_file(self, rule: Rule, data: list[float], label: tuple[str, float, float]) -> None:
        axes = image(chart(rule))
        (line,) = axes.lines
        along, whole = (
            (line.get_xdata(), line.get_ydata()) if rule.axis == "x" else (line.get_ydata(), line.get_xdata())
        )
        assert (list(along), list(whole), line.get_linestyle()) == (data, [0, 1], "--")
        assert to_hex(line.get_color()) == HEX["red"]
        assert annotated(axes) == [label]

    def test_a_label_at_the_top_of_a_list_is_at_its_first(self) -> None:
        bars = Bars(np.array([1.0, 2.0, 3.0]), ("red",) * 3)
        _, _, words = live(chart(bars, Rule("x", 3.0, "red", "three"), x=X, y=NAMES))
        assert said(words) == [("three", 3, -0.5)]
        assert image(chart(bars, x=X, y=NAMES)).get_ylim() == (2.5, -0.5)

    def test_on_a_symlog_axis(self) -> None:
        of = chart(Rule("x", 1.0, "red"), x=SYMLOG)
        assert live(of)[0].x == pytest.approx(np.log1p([100, 100]))
        assert image(of).lines[0].get_xdata() == pytest.approx(np.log1p([100, 100]))


class TestBands:
    @pytest.mark.parametrize(
        ("band", "x", "y", "label"),
        [
            (Band("y", 1.0, 2.0, "red", "low"), (0, 10), (1, 2), ("low", 10, 1)),
            (Band("x", 3.0, 7.0, "red", "mid"), (3, 7), (0, 4), ("mid", 7, 0)),
        ],
    )
    def test_live(self, band: Band, x: tuple[int, int], y: tuple[int, int], label: tuple[str, float, float]) -> None:
        area, words = live(chart(band))
        assert (area.x.min(), area.x.max(), area.y.min(), area.y.max()) == (*x, *y)
        assert {*zip(area.x.tolist(), area.y.tolist(), strict=True)} == {(a, b) for a in x for b in y}
        assert (area.fill, area.close_path, css(area)) == ("inside", True, [HEX["red"]])
        assert said(words) == [label]

    def test_in_a_file(self) -> None:
        axes = image(chart(Band("y", 1.0, 2.0, "red", "low")))
        (area,) = axes.patches
        # matplotlib 3.8 draws a polygon, later releases a rectangle; both have an extent.
        low, high = axes.transData.inverted().transform(area.get_window_extent())[:, 1]
        assert (low, high) == pytest.approx((1, 2))
        assert to_hex(area.get_facecolor()) == HEX["red"]
        assert annotated(axes) == [("low", 1, 1)]
        axes = image(chart(Band("x", 3.0, 7.0, "red", "mid")))
        left, right = axes.transData.inverted().transform(axes.patches[0].get_window_extent())[:, 0]
        assert (left, right) == pytest.approx((3, 7))
        assert annotated(axes) == [("mid", 7, 0)]


@pytest.mark.parametrize(("align", "matplotlibs"), [("start", "left"), ("middle", "center"), ("end", "right")])
def test_words(align: Any, matplotlibs: str) -> None:
    of = chart(Texts(np.array([1.0, 5.0]), np.array([2.0, 3.0]), ("one", "five"), "red", align))
    (label,) = live(of)
    assert said(label) == [("one", 1, 2), ("five", 5, 3)]
    assert (label.align, css(label)) == (align, [HEX["red"]])
    texts = image(of).texts
    assert [(each.get_text(), each.get_position()) for each in texts] == [("one", (1, 2)), ("five", (5, 3))]
    assert {(each.get_ha(), each.get_color()) for each in texts} == {(matplotlibs, HEX["red"])}


class TestLines:
    X, Y = np.array([1.0, 2.0, 4.0]), np.array([3.0, 0.0, 1.0])

    @pytest.mark.parametrize(
        ("line", "style", "matplotlibs"),
        [(Line(X, Y, "red"), "solid", "-"), (Line(X, Y, "red", dashed=True), "dashed", "--")],
    )
    def test_through_points(self, line: Line, style: str, matplotlibs: str) -> None:
        (drawn,) = live(chart(line))
        assert (drawn.x.tolist(), drawn.y.tolist()) == ([1, 2, 4], [3, 0, 1])
        assert (drawn.line_style, drawn.interpolation, css(drawn)) == (style, "linear", [HEX["red"]])
        (drawn,) = image(chart(line)).lines
        assert drawn.get_xydata().tolist() == [[1, 3], [2, 0], [4, 1]]
        assert (drawn.get_linestyle(), drawn.get_color(), drawn.get_marker()) == (matplotlibs, HEX["red"], "None")

    def test_thin(self) -> None:
        line = Line(self.X, self.Y, "red")
        thin = replace(line, thin=True)
        assert live(chart(thin))[0].stroke_width < live(chart(line))[0].stroke_width
        assert image(chart(thin)).lines[0].get_linewidth() < image(chart(line)).lines[0].get_linewidth()

    def test_with_dots_that_say_something(self) -> None:
        of = chart(Line(self.X, self.Y, "red", "w", ("w: 3", "w: 0", "w: 1")))
        _, dots = live(of)
        assert (dots.x.tolist(), dots.y.tolist(), dots.names.tolist()) == (
            [1, 2, 4],
            [3, 0, 1],
            ["w: 3", "w: 0", "w: 1"],
        )
        assert (dots.tooltip.fields, css(dots)) == (["name"], [HEX["red"]])
        assert image(of).lines[0].get_marker() == "o"

    def test_in_steps(self) -> None:
        of = chart(Line(np.array([0.0, 2.0, 3.0]), np.array([1.0, 4.0]), "red"))
        (drawn,) = live(of)
        assert (drawn.x.tolist(), drawn.y.tolist(), drawn.interpolation) == ([0, 2, 3], [1, 4, 4], "step-after")
        values, edges, _ = image(of).patches[0].get_data()
        assert (values.tolist(), edges.tolist()) == ([1, 4], [0, 2, 3])

    def test_zero_is_at_the_foot_of_a_logarithmic_axis(self) -> None:
        (drawn,) = live(chart(Line(self.X, self.Y, "red"), y=LOG))
        assert drawn.y.tolist() == [3, 0.5, 1]


class TestBars:
    VALUES, COLOURS = np.array([3.0, np.nan, 1.5]), ("red", "muted", "green")

    def test_colours_and_hints(self) -> None:
        of = chart(Bars(self.VALUES, self.COLOURS, hints=("a: ∞", "b: failed", "c: 1.5")), y=NAMES)
        (bars,) = live(of)
        assert (bars.x.tolist(), bars.y.tolist()) == (["a", "b", "c"], [3, 0, 1.5])
        assert css(bars) == [HEX[colour] for colour in self.COLOURS]
        assert (bars.tooltip.fields, bars.color.tolist()) == (["color"], ["a: ∞", "b: failed", "c: 1.5"])
        assert "color" not in bars.scales  # with one, it would colour them
        patches = image(of).patches
        assert [(each.get_width(), to_hex(each.get_facecolor())) for each in patches] == [
            *((3, HEX["red"]), (0, HEX["muted"]), (1.5, HEX["green"])),
        ]

    def test_standing(self) -> None:
        of = chart(Bars(self.VALUES, self.COLOURS), x=NAMES)
        assert (live(of)[0].orientation, live(of)[0].tooltip) == ("vertical", None)
        assert [each.get_height() for each in image(of).patches] == [3, 0, 1.5]

    def test_bins(self) -> None:
        of = chart(Bins(np.array([0.0, 1.0, 10.0]), np.array([2.0, 3.0]), ("red",), ("2 of it", "3 of it")), x=SYMLOG)
        (bars,) = live(of)
        edges = np.log1p([0, 100, 1000])
        assert bars.x == pytest.approx((edges[1:] + edges[:-1]) / 2)
        assert (bars.tooltip.fields, bars.color.tolist()) == (["color"], ["2 of it", "3 of it"])
        patches = image(of).patches
        assert [each.get_x() for each in patches] == pytest.approx(edges[:-1])
        assert [each.get_height() for each in patches] == [2, 3]
        assert {to_hex(each.get_facecolor()) for each in patches} == {HEX["red"]}

    @pytest.mark.parametrize(("count", "gaps"), [(60, True), (61, False)])
    def test_many_bins_are_drawn_as_an_outline_in_both(self, count: int, gaps: bool) -> None:
        of = chart(Bins(np.linspace(0, 10, count + 1), np.ones(count), ("red",)))
        assert (len(live(of)) == 1) is gaps
        assert (image(of).patches[0].get_linewidth() > 0) is gaps


class TestPoints:
    X, Y = np.array([1.0, 2.0]), np.array([3.0, 0.5])

    def test_circles(self) -> None:
        of = chart(Points(self.X, self.Y, ("red", "green"), hints=("one", "two")))
        (dots,) = live(of)
        assert (dots.x.tolist(), dots.y.tolist(), dots.names.tolist()) == ([1, 2], [3, 0.5], ["one", "two"])
        assert css(dots) == [HEX["red"], HEX["green"]]
        assert not dots.apply_clip  # one at the end of an axis is not cut in half
        (dots,) = image(of).collections
        assert not dots.get_clip_on()
        assert dots.get_offsets().tolist() == [[1, 3], [2, 0.5]]
        assert [to_hex(colour) for colour in dots.get_facecolors()] == [HEX["red"], HEX["green"]]

    def test_ticks_lie_across_bars(self) -> None:
        ticks = Points(np.array([3.0, 2.0]), np.array([1.0, 2.0]), ("ink",), shape="tick")
        rim, lines = live(chart(ticks, y=NAMES))
        assert lines.x.tolist() == [[3, 3], [2, 2]]
        np.testing.assert_allclose(lines.y, [[0.6, 1.4], [1.6, 2.4]])
        assert css(lines) == [HEX["ink"]]
        assert rim.stroke_width > lines.stroke_width
        _, lines = image(chart(ticks, y=NAMES)).collections
        assert lines.get_offsets().tolist() == [[3, 1], [2, 2]]

    def test_rings_lie_around_circles(self) -> None:
        places = Points(self.X, self.Y, ("red", "green"), hints=("one", "two"))
        ring, dots = live(chart(replace(places, shape="ring"), places))
        assert (ring.x.tolist(), ring.y.tolist(), ring.names.tolist()) == ([1, 2], [3, 0.5], ["one", "two"])
        assert ring.default_size > 2 * dots.default_size
        ring, dots = image(chart(replace(places, shape="ring"), places)).collections
        assert ring.get_offsets().tolist() == [[1, 3], [2, 0.5]]
        assert [to_hex(colour) for colour in ring.get_edgecolors()] == [HEX["red"], HEX["green"]]
        assert ring.get_sizes()[0] > 2 * dots.get_sizes()[0]


def test_marks_and_bars_lie_on_the_same_places() -> None:
    # bqplot pads a scale by what its marks need, and so would move them off the bars, which have another.
    figure = LiveFigure(Content("", ((chart(Bars(np.ones(3), ("red",) * 3), x=X, y=NAMES),),), (300,))).charts["only"]
    assert (figure.padding_x, figure.padding_y) == (0, 0)
    for axis in (X, LOG, SYMLOG):
        (words,) = live(chart(Texts(np.array([1.0]), np.array([1.0]), ("one",)), x=axis, y=NAMES))
        assert not any(scale.allow_padding for scale in words.scales.values())


class TestPie:
    OF = chart(Slices(("good: 3", "bad: 1"), (3, 1), ("green", "red")), x=Axis(""), y=Axis(""))

    def test_live(self) -> None:
        pie, number, unit = live(self.OF)
        assert (pie.sizes.tolist(), css(pie)) == ([3, 1], [HEX["green"], HEX["red"]])
        assert (number.text.tolist(), unit.text.tolist()) == (["4"], ["layers"])

    def test_in_a_file(self) -> None:
        axes = image(self.OF)
        assert [to_hex(each.get_facecolor()) for each in axes.patches] == [HEX["green"], HEX["red"]]
        assert "4\nlayers" in [text.get_text() for text in axes.texts]


class TestCells:
    VALUES = np.array([[1.0, -2.0, 0.5], [np.nan, 0.0, np.nan]])

    def cells(self, values: np.ndarray) -> Chart:
        rows, columns = values.shape
        edges = np.arange(columns + 1.0) * 3, np.arange(rows + 1.0) * 2
        x, y = (Axis(label, 0.0, float(some[-1])) for label, some in zip(("x", "y"), edges, strict=True))
        return chart(Cells(values, 1.5, *edges, "weight"), x=x, y=y)

    def test_live(self) -> None:
        cells, covers = live(self.cells(self.VALUES))
        assert cells.color.tolist() == [[1, -2, 0.5], [0, 0, 0]]
        assert (cells.x.tolist(), cells.y.tolist()) == ([1.5, 4.5, 7.5], [1, 3])
        scale = cells.scales["color"]
        assert (scale.min, scale.mid, scale.max) == (-1.5, 0, 1.5)
        assert scale.colors == ["#1f77b4", "#ffffff", "#d62728"]
        assert cells.scales["y"].reverse
        # What is empty is covered: its row is the second, its columns are the first and the third.
        assert (covers.x.min(axis=1).tolist(), covers.x.max(axis=1).tolist()) == ([0, 6], [3, 9])
        assert (covers.y.min(axis=1).tolist(), covers.y.max(axis=1).tolist()) == ([2, 2], [4, 4])
        assert covers.fill_colors == [covers.colors[0]] == [f"var(--wsw-line, {HEX['line']})"]

    @pytest.mark.parametrize("shape", [(1, 4), (4, 1), (1, 1)])
    def test_a_single_row_or_column(self, shape: tuple[int, int]) -> None:
        values = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
        (cells,) = live(self.cells(values))
        rows, columns = (max(2, size) for size in shape)
        assert cells.color.tolist() == np.broadcast_to(values, (rows, columns)).tolist()
        height, width = (2 * shape[0] / rows, 3 * shape[1] / columns)
        assert cells.y == pytest.approx(height * (np.arange(rows) + 0.5))
        assert cells.x == pytest.approx(width * (np.arange(columns) + 0.5))

    def test_in_a_file(self) -> None:
        axes = image(self.cells(self.VALUES))
        (mesh,) = axes.collections
        np.testing.assert_array_equal(mesh.get_array().filled(np.nan), self.VALUES)
        assert (mesh.get_clim(), axes.get_ylim()) == ((-1.5, 1.5), (4, 0))
        assert [to_hex(mesh.to_rgba(value)) for value in (-1.5, 1.5)] == ["#1f77b4", "#d62728"]
        assert to_hex(mesh.get_cmap().get_bad()) == HEX["line"]
        x, y = mesh.get_coordinates()[..., 0], mesh.get_coordinates()[..., 1]
        assert (x[0].tolist(), y[:, 0].tolist()) == ([0, 3, 6, 9], [0, 2, 4])

    def test_the_legend_says_what_and_how_far(self) -> None:
        figure = LiveFigure(Content("a figure", ((self.cells(self.VALUES),),), (300,)))
        (heading,) = (each.value for each in figure.children[1].children[0].children if hasattr(each, "value"))
        assert "weight: −1.500<span" in heading
        assert "</span>1.500" in heading
