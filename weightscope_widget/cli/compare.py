"""``wsw compare``: what a fine-tune changed, and whether it made something worse."""

from __future__ import annotations

import argparse
import math

from weightscope_widget._shared.formats import format_count, format_number, format_percentage
from weightscope_widget._shared.messages import say
from weightscope_widget.assessment import GRADES
from weightscope_widget.cli.gate import pass_or_fail, require_grades
from weightscope_widget.cli.outputs import check_file
from weightscope_widget.cli.progress import finish
from weightscope_widget.cli.styles import STYLES
from weightscope_widget.cli.terminal import Cell, Column, complain, print_line, print_table
from weightscope_widget.comparison import ComparisonResults, ComparisonRun
from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.layers.naming import short_labels
from weightscope_widget.scanning.options import run_options
from weightscope_widget.visualizers.palette import CLASS_COLOURS, GRADE_COLOURS

__all__ = ["run"]

INTERRUPTED = 130

_COLUMNS = (
    Column("tensor", "tensor"),
    Column("status", "status"),
    Column("shape", "shape"),
    Column("relative change", "relative_change", number=True),
    Column("changed", "changed_percentage", number=True),
    Column("rank of 99 %", "delta_rank_99", number=True),
    Column("numerical rank", "delta_numerical_rank", number=True),
    Column("of", "delta_total_rank", number=True),
    Column("overlap", "subspace_overlap", number=True),
    Column("intruders", "intruder_dimensions", number=True),
    Column("worse", "worse"),
)


def run(chosen: argparse.Namespace) -> int:
    """Do what the arguments say; return the exit code."""
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
    seconds = finish(comparing, quiet=chosen.quiet, what="tensors")
    if chosen.output:
        comparison.save(chosen.output)
    if not chosen.quiet:
        _describe(comparison, seconds, chosen.top)
    if not comparison.complete:
        kept = f"; what was computed is in {chosen.output}" if chosen.output else ""
        complain(f"interrupted after {len(comparison)} of {say('tensors', count=len(comparison.layers))}{kept}")
        return INTERRUPTED
    return _gate(comparison) if chosen.fail_on else 0


def _describe(comparison: ComparisonResults, seconds: float, top: int) -> None:
    print_line(f"{comparison.model}: {say('tensors', count=len(comparison.layers))}, {seconds:.1f} s", "bold")
    pattern = comparison.pattern
    if pattern is not None:
        print_line(f"{pattern.name}: {pattern.sentence} A rule of thumb.")
    labels = short_labels(comparison.layers)
    worse = _worse(comparison)
    # What failed first, then the largest changes.
    moved = [name for name in comparison if comparison.status(name) != "identical"]
    moved.sort(key=lambda name: -_size(comparison, name))
    rows = [_row(comparison, name, labels[name], worse) for name in moved[:top]]
    if rows:
        print_table(_COLUMNS, rows)
    if len(moved) > top:
        print_line(f"and {format_count(len(moved) - top)} more that changed")
    for name in comparison:
        if "error" in comparison[name]:
            print_line(f"Failed: {name}: {comparison[name]['error']}", "red")


def _size(comparison: ComparisonResults, name: str) -> float:
    change = comparison.metric(name, "relative_change")
    return math.inf if comparison.status(name) is None else -1.0 if math.isnan(change) else change


def _row(comparison: ComparisonResults, name: str, label: str, worse: dict[str, Cell]) -> list[Cell]:
    def cell(metric: str) -> Cell:
        value = comparison.metric(name, metric)
        percent, count = metric.endswith("percentage"), metric.startswith(("delta_", "intruder"))
        form = format_percentage if percent else format_count if count and math.isfinite(value) else format_number
        return Cell(form(value), f"{value:.6g}")

    shape = comparison.layers[name].shape
    status = comparison.status(name) or "failed"
    return [
        Cell(label, name),
        Cell(status, status, "red" if status == "failed" else ""),
        Cell(*2 * ("×".join(map(str, shape or ())),)),
        *(cell(column.name) for column in _COLUMNS if column.number),
        worse.get(name, Cell("", "")),
    ]


def _worse(comparison: ComparisonResults) -> dict[str, Cell]:
    """Return the layers that got worse, and in what."""
    found = {}
    for each in reversed(comparison.worsened()):  # of several the farthest fall
        colours = GRADE_COLOURS if each.metric == "health" else CLASS_COLOURS[each.metric]
        words = f"{each.metric}: {each.from_class} → {each.to_class}"
        found[each.layer] = Cell(words, words, STYLES[colours[each.to_class]])
    for name, (before, after) in _beyond_grades(comparison).items():
        words = f"health: {before or 'not graded'} → {after or 'not graded'}"
        found[name] = Cell(words, words, "red")
    return found


def _beyond_grades(comparison: ComparisonResults) -> dict[str, tuple[str | None, str | None]]:
    """Return the layers that lost their grade, as one whose weights are all zero, or are critical and had none.

    A bias has no grade unless some of it is not finite.
    """
    base, tuned = comparison.base, comparison.tuned
    both = [name for name in comparison if name in base and name in tuned and "error" not in comparison[name]]
    grades = {name: (base.grade(name), tuned.grade(name)) for name in both}
    return {
        name: (before, after)
        for name, (before, after) in grades.items()
        if (before is None) != (after is None) and after in (None, GRADES[-1])
    }


def _require_pairs(comparison: ComparisonResults) -> None:
    """Refuse a gate between models that have no matrix in common: it could never fail.

    Raises
    ------
    InvalidArgumentError
        Where that is so.
    """
    if not any(len(comparison.layers[name].shape or ()) > 1 for name in comparison.tuned_names):
        raise InvalidArgumentError(
            f"--fail-on has nothing to judge: {comparison.base.model} and {comparison.tuned.model} have no matrix in "
            "common; give two models with the same names of layers."
        )


def _gate(comparison: ComparisonResults) -> int:
    """Return the exit code."""
    broken = [name for name in comparison if "error" in comparison[name]]
    beyond = _beyond_grades(comparison)
    lost = [name for name, (_, after) in beyond.items() if after is None]
    worse = dict.fromkeys([*(each.layer for each in comparison.worsened()), *beyond])
    return pass_or_fail(
        {
            "entered a riskier class": [name for name in worse if name not in {*lost, *broken}],
            "can no longer be graded": lost,
            "failed": broken,
        }
    )
