"""The singular value figure: the largest on a linear axis, all on a logarithmic one."""

from __future__ import annotations

from typing import Any

import numpy as np

from weightscope_widget._shared.checks import check_count
from weightscope_widget._shared.formats import format_number
from weightscope_widget._shared.messages import say
from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.visualizers.axes import check_drawable, index_axis, linear_axis, log_axis
from weightscope_widget.visualizers.chart import Chart, Content, FloatArray, Key, Line, Rule
from weightscope_widget.visualizers.palette import SERIES
from weightscope_widget.visualizers.tensors import series_of

__all__ = ["singular_values_content"]

_HEIGHT = 330
_MOST_POINTS = 2000


def singular_values_content(
    weights: Any, results: ScanResults | None = None, top_k: int = 10, *, language: str = "en"
) -> Content:
    """Return the singular value figure, of one matrix or of several.

    Results that list only the largest values, as the reference's do, give a figure of these alone.

    Parameters
    ----------
    weights : tensor, str, sequence or mapping
        As `series_of` takes it, of two dimensions or more.
    results : ScanResults, optional
        For layers given by name.
    top_k : int
        Number of values on the linear axis.
    language : {"en", "zh"}

    Raises
    ------
    InvalidArgumentError
        If nothing can be drawn: a vector, weights that are not finite, all zero; or `top_k` is not a count.
    UnknownLayerError
        If a layer is not in the results, or its spectrum was not computed.
    """
    check_count("top_k", top_k, "how many singular values to draw")
    series = series_of(weights, results, language)
    spectra = []
    whole = all(each.listed is None for each in series)
    for each in series:
        values = each.singular_values if each.listed is None else each.listed
        if np.isnan(values).any():
            raise InvalidArgumentError(f"{each.label} has NaN or infinite weights, and so no singular values.")
        if not values[0] > 0:
            raise InvalidArgumentError(f"All weights of {each.label} are zero; there is no spectrum to draw.")
        spectra.append(values)
    longest = max(len(values) for values in spectra)
    shown = min(top_k, longest)
    largest = max(float(values[0]) for values in spectra)
    check_drawable(largest)
    smallest = min(float(values[values > 0][-1]) for values in spectra)
    top, every, notes = [], [], []
    for each, values, colour in zip(series, spectra, SERIES, strict=False):
        index = np.arange(1, len(values) + 1, dtype=np.float64)
        hints = tuple(
            f"{each.label}: σ{number} = {format_number(value)}"
            for number, value in enumerate(values[:shown].tolist(), 1)
        )
        top.append(Line(index[:shown], values[:shown], colour, each.label, hints))
        positive = values > 0
        every.append(Line(*_thinned(index[positive], values[positive]), colour, each.label))
        if whole and not positive.all():
            zeros = int((~positive).sum())
            notes.append(say("figures.singular_values.zeros", language, label=each.label, count=zeros))
    alone = len(series) == 1
    edge = _random_edge(spectra[0], series[0].shape) if alone and whole else None
    keys = () if alone else tuple(Key(line.name, line.colour, "line") for line in every)
    rank = say("figures.singular_values.index", language)
    first = Chart(
        "top",
        say("figures.singular_values.top", language, count=shown),
        index_axis(rank, 0.5, shown + 0.5, min(shown, 10)),
        linear_axis(say("figures.singular_values.axis", language), 0.0, 1.06 * largest),
        tuple(top),
        () if whole else keys,
        legend="inside",
    )
    log_title = say("figures.singular_values.log_axis", language)
    rules = () if edge is None else (Rule("y", edge, "muted", say("figures.singular_values.random_edge", language)),)
    second = Chart(
        "all",
        say("figures.singular_values.all", language, count=longest),
        index_axis(rank, 1.0, max(float(longest), 2.0)),
        log_axis(log_title, smallest / 1.5, 1.5 * max(largest, edge or 0.0)),
        (*every, *rules),
        keys,
        legend="inside",
    )
    if edge is not None:
        notes.insert(0, say("figures.singular_values.edge_note", language))
    if not whole:
        notes.insert(0, say("figures.singular_values.listed", language))
    elif alone:
        notes.insert(0, _energy(spectra[0], language))
    return Content(
        say("figures.singular_values.title", language, label=series[0].label)
        if alone
        else say("figures.singular_values.title_several", language, number=len(series)),
        ((first, second) if whole else (first,),),
        (_HEIGHT,),
        notes=tuple(notes),
    )


def _energy(values: FloatArray, language: str) -> str:
    energy = np.cumsum((values / values[0]) ** 2)
    half, most = (int(np.searchsorted(energy, share * energy[-1])) + 1 for share in (0.5, 0.9))
    first, last = float(values[0]), float(values[-1])
    return say("figures.singular_values.energy", language, first=first, last=last, half=half, most=most)


def _random_edge(values: FloatArray, shape: tuple[int, ...] | None) -> float | None:
    """Return where a Gaussian spectrum with the same sum of squares ends; None if the shape is not known."""
    if shape is None or len(shape) != 2:
        return None
    m, n = max(shape), min(shape)
    # In units of the largest, whose square may be beyond float64.
    spread = float(np.sqrt(((values / values[0]) ** 2).sum() / (m * n)))
    return float(values[0] * spread * (m**0.5 + n**0.5))


def _thinned(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return at most some 2,000 points, with the first and the last."""
    stride = -(-len(x) // _MOST_POINTS)
    keep = np.unique([*range(0, len(x), stride), len(x) - 1])
    return x[keep], y[keep]
