"""The condition number figure: bars of log₁₀ κ, the worst first."""

from __future__ import annotations

import math

import numpy as np

from weightscope_widget._shared.checks import check_count
from weightscope_widget._shared.formats import format_number
from weightscope_widget._shared.messages import say
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.visualizers.axes import category_axis, format_level, linear_axis
from weightscope_widget.visualizers.chart import Bars, Chart, Content, Rule, Texts
from weightscope_widget.visualizers.layers import Layers
from weightscope_widget.visualizers.palette import Colour

__all__ = ["condition_number_content"]

_MOST_BARS = 500
_MARGINS = 90
_ROW, _LEAST, _TALLEST = 19, 240, 1200
_NARROWEST = 5
"""Pixels of a row, for which a figure grows: narrower bars and the gaps between them would make stripes."""
_COLOURS: tuple[Colour, ...] = ("yellow", "orange", "red")


def condition_number_content(results: ScanResults, top: int | None = None, *, language: str = "en") -> Content:
    """Return the condition number figure.

    Parameters
    ----------
    results : ScanResults
        With the section ``spectral``.
    top : int, optional
        How many of the worst layers to draw, at most 500, which is also the default.
    language : {"en", "zh"}

    Raises
    ------
    InvalidArgumentError
        If the results have no spectra, or `top` is not a count.
    """
    layers = Layers(results, language)
    layers.require("spectral")
    if top is not None:
        check_count("top", top, "how many layers to draw")
    kappa = {name: layers.metric(name, "spectral", "condition_number") for name in layers.matrices}
    # Layers without a number first: they may be the worst.
    ordered = sorted(kappa, key=lambda name: (not math.isnan(kappa[name]), -kappa[name]))
    pending = [name for name in ordered if results.pending(name)]
    ordered = [name for name in ordered if not results.pending(name)]
    drawn = ordered[: min(top or _MOST_BARS, _MOST_BARS)]
    if not drawn:
        raise layers.nothing_to_draw("a condition number")

    levels = results.thresholds.condition_number
    finite = [math.log10(kappa[name]) for name in drawn if math.isfinite(kappa[name])]
    end = max([0.0, *finite, *(math.log10(level) for level in levels if level > 0)]) + 0.6
    values = np.array([end if math.isinf(kappa[name]) else math.log10(kappa[name]) for name in drawn])
    rows = np.arange(len(drawn), dtype=np.float64)
    infinite = np.isinf([kappa[name] for name in drawn])
    unknown = np.isnan(values)
    chance = np.where(unknown, np.nan, np.log10(layers.chance(drawn, "condition_number")))
    ticks, tick_keys = layers.ticks(chance, rows)

    words: list[Texts] = []
    if infinite.any():
        count = int(infinite.sum())
        words.append(Texts(np.full(count, end * 0.995), rows[infinite], ("κ = ∞",) * count, "ground", "end"))
    if unknown.any():
        reasons = tuple(layers.reason(drawn[row]) for row in np.flatnonzero(unknown))
        words.append(Texts(np.full(len(reasons), end * 0.005), rows[unknown], reasons, "red"))

    height = max(_LEAST, min(_TALLEST, _MARGINS + _ROW * len(drawn)), _MARGINS + _NARROWEST * len(drawn))
    chart = Chart(
        "condition_number",
        "",
        linear_axis(say("figures.condition_number.axis", language), 0.0, end, 8),
        category_axis("", [layers.labels[name] for name in drawn], (height - _MARGINS) // _ROW),
        (
            Bars(
                values,
                layers.class_colours(drawn, "condition_number"),
                tuple(drawn),
                tuple(f"{layers.labels[name]}: {_hint(layers, name, kappa[name])}" for name in drawn),
            ),
            *(
                Rule("x", math.log10(level), colour, format_level(level, logarithmic=True), low=True)
                for level, colour in zip(levels, _COLOURS, strict=True)
                if level > 0
            ),
            *ticks,
            *words,
        ),
        (*layers.class_keys("condition_number", ordered), *tick_keys),
    )
    notes = []
    if len(drawn) < len(ordered):
        notes.append(say("figures.condition_number.worst", language, count=len(drawn), total=len(ordered)))
    if pending:
        notes.append(say("figures.condition_number.pending", language, number=len(pending)))
    notes += layers.missing_notes([name for name in drawn if math.isnan(kappa[name])], "without_condition_number")
    title = say("figures.condition_number.title", language, model=results.model)
    return Content(title, ((chart,),), (height,), notes=(*notes, say("figures.rule_of_thumb", language)))


def _hint(layers: Layers, name: str, kappa: float) -> str:
    """Return κ with its logarithm, or why there is none."""
    if math.isnan(kappa):
        return layers.reason(name)
    return f"κ = {format_number(kappa)}" + (f", log₁₀ κ = {math.log10(kappa):.2f}" if math.isfinite(kappa) else "")
