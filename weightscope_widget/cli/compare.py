"""``wsw compare``: what a fine-tune changed, and whether it made something worse."""

from __future__ import annotations

import argparse
import math
import sys

from weightscope_widget.cli.progress import finish
from weightscope_widget.cli.styles import STYLES
from weightscope_widget.cli.terminal import Cell, Column, print_line, print_table, visible
from weightscope_widget.comparison import ComparisonResults, Worsening, start_comparison
from weightscope_widget.formats import format_count, format_number, format_percentage
from weightscope_widget.naming import short_labels
from weightscope_widget.visualizers.palette import CLASS_COLOURS, GRADE_COLOURS

__all__ = ["run"]

FAILED_GATE, INTERRUPTED = 1, 130

_COLUMNS = (
    Column("tensor", "tensor"),
    Column("status", "status"),
    Column("shape", "shape"),
    Column("relative change", "relative_change", number=True),
    Column("changed", "changed_percentage", number=True),
    Column("rank of 99 %", "delta_rank_99", number=True),
    Column("of", "delta_total_rank", number=True),
    Column("overlap", "subspace_overlap", number=True),
    Column("intruders", "intruder_dimensions", number=True),
    Column("worse", "worse"),
)
_NAMED = 5


def run(chosen: argparse.Namespace) -> int:
    """Do what the arguments say; return the exit code."""
    comparing = start_comparison(
        chosen.base, chosen.tuned, chosen.methods or "all", workers=chosen.workers, memory=chosen.memory
    )
    comparison = comparing.results
    seconds = finish(comparing, quiet=chosen.quiet, what="tensors")
    if chosen.output:
        comparison.save(chosen.output)
    if not chosen.quiet:
        _describe(comparison, seconds, chosen.top)
    if not comparison.complete:
        kept = f"; what was computed is in {chosen.output}" if chosen.output else ""
        print(f"wsw: interrupted after {len(comparison)} of {len(comparison.layers)} tensors{kept}", file=sys.stderr)
        return INTERRUPTED
    return _gate(comparison) if chosen.fail_on else 0


def _describe(comparison: ComparisonResults, seconds: float, top: int) -> None:
    print_line(f"{comparison.model}: {format_count(len(comparison.layers))} tensors, {seconds:.1f} s", "bold")
    pattern = comparison.pattern
    if pattern is not None:
        print_line(f"{pattern.name}: {pattern.sentence} A rule of thumb.")
    labels = short_labels(comparison.layers)
    worse = {each.layer: each for each in reversed(comparison.worsened())}
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


def _row(comparison: ComparisonResults, name: str, label: str, worse: dict[str, Worsening]) -> list[Cell]:
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
        _worse_cell(worse.get(name)),
    ]


def _worse_cell(each: Worsening | None) -> Cell:
    if each is None:
        return Cell("", "")
    colours = GRADE_COLOURS if each.metric == "health" else CLASS_COLOURS[each.metric]
    words = f"{each.metric}: {each.from_class} → {each.to_class}"
    return Cell(words, words, STYLES[colours[each.to_class]])


def _gate(comparison: ComparisonResults) -> int:
    """Return the exit code; a tensor that failed counts as worse."""
    worse = dict.fromkeys(each.layer for each in comparison.worsened())
    worse |= dict.fromkeys(name for name in comparison if "error" in comparison[name])
    if not worse:
        return 0
    named = ", ".join(visible(name) for name in list(worse)[:_NAMED])
    rest = f" and {len(worse) - _NAMED} more" if len(worse) > _NAMED else ""
    print(f"wsw: gate failed: {len(worse)} layers entered a riskier class: {named}{rest}", file=sys.stderr)
    return FAILED_GATE
