"""The weight distribution figure: a histogram with linear and with logarithmic counts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from weightscope_widget._shared.messages import say
from weightscope_widget.analyzers.numerics.histogram import Histogram
from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.visualizers.axes import bin_hints, count_axis, linear_axis, log_axis
from weightscope_widget.visualizers.chart import Bins, Chart, Content, Key, Line, Mark
from weightscope_widget.visualizers.palette import SERIES
from weightscope_widget.visualizers.tensors import Series, series_of

__all__ = ["weight_distribution_content"]

_HEIGHT = 330


def weight_distribution_content(weights: Any, results: ScanResults | None = None, *, language: str = "en") -> Content:
    """Return the weight distribution figure, of one tensor or of several over each other.

    Parameters
    ----------
    weights : tensor, str, sequence or mapping
        As `series_of` takes it.
    results : ScanResults, optional
        For layers given by name.
    language : {"en", "zh"}

    Raises
    ------
    InvalidArgumentError
        If nothing can be drawn: no weights, none of them finite, names without results.
    UnknownLayerError
        If a layer is not in the results, or its histogram was not computed.
    """
    series = series_of(weights, results, language)
    histograms = []
    for each in series:
        found = each.histogram
        if found is None:
            raise InvalidArgumentError(f"{each.label} has no finite weight; there is no distribution to draw.")
        histograms.append(found)
    if len(series) == 1:
        return _one(series[0], histograms[0], language)
    x = linear_axis(
        say("figures.weight_distribution.weight", language),
        min(each.low for each in histograms),
        max(each.high for each in histograms),
    )
    lines, peak, least = [], 0.0, math.inf
    for each, found, colour in zip(series, histograms, SERIES, strict=False):
        edges, density = _density(found.edges, found.counts)
        lines.append(Line(edges, density, colour, each.label))
        peak, least = max(peak, float(density.max())), min(least, float(density[density > 0].min()))
    keys = tuple(Key(line.name, line.colour, "line") for line in lines)
    linear = linear_axis(say("figures.weight_distribution.density", language), 0.0, 1.06 * peak)
    log = log_axis(say("figures.weight_distribution.log_density", language), least / 2, 1.6 * peak)
    linear_title = say("figures.weight_distribution.linear_density", language)
    log_title = say("figures.weight_distribution.logarithmic_density", language)
    charts = (
        Chart("linear", linear_title, x, linear, tuple(lines), keys, legend="inside"),
        Chart("log", log_title, x, log, tuple(lines)),
    )
    title = say("figures.weight_distribution.title_several", language, number=len(series))
    return Content(title, (charts,), (_HEIGHT,), notes=tuple(note for each in series for note in _left_out(each)))


def _one(series: Series, found: Histogram, language: str) -> Content:
    edges, counts = found.edges, found.counts
    if found.low == found.high:  # one value: a bar wide enough to see
        margin = 0.05 * abs(found.low) or 0.05
        edges = np.array([found.low - margin, found.low + margin])
    x = linear_axis(say("figures.weight_distribution.weight", language), float(edges[0]), float(edges[-1]))
    hints = tuple(bin_hints(found.edges, counts, "weights", language))
    bins: tuple[Mark, ...] = (Bins(edges, counts, ("series0",), hints),)
    most = float(counts.max())
    linear = count_axis(say("figures.weight_distribution.weights", language), most)
    log = count_axis(say("figures.weight_distribution.log_weights", language), most, log=True)
    charts = (
        Chart("linear", say("figures.weight_distribution.linear_counts", language), x, linear, bins),
        Chart("log", say("figures.weight_distribution.logarithmic_counts", language), x, log, bins),
    )
    total, low, high = float(counts.sum()), found.low, found.high
    stats = series.stats
    note = (
        say("figures.weight_distribution.range", language, total=total, low=low, high=high)
        if "mean" not in stats
        else say(
            "figures.weight_distribution.range_and_spread",
            language,
            total=total,
            low=low,
            high=high,
            mean=stats["mean"],
            std=stats["std"],
        )
    )
    title = say("figures.weight_distribution.title", language, label=series.label)
    return Content(title, (charts,), (_HEIGHT,), notes=(note, *_left_out(series)))


def _left_out(series: Series) -> tuple[str, ...]:
    if series.weights is not None:
        lost = series.weights.entries.nan_count + series.weights.entries.inf_count
    else:
        lost = series.stats.get("nan_count", 0) + series.stats.get("inf_count", 0)
    if not lost:
        return ()
    return (say("figures.weight_distribution.left_out", series.language, label=series.label, lost=lost),)


def _density(edges: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return counts as a density of area 1; a single value becomes a narrow bin."""
    if edges[0] == edges[-1]:
        margin = 0.005 * abs(float(edges[0])) or 0.005
        edges = np.array([edges[0] - margin, edges[-1] + margin])
    return edges, counts / (counts.sum() * np.diff(edges))
