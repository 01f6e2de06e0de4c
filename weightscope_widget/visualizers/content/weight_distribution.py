"""What the weight distribution figure shows: a histogram with linear and with logarithmic counts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from weightscope_widget._shared.formats import format_number
from weightscope_widget.analyzers.numerics.histogram import Histogram
from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.visualizers.axes import count_axis, linear_axis, log_axis
from weightscope_widget.visualizers.chart import Bins, Chart, Content, Key, Line, Mark
from weightscope_widget.visualizers.layers import counted
from weightscope_widget.visualizers.palette import SERIES
from weightscope_widget.visualizers.render.hints import bin_hints
from weightscope_widget.visualizers.tensors import Series, series_of

__all__ = ["weight_distribution_content"]

_HEIGHT = 330


def weight_distribution_content(weights: Any, results: ScanResults | None = None) -> Content:
    """Return the weight distribution figure, of one tensor or of several over each other.

    Parameters
    ----------
    weights : tensor, str, sequence or mapping
        As `series_of` takes it.
    results : ScanResults, optional
        What names are of.

    Raises
    ------
    InvalidArgumentError
        Where nothing can be drawn: no weights, none of them finite, names without results.
    UnknownLayerError
        Where a layer is not in the results, or its histogram was not computed.
    """
    series = series_of(weights, results)
    histograms = []
    for each in series:
        found = each.histogram
        if found is None:
            raise InvalidArgumentError(f"{each.label} has no finite weight; there is no distribution to draw.")
        histograms.append(found)
    if len(series) == 1:
        return _one(series[0], histograms[0])
    x = linear_axis("Weight", min(each.low for each in histograms), max(each.high for each in histograms))
    lines, peak, least = [], 0.0, math.inf
    for each, found, colour in zip(series, histograms, SERIES, strict=False):
        edges, density = _density(found.edges, found.counts)
        lines.append(Line(edges, density, colour, each.label))
        peak, least = max(peak, float(density.max())), min(least, float(density[density > 0].min()))
    keys = tuple(Key(line.name, line.colour, "line") for line in lines)
    linear = linear_axis("Density", 0.0, 1.06 * peak)
    return Content(
        f"Weight distributions of {len(series)} layers",
        (
            (
                Chart("linear", "Linear density", x, linear, tuple(lines), keys, legend="inside"),
                Chart("log", "Logarithmic density", x, log_axis("Density (log)", least / 2, 1.6 * peak), tuple(lines)),
            ),
        ),
        (_HEIGHT,),
        notes=tuple(note for each in series for note in _left_out(each)),
    )


def _one(series: Series, found: Histogram) -> Content:
    edges, counts = found.edges, found.counts
    if found.low == found.high:  # one value: a bar that can be seen
        margin = 0.05 * abs(found.low) or 0.05
        edges = np.array([found.low - margin, found.low + margin])
    x = linear_axis("Weight", float(edges[0]), float(edges[-1]))
    bins: tuple[Mark, ...] = (Bins(edges, counts, ("series0",), bin_hints(found.edges, counts, "weights")),)
    most = float(counts.max())
    return Content(
        f"Weight distribution of {series.label}",
        (
            (
                Chart("linear", "Linear counts", x, count_axis("Weights", most), bins),
                Chart("log", "Logarithmic counts", x, count_axis("Weights (log)", most, log=True), bins),
            ),
        ),
        (_HEIGHT,),
        notes=(
            f"{counted(float(counts.sum()), 'weight')} {_range(found)}{_spread(series)}.",
            *_left_out(series),
        ),
    )


def _range(histogram: Histogram) -> str:
    return f"from {format_number(histogram.low)} to {format_number(histogram.high)}"


def _spread(series: Series) -> str:
    """Return mean and standard deviation in words, where a scan has them."""
    stats = (
        {} if series.results is None or series.layer is None else series.results[series.layer].get("basic_stats", {})
    )
    if "mean" not in stats:
        return ""
    return f", mean {format_number(stats['mean'])}, standard deviation {format_number(stats['std'])}"


def _left_out(series: Series) -> tuple[str, ...]:
    if series.weights is not None:
        entries = series.weights.entries
        lost = entries.nan_count + entries.inf_count
    else:
        assert series.results is not None
        assert series.layer is not None
        stats = series.results[series.layer].get("basic_stats", {})
        lost = stats.get("nan_count", 0) + stats.get("inf_count", 0)
    return (f"{series.label}: {counted(lost, 'weight')} NaN or infinite, and not drawn.",) if lost else ()


def _density(edges: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return counts as a density of area 1; a single value becomes a narrow bin."""
    if edges[0] == edges[-1]:
        margin = 0.005 * abs(float(edges[0])) or 0.005
        edges = np.array([edges[0] - margin, edges[-1] + margin])
    return edges, counts / (counts.sum() * np.diff(edges))
