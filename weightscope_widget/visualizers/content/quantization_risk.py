"""What the quantization risk matrix shows: extreme outliers against SQNR, coloured by what the layers are."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from weightscope_widget._shared.formats import format_decibel, format_percentage, format_tick
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
from weightscope_widget.visualizers.layers import (
    RULE_OF_THUMB,
    counted,
    labels_of,
    matrices,
    metric,
    missing_notes,
    nothing_to_draw,
    require,
)
from weightscope_widget.visualizers.palette import FAMILY_COLOURS

__all__ = ["quantization_risk_content"]

_LABELLED = 12
_HEIGHT, _PLOT, _LINE = 480, (900.0, 400.0), 18.0
_HIDDEN = 2.5
"""A point that another lies over by less than this, in pixels, is not seen."""
_TITLES = {"attention": "Attention", "mlp": "MLP", "embedding": "Embedding", "other": "Other"}


def quantization_risk_content(results: ScanResults) -> Content:
    """Return the quantization risk matrix, of per-tensor symmetric INT8.

    Parameters
    ----------
    results : ScanResults
        With the section ``quantization``.

    Raises
    ------
    InvalidArgumentError
        Where the results have no such section, or no layer that can be placed.
    """
    require(results, "quantization")
    names = matrices(results)
    outliers = {name: metric(results, name, "quantization", "extreme_outlier_percentage") for name in names}
    sqnr = {name: metric(results, name, "quantization", "sqnr_db") for name in names}
    # Without rounding errors (SQNR infinite) there is nothing at risk, and no place on the axis but its end.
    drawn = [name for name in names if math.isfinite(outliers[name]) and not math.isnan(sqnr[name])]
    if not drawn:
        raise nothing_to_draw(results, "an SQNR")
    finite = [sqnr[name] for name in drawn if math.isfinite(sqnr[name])] or [40.0]
    safe, risky = results.thresholds.sqnr_db
    strategy = results.thresholds.extreme_outlier_percentage[1]

    x = symlog_axis("Extreme outliers (% outside 3 × IQR)", max([*(outliers[name] for name in drawn), strategy]))
    low, high = min([*finite, risky - 4]) - 2, max([*finite, safe]) + 3
    y = linear_axis("SQNR, INT8 per tensor (dB)", low, high, 7)
    # The riskiest last, so that no other point hides it.
    order = sorted(drawn, key=lambda name: _badness(results, name, sqnr[name]))
    across = np.array([outliers[name] for name in order])
    upwards = np.array([min(sqnr[name], high) for name in order])
    labels = labels_of(results)
    hints = tuple(
        f"{labels[name]}: {format_percentage(outliers[name])}, {format_decibel(sqnr[name])}" for name in order
    )
    families = [_family(results, name) for name in order]
    points = Points(across, upwards, tuple(FAMILY_COLOURS[family] for family in families), tuple(order), hints)
    lines = (
        Band("y", low, risky, "red", f"high risk: below {format_tick(risky)} dB"),
        Rule("y", safe, "muted", f"{format_tick(safe)} dB"),
        Rule("x", strategy, "muted", f"{format_tick(strategy)} %"),
    )
    frame = _Frame(x, y)
    pixels = frame.pixels(across, upwards)
    chart = Chart(
        "risk",
        "",
        x,
        y,
        (
            *lines,
            *_rings(points, pixels),
            points,
            *_labels([labels[name] for name in order[::-1]], pixels[::-1], frame, lines),
        ),
        tuple(
            Key(f"{_TITLES[family]}: {families.count(family):,}", FAMILY_COLOURS[family], "circle")
            for family in FAMILY_COLOURS
            if family in families
        ),
    )
    known = set(drawn)
    chance = [baseline["sqnr_db"] for name in drawn if (baseline := results.baseline(name))]
    return Content(
        f"Quantization risk of {results.model}",
        ((chart,),),
        (_HEIGHT,),
        notes=(
            *missing_notes(results, [name for name in names if name not in known]),
            *_chance_note(chance, safe),
            RULE_OF_THUMB,
        ),
    )


def _chance_note(chance: list[float], safe: float) -> tuple[str, ...]:
    """Say that the line of what is safe lies beyond chance, where it does."""
    below = [one for one in chance if one < safe]
    if not below:
        return ()
    note = (
        f"Gaussian weights of the shapes of {len(below):,} of {counted(len(chance), 'layer')} would reach "
        f"{min(below):.1f} to {max(below):.1f} dB: "
        f"for these, {format_tick(safe)} dB is out of reach for INT8 per tensor."
    )
    return (note,)


def _badness(results: ScanResults, name: str, sqnr: float) -> tuple[float, float]:
    """Sort by risk; where no spectrum was computed there is none, and SQNR decides."""
    risk = results.risk(name)
    return (-math.inf if math.isnan(risk) else risk, -sqnr)


def _family(results: ScanResults, name: str) -> str:
    return results.layers[name].placement.family


class _Frame:
    """The chart in pixels, as it is usually drawn; what is placed in it keeps its place at another size."""

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
    """Ring those of the riskiest that lie under another, which would not be seen otherwise."""
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
    """Label the riskiest, each where there is room beside its point."""
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
