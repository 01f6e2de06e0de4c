"""How each mark of a chart is drawn with bqplot, on which scales."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bqplot
import numpy as np

from weightscope_widget.visualizers.chart import (
    Band,
    Bars,
    Bins,
    Cells,
    Chart,
    FloatArray,
    Line,
    Mark,
    Points,
    Rule,
    Slices,
    Texts,
)
from weightscope_widget.visualizers.palette import DIVERGING
from weightscope_widget.visualizers.render.style import css_colour

__all__ = ["draw_mark", "scales_of"]

_RADIUS = 95.0
"""Of a pie, in pixels."""

Scales = dict[str, bqplot.Scale]


def scales_of(chart: Chart) -> Scales:
    """Return the scales of a chart.

    ``x`` and ``y``; ``x_between`` or ``y_between`` for what lies over the bars of categories; ``color`` of a heatmap,
    in the light theme's colours.  A chart without axes has the unit square.
    """
    if chart.x is None or chart.y is None:
        return {name: bqplot.LinearScale(min=0.0, max=1.0, allow_padding=False) for name in ("x", "y")}
    scales: Scales = {}
    for name, axis, downwards in (("x", chart.x, False), ("y", chart.y, chart.downwards)):
        low, high = (float(end) for end in axis.place([axis.low, axis.high]))
        # Nothing is padded, or what lies over bars would not lie where they are.
        if axis.kind == "category":
            scales[name] = bqplot.OrdinalScale(domain=list(axis.categories), reverse=downwards)
            scales[f"{name}_between"] = bqplot.LinearScale(min=low, max=high, reverse=downwards, allow_padding=False)
        elif axis.kind == "log":
            scales[name] = bqplot.LogScale(min=low, max=high, allow_padding=False)
        else:
            scales[name] = bqplot.LinearScale(min=low, max=high, reverse=downwards, allow_padding=False)
    for mark in chart.marks:
        if isinstance(mark, Cells):
            scales["color"] = bqplot.ColorScale(
                colors=list(DIVERGING["light"]), min=-mark.limit, mid=0.0, max=mark.limit
            )
    return scales


def draw_mark(mark: Mark, chart: Chart, scales: Scales) -> list[bqplot.Mark]:
    """Return what draws a mark; the first is the one that has its data."""
    return _DRAW[type(mark)](mark, chart, scales)


def _over(scales: Scales) -> Scales:
    """Return the scales on which a category is its index."""
    return {name: scales.get(f"{name}_between", scales[name]) for name in ("x", "y")}


def _places(chart: Chart, x: FloatArray, y: FloatArray) -> dict[str, FloatArray]:
    assert chart.x is not None
    assert chart.y is not None
    return {"x": chart.x.place(x), "y": chart.y.place(y)}


def _hinted(hints: tuple[str, ...]) -> dict[str, Any]:
    """Return what makes a tooltip over bars say the hints.

    bqplot's bars have no names.  Without a scale of colours their ``color`` colours nothing, and a tooltip can show it.
    """
    if not hints:
        return {}
    return {"color": np.array(hints), "tooltip": bqplot.Tooltip(fields=["color"], show_labels=False)}


def _named(hints: tuple[str, ...]) -> dict[str, Any]:
    """Return what makes a tooltip over points say the hints."""
    if not hints:
        return {}
    return {
        "names": np.array(hints),
        "display_names": False,
        "tooltip": bqplot.Tooltip(fields=["name"], show_labels=False),
    }


def _bars(mark: Bars, chart: Chart, scales: Scales) -> list[bqplot.Mark]:
    categories, along, upwards = (chart.y, "y", "x") if chart.across else (chart.x, "x", "y")
    assert categories is not None
    return [
        bqplot.Bars(
            x=list(categories.categories),
            y=np.nan_to_num(mark.values),
            scales={"x": scales[along], "y": scales[upwards]},
            orientation="horizontal" if chart.across else "vertical",
            colors=[css_colour(colour) for colour in mark.colours],
            padding=0.2,
            **_hinted(mark.hints),
        )
    ]


def _bins(mark: Bins, chart: Chart, scales: Scales) -> list[bqplot.Mark]:
    assert chart.x is not None
    assert chart.y is not None
    edges, floor = chart.x.place(mark.edges), chart.y.low
    counts = np.maximum(mark.counts, floor)
    # One bar by itself has no width in bqplot.
    few = mark.separate and len(counts) > 1
    bars = bqplot.Bars(
        x=(edges[:-1] + edges[1:]) / 2,
        y=counts,
        base=floor,
        scales={"x": scales["x"], "y": scales["y"]},
        colors=[css_colour(colour) for colour in mark.colours],
        opacities=[1.0 if few else 0.0],
        padding=0.0,
        **_hinted(mark.hints),
    )
    if few:
        return [bars]
    outline = bqplot.Lines(
        x=edges,
        y=np.append(counts, counts[-1]),
        scales={"x": scales["x"], "y": scales["y"]},
        interpolation="step-after",
        colors=[css_colour(mark.colours[0])],
        fill="bottom",
        fill_colors=[css_colour(mark.colours[0])],
        stroke_width=1.0,
    )
    return [bars, outline]


def _points(mark: Points, chart: Chart, scales: Scales) -> list[bqplot.Mark]:
    if mark.shape == "tick":
        return _ticks(mark, chart, scales)
    if mark.shape == "ring":
        # Around what lies over it: a wider disk below.
        return [
            bqplot.Scatter(
                **_places(chart, mark.x, mark.y),
                scales=_over(scales),
                colors=[css_colour(colour) for colour in mark.colours],
                default_size=160,
                apply_clip=False,
                **_named(mark.hints),
            )
        ]
    return [
        bqplot.Scatter(
            **_places(chart, mark.x, mark.y),
            scales=_over(scales),
            colors=[css_colour(colour) for colour in mark.colours],
            stroke=css_colour("ground"),
            stroke_width=0.8,
            default_size=52,
            apply_clip=False,  # whole at the end of an axis, too
            opacities=[0.9],
            **_named(mark.hints),
        )
    ]


def _ticks(mark: Points, chart: Chart, scales: Scales) -> list[bqplot.Mark]:
    """Return short lines across the bars, over a rim of the ground's colour."""
    places = _places(chart, mark.x, mark.y)
    bar, value = (places["y"], places["x"]) if chart.across else (places["x"], places["y"])
    ends, values = np.stack([bar - 0.4, bar + 0.4], axis=1), np.stack([value, value], axis=1)
    xy = {"x": values, "y": ends} if chart.across else {"x": ends, "y": values}
    return [
        bqplot.Lines(**xy, scales=_over(scales), colors=[css_colour(colour)], stroke_width=width)
        for colour, width in ((mark.colours[0], 1.6), ("ground", 3.6))
    ][::-1]


