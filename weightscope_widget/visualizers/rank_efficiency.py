"""What the rank efficiency figure shows: how much of its rank each layer uses, and where compression may pay."""

from __future__ import annotations

import math

import numpy as np

from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.formats import format_count, format_number, format_percentage, format_tick
from weightscope_widget.results import ScanResults
from weightscope_widget.visualizers.axes import category_axis, linear_axis, log_axis
from weightscope_widget.visualizers.chart import Bars, Chart, Content, Key, Line, Points, Rule, Slices
from weightscope_widget.visualizers.layers import (
    RULE_OF_THUMB,
    class_colour,
    class_keys,
    class_words,
    labels_of,
    matrices,
    metric,
    missing_notes,
    require,
    stable_rank_percentage,
)
from weightscope_widget.visualizers.palette import Colour

__all__ = ["rank_efficiency_content"]

_OF = "stable_rank_percentage"
_MOST_LABELS = 40
_HEIGHTS = (400, 340)

# The document's four slices; what its bars draw red besides is part of the first.
_POTENTIALS: tuple[tuple[str, tuple[str, ...], Colour], ...] = (
    ("high", ("very high", "high"), "orange"),
    ("medium", ("medium",), "yellow"),
    ("low", ("low",), "green"),
    ("already efficient", ("already efficient",), "blue"),
)


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
    share = {name: stable_rank_percentage(results, name) for name in names}
    drawn = [name for name in names if not math.isnan(share[name])]
    if not drawn:
        raise InvalidArgumentError(f"No layer of {results.model} has a stable rank to draw; scan it to the end.")
    return Content(
        f"Rank efficiency of {results.model}",
        ((_bars(results, drawn, share),), (_scatter(results, drawn, share), _potential(results, drawn))),
        _HEIGHTS,
        ((1.0,), (0.58, 0.42)),
        (
            *missing_notes(results, [name for name in names if math.isnan(share[name])]),
            "A square matrix of random numbers has 25 % already, so that little of it is a matter of size alone.",
            RULE_OF_THUMB,
        ),
    )


def _bars(results: ScanResults, drawn: list[str], share: dict[str, float]) -> Chart:
    labels = labels_of(results)
    chance = np.array([(results.baseline(name) or {}).get(_OF, math.nan) for name in drawn])
    known = np.isfinite(chance)
    levels = results.thresholds.stable_rank_percentage
    most = max([*(share[name] for name in drawn), *chance[known]])
    # Up to the first level that no layer reaches.
    high = next((level for level in levels if level > most), 100.0)
    return Chart(
        "utilization",
        "Rank used, in the model’s order, coloured by compression potential",
        category_axis("", [labels[name] for name in drawn], _MOST_LABELS),
        linear_axis("Stable rank / total rank (%)", 0.0, 1.1 * high, 5),
        (
            Bars(
                np.array([share[name] for name in drawn]),
                tuple(class_colour(results, name, _OF) for name in drawn),
                tuple(drawn),
                "stable / total rank (%)",
                ".3g",
            ),
            *(Rule("y", level, "muted", f"{format_tick(level)} %") for level in levels if level <= high),
            *(
                (Points(np.flatnonzero(known).astype(np.float64), chance[known], ("ink",), shape="tick"),)
                if known.any()
                else ()
            ),
        ),
        (
            *class_keys(results, _OF, drawn),
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
        log_axis("Stable rank, ‖W‖²_F / σ₁²", low_y, high),
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


def _potential(results: ScanResults, drawn: list[str]) -> Chart:
    found = [results.classes(name)[_OF] for name in drawn]
    slices = [
        (class_words(_OF, title), sum(found.count(each) for each in classes), colour)
        for title, classes, colour in _POTENTIALS
    ]
    slices = [one for one in slices if one[1]]
    return Chart(
        "potential",
        "Compression potential",
        None,
        None,
        (
            Slices(
                tuple(f"{words}: {count:,}" for words, count, _ in slices),
                tuple(count for _, count, _ in slices),
                tuple(colour for _, _, colour in slices),
            ),
        ),
    )
