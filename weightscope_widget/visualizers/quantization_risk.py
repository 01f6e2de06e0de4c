"""What the quantization risk matrix shows: extreme outliers against SQNR, coloured by what the layers are."""

from __future__ import annotations

import math

import numpy as np

from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.formats import format_decibel, format_percentage, format_tick
from weightscope_widget.results import ScanResults
from weightscope_widget.visualizers.axes import linear_axis, symlog_axis
from weightscope_widget.visualizers.chart import Axis, Band, Chart, Content, Key, Line, Mark, Points, Rule, Texts
from weightscope_widget.visualizers.labels import place_labels
from weightscope_widget.visualizers.layers import RULE_OF_THUMB, labels_of, matrices, metric, missing_notes, require
from weightscope_widget.visualizers.palette import FAMILY_COLOURS

__all__ = ["quantization_risk_content"]

_LABELLED = 12
_HEIGHT, _PLOT = 480, (900.0, 400.0)
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
        raise InvalidArgumentError(f"No layer of {results.model} has an SQNR to draw; scan it to the end.")
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
    families = [_family(results, name) for name in order]
    chart = Chart(
        "risk",
        "",
        x,
        y,
        (
            Band("y", low, risky, "red", f"high risk: below {format_tick(risky)} dB"),
            Rule("y", safe, "muted", f"{format_tick(safe)} dB"),
            Rule("x", strategy, "muted", f"{format_tick(strategy)} %"),
            Points(
                across,
                upwards,
                tuple(FAMILY_COLOURS[family] for family in families),
                tuple(order),
                tuple(
                    f"{labels[name]}: {format_percentage(outliers[name])}, {format_decibel(sqnr[name])}"
                    for name in order
                ),
            ),
            *_labels([labels[name] for name in order[::-1]], across[::-1], upwards[::-1], x, y),
        ),
        tuple(
            Key(f"{_TITLES[family]}: {families.count(family):,}", FAMILY_COLOURS[family], "circle")
            for family in FAMILY_COLOURS
            if family in families
        ),
    )
    chance = [baseline["sqnr_db"] for name in drawn if (baseline := results.baseline(name))]
    return Content(
        f"Quantization risk of {results.model}",
        ((chart,),),
        (_HEIGHT,),
        notes=(
            *missing_notes(results, [name for name in names if name not in set(drawn)]),
            *_chance_note(chance, safe),
            RULE_OF_THUMB,
        ),
    )


def _chance_note(chance: list[float], safe: float) -> tuple[str, ...]:
    """Say that the line of what is safe lies beyond chance, where it does."""
    if not chance or max(chance) >= safe:
        return ()
    note = (
        f"Gaussian weights of these shapes would reach {min(chance):.1f} to {max(chance):.1f} dB: "
        f"{format_tick(safe)} dB is out of reach for INT8 per tensor."
    )
    return (note,)


def _badness(results: ScanResults, name: str, sqnr: float) -> tuple[float, float]:
    """Sort by risk; where no spectrum was computed there is none, and SQNR decides."""
    risk = results.risk(name)
    return (-math.inf if math.isnan(risk) else risk, -sqnr)


def _family(results: ScanResults, name: str) -> str:
    return results.layers[name].placement.family


def _labels(words: list[str], across: np.ndarray, upwards: np.ndarray, x: Axis, y: Axis) -> tuple[Mark, ...]:
    """Label the riskiest, each where there is room beside its point."""
    (left, right), (bottom, top) = x.place([x.low, x.high]), (y.low, y.high)
    width, height = _PLOT
    pixels = list(
        zip(
            ((x.place(across) - left) / (right - left) * width).tolist(),
            ((upwards - bottom) / (top - bottom) * height).tolist(),
            strict=True,
        )
    )
    places = place_labels(words[:_LABELLED], pixels[:_LABELLED], pixels, _PLOT)
    found = [(word, place) for word, place in zip(words, places, strict=False) if place is not None]
    if not found:
        return ()

    def back(pixel_x: float, pixel_y: float) -> tuple[float, float]:
        at = float(x.unplace(left + pixel_x / width * (right - left)))
        return at, bottom + pixel_y / height * (top - bottom)

    leaders = [back(*end) for _, place in found for end in place.leader or ()]
    starts = [back(place.x, place.y) for _, place in found]
    return (
        *(
            Line(np.array([start[0], end[0]]), np.array([start[1], end[1]]), "muted", thin=True)
            for start, end in zip(leaders[::2], leaders[1::2], strict=True)
        ),
        Texts(np.array([at for at, _ in starts]), np.array([at for _, at in starts]), tuple(word for word, _ in found)),
    )
