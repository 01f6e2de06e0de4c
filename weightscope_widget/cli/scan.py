"""``wsw scan``: measure a model, say what stands out, and fail a pipeline where that is asked for."""

from __future__ import annotations

import argparse
import math

from weightscope_widget import Thresholds
from weightscope_widget._shared.formats import format_decibel, format_number, format_percentage
from weightscope_widget._shared.messages import say
from weightscope_widget.assessment import GRADES
from weightscope_widget.cli.gate import pass_or_fail, require_grades
from weightscope_widget.cli.outputs import check_file, check_folder
from weightscope_widget.cli.progress import finish
from weightscope_widget.cli.styles import STYLES
from weightscope_widget.cli.terminal import Cell, Column, complain, print_line, print_table
from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.layers.chart_labels import chart_labels
from weightscope_widget.scanning.options import run_options
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.scanning.run import ScanRun
from weightscope_widget.scanning.values import failed, metric
from weightscope_widget.visualizers.palette import CLASS_COLOURS, GRADE_COLOURS

__all__ = ["run"]

INTERRUPTED = 130

_COLUMNS = (
    Column("layer", "layer"),
    Column("kind", "kind"),
    Column("shape", "shape"),
    Column("κ", "condition_number", number=True),
    Column("extreme outliers", "extreme_outlier_percentage", number=True),
    Column("SQNR, INT8", "sqnr_db", number=True),
    Column("stable / total rank", "stable_rank_percentage", number=True),
    Column("risk", "risk", number=True),
    Column("grade", "grade"),
)
_NAMED = 5


def run(chosen: argparse.Namespace) -> int:
    """Do what the arguments say; return the exit code."""
    thresholds = _thresholds(chosen.threshold)
    methods = chosen.methods or "all"
    if chosen.output:
        check_file(chosen.output)
    if chosen.report:
        check_folder(chosen.report)
    options = run_options(
        methods, vectors=chosen.vectors, workers=chosen.workers, memory=chosen.memory, cache=not chosen.no_cache
    )
    scan = ScanRun(chosen.model, options)
    results = scan.results
    results.thresholds = thresholds
    if chosen.fail_on:
        require_grades(results.methods)
    seconds = finish(scan, quiet=chosen.quiet)
    if chosen.output:  # first: what was computed is not lost, whatever follows
        results.save(chosen.output)
    if not chosen.quiet:
        _describe(results, seconds, chosen.top)
    if not results.complete:
        kept = f"; what was computed is in {chosen.output}" if chosen.output else ""
        complain(f"interrupted after {len(results)} of {say('layers', count=len(results.layers))}{kept}")
        return INTERRUPTED
    # Before the report, of which a figure may fail: what the gate says is not lost.
    code = _gate(results, chosen.fail_on) if chosen.fail_on else 0
    if chosen.report:
        from weightscope_widget.cli.report import write

        write(results, chosen.report, None, chosen.top, quiet=chosen.quiet)
    return code


def _thresholds(given: list[tuple[str, tuple[float, ...]]]) -> Thresholds:
    known = Thresholds.__dataclass_fields__
    for name, _ in given:
        if name not in known:
            raise InvalidArgumentError(f"--threshold: {name!r} has no classes; those that have are {', '.join(known)}.")
    return Thresholds(**dict(given))


def _describe(results: ScanResults, seconds: float, top: int) -> None:
    parameters = sum(info.parameters or 0 for info in results.layers.values() if not info.members)
    print_line(
        f"{results.model}: {say('layers', count=len(results.layers))}, "
        f"{say('figures.weights', count=parameters)}, {seconds:.1f} s",
        "bold",
    )
    broken = [name for name in results if failed(results, name)]
    ranked = sorted((name for name in results if not math.isnan(results.risk(name))), key=results.risk, reverse=True)
    shown = [*broken, *ranked][: max(top, len(broken))]
    if shown:
        labels = chart_labels(results.layers)
        print_table(_COLUMNS, [_row(results, name, labels[name]) for name in shown])
    grades = [results.grade(name) for name in results if _has_grade(results, name)]
    counts = [f"{grades.count(grade)} {grade}" for grade in GRADES if grade in grades]
    if None in grades:
        counts.append(f"{grades.count(None)} not graded")
    if counts:
        print_line(f"Grades: {', '.join(counts)}. Grades and classes are rules of thumb.")
    for name in broken:
        print_line(f"Failed: {name}: {results[name]['error']}", "red")
    if results.skipped:
        some = "; ".join(f"{name}: {reason}" for name, reason in list(results.skipped.items())[:_NAMED])
        rest = f" and {len(results.skipped) - _NAMED} more" if len(results.skipped) > _NAMED else ""
        print_line(f"Left out: {some}{rest}")
    if {"spectral", "quantization"} <= set(results.methods):
        for advice in results.advice():
            print_line(f"{advice.topic}: {advice}")


def _row(results: ScanResults, name: str, label: str) -> list[Cell]:
    info, classes = results.layers[name], results.classes(name)
    values = {
        "condition_number": (metric(results, name, "spectral", "condition_number"), format_number),
        "extreme_outlier_percentage": (
            metric(results, name, "quantization", "extreme_outlier_percentage"),
            format_percentage,
        ),
        "sqnr_db": (metric(results, name, "quantization", "sqnr_db"), format_decibel),
        "stable_rank_percentage": (metric(results, name, "spectral", "stable_rank_percentage"), format_percentage),
    }
    grade = results.grade(name)
    shape = "—" if info.shape is None else "×".join(map(str, info.shape))
    risk = results.risk(name)
    broken = failed(results, name)
    return [
        Cell(label, name),
        Cell(info.placement.kind, info.placement.kind),
        Cell(shape, shape),
        *(
            Cell(form(value), f"{value:.6g}", _class_style(of, classes[of]) if not broken else "")
            for of, (value, form) in values.items()
        ),
        Cell("—" if math.isnan(risk) else f"{risk:.1f}".replace("inf", "∞"), f"{risk:.6g}"),
        Cell("failed", "failed", "red")
        if broken
        else Cell(grade or "—", grade or "", STYLES[GRADE_COLOURS[grade]] if grade else ""),
    ]


def _class_style(of: str, name: str | None) -> str:
    # Compression potential is no risk; its colours would shout among those that are.
    return "" if name is None or of == "stable_rank_percentage" else STYLES[CLASS_COLOURS[of][name]]


def _has_grade(results: ScanResults, name: str) -> bool:
    """Return whether a layer is of a kind that has grades: a vector has none."""
    return results.methods_for(results.layers[name]) == results.methods


def _gate(results: ScanResults, worst: str) -> int:
    """Return the exit code; of a layer that failed, or has no grade, nobody knows that it is fine."""
    bad = GRADES[GRADES.index(worst.capitalize()) :]
    broken = [name for name in results if failed(results, name)]
    graded = {name: results.grade(name) for name in results if name not in broken}
    return pass_or_fail(
        {
            "{are} " + (worst if len(bad) == 1 else f"{worst} or worse"): [
                name for name, grade in graded.items() if grade in bad
            ],
            "failed": broken,
            "could not be graded": [
                name for name, grade in graded.items() if grade is None and _has_grade(results, name)
            ],
        }
    )
