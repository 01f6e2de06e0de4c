"""bqplot marks and scales of each mark of a chart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from weightscope_widget.visualizers.palette import DIVERGING, Colour
from weightscope_widget.visualizers.render.style import css_colour

__all__ = ["draw_mark", "scales_of"]

_RADIUS = 95.0
"""Of a pie, in pixels."""

Scales = dict[str, bqplot.Scale]


def scales_of(chart: Chart) -> Scales:
    """Return the scales of a chart.

    ``x`` and ``y``; ``x_between`` or ``y_between`` for marks over bars of categories; ``color`` of a heatmap, in the
    light theme's colours.
    """
    scales: Scales = {}
    for name, axis, downwards in (("x", chart.x, False), ("y", chart.y, chart.downwards)):
        low, high = axis.ends
        if axis.kind == "log":
            scales[name] = bqplot.LogScale(min=low, max=high, allow_padding=False)
            continue
        # No padding, so that marks over bars line up with them.
        linear = bqplot.LinearScale(min=low, max=high, reverse=downwards, allow_padding=False)
        scales[name] = linear
        if axis.kind == "category":
            scales[name] = bqplot.OrdinalScale(domain=list(axis.categories), reverse=downwards)
            scales[f"{name}_between"] = linear
    for mark in chart.marks:
        if isinstance(mark, Cells):
            limit, colors = mark.limit, list(DIVERGING["light"])
            scales["color"] = bqplot.ColorScale(colors=colors, min=-limit, mid=0.0, max=limit)
    return scales


def draw_mark(mark: Mark, chart: Chart, scales: Scales) -> list[bqplot.Mark]:
    """Return the bqplot marks of a mark; the first has its data."""
    return _DRAW[type(mark)](mark, chart, scales)


def _over(scales: Scales) -> Scales:
    """Return the scales on which a category is its index."""
    return {name: scales.get(f"{name}_between", scales[name]) for name in ("x", "y")}


def _css(*colours: Colour) -> list[str]:
    return [css_colour(colour) for colour in colours]


def _places(chart: Chart, x: FloatArray, y: FloatArray) -> dict[str, FloatArray]:
    return {"x": chart.x.place(x), "y": chart.y.place(y)}


def _turned(x: FloatArray, y: FloatArray, *, swap: bool) -> dict[str, FloatArray]:
    return {"x": y, "y": x} if swap else {"x": x, "y": y}


def _tooltip(field: str) -> bqplot.Tooltip:
    return bqplot.Tooltip(fields=[field], show_labels=False)


def _hinted(hints: tuple[str, ...]) -> dict[str, Any]:
    """Return the options that show hints over bars.

    bqplot's bars have no names.  Without a scale of colours their ``color`` colours nothing, and a tooltip can show it.
    """
    return {"color": np.array(hints), "tooltip": _tooltip("color")} if hints else {}


def _named(hints: tuple[str, ...]) -> dict[str, Any]:
    """Return the options that show hints over points."""
    return {"names": np.array(hints), "display_names": False, "tooltip": _tooltip("name")} if hints else {}


def _label(
    x: FloatArray | float, y: FloatArray | float, words: Sequence[str], colour: Colour, scales: Scales, **style: Any
) -> bqplot.Label:
    return bqplot.Label(
        x=np.atleast_1d(x),
        y=np.atleast_1d(y),
        text=np.array(words),
        scales=_over(scales),
        colors=_css(colour),
        font_weight="normal",
        **style,
    )


def _area(x: FloatArray, y: FloatArray, colour: Colour, opacity: float, scales: Scales) -> bqplot.Lines:
    return bqplot.Lines(
        x=x,
        y=y,
        scales=_over(scales),
        colors=_css(colour),
        stroke_width=0.0,
        close_path=True,
        fill="inside",
        fill_colors=_css(colour),
        fill_opacities=[opacity],
    )


def _bars(mark: Bars, chart: Chart, scales: Scales) -> list[bqplot.Mark]:
    categories, along, upwards = (chart.y, "y", "x") if chart.across else (chart.x, "x", "y")
    return [
        bqplot.Bars(
            x=list(categories.categories),
            y=np.nan_to_num(mark.values),
            scales={"x": scales[along], "y": scales[upwards]},
            orientation="horizontal" if chart.across else "vertical",
            colors=_css(*mark.colours),
            padding=0.2,
            **_hinted(mark.hints),
        )
    ]


def _bins(mark: Bins, chart: Chart, scales: Scales) -> list[bqplot.Mark]:
    edges, floor = chart.x.place(mark.edges), chart.y.low
    counts = np.maximum(mark.counts, floor)
    # A single bar has no width in bqplot.
    few = mark.separate and len(counts) > 1
    bars = bqplot.Bars(
        x=(edges[:-1] + edges[1:]) / 2,
        y=counts,
        base=floor,
        scales={"x": scales["x"], "y": scales["y"]},
        colors=_css(*mark.colours),
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
        colors=_css(mark.colours[0]),
        fill="bottom",
        fill_colors=_css(mark.colours[0]),
        stroke_width=1.0,
    )
    return [bars, outline]


def _points(mark: Points, chart: Chart, scales: Scales) -> list[bqplot.Mark]:
    if mark.shape == "tick":
        return _ticks(mark, chart, scales)
    style: dict[str, Any] = {
        "default_size": 52,
        "stroke": css_colour("ground"),
        "stroke_width": 0.8,
        "opacities": [0.9],
    }
    if mark.shape == "ring":  # a wider disk below
        style = {"default_size": 160}
    return [
        bqplot.Scatter(
            **_places(chart, mark.x, mark.y),
            scales=_over(scales),
            colors=_css(*mark.colours),
            apply_clip=False,  # whole at the end of an axis, too
            **style,
            **_named(mark.hints),
        )
    ]


def _ticks(mark: Points, chart: Chart, scales: Scales) -> list[bqplot.Mark]:
    """Return short lines across the bars, over a rim of the ground's colour."""
    places = _places(chart, mark.x, mark.y)
    bar, value = (places["y"], places["x"]) if chart.across else (places["x"], places["y"])
    ends, values = np.stack([bar - 0.4, bar + 0.4], axis=1), np.stack([value, value], axis=1)
    xy = _turned(ends, values, swap=chart.across)
    rim: Colour = "ground"
    return [
        bqplot.Lines(**xy, scales=_over(scales), colors=_css(colour), stroke_width=width)
        for colour, width in ((rim, 3.6), (mark.colours[0], 1.6))
    ]


