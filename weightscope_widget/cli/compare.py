"""``wsw compare``: print what a fine-tune changed, and whether anything got worse."""

from __future__ import annotations

import argparse
import math

from weightscope_widget._shared.formats import format_count, format_number, format_percentage
from weightscope_widget._shared.messages import say
from weightscope_widget.assessment import GRADES
from weightscope_widget.cli.gate import pass_or_fail, require_grades
from weightscope_widget.cli.outputs import check_file
from weightscope_widget.cli.progress import finish, interrupted
from weightscope_widget.cli.styles import class_style, grade_style
from weightscope_widget.cli.terminal import Cell, Column, print_line, print_table
from weightscope_widget.comparison import ComparisonResults, ComparisonRun
from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.layers.naming import short_labels
from weightscope_widget.scanning.options import run_options

__all__ = ["run"]

_METRICS = {
    "relative_change": format_number,
    "changed_percentage": format_percentage,
    "delta_rank_99": format_count,
    "delta_numerical_rank": format_count,
    "delta_total_rank": format_count,
    "subspace_overlap": format_number,
    "intruder_dimensions": format_count,
}
_COLUMNS = (
    *(Column(name) for name in ("tensor", "status", "shape")),
    *(Column(name, number=True) for name in _METRICS),
    Column("worse"),
)


def run(chosen: argparse.Namespace) -> int:
    """Run the command; return the exit code."""
    if chosen.output:
        check_file(chosen.output)
    options = run_options(
        chosen.methods or "all", vectors=True, workers=chosen.workers, memory=chosen.memory, cache=False
    )
    comparing = ComparisonRun(chosen.base, chosen.tuned, options)
    comparison = comparing.results
    if chosen.fail_on:
        require_grades(comparison.methods)
        _require_pairs(comparison)
    seconds = finish(comparing, chosen, "tensors")
    if chosen.output:
        comparison.save(chosen.output)
    if not chosen.quiet:
        _describe(comparison, seconds, chosen.top, chosen.language)
    if not comparison.complete:
        return interrupted(len(comparison), len(comparison.layers), chosen, "tensors")
    return _gate(comparison, chosen.language) if chosen.fail_on else 0


def _describe(comparison: ComparisonResults, seconds: float, top: int, language: str) -> None:
    title = say(
        "cli.title_compared",
        language,
        model=comparison.model,
        tensors=len(comparison.layers),
        seconds=f"{seconds:.1f}",
    )
    print_line(title, "bold")
    pattern = comparison.pattern
    if pattern is not None:
        print_line(say("cli.pattern", language, name=pattern.name, sentence=pattern.sentence))
    labels = short_labels(comparison.layers)
    worse = _worse(comparison)
    # Failed ones first, then the largest changes.
    moved = [name for name in comparison if comparison.status(name) != "identical"]
    moved.sort(key=lambda name: -_size(comparison, name))
    rows = [_row(comparison, name, labels[name], worse, language) for name in moved[:top]]
    if rows:
        print_table(_COLUMNS, rows, language)
    if len(moved) > top:
        print_line(say("cli.more_changed", language, count=len(moved) - top))
    for name in comparison:
        if "error" in comparison[name]:
            print_line(say("cli.failure", language, name=name, error=comparison[name]["error"]), "red")


def _size(comparison: ComparisonResults, name: str) -> float:
    change = comparison.metric(name, "relative_change")
    return math.inf if comparison.status(name) is None else -1.0 if math.isnan(change) else change


def _row(comparison: ComparisonResults, name: str, label: str, worse: dict[str, Cell], language: str) -> list[Cell]:
    values = {metric: comparison.metric(name, metric) for metric in _METRICS}
    shape = "×".join(map(str, comparison.layers[name].shape or ()))
    status = comparison.status(name)
    return [
        Cell(label, name),
        Cell(status, status) if status else Cell(say("cli.failed", language), "failed", "red"),
        Cell(shape, shape),
        *(Cell(_METRICS[metric](value), f"{value:.6g}") for metric, value in values.items()),
        worse.get(name, Cell("", "")),
    ]


def _worse(comparison: ComparisonResults) -> dict[str, Cell]:
    """Return the layers that got worse, and in which metric."""
    found = {}
    for each in reversed(comparison.worsened()):  # of several the farthest fall
        style = grade_style(each.to_class) if each.metric == "health" else class_style(each.metric, each.to_class)
        words = f"{each.metric}: {each.from_class} → {each.to_class}"
        found[each.layer] = Cell(words, words, style)
    for name, (before, after) in _beyond_grades(comparison).items():
        words = f"health: {before or 'not graded'} → {after or 'not graded'}"
        found[name] = Cell(words, words, "red")
    return found


def _beyond_grades(comparison: ComparisonResults) -> dict[str, tuple[str | None, str | None]]:
    """Return the layers that lost their grade (all weights zero), or are critical and had none (a bias with NaN)."""
    base, tuned = comparison.base, comparison.tuned
    both = [name for name in comparison if name in base and name in tuned and "error" not in comparison[name]]
    grades = {name: (base.grade(name), tuned.grade(name)) for name in both}
    return {
        name: (before, after)
        for name, (before, after) in grades.items()
        if (before is None) != (after is None) and after in (None, GRADES[-1])
    }


def _require_pairs(comparison: ComparisonResults) -> None:
    """Raise InvalidArgumentError if the models have no matrix in common: the gate could never fail."""
    if not any(len(comparison.layers[name].shape or ()) > 1 for name in comparison.tuned_names):
        raise InvalidArgumentError(
            f"--fail-on has nothing to judge: {comparison.base.model} and {comparison.tuned.model} have no matrix in "
            "common; give two models with the same names of layers."
        )


def _gate(comparison: ComparisonResults, language: str) -> int:
    """Return the exit code."""
    broken = [name for name in comparison if "error" in comparison[name]]
    beyond = _beyond_grades(comparison)
    lost = [name for name, (_, after) in beyond.items() if after is None]
    worse = dict.fromkeys([*(each.layer for each in comparison.worsened()), *beyond])
    return pass_or_fail(
        {
            "cli.gate.riskier": [name for name in worse if name not in {*lost, *broken}],
            "cli.gate.grade_lost": lost,
            "cli.gate.broken": broken,
        },
        language,
    )
