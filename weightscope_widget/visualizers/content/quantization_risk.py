"""The quantization risk matrix: extreme outliers against SQNR, coloured by family."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from weightscope_widget._shared.formats import format_decibel, format_percentage, format_tick
from weightscope_widget._shared.messages import render, say
from weightscope_widget.data.keys import MessageKey
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.visualizers.axes import linear_axis, symlog_axis
from weightscope_widget.visualizers.chart import (
    Axis,
    Band,
    Chart,
    Content,
    FloatArray,
    Key,
    Line,
    Mark,
    Points,
    Rule,
    Texts,
)
from weightscope_widget.visualizers.labels import Point, place_labels, width_of
from weightscope_widget.visualizers.layers import Layers
from weightscope_widget.visualizers.palette import FAMILY_COLOURS

__all__ = ["quantization_risk_content"]

_LABELLED = 12
_HEIGHT, _PLOT, _LINE = 480, (900.0, 400.0), 18.0
_HIDDEN = 2.5
"""A point is invisible below another that is less than this away, in pixels."""


def quantization_risk_content(results: ScanResults, *, language: str = "en") -> Content:
    """Return the quantization risk matrix, of per-tensor symmetric INT8.

    Parameters
    ----------
    results : ScanResults
        With the section ``quantization``.
    language : {"en", "zh"}

    Raises
    ------
    InvalidArgumentError
        If the results have no such section, or no layer that can be placed.
    """
    layers = Layers(results, language)
    layers.require("quantization")
    names = layers.matrices
    outliers = {name: layers.metric(name, "quantization", "extreme_outlier_percentage") for name in names}
    sqnr = {name: layers.metric(name, "quantization", "sqnr_db") for name in names}
    # An infinite SQNR (no rounding errors) is drawn at the end of the axis.
    drawn = [name for name in names if math.isfinite(outliers[name]) and not math.isnan(sqnr[name])]
    if not drawn:
        raise layers.nothing_to_draw("an SQNR")
    finite = [sqnr[name] for name in drawn if math.isfinite(sqnr[name])] or [40.0]
    safe, risky = results.thresholds.sqnr_db
    strategy = results.thresholds.extreme_outlier_percentage[1]

    most = max([*(outliers[name] for name in drawn), strategy])
    x = symlog_axis(say("figures.quantization_risk.outlier_axis", language), most)
    low, high = min([*finite, risky - 4]) - 2, max([*finite, safe]) + 3
    y = linear_axis(say("figures.sqnr_axis", language), low, high, 7)
    # The riskiest last, so that no other point hides it.
    order = sorted(drawn, key=lambda name: _badness(results, name, sqnr[name]))
    across = np.array([outliers[name] for name in order])
    upwards = np.array([min(sqnr[name], high) for name in order])
    hints = tuple(
        f"{layers.labels[name]}: {format_percentage(outliers[name])}, {format_decibel(sqnr[name])}" for name in order
    )
    families = [results.layers[name].placement.family for name in order]
    points = Points(across, upwards, tuple(FAMILY_COLOURS[family] for family in families), tuple(order), hints)
    lines = (
        Band("y", low, risky, "red", say("figures.quantization_risk.high_risk", language, level=risky)),
        Rule("y", safe, "muted", f"{format_tick(safe)} dB"),
        Rule("x", strategy, "muted", f"{format_tick(strategy)} %"),
    )
    frame = _Frame(x, y)
    pixels = frame.pixels(across, upwards)
    labels = _labels([layers.labels[name] for name in order[::-1]], pixels[::-1], frame, lines)
    keys = tuple(
        Key(f"{render(f'figures.family_{family}', language)}: {families.count(family):,}", colour, "circle")
        for family, colour in FAMILY_COLOURS.items()
        if family in families
    )
    chart = Chart("risk", "", x, y, (*lines, *_rings(points, pixels), points, *labels), keys)
    notes = [*layers.missing_notes([name for name in names if name not in set(drawn)])]
    chance = [baseline["sqnr_db"] for name in drawn if (baseline := results.baseline(name))]
    below = [one for one in chance if one < safe]
    if below:
        count, total, least, best = len(below), len(chance), f"{min(below):.1f}", f"{max(below):.1f}"
        key: MessageKey = "figures.quantization_risk.chance"
        notes.append(say(key, language, count=count, total=total, low=least, high=best, level=safe))
    title = say("figures.quantization_risk.title", language, model=results.model)
    return Content(title, ((chart,),), (_HEIGHT,), notes=(*notes, say("figures.rule_of_thumb", language)))


def _badness(results: ScanResults, name: str, sqnr: float) -> tuple[float, float]:
    """Sort by risk, or by SQNR alone where there is no spectrum."""
    risk = results.risk(name)
    return (-math.inf if math.isnan(risk) else risk, -sqnr)


class _Frame:
    """The chart in pixels at its usual size; positions scale with it."""

    def __init__(self, x: Axis, y: Axis) -> None:
        self._x = x
        self._low = np.array([x.place(x.low), y.low])
        self._scale = np.array(_PLOT) / (np.array([x.place(x.high), y.high]) - self._low)

    def pixels(self, x: FloatArray | float, y: FloatArray | float) -> FloatArray:
        """Return places of the axes in pixels: (points, 2)."""
        places = np.stack(np.broadcast_arrays(self._x.place(x), y), axis=-1)
        found: FloatArray = (places - self._low) * self._scale
        return found

    def back(self, pixels: Sequence[Point]) -> tuple[FloatArray, FloatArray]:
        """Undo `pixels`."""
        x, y = (np.array(pixels) / self._scale + self._low).T
        return self._x.unplace(x), y


def _rings(points: Points, pixels: FloatArray) -> tuple[Mark, ...]:
    """Ring those of the riskiest that lie below another point."""
    under = [
        index
        for index in range(max(0, len(pixels) - _LABELLED), len(pixels))
        if (np.hypot(*(pixels[index + 1 :] - pixels[index]).T) < _HIDDEN).any()
    ]
    if not under:
        return ()
    colours = tuple(points.colours[index] for index in under)
    layers, hints = (tuple(some[index] for index in under) for some in (points.layers, points.hints))
    return (Points(points.x[under], points.y[under], colours, layers, hints, "ring"),)


def _labels(words: list[str], pixels: FloatArray, frame: _Frame, lines: tuple[Band, Rule, Rule]) -> tuple[Mark, ...]:
    """Label the riskiest layers where there is room."""
    points: list[Point] = [tuple(point) for point in pixels.tolist()]
    band, safe, strategy = lines
    width, height = _PLOT
    at_x, at_y = float(frame.pixels(strategy.value, 0.0)[0]), float(frame.pixels(0.0, safe.value)[1])
    places = place_labels(
        words[:_LABELLED],
        points[:_LABELLED],
        points,
        _PLOT,
        taken=[
            (at_x, height - _LINE, at_x + width_of(strategy.label), height),
            (width - width_of(safe.label), at_y, width, at_y + _LINE),
            (width - width_of(band.label), 0.0, width, _LINE),
        ],
        rules=[(at_x - 1, 0.0, at_x + 1, height), (0.0, at_y - 1, width, at_y + 1)],
    )
    found = [(word, place) for word, place in zip(words, places, strict=False) if place is not None]
    marks: list[Mark] = []
    for _, place in found:
        if place.leader is not None:
            marks.append(Line(*frame.back(place.leader), "muted", thin=True))
    for align in ("start", "end"):
        some = [(word, place) for word, place in found if place.align == align]
        if some:
            x, y = frame.back([(place.x, place.y) for _, place in some])
            marks.append(Texts(x, y, tuple(word for word, _ in some), align=align))
    return tuple(marks)
