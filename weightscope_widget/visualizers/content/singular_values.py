"""What the singular value figure shows: the largest on a linear axis, all on a logarithmic one."""

from __future__ import annotations

from typing import Any

import numpy as np

from weightscope_widget._shared.checks import check_count
from weightscope_widget._shared.formats import format_count, format_number
from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.visualizers.axes import check_drawable, index_axis, linear_axis, log_axis
from weightscope_widget.visualizers.chart import Chart, Content, FloatArray, Key, Line, Rule
from weightscope_widget.visualizers.layers import counted
from weightscope_widget.visualizers.palette import SERIES
from weightscope_widget.visualizers.tensors import series_of

__all__ = ["singular_values_content"]

_HEIGHT = 330
_MOST_POINTS = 2000
_LISTED = "These results list the largest singular values only; scan for all."
_EDGE = "Random edge: where the spectrum of a Gaussian matrix of this shape and spread would end (Marchenko–Pastur)."


def singular_values_content(weights: Any, results: ScanResults | None = None, top_k: int = 10) -> Content:
    """Return the singular value figure, of one matrix or of several.

    Where results list the largest values and no more, as the reference's do, only these are drawn.

    Parameters
    ----------
    weights : tensor, str, sequence or mapping
        As `series_of` takes it, of two dimensions or more.
    results : ScanResults, optional
        What names are of.
    top_k : int
        How many of the largest to show on the linear axis.

    Raises
    ------
    InvalidArgumentError
        Where nothing can be drawn: a vector, weights that are not finite, all zero; or `top_k` is no count.
    UnknownLayerError
        Where a layer is not in the results, or its spectrum was not computed.
    """
    check_count("top_k", top_k, "how many singular values to draw")
    series = series_of(weights, results)
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
            notes.append(f"{each.label}: {counted(float((~positive).sum()), 'zero')} not drawn.")
    alone = len(series) == 1
    edge = _random_edge(spectra[0], series[0].shape) if alone and whole else None
    keys = () if alone else tuple(Key(line.name, line.colour, "line") for line in every)
    first = Chart(
        "top",
        f"The largest {shown}",
        index_axis("Index", 0.5, shown + 0.5, min(shown, 10)),
        linear_axis("Singular value σ", 0.0, 1.06 * largest),
        tuple(top),
        () if whole else keys,
        legend="inside",
    )
    second = Chart(
        "all",
        f"All {format_count(longest)}",
        index_axis("Index", 1.0, max(float(longest), 2.0)),
        log_axis("Singular value σ (log)", smallest / 1.5, 1.5 * max(largest, edge or 0.0)),
        (*every, *(() if edge is None else (Rule("y", edge, "muted", "random edge"),))),
        keys,
        legend="inside",
    )
    words = _words(spectra[0]) if alone and whole else None if whole else _LISTED
    return Content(
        f"Singular values of {series[0].label if alone else f'{len(series)} layers'}",
        ((first, second) if whole else (first,),),
        (_HEIGHT,),
        notes=tuple(note for note in (words, None if edge is None else _EDGE, *notes) if note is not None),
    )


def _words(values: FloatArray) -> str:
    energy = np.cumsum((values / values[0]) ** 2)
    half, most = (int(np.searchsorted(energy, share * energy[-1])) + 1 for share in (0.5, 0.9))
    return (
        f"From {format_number(float(values[0]))} down to {format_number(float(values[-1]))}; half of the energy Σσ² is "
        f"in the first {format_count(half)}, 90 % in the first {format_count(most)}."
    )


def _random_edge(values: FloatArray, shape: tuple[int, ...] | None) -> float | None:
    """Return where a Gaussian spectrum with the same sum of squares would end; None where the shape is unknown."""
    if shape is None or len(shape) != 2:
        return None
    m, n = max(shape), min(shape)
    # In units of the largest, whose square may be beyond float64.
    spread = float(np.sqrt(((values / values[0]) ** 2).sum() / (m * n)))
    return float(values[0] * spread * (m**0.5 + n**0.5))


def _thinned(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return at most some two thousand points: more than a line on any screen can show, the first and the last kept."""
    stride = -(-len(x) // _MOST_POINTS)
    keep = np.unique([*range(0, len(x), stride), len(x) - 1])
    return x[keep], y[keep]
