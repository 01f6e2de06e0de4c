"""What the condition number figure shows: bars of log₁₀ κ, worst first."""

from __future__ import annotations

import math

import numpy as np

from weightscope_widget._shared.checks import check_count
from weightscope_widget._shared.formats import format_number
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.visualizers.axes import category_axis, format_level, linear_axis
from weightscope_widget.visualizers.chart import Bars, Chart, Content, Key, Points, Rule, Texts
from weightscope_widget.visualizers.layers import (
    RULE_OF_THUMB,
    class_colour,
    class_keys,
    counted,
    labels_of,
    matrices,
    metric,
    missing_notes,
    nothing_to_draw,
    reason_missing,
    require,
)
from weightscope_widget.visualizers.palette import Colour

__all__ = ["condition_number_content"]

_MOST_BARS = 500
_MARGINS = 90
_ROW, _LEAST, _TALLEST = 19, 240, 1200
_NARROWEST = 5
"""Pixels of a row, for which a figure grows: narrower bars and the gaps between them would make stripes."""


def condition_number_content(results: ScanResults, top: int | None = None) -> Content:
    """Return the condition number figure.

    Parameters
    ----------
    results : ScanResults
        With the section ``spectral``.
    top : int, optional
        How many of the worst layers to draw, at most 500; by default as many as there are.

    Raises
    ------
    InvalidArgumentError
        Where the results have no spectra, or `top` is no count.
    """
    require(results, "spectral")
    if top is not None:
        check_count("top", top, "how many layers to draw")
    kappa = {name: metric(results, name, "spectral", "condition_number") for name in matrices(results)}
    # A layer without a number comes first: it is not known to be well.
    ordered = sorted(kappa, key=lambda name: (not math.isnan(kappa[name]), -kappa[name]))
    pending = [name for name in ordered if results.pending(name)]
    ordered = [name for name in ordered if not results.pending(name)]
    drawn = ordered[: min(top or _MOST_BARS, _MOST_BARS)]
    if not drawn:
        raise nothing_to_draw(results, "a condition number")

    labels = labels_of(results)
    levels = results.thresholds.condition_number
    finite = [math.log10(kappa[name]) for name in drawn if math.isfinite(kappa[name])]
    end = max([0.0, *finite, *(math.log10(level) for level in levels if level > 0)]) + 0.6
    values = np.array([end if math.isinf(kappa[name]) else math.log10(kappa[name]) for name in drawn])
    rows = np.arange(len(drawn), dtype=np.float64)
    infinite = np.isinf([kappa[name] for name in drawn])
    unknown = np.isnan(values)
    chance = np.array([math.log10((results.baseline(name) or {}).get("condition_number", math.nan)) for name in drawn])
    known = np.isfinite(chance) & ~unknown

    colours: tuple[Colour, ...] = ("yellow", "orange", "red")
    words: list[Texts] = []
    if infinite.any():
        count = int(infinite.sum())
        words.append(Texts(np.full(count, end * 0.995), rows[infinite], ("κ = ∞",) * count, "ground", "end"))
    if unknown.any():
        reasons = tuple(reason_missing(results, drawn[row]) for row in np.flatnonzero(unknown))
        words.append(Texts(np.full(len(reasons), end * 0.005), rows[unknown], reasons, "red"))

    height = max(_LEAST, min(_TALLEST, _MARGINS + _ROW * len(drawn)), _MARGINS + _NARROWEST * len(drawn))
    chart = Chart(
        "condition_number",
        "",
        linear_axis("log₁₀ κ, κ = σ₁ / σᵣ", 0.0, end, 8),
        category_axis("", [labels[name] for name in drawn], (height - _MARGINS) // _ROW),
        (
            Bars(
                values,
                tuple(class_colour(results, name, "condition_number") for name in drawn),
                tuple(drawn),
                tuple(f"{labels[name]}: {_words(results, name, kappa[name])}" for name in drawn),
            ),
            *(
                Rule("x", math.log10(level), colour, format_level(level, logarithmic=True), low=True)
                for level, colour in zip(levels, colours, strict=True)
                if level > 0
            ),
            *((Points(chance[known], rows[known], ("ink",), shape="tick"),) if known.any() else ()),
            *words,
        ),
        (
            *class_keys(results, "condition_number", ordered),
            *((Key("a random matrix of the same shape", "ink", "tick"),) if known.any() else ()),
        ),
    )
    worst = f"The worst {len(drawn):,} of {counted(len(ordered), 'layer')}; the legend counts all."
    return Content(
        f"Condition numbers of {results.model}",
        ((chart,),),
        (height,),
        notes=(
            *((worst,) if len(drawn) < len(ordered) else ()),
            *((f"Not measured yet: {counted(len(pending), 'layer')}.",) if pending else ()),
            *missing_notes(results, [name for name in drawn if math.isnan(kappa[name])], "Without a condition number"),
            RULE_OF_THUMB,
        ),
    )


def _words(results: ScanResults, name: str, kappa: float) -> str:
    """Return κ with its logarithm, or why there is none."""
    if math.isnan(kappa):
        return reason_missing(results, name)
    return f"κ = {format_number(kappa)}" + (f", log₁₀ κ = {math.log10(kappa):.2f}" if math.isfinite(kappa) else "")
