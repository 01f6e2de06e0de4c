"""The health dashboard: five distributions over the layers, the grades, and the layers most at risk."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np

from weightscope_widget._shared.messages import render, say
from weightscope_widget.assessment import GRADES
from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.visualizers.axes import (
    bin_hints,
    category_axis,
    count_axis,
    format_level,
    linear_axis,
    percentage_axis,
    symlog_axis,
)
from weightscope_widget.visualizers.chart import Axis, Bars, Bins, Chart, Content, Key, Rule, Slices, Texts
from weightscope_widget.visualizers.layers import Layers
from weightscope_widget.visualizers.palette import CLASS_COLOURS, GRADE_COLOURS, Colour

__all__ = ["model_health_content"]

_BINS = 20
_RISKIEST = 10
_HEIGHTS = (270, 270, 330)


class _Distribution(NamedTuple):
    """One histogram over the layers, with the metric's path in the results."""

    name: str
    axis_title: str
    path: tuple[str, ...]
    axis: Callable[[str, list[float]], Axis]
    lines: bool = True  # where classes of the metric begin
    logarithm: bool = False


_DISTRIBUTIONS = (
    _Distribution(
        "condition_number",
        "figures.model_health.condition_number.axis",
        ("spectral", "condition_number"),
        lambda title, values: linear_axis(title, 0.0, max([*values, 5.0]) + 0.5),
        logarithm=True,
    ),
    _Distribution(
        "extreme_outliers",
        "figures.model_health.extreme_outliers.axis",
        ("quantization", "extreme_outlier_percentage"),
        lambda title, values: symlog_axis(title, max([*values, 10.0])),
    ),
    _Distribution(
        "rank",
        "figures.rank_axis",
        ("spectral", "stable_rank_percentage"),
        lambda title, _: percentage_axis(title),
    ),
    _Distribution(
        "sqnr",
        "figures.sqnr_axis",
        ("quantization", "sqnr_db"),
        lambda title, values: linear_axis(title, min([*values, 28.0]) - 1, max([*values, 41.0]) + 1),
    ),
    _Distribution(
        "sparsity",
        "figures.model_health.sparsity.axis",
        ("sparsity", "sparsity_levels", "threshold_1e-2"),
        lambda title, _: percentage_axis(title),
        lines=False,
    ),
)


def model_health_content(results: ScanResults, *, language: str = "en") -> Content:
    """Return the health dashboard.

    Parameters
    ----------
    results : ScanResults
        Charts of missing sections stay empty, with a note.
    language : {"en", "zh"}

    Raises
    ------
    InvalidArgumentError
        If the results hold no matrix.
    """
    layers = Layers(results, language)
    if not layers.matrices:
        raise InvalidArgumentError(f"{results.model} has no matrices to show the health of.")
    histograms = [_histogram(layers, each) for each in _DISTRIBUTIONS]
    first, last = tuple(histograms[:3]), (*histograms[3:], _grades(layers))
    ungraded = [name for name in layers.matrices if results.grade(name) is None]
    return Content(
        say("figures.model_health.title", language, model=results.model),
        (first, last, (_risks(layers),)),
        _HEIGHTS,
        notes=(*layers.missing_notes(ungraded, "not_graded"), say("figures.rule_of_thumb", language)),
    )


def _histogram(layers: Layers, of: _Distribution) -> Chart:
    results, names, language = layers.results, layers.matrices, layers.language
    section, *keys = of.path
    values = [layers.metric(name, section, *keys) for name in names]
    if of.logarithm:
        values = [math.log10(value) for value in values]
    finite = [value for value in values if math.isfinite(value)]
    axis = of.axis(render(of.axis_title, language), finite)
    low, high = axis.place([max(0.0, axis.low) if axis.kind == "symlog" else axis.low, axis.high])
    edges = axis.unplace(np.linspace(low, high, _BINS + 1))
    # The last bin includes infinity.
    infinite = sum(value == math.inf for value in values)
    counts, _ = np.histogram(axis.place(finite), np.linspace(low, high, _BINS + 1))
    counts[-1] += infinite
    note = say("figures.model_health.at_infinity", language, count=infinite) if infinite else ""
    if not finite and not infinite:
        absent = section not in results.methods and not all(layers.failed(name) for name in names)
        note = (
            say("figures.model_health.no_section", language, section=section)
            if absent
            else say("figures.model_health.no_layer", language)
        )
    hints = bin_hints(edges, counts, "layers", language)
    if infinite:
        hints[-1] = say("figures.model_health.bin_at_infinity", language, bin=hints[-1], count=infinite)
    return Chart(
        of.name,
        render(f"figures.model_health.{of.name}.title", language),
        axis,
        count_axis(say("figures.model_health.layers_axis", language), float(counts.max())),
        (Bins(edges, counts.astype(np.float64), ("series0",), tuple(hints)), *_levels(layers, of, axis)),
        note=note,
    )


