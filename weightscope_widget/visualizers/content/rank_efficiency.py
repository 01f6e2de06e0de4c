"""What the rank efficiency figure shows: how much of its rank each layer uses, and where compression may pay."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from weightscope_widget._shared.formats import format_count, format_number, format_percentage, format_tick
from weightscope_widget.assessment import CLASSES
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.visualizers.axes import category_axis, linear_axis, log_axis
from weightscope_widget.visualizers.chart import Bars, Chart, Content, Key, Line, Points, Rule, Slices, Tick
from weightscope_widget.visualizers.layers import (
    RULE_OF_THUMB,
    class_colour,
    class_of,
    counted,
    labels_of,
    matrices,
    metric,
    missing_notes,
    nothing_to_draw,
    require,
)
from weightscope_widget.visualizers.palette import CLASS_COLOURS, Colour

__all__ = ["rank_efficiency_content"]

_OF = "stable_rank_percentage"
_MOST_LABELS = 40
_HEIGHTS = (400, 340)

_MOST_BARS = 200
"""More would be narrower than five pixels."""


class _Class(NamedTuple):
    """A class of compression potential, as legend and pie have it."""

    words: str
    layers: int
    colour: Colour


def rank_efficiency_content(results: ScanResults) -> Content:
    """Return the rank efficiency figure.

    Parameters
    ----------
    results : ScanResults
        With the section ``spectral``.

    Raises
    ------
    InvalidArgumentError
        Where the results have no such section, or no layer with a rank.
    """
    require(results, "spectral")
    names = matrices(results)
    share = {name: metric(results, name, "spectral", _OF) for name in names}
    ranks = {name: [metric(results, name, "spectral", key) for key in ("stable_rank", "total_rank")] for name in names}
    drawn = [name for name in names if not math.isnan(share[name] + sum(ranks[name]))]
    if not drawn:
        raise nothing_to_draw(results, "a stable rank")
    # The document's four classes, of which the first has what is drawn red apart.
    potential = Counter(class_of(results, name, _OF) for name in drawn)
    found = [
        _Class(words, potential[each], CLASS_COLOURS[_OF][each])
        for each, words in zip(CLASSES[_OF], _words(results.thresholds.stable_rank_percentage), strict=True)
        if potential[each]
    ]
    # Where there are too many, those that use the least.
    lowest = set(sorted(drawn, key=share.__getitem__)[:_MOST_BARS])
    barred = [name for name in drawn if name in lowest]
    return Content(
        f"Rank efficiency of {results.model}",
        ((_bars(results, barred, share, found),), (_scatter(results, drawn, share), _potential(found))),
        _HEIGHTS,
        ((1.0,), (0.58, 0.42)),
        (
            *(
                (f"Bars: the {len(barred)} of {counted(len(drawn), 'layer')} that use the least of their rank.",)
                if len(barred) < len(drawn)
                else ()
            ),
            *missing_notes(results, [name for name in names if math.isnan(share[name] + sum(ranks[name]))]),
            "A square matrix of random numbers has 25 % already, so that little of it is a matter of size alone.",
            RULE_OF_THUMB,
        ),
    )


def _words(levels: Sequence[float]) -> tuple[str, ...]:
    """Return what the classes are called, from the least rank used to the most."""
    least, low, middle, most = (format_tick(level) for level in levels)
    return (
        f"high, < {least} %",
        f"high, {least}–{low} %",
        f"medium, {low}–{middle} %",
        f"low, {middle}–{most} %",
        f"already efficient, ≥ {most} %",
    )


def _bars(results: ScanResults, drawn: list[str], share: dict[str, float], found: list[_Class]) -> Chart:
    labels = labels_of(results)
    chance = np.array([(results.baseline(name) or {}).get(_OF, math.nan) for name in drawn])
    known = np.isfinite(chance)
    levels = results.thresholds.stable_rank_percentage
    most = max([*(share[name] for name in drawn), *chance[known]])
    # Up to the first level that no layer reaches.
    high = next((level for level in levels if level > most), 100.0)
    # Ticks say where the classes begin; words at the lines would lie on the bars.
    axis = linear_axis("Stable rank / total rank (%)", 0.0, 1.1 * high)
    ticks = tuple(Tick(level, format_tick(level)) for level in sorted({0.0, *levels, high}) if level <= high)
    return Chart(
        "utilization",
        "Rank used, in the model’s order, coloured by compression potential",
        category_axis("", [labels[name] for name in drawn], _MOST_LABELS),
        replace(axis, ticks=ticks),
        (
            Bars(
                np.array([share[name] for name in drawn]),
                tuple(class_colour(results, name, _OF) for name in drawn),
                tuple(drawn),
                tuple(f"{labels[name]}: {format_percentage(share[name])} of the rank is used" for name in drawn),
            ),
            *(Rule("y", level, "muted") for level in levels if level <= high),
            *(
                (Points(np.flatnonzero(known).astype(np.float64), chance[known], ("ink",), shape="tick"),)
                if known.any()
                else ()
            ),
        ),
        (
            *(Key(one.words, one.colour) for one in found),
            *((Key("a random matrix of the same shape", "ink", "tick"),) if known.any() else ()),
        ),
    )


def _scatter(results: ScanResults, drawn: list[str], share: dict[str, float]) -> Chart:
    labels = labels_of(results)
    total = np.array([metric(results, name, "spectral", "total_rank") for name in drawn])
    stable = np.array([metric(results, name, "spectral", "stable_rank") for name in drawn])
    high = 2 * float(total.max())
    low_x, low_y = float(total.min()) / 2, min(1.0, float(stable.min())) / 1.3
    diagonal = np.array([max(low_x, low_y), high])
    return Chart(
        "ranks",
        "Stable rank against total rank",
        log_axis("Total rank, min(m, n)", low_x, high),
        log_axis("Stable rank, ‖W‖² / σ₁²", low_y, high),
        (
            Line(diagonal, diagonal, "muted", "all of the rank is used", dashed=True),
            Points(
                total,
                stable,
                tuple(class_colour(results, name, _OF) for name in drawn),
                tuple(drawn),
                tuple(
                    f"{labels[name]}: {format_number(of)} of {format_count(all_)}, {format_percentage(share[name])}"
                    for name, of, all_ in zip(drawn, stable, total, strict=True)
                ),
            ),
        ),
        (Key("all of the rank is used", "muted", "dashed"),),
    )


def _potential(found: list[_Class]) -> Chart:
    counts = tuple(one.layers for one in found)
    return Chart(
        "potential",
        "Compression potential",
        None,
        None,
        (
            Slices(
                tuple(f"{one.words}: {one.layers:,}" for one in found),
                counts,
                tuple(one.colour for one in found),
                "layer" if sum(counts) == 1 else "layers",
            ),
        ),
    )
