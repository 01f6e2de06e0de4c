"""What the condition number figure shows: bars of log₁₀ κ, worst first."""

from __future__ import annotations

import math

import numpy as np

from weightscope_widget.arguments import check_count
from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.results import ScanResults
from weightscope_widget.visualizers.axes import category_axis, format_level, linear_axis
from weightscope_widget.visualizers.chart import Bars, Chart, Content, Key, Points, Rule, Texts
from weightscope_widget.visualizers.layers import (
    RULE_OF_THUMB,
    class_colour,
    class_keys,
    labels_of,
    matrices,
    metric,
    missing_notes,
    reason_missing,
    require,
)
from weightscope_widget.visualizers.palette import Colour

__all__ = ["condition_number_content"]

_MOST_BARS = 500
_MOST_LABELS = 60
_ROW, _LEAST, _TALLEST = 19, 240, 1200


def condition_number_content(results: ScanResults, top: int | None = None) -> Content:
    """Return the condition number figure.

    Parameters
    ----------
    results : ScanResults
        With the section ``spectral``.
    top : int, optional
        How many of the worst layers to draw; by default all, at most 500.

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
    drawn = ordered[: top or _MOST_BARS]
    if not drawn:
        raise InvalidArgumentError(f"No matrix of {results.model} has been measured yet; scan it to the end.")

    labels = labels_of(results)
    levels = results.thresholds.condition_number
    finite = [math.log10(kappa[name]) for name in drawn if math.isfinite(kappa[name])]
    end = max([*finite, math.log10(levels[-1])]) + 0.6
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

    chart = Chart(
        "condition_number",
        "",
        linear_axis("log₁₀ κ, κ = σ₁ / σᵣ", 0.0, end, 8),
        category_axis("", [labels[name] for name in drawn], _MOST_LABELS),
        (
            Bars(
                values,
                tuple(class_colour(results, name, "condition_number") for name in drawn),
                tuple(drawn),
                "log₁₀ κ",
                ".2f",
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
            *class_keys(results, "condition_number", drawn),
            *((Key("a random matrix of the same shape", "ink", "tick"),) if known.any() else ()),
        ),
    )
    beyond = len(ordered) - len(drawn)
    return Content(
        f"Condition numbers of {results.model}",
        ((chart,),),
        (min(_TALLEST, max(_LEAST, 90 + _ROW * len(drawn))),),
        notes=(
            *((f"The {len(drawn):,} worst of {len(ordered):,} layers.",) if beyond else ()),
            *((f"{len(pending):,} layers are not measured yet.",) if pending else ()),
            *missing_notes(results, [name for name in drawn if math.isnan(kappa[name])], "Without a condition number"),
            RULE_OF_THUMB,
        ),
    )