def _line(mark: Line, chart: Chart, scales: Scales) -> list[bqplot.Mark]:
    steps = len(mark.x) == len(mark.y) + 1
    y = np.append(mark.y, mark.y[-1]) if steps else mark.y
    places = _places(chart, mark.x, y)
    if chart.y is not None and chart.y.kind == "log":
        places["y"] = np.maximum(places["y"], chart.y.low)  # zero is below every place of the axis
    line = bqplot.Lines(
        **places,
        scales=_over(scales),
        colors=[css_colour(mark.colour)],
        interpolation="step-after" if steps else "linear",
        line_style="dashed" if mark.dashed else "solid",
        stroke_width=0.8 if mark.thin else 1.6,
        labels=[mark.name] if mark.name else [],
        tooltip=bqplot.Tooltip(fields=["name"], show_labels=False) if mark.name and not mark.hints else None,
    )
    if not mark.hints:
        return [line]
    dots = bqplot.Scatter(
        **places,
        scales=_over(scales),
        colors=[css_colour(mark.colour)],
        default_size=28,
        **_named(mark.hints),
    )
    return [line, dots]


def _rule(mark: Rule, chart: Chart, scales: Scales) -> list[bqplot.Mark]:
    axis, other = (chart.y, chart.x) if mark.axis == "y" else (chart.x, chart.y)
    assert axis is not None
    assert other is not None
    value = float(axis.place(mark.value))
    start, end = (float(place) for place in other.place([other.low, other.high]))
    across = {"x": np.array([start, end]), "y": np.array([value, value])}
    line = bqplot.Lines(
        **(across if mark.axis == "y" else {"x": across["y"], "y": across["x"]}),
        scales=_over(scales),
        colors=[css_colour(mark.colour)],
        line_style="dashed",
        stroke_width=1.2,
    )
    if not mark.label:
        return [line]
    # On an axis that reads downwards the upper end is the low one.
    upper, lower = (start, end) if mark.axis == "x" and chart.downwards else (end, start)
    place = lower if mark.low else upper
    label = bqplot.Label(
        x=np.array([place if mark.axis == "y" else value]),
        y=np.array([value if mark.axis == "y" else place]),
        text=np.array([mark.label]),
        scales=_over(scales),
        colors=[css_colour("muted")],
        default_size=10,
        font_weight="normal",
        align="start" if mark.axis == "x" or mark.low else "end",
        x_offset=3 if mark.axis == "x" or mark.low else -3,
        y_offset=-8 if mark.axis == "y" or mark.low else 8,
    )
    return [line, label]


