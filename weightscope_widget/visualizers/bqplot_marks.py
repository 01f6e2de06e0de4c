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
from weightscope_widget.visualizers.palette import DIVERGING, PALETTES, Scheme
from weightscope_widget.visualizers.style import css_colour

__all__ = ["draw_mark", "scales_of"]

_MOST_BARS = 60
"""With more bins than this, bars are a pixel or two wide, and rounding them would leave stripes."""

_RADIUS = 95.0
"""Of a pie, in pixels."""

Scales = dict[str, bqplot.Scale]


def scales_of(chart: Chart, scheme: Scheme) -> Scales:
    """Return the scales of a chart.

    ``x`` and ``y``; ``x_between`` or ``y_between`` for what lies over the bars of categories; ``color`` of a heatmap.
    """
    scales: Scales = {}
    for name, axis in (("x", chart.x), ("y", chart.y)):
        if axis is None:
            continue
        low, high = (float(end) for end in axis.place([axis.low, axis.high]))
        # Rows and categories are read from the top downwards.
        downwards = name == "y" and (axis.kind == "category" or any(isinstance(mark, Cells) for mark in chart.marks))
        if axis.kind == "category":
            scales[name] = bqplot.OrdinalScale(domain=list(axis.categories), reverse=downwards)
            scales[f"{name}_between"] = bqplot.LinearScale(min=low, max=high, reverse=downwards)
        elif axis.kind == "log":
            scales[name] = bqplot.LogScale(min=low, max=high)
        else:
            scales[name] = bqplot.LinearScale(min=low, max=high, reverse=downwards)
    for mark in chart.marks:
        if isinstance(mark, Cells):
            scales["color"] = bqplot.ColorScale(
                colors=list(DIVERGING[scheme]), min=-mark.limit, mid=0.0, max=mark.limit
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


def _bars(mark: Bars, chart: Chart, scales: Scales) -> list[bqplot.Mark]:
    assert chart.x is not None
    assert chart.y is not None
    across = chart.y.kind == "category"
    categories, along = (chart.y, scales["y"]) if across else (chart.x, scales["x"])
    return [
        bqplot.Bars(
            x=list(categories.categories),
            y=np.nan_to_num(mark.values),
            scales={"x": along, "y": scales["x"] if across else scales["y"]},
            orientation="horizontal" if across else "vertical",
            colors=[css_colour(colour) for colour in mark.colours],
            padding=0.2,
            tooltip=bqplot.Tooltip(
                fields=["x", "y"], labels=["", mark.value_label or "value"], formats=["", mark.value_format]
            ),
        )
    ]


def _bins(mark: Bins, chart: Chart, scales: Scales) -> list[bqplot.Mark]:
    assert chart.x is not None
    assert chart.y is not None
    edges, floor = chart.x.place(mark.edges), chart.y.low
    counts = np.maximum(mark.counts, floor)
    # A place on a symlog axis says nothing to a person.
    readable = chart.x.kind != "symlog"
    few = 1 < len(counts) <= _MOST_BARS
    bars = bqplot.Bars(
        x=(edges[:-1] + edges[1:]) / 2,
        y=counts,
        base=floor,
        scales={"x": scales["x"], "y": scales["y"]},
        colors=[css_colour(colour) for colour in mark.colours],
        opacities=[1.0 if few else 0.0],
        padding=0.0,
        tooltip=bqplot.Tooltip(
            fields=["x", "y"] if readable else ["y"],
            labels=["about", mark.counted] if readable else [mark.counted],
            formats=[".4g", ",.0f"] if readable else [",.0f"],
        ),
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
    return [
        bqplot.Scatter(
            **_places(chart, mark.x, mark.y),
            scales=_over(scales),
            colors=[css_colour(colour) for colour in mark.colours],
            names=np.array(mark.hints) if mark.hints else None,
            display_names=False,
            stroke=css_colour("ground"),
            stroke_width=0.8,
            default_size=52,
            opacities=[0.9],
            tooltip=bqplot.Tooltip(fields=["name"], show_labels=False) if mark.hints else None,
        )
    ]


def _ticks(mark: Points, chart: Chart, scales: Scales) -> list[bqplot.Mark]:
    """Return short lines across the bars, over a rim of the ground's colour."""
    assert chart.y is not None
    across = chart.y.kind == "category"
    places = _places(chart, mark.x, mark.y)
    bar, value = (places["y"], places["x"]) if across else (places["x"], places["y"])
    ends, values = np.stack([bar - 0.4, bar + 0.4], axis=1), np.stack([value, value], axis=1)
    # One mark draws all: a path with gaps.
    gap = np.full((len(bar), 1), np.nan)
    along, level = (np.concatenate([some, gap], axis=1).ravel() for some in (ends, values))
    xy = {"x": level, "y": along} if across else {"x": along, "y": level}
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
        tooltip=bqplot.Tooltip(fields=["name"], show_labels=False) if mark.name and not mark.marked else None,
    )
    if not mark.marked:
        return [line]
    dots = bqplot.Scatter(
        **places,
        scales=_over(scales),
        colors=[css_colour(mark.colour)],
        default_size=28,
        names=np.array([f"{mark.name}: σ{index:g} = {value:.4g}" for index, value in zip(mark.x, mark.y, strict=True)]),
        display_names=False,
        tooltip=bqplot.Tooltip(fields=["name"], show_labels=False),
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
    upper, lower = (start, end) if other.kind == "category" and mark.axis == "x" else (end, start)
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


def _slices(mark: Slices, _chart: Chart, _scales: Scales) -> list[bqplot.Mark]:
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
        )
    ]


def _cells(mark: Cells, _chart: Chart, scales: Scales) -> list[bqplot.Mark]:
    return [
        bqplot.HeatMap(
            color=mark.values,
            x=(mark.x_edges[:-1] + mark.x_edges[1:]) / 2,
            y=(mark.y_edges[:-1] + mark.y_edges[1:]) / 2,
            scales={"x": scales["x"], "y": scales["y"], "color": scales["color"]},
            null_color=PALETTES["light"]["line"],
        )
    ]


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
