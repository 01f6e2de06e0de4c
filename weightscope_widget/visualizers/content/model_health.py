"""What the health dashboard shows: five distributions over the layers, the grades, and the layers most at risk."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from weightscope_widget._shared.formats import format_number
from weightscope_widget.assessment import GRADES
from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.visualizers.axes import (
    category_axis,
    count_axis,
    format_level,
    linear_axis,
    percentage_axis,
    symlog_axis,
)
from weightscope_widget.visualizers.chart import Axis, Bars, Bins, Chart, Content, Key, Rule, Slices, Texts
from weightscope_widget.visualizers.layers import (
    RULE_OF_THUMB,
    counted,
    failed,
    labels_of,
    matrices,
    metric,
    missing_notes,
    reason_missing,
)
from weightscope_widget.visualizers.palette import CLASS_COLOURS, GRADE_COLOURS, Colour
from weightscope_widget.visualizers.render.hints import bin_hints

__all__ = ["model_health_content"]

_BINS = 20
_RISKIEST = 10
_HEIGHTS = (270, 270, 330)


@dataclass(frozen=True)
class _Distribution:
    """One histogram over the layers; `levels_of` is the metric whose classes begin at its lines."""

    name: str
    title: str
    section: str
    value: Callable[[ScanResults, str], float]
    axis: Callable[[list[float]], Axis]
    levels_of: str | None = None
    logarithm: bool = False


def _sqnr_axis(values: list[float]) -> Axis:
    return linear_axis("SQNR, INT8 per tensor (dB)", min([*values, 28.0]) - 1, max([*values, 41.0]) + 1)


_DISTRIBUTIONS = (
    _Distribution(
        "condition_number",
        "Condition number",
        "spectral",
        lambda results, name: math.log10(metric(results, name, "spectral", "condition_number")),
        lambda values: linear_axis("log₁₀ κ", 0.0, max([*values, 5.0]) + 0.5),
        "condition_number",
        logarithm=True,
    ),
    _Distribution(
        "extreme_outliers",
        "Extreme outliers",
        "quantization",
        lambda results, name: metric(results, name, "quantization", "extreme_outlier_percentage"),
        lambda values: symlog_axis("% outside 3 × IQR", max([*values, 10.0])),
        "extreme_outlier_percentage",
    ),
    _Distribution(
        "rank",
        "Rank used",
        "spectral",
        lambda results, name: metric(results, name, "spectral", "stable_rank_percentage"),
        lambda _: percentage_axis("Stable rank / total rank (%)"),
        "stable_rank_percentage",
    ),
    _Distribution(
        "sqnr",
        "Quantization quality",
        "quantization",
        lambda results, name: metric(results, name, "quantization", "sqnr_db"),
        _sqnr_axis,
        "sqnr_db",
    ),
    _Distribution(
        "sparsity",
        "Near zero",
        "sparsity",
        lambda results, name: metric(results, name, "sparsity", "sparsity_levels", "threshold_1e-2"),
        lambda _: percentage_axis("% of |W| ≤ 10⁻²"),
    ),
)


def model_health_content(results: ScanResults) -> Content:
    """Return the health dashboard.

    Parameters
    ----------
    results : ScanResults
        What has none of a section lacks the chart of it, and says so.

    Raises
    ------
    InvalidArgumentError
        Where the results hold no matrix.
    """
    names = matrices(results)
    if not names:
        raise InvalidArgumentError(f"{results.model} has no matrices to show the health of.")
    histograms = [_histogram(results, names, each) for each in _DISTRIBUTIONS]
    first, last = tuple(histograms[:3]), (*histograms[3:], _grades(results, names))
    ungraded = [name for name in names if results.grade(name) is None]
    return Content(
        f"Health of {results.model}",
        (first, last, (_risks(results, names),)),
        _HEIGHTS,
        notes=(*missing_notes(results, ungraded, "Not graded"), RULE_OF_THUMB),
    )


def _histogram(results: ScanResults, names: list[str], of: _Distribution) -> Chart:
    values = [of.value(results, name) for name in names]
    finite = [value for value in values if math.isfinite(value)]
    axis = of.axis(finite)
    low, high = axis.place([max(0.0, axis.low) if axis.kind == "symlog" else axis.low, axis.high])
    edges = axis.unplace(np.linspace(low, high, _BINS + 1))
    # Beyond every bin is the end of the last one.
    infinite = sum(value == math.inf for value in values)
    counts, _ = np.histogram(axis.place(finite), np.linspace(low, high, _BINS + 1))
    counts[-1] += infinite
    levels = () if of.levels_of is None else getattr(results.thresholds, of.levels_of)
    colours: list[Colour] = [] if of.levels_of is None else list(CLASS_COLOURS[of.levels_of].values())[1:]
    if of.levels_of == "stable_rank_percentage":
        colours = ["muted" for _ in levels]
    note = f"{infinite} at ∞" if infinite else ""
    if not finite and not infinite:
        absent = of.section not in results.methods and not all(failed(results, name) for name in names)
        note = f"The results have no {of.section} section." if absent else "No layer has it."
    return Chart(
        of.name,
        of.title,
        axis,
        count_axis("Layers", float(counts.max())),
        (
            Bins(edges, counts.astype(np.float64), ("series0",), _hints(edges, counts, infinite)),
            *(
                Rule("x", place, colour, format_level(level, logarithmic=of.logarithm))
                for level, colour in zip(levels, colours, strict=True)
                if axis.low < (place := math.log10(level) if of.logarithm and level > 0 else level) < axis.high
            ),
        ),
        note=note,
    )


def _hints(edges: np.ndarray, counts: np.ndarray, infinite: int) -> tuple[str, ...]:
    hints = bin_hints(edges, counts, "layers")
    return (*hints[:-1], f"{hints[-1]}, {infinite:,} of them at ∞") if infinite else hints


def _grades(results: ScanResults, names: list[str]) -> Chart:
    found = [results.grade(name) for name in names]
    slices: list[tuple[str, int, Colour]] = [
        (grade, found.count(grade), GRADE_COLOURS[grade]) for grade in GRADES if grade in found
    ]
    if None in found:
        slices.append(("Not graded", found.count(None), "other"))
    return Chart(
        "grades",
        "Grades",
        None,
        None,
        (
            Slices(
                tuple(f"{grade}: {count:,}" for grade, count, _ in slices),
                tuple(count for _, count, _ in slices),
                tuple(colour for _, _, colour in slices),
                "layer" if len(names) == 1 else "layers",
            ),
        ),
    )


def _risks(results: ScanResults, names: list[str]) -> Chart:
    """Return the riskiest layers; those that failed, of which nothing is known, before all others."""
    unknown = [name for name in names if failed(results, name)]
    known = [name for name in names if not failed(results, name) and not math.isnan(results.risk(name))]
    riskiest = [*unknown, *sorted(known, key=results.risk, reverse=True)][:_RISKIEST]
    risks = np.array([results.risk(name) for name in riskiest], dtype=np.float64)
    finite = [risk for risk in risks if math.isfinite(risk)]
    axis = linear_axis("Risk: 50 or 25 for κ, and 3 × extreme outliers (%)", 0.0, max([*finite, 25.0]) * 1.08)
    labels = labels_of(results)
    grades = [results.grade(name) for name in riskiest]
    return Chart(
        "risks",
        f"The {counted(len(riskiest), 'layer')} most at risk" if riskiest else "Layers most at risk",
        axis,
        category_axis("", [labels[name] for name in riskiest], _RISKIEST),
        (
            Bars(
                np.where(np.isposinf(risks), axis.high, risks),
                tuple("other" if grade is None else GRADE_COLOURS[grade] for grade in grades),
                tuple(riskiest),
                tuple(f"{labels[name]}: {_risk_words(results, name)}" for name in riskiest),
            ),
            # On a bar as light or as dark as the page is, where there is none as everything else that is written.
            *_reasons(results, riskiest, np.flatnonzero(np.isposinf(risks)), 0.01 * axis.high, "ground"),
            *_reasons(results, riskiest, np.flatnonzero(np.isnan(risks)), 0.01 * axis.high, "ink"),
        ),
        tuple(Key(grade, GRADE_COLOURS[grade]) for grade in GRADES if grade in grades),
        "" if riskiest else "Risk rests on the sections spectral and quantization, which the results lack.",
    )


def _reasons(results: ScanResults, names: list[str], rows: np.ndarray, x: float, colour: Colour) -> tuple[Texts, ...]:
    """Return why layers have no number, as words at their rows."""
    if not len(rows):
        return ()
    words = tuple(reason_missing(results, names[row]) for row in rows)
    return (Texts(np.full(len(rows), x), rows.astype(np.float64), words, colour),)


def _risk_words(results: ScanResults, name: str) -> str:
    """Return the risk, with the reason for one that is no number."""
    risk = results.risk(name)
    if math.isfinite(risk):
        return f"risk {format_number(risk)}"
    reason = reason_missing(results, name)
    return reason if math.isnan(risk) else f"risk ∞ ({reason})"