def _band(mark: Band, chart: Chart, scales: Scales) -> list[bqplot.Mark]:
    axis, other = (chart.y, chart.x) if mark.axis == "y" else (chart.x, chart.y)
    assert axis is not None
    assert other is not None
    low, high = (float(place) for place in axis.place([mark.low, mark.high]))
    start, end = (float(place) for place in other.place([other.low, other.high]))
    corners = (np.array([start, end, end, start]), np.array([low, low, high, high]))
    x, y = corners if mark.axis == "y" else corners[::-1]
    area = bqplot.Lines(
        x=x,
        y=y,
        scales=_over(scales),
        colors=[css_colour(mark.colour)],
        stroke_width=0.0,
        close_path=True,
        fill="inside",
        fill_colors=[css_colour(mark.colour)],
        fill_opacities=[0.08],
    )
    if not mark.label:
        return [area]
    label = bqplot.Label(
        x=np.array([end if mark.axis == "y" else high]),
        y=np.array([low if mark.axis == "y" else start]),
        text=np.array([mark.label]),
        scales=_over(scales),
        colors=[css_colour(mark.colour)],
        default_size=11,
        font_weight="normal",
        align="end",
        x_offset=-6,
        y_offset=-9,
    )
    return [area, label]


def _texts(mark: Texts, chart: Chart, scales: Scales) -> list[bqplot.Mark]:
    return [
        bqplot.Label(
            **_places(chart, mark.x, mark.y),
            text=np.array(mark.words),
            scales=_over(scales),
            colors=[css_colour(mark.colour)],
            default_size=11,
            font_weight="normal",
            align=mark.align,
        )
    ]


def _slices(mark: Slices, _chart: Chart, scales: Scales) -> list[bqplot.Mark]:
    number, unit = (
        bqplot.Label(
            x=np.array([0.5]),
            y=np.array([0.5]),
            text=np.array([words]),
            scales=scales,
            colors=[css_colour("ink")],
            default_size=size,
            font_weight="normal",
            align="middle",
            y_offset=offset,
        )
        for words, size, offset in zip(mark.centre, (20, 12), (-8, 11), strict=True)
    )
    return [
        bqplot.Pie(
            sizes=np.array(mark.counts, dtype=np.float64),
            labels=list(mark.labels),
            colors=[css_colour(colour) for colour in mark.colours],
            stroke=css_colour("ground"),
            radius=_RADIUS,
            inner_radius=0.58 * _RADIUS,
            display_labels="none",
            tooltip=bqplot.Tooltip(fields=["label"], show_labels=False),
        ),
        number,
        unit,
    ]


def _cells(mark: Cells, _chart: Chart, scales: Scales) -> list[bqplot.Mark]:
    # bqplot draws no matrix of a single row or column, but one of two equal ones.
    values, rows = _doubled(mark.values, mark.y_edges)
    transposed, columns = _doubled(values.T, mark.x_edges)
    cells = bqplot.HeatMap(
        color=np.nan_to_num(transposed.T),
        x=(columns[:-1] + columns[1:]) / 2,
        y=(rows[:-1] + rows[1:]) / 2,
        scales={"x": scales["x"], "y": scales["y"], "color": scales["color"]},
    )
    # It has no colour for NaN either; something else lies over these cells.
    empty = np.argwhere(np.isnan(mark.values))
    if not len(empty):
        return [cells]
    row, column = empty.T
    left, right, top, bottom = (
        edges[index]
        for edges, index in (
            (mark.x_edges, column),
            (mark.x_edges, column + 1),
            (mark.y_edges, row),
            (mark.y_edges, row + 1),
        )
    )
    covers = bqplot.Lines(
        x=np.stack([left, right, right, left], axis=1),
        y=np.stack([top, top, bottom, bottom], axis=1),
        scales={"x": scales["x"], "y": scales["y"]},
        colors=[css_colour("line")],
        stroke_width=0.0,
        close_path=True,
        fill="inside",
        fill_colors=[css_colour("line")],
        fill_opacities=[1.0],
    )
    return [cells, covers]


def _doubled(rows: FloatArray, edges: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return a single row twice, each half as high; several as they are."""
    if len(rows) > 1:
        return rows, edges
    return np.repeat(rows, 2, axis=0), np.array([edges[0], edges.mean(), edges[-1]])


_DRAW: dict[type[Mark], Callable[[Any, Chart, Scales], list[bqplot.Mark]]] = {
    Bars: _bars,
    Bins: _bins,
    Points: _points,
    Line: _line,
    Rule: _rule,
    Band: _band,
    Texts: _texts,
    Slices: _slices,
    Cells: _cells,
}
