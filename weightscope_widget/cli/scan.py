"""``wsw scan``: measure a model, print its riskiest layers, and fail a pipeline if asked to."""

from __future__ import annotations

import argparse
import math

from weightscope_widget import Thresholds
from weightscope_widget._shared.formats import format_decibel, format_number, format_percentage
from weightscope_widget._shared.messages import render, say
from weightscope_widget.assessment import GRADES
from weightscope_widget.cli.gate import named, pass_or_fail, require_grades
from weightscope_widget.cli.outputs import check_file, check_folder
from weightscope_widget.cli.progress import finish, interrupted
from weightscope_widget.cli.styles import class_style, grade_style
from weightscope_widget.cli.terminal import Cell, Column, print_line, print_table
from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.layers.chart_labels import chart_labels
from weightscope_widget.scanning.options import run_options
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.scanning.run import ScanRun
from weightscope_widget.scanning.values import failed, metric

__all__ = ["run"]

_METRICS = {
    "condition_number": ("spectral", format_number),
    "extreme_outlier_percentage": ("quantization", format_percentage),
    "sqnr_db": ("quantization", format_decibel),
    "stable_rank_percentage": ("spectral", format_percentage),
}
_COLUMNS = (
    *(Column(name) for name in ("layer", "kind", "shape")),
    *(Column(name, number=True) for name in (*_METRICS, "risk")),
    Column("grade"),
)


def run(chosen: argparse.Namespace) -> int:
    """Run the command; return the exit code."""
    thresholds = _thresholds(chosen.threshold)
    if chosen.output:
        check_file(chosen.output)
    if chosen.report:
        check_folder(chosen.report)
    methods = chosen.methods or "all"
    options = run_options(
        methods, vectors=chosen.vectors, workers=chosen.workers, memory=chosen.memory, cache=not chosen.no_cache
    )
    scan = ScanRun(chosen.model, options)
    results = scan.results
    results.thresholds = thresholds
    if chosen.fail_on:
        require_grades(results.methods)
    seconds = finish(scan, chosen, "layers")
    if chosen.output:  # first, so that a later error loses nothing
        results.save(chosen.output)
    if not chosen.quiet:
        _describe(results, seconds, chosen.top, chosen.language)
    if not results.complete:
        return interrupted(len(results), len(results.layers), chosen, "layers")
    # Before the report, of which a figure may fail.
    code = _gate(results, chosen.fail_on, chosen.language) if chosen.fail_on else 0
    if chosen.report:
        from weightscope_widget.cli.report import write

        write(results, chosen.report, None, chosen)
    return code


def _thresholds(given: list[tuple[str, tuple[float, ...]]]) -> Thresholds:
    known = Thresholds.__dataclass_fields__
    for name, _ in given:
        if name not in known:
            raise InvalidArgumentError(f"--threshold: {name!r} has no classes; those that have are {', '.join(known)}.")
    return Thresholds(**dict(given))


def _describe(results: ScanResults, seconds: float, top: int, language: str) -> None:
    parameters = sum(info.parameters or 0 for info in results.layers.values() if not info.members)
    counts = {"layers": len(results.layers), "weights": parameters}
    print_line(say("cli.title", language, model=results.model, seconds=f"{seconds:.1f}", **counts), "bold")
    broken = [name for name in results if failed(results, name)]
    ranked = sorted((name for name in results if not math.isnan(results.risk(name))), key=results.risk, reverse=True)
    shown = [*broken, *ranked][: max(top, len(broken))]
    if shown:
        labels = chart_labels(results.layers)
        print_table(_COLUMNS, [_row(results, name, labels[name], language) for name in shown], language)
    found = [results.grade(name) for name in results if _has_grade(results, name)]
    grades = ", ".join(
        say(
            "cli.grade_count",
            language,
            count=found.count(grade),
            grade=render(f"figures.grades.{grade}" if grade else "cli.not_graded", language),
        )
        for grade in (*GRADES, None)
        if grade in found
    )
    if grades:
        print_line(say("cli.grades", language, grades=grades))
    for name in broken:
        print_line(say("cli.failure", language, name=name, error=results[name]["error"]), "red")
    if results.skipped:
        skipped = [f"{name}: {reason}" for name, reason in results.skipped.items()]
        print_line(say("cli.left_out", language, tensors=named(skipped, language, "; ")))
    if {"spectral", "quantization"} <= set(results.methods):
        for advice in results.advice():
            print_line(f"{advice.topic}: {advice}")


def _row(results: ScanResults, name: str, label: str, language: str) -> list[Cell]:
    info, classes, broken = results.layers[name], results.classes(name), failed(results, name)
    cells = []
    for key, (section, form) in _METRICS.items():
        value = metric(results, name, section, key)
        # The potential for compression is no risk.
        coloured = not broken and key != "stable_rank_percentage"
        cells.append(Cell(form(value), f"{value:.6g}", class_style(key, classes[key]) if coloured else ""))
    grade, risk = results.grade(name), results.risk(name)
    shape = "—" if info.shape is None else "×".join(map(str, info.shape))
    return [
        Cell(label, name),
        Cell(info.placement.kind, info.placement.kind),
        Cell(shape, shape),
        *cells,
        Cell("—" if math.isnan(risk) else f"{risk:.1f}".replace("inf", "∞"), f"{risk:.6g}"),
        Cell(say("cli.failed", language), "failed", "red")
        if broken
        else Cell(render(f"figures.grades.{grade}", language) if grade else "—", grade or "", grade_style(grade)),
    ]


def _has_grade(results: ScanResults, name: str) -> bool:
    """Return whether a layer is of a kind that has grades; vectors have none."""
    return results.methods_for(results.layers[name]) == results.methods


def _gate(results: ScanResults, worst: str, language: str) -> int:
    """Return the exit code; layers that failed or have no grade fail the gate, too."""
    bad = GRADES[GRADES.index(worst.capitalize()) :]
    broken = [name for name in results if failed(results, name)]
    graded = {name: results.grade(name) for name in results if name not in broken}
    return pass_or_fail(
        {
            "cli.gate.critical" if worst == "critical" else "cli.gate.warning": [
                name for name, grade in graded.items() if grade in bad
            ],
            "cli.gate.broken": broken,
            "cli.gate.ungraded": [
                name for name, grade in graded.items() if grade is None and _has_grade(results, name)
            ],
        },
        language,
    )