def _levels(layers: Layers, of: _Distribution, axis: Axis) -> list[Rule]:
    """Return lines where the classes of a metric begin."""
    if not of.lines:
        return []
    metric, rules = of.path[-1], []
    levels = getattr(layers.results.thresholds, metric)
    for level, colour in zip(levels, list(CLASS_COLOURS[metric].values())[1:], strict=True):
        place = math.log10(level) if of.logarithm and level > 0 else level
        if axis.low < place < axis.high:
            shade: Colour = "muted" if metric == "stable_rank_percentage" else colour
            rules.append(Rule("x", place, shade, format_level(level, logarithmic=of.logarithm)))
    return rules


def _grades(layers: Layers) -> Chart:
    found = [layers.results.grade(name) for name in layers.matrices]
    grades = [grade for grade in (*GRADES, None) if grade in found]
    slices = Slices(
        tuple(f"{_grade_title(layers, grade)}: {found.count(grade):,}" for grade in grades),
        tuple(found.count(grade) for grade in grades),
        tuple("other" if grade is None else GRADE_COLOURS[grade] for grade in grades),
        say("figures.layers", layers.language, count=len(found)),
    )
    return Chart("grades", say("figures.model_health.grades_title", layers.language), Axis(""), Axis(""), (slices,))


def _grade_title(layers: Layers, grade: str | None) -> str:
    return render(f"figures.grades.{(grade or 'none')}", layers.language)


def _risks(layers: Layers) -> Chart:
    """Return the riskiest layers; failed ones before all others, as nothing is known of them."""
    results, names, language = layers.results, layers.matrices, layers.language
    unknown = [name for name in names if layers.failed(name)]
    known = [name for name in names if not layers.failed(name) and not math.isnan(results.risk(name))]
    riskiest = [*unknown, *sorted(known, key=results.risk, reverse=True)][:_RISKIEST]
    risks = np.array([results.risk(name) for name in riskiest], dtype=np.float64)
    finite = [risk for risk in risks if math.isfinite(risk)]
    axis = linear_axis(say("figures.model_health.risk_axis", language), 0.0, max([*finite, 25.0]) * 1.08)
    grades = [results.grade(name) for name in riskiest]

    def reasons(rows: np.ndarray, colour: Literal["ground", "ink"]) -> list[Texts]:
        words = tuple(layers.reason(riskiest[row]) for row in rows)
        return [Texts(np.full(len(rows), 0.01 * axis.high), rows.astype(np.float64), words, colour)] if words else []

    return Chart(
        "risks",
        say("figures.model_health.riskiest", language, number=len(riskiest))
        if riskiest
        else say("figures.model_health.risks", language),
        axis,
        category_axis("", [layers.labels[name] for name in riskiest], _RISKIEST),
        (
            Bars(
                np.where(np.isposinf(risks), axis.high, risks),
                tuple("other" if grade is None else GRADE_COLOURS[grade] for grade in grades),
                tuple(riskiest),
                tuple(f"{layers.labels[name]}: {_risk_hint(layers, name)}" for name in riskiest),
            ),
            *reasons(np.flatnonzero(np.isposinf(risks)), "ground"),  # on a bar
            *reasons(np.flatnonzero(np.isnan(risks)), "ink"),
        ),
        tuple(Key(_grade_title(layers, grade), GRADE_COLOURS[grade]) for grade in GRADES if grade in grades),
        "" if riskiest else say("figures.model_health.no_risks", language),
    )


def _risk_hint(layers: Layers, name: str) -> str:
    """Return the risk, with the reason for one that is not a number."""
    risk = layers.results.risk(name)
    if math.isfinite(risk):
        return say("figures.model_health.risk", layers.language, risk=risk)
    reason = layers.reason(name)
    return reason if math.isnan(risk) else say("figures.model_health.infinite_risk", layers.language, reason=reason)