def _line(mark: Line, chart: Chart, scales: Scales) -> list[bqplot.Mark]:
    steps = len(mark.x) == len(mark.y) + 1
    places = _places(chart, mark.x, np.append(mark.y, mark.y[-1]) if steps else mark.y)
    if chart.y.kind == "log":
        places["y"] = np.maximum(places["y"], chart.y.low)  # zero has no place on the axis
    common = {**places, "scales": _over(scales), "colors": _css(mark.colour)}
    line = bqplot.Lines(
        **common,
        interpolation="step-after" if steps else "linear",
        line_style="dashed" if mark.dashed else "solid",
        stroke_width=0.8 if mark.thin else 1.6,
        labels=[mark.name] if mark.name else [],
        tooltip=_tooltip("name") if mark.name and not mark.hints else None,
    )
    return [line, bqplot.Scatter(**common, default_size=28, **_named(mark.hints))] if mark.hints else [line]


def _rule(mark: Rule, chart: Chart, scales: Scales) -> list[bqplot.Mark]:
    upright = mark.axis == "x"
    value = float(chart.along(mark).place(mark.value))
    start, end = (chart.y if upright else chart.x).ends
    line = bqplot.Lines(
        **_turned(np.array([start, end]), np.array([value, value]), swap=upright),
        scales=_over(scales),
        colors=_css(mark.colour),
        line_style="dashed",
        stroke_width=1.2,
    )
    if not mark.label:
        return [line]
    # On an axis that reads downwards the upper end is the low one.
    upper, lower = (start, end) if upright and chart.downwards else (end, start)
    place = lower if mark.low else upper
    at_start = upright or mark.low
    label = _label(
        *((value, place) if upright else (place, value)),
        [mark.label],
        "muted",
        scales,
        default_size=10,
        align="start" if at_start else "end",
        x_offset=3 if at_start else -3,
        y_offset=8 if upright and not mark.low else -8,
    )
    return [line, label]


def _band(mark: Band, chart: Chart, scales: Scales) -> list[bqplot.Mark]:
    upright = mark.axis == "x"
    low, high = chart.along(mark).place([mark.low, mark.high]).tolist()
    start, end = (chart.y if upright else chart.x).ends
    corners = _turned(np.array([start, end, end, start]), np.array([low, low, high, high]), swap=upright)
    area = _area(corners["x"], corners["y"], mark.colour, 0.08, scales)
    if not mark.label:
        return [area]
    x, y = (high, start) if upright else (end, low)
    label = _label(x, y, [mark.label], mark.colour, scales, default_size=11, align="end", x_offset=-6, y_offset=-9)
    return [area, label]


def _texts(mark: Texts, chart: Chart, scales: Scales) -> list[bqplot.Mark]:
    x, y = chart.x.place(mark.x), chart.y.place(mark.y)
    return [_label(x, y, mark.words, mark.colour, scales, default_size=11, align=mark.align)]


def _slices(mark: Slices, _chart: Chart, scales: Scales) -> list[bqplot.Mark]:
    pie = bqplot.Pie(
        sizes=np.array(mark.counts, dtype=np.float64),
        labels=list(mark.labels),
        colors=_css(*mark.colours),
        stroke=css_colour("ground"),
        radius=_RADIUS,
        inner_radius=0.58 * _RADIUS,
        display_labels="none",
        tooltip=_tooltip("label"),
    )
    return [
        pie,
        *(
            _label(0.5, 0.5, [words], "ink", scales, default_size=size, align="middle", y_offset=offset)
            for words, size, offset in zip(mark.centre, (20, 12), (-8, 11), strict=True)
        ),
    ]


def _cells(mark: Cells, _chart: Chart, scales: Scales) -> list[bqplot.Mark]:
    # bqplot cannot draw a single row or column; draw it twice.
    values, rows = _doubled(mark.values, mark.y_edges)
    transposed, columns = _doubled(values.T, mark.x_edges)
    cells = bqplot.HeatMap(
        color=np.nan_to_num(transposed.T),
        x=(columns[:-1] + columns[1:]) / 2,
        y=(rows[:-1] + rows[1:]) / 2,
        scales={"x": scales["x"], "y": scales["y"], "color": scales["color"]},
    )
    # bqplot has no colour for NaN either: cover these cells.
    empty = np.argwhere(np.isnan(mark.values))
    if not len(empty):
        return [cells]
    row, column = empty.T
    left, right, top, bottom = mark.x_edges[column], mark.x_edges[column + 1], mark.y_edges[row], mark.y_edges[row + 1]
    x, y = np.stack([left, right, right, left], axis=1), np.stack([top, top, bottom, bottom], axis=1)
    return [cells, _area(x, y, "line", 1.0, scales)]


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
