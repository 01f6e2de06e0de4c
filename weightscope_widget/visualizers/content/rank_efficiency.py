"""The rank efficiency figure: the share of its rank that each layer uses, and the potential for compression."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from weightscope_widget._shared.formats import format_tick
from weightscope_widget._shared.messages import render, say
from weightscope_widget.assessment import CLASSES
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.visualizers.axes import category_axis, linear_axis, log_axis
from weightscope_widget.visualizers.chart import Axis, Bars, Chart, Content, Key, Line, Points, Rule, Slices, Tick
from weightscope_widget.visualizers.layers import Layers
from weightscope_widget.visualizers.palette import CLASS_COLOURS, Colour

__all__ = ["rank_efficiency_content"]

_OF = "stable_rank_percentage"
_MOST_LABELS = 40
_HEIGHTS = (400, 340)

_MOST_BARS = 200
"""More would be narrower than five pixels."""


class _Class(NamedTuple):
    """A class of compression potential in legend and pie."""

    title: str
    layers: int
    colour: Colour


def rank_efficiency_content(results: ScanResults, *, language: str = "en") -> Content:
    """Return the rank efficiency figure.

    Parameters
    ----------
    results : ScanResults
        With the section ``spectral``.
    language : {"en", "zh"}

    Raises
    ------
    InvalidArgumentError
        If the results have no such section, or no layer with a rank.
    """
    layers = Layers(results, language)
    layers.require("spectral")
    names = layers.matrices
    share = {name: layers.metric(name, "spectral", _OF) for name in names}
    ranks = {name: [layers.metric(name, "spectral", key) for key in ("stable_rank", "total_rank")] for name in names}
    drawn = [name for name in names if not math.isnan(share[name] + sum(ranks[name]))]
    if not drawn:
        raise layers.nothing_to_draw("a stable rank")
    potential = Counter(layers.class_of(name, _OF) for name in drawn)
    found = [
        _Class(title, potential[each], CLASS_COLOURS[_OF][each])
        for each, title in _titles(results.thresholds.stable_rank_percentage, language).items()
        if potential[each]
    ]
    # If there are too many, those that use the least.
    lowest = set(sorted(drawn, key=share.__getitem__)[:_MOST_BARS])
    barred = [name for name in drawn if name in lowest]
    notes = []
    if len(barred) < len(drawn):
        notes.append(say("figures.rank_efficiency.least", language, count=len(barred), total=len(drawn)))
    notes += layers.missing_notes([name for name in names if name not in set(drawn)])
    return Content(
        say("figures.rank_efficiency.title", language, model=results.model),
        ((_bars(layers, barred, share, found),), (_scatter(layers, drawn, share), _potential(found, language))),
        _HEIGHTS,
        ((1.0,), (0.58, 0.42)),
        (*notes, say("figures.rank_efficiency.square", language), say("figures.rule_of_thumb", language)),
    )


def _titles(levels: Sequence[float], language: str) -> dict[str, str]:
    """Return the title of each class with its range, from the least rank used to the most."""
    return {
        each: render(f"figures.classes.{_OF}.{each.replace(' ', '_')}", language, low=low, high=high)
        for each, low, high in zip(CLASSES[_OF], (-math.inf, *levels), (*levels, math.inf), strict=True)
    }


def _bars(layers: Layers, drawn: list[str], share: dict[str, float], found: list[_Class]) -> Chart:
    language = layers.language
    chance = layers.chance(drawn, _OF)
    levels = layers.results.thresholds.stable_rank_percentage
    most = max([*(share[name] for name in drawn), *chance[np.isfinite(chance)]])
    # Up to the first level that no layer reaches.
    high = next((level for level in levels if level > most), 100.0)
    # Ticks at the levels; labels on the lines would cover the bars.
    axis = linear_axis(say("figures.rank_axis", language), 0.0, 1.1 * high)
    at_levels = tuple(Tick(level, format_tick(level)) for level in sorted({0.0, *levels, high}) if level <= high)
    ticks, tick_keys = layers.ticks(np.arange(len(drawn), dtype=np.float64), chance)
    hints = [say("figures.rank_efficiency.used", language, share=share[name]) for name in drawn]
    return Chart(
        "utilization",
        say("figures.rank_efficiency.utilization", language),
        category_axis("", [layers.labels[name] for name in drawn], _MOST_LABELS),
        replace(axis, ticks=at_levels),
        (
            Bars(
                np.array([share[name] for name in drawn]),
                layers.class_colours(drawn, _OF),
                tuple(drawn),
                tuple(f"{layers.labels[name]}: {hint}" for name, hint in zip(drawn, hints, strict=True)),
            ),
            *(Rule("y", level, "muted") for level in levels if level <= high),
            *ticks,
        ),
        (*(Key(each.title, each.colour) for each in found), *tick_keys),
    )


def _scatter(layers: Layers, drawn: list[str], share: dict[str, float]) -> Chart:
    language = layers.language
    total = np.array([layers.metric(name, "spectral", "total_rank") for name in drawn])
    stable = np.array([layers.metric(name, "spectral", "stable_rank") for name in drawn])
    high = 2 * float(total.max())
    low_x, low_y = float(total.min()) / 2, min(1.0, float(stable.min())) / 1.3
    diagonal = np.array([max(low_x, low_y), high])
    full = say("figures.rank_efficiency.full", language)
    hints = [
        say("figures.rank_efficiency.of", language, stable=of, total=most, share=share[name])
        for name, of, most in zip(drawn, stable.tolist(), total.tolist(), strict=True)
    ]
    return Chart(
        "ranks",
        say("figures.rank_efficiency.ranks", language),
        log_axis(say("figures.rank_efficiency.total_axis", language), low_x, high),
        log_axis(say("figures.rank_efficiency.stable_axis", language), low_y, high),
        (
            Line(diagonal, diagonal, "muted", full, dashed=True),
            Points(
                total,
                stable,
                layers.class_colours(drawn, _OF),
                tuple(drawn),
                tuple(f"{layers.labels[name]}: {hint}" for name, hint in zip(drawn, hints, strict=True)),
            ),
        ),
        (Key(full, "muted", "dashed"),),
    )


def _potential(found: list[_Class], language: str) -> Chart:
    slices = Slices(
        tuple(f"{each.title}: {each.layers:,}" for each in found),
        tuple(each.layers for each in found),
        tuple(each.colour for each in found),
        say("figures.layers", language, count=sum(each.layers for each in found)),
    )
    title = say("figures.rank_efficiency.potential", language)
    return Chart("potential", title, Axis(""), Axis(""), (slices,))
