"""What several figures ask of results: values of layers, why a layer has none, and words for both."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from weightscope_widget.assessment import CLASSES
from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.naming import short_labels
from weightscope_widget.results import ScanResults
from weightscope_widget.visualizers.chart import Key
from weightscope_widget.visualizers.palette import CLASS_COLOURS, Colour

__all__ = [
    "RULE_OF_THUMB",
    "class_colour",
    "class_keys",
    "enumerate_words",
    "labels_of",
    "matrices",
    "metric",
    "missing_notes",
    "reason_missing",
    "require",
    "sections_of",
    "shortened",
    "stable_rank_percentage",
]

RULE_OF_THUMB = "Lines, classes and grades are rules of thumb, for sorting and early warning."

_LONGEST_LABEL = 40
_NAMED = 4
"""How many layers a note names before it counts the rest."""

_CLASS_WORDS = {
    "condition_number": "{}",
    "sqnr_db": "{} risk",
    "extreme_outlier_percentage": "{} risk",
    "stable_rank_percentage": "{} potential",
}
_WHOLE_WORDS = {"safe", "friendly", "needs a strategy", "already efficient"}


def matrices(results: ScanResults) -> list[str]:
    """Return the layers that are not vectors, those still to be measured included, in the model's order."""
    return [name for name, info in results.layers.items() if info.shape is None or len(info.shape) >= 2]


def labels_of(results: ScanResults) -> dict[str, str]:
    """Return the short, unique label of every layer, at most some forty characters long."""
    taken: set[str] = set()
    found = {}
    for name, label in short_labels(results.layers).items():
        number, short = 1, shortened(label)
        while short in taken:
            number += 1
            short = f"{shortened(label)} ({number})"
        taken.add(short)
        found[name] = short
    return found


def shortened(label: str) -> str:
    """Return a label without the middle of one that is too long to be drawn beside a chart.

    >>> shortened("a" * 30 + "b" * 30)
    'aaaaaaaaaaaaaaaaaaa…bbbbbbbbbbbbbbbbbbbb'
    """
    return (
        label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL // 2 - 1]}…{label[-_LONGEST_LABEL // 2 :]}"
    )


def sections_of(results: ScanResults, name: str) -> dict[str, Any]:
    """Return what was found of a layer; nothing of one still to be measured."""
    if name not in results:  # asking for it would look for the name that was meant
        return {}
    return results[name]


def metric(results: ScanResults, name: str, section: str, key: str) -> float:
    """Return one number of a layer, NaN where it does not exist or the layer failed."""
    sections = sections_of(results, name)
    value = math.nan if "error" in sections else sections.get(section, {}).get(key, math.nan)
    return float(value)


def stable_rank_percentage(results: ScanResults, name: str) -> float:
    """Return 100 · stable rank / total rank, NaN where either does not exist."""
    total = metric(results, name, "spectral", "total_rank")
    return 100 * metric(results, name, "spectral", "stable_rank") / total if total else math.nan


def require(results: ScanResults, *sections: str) -> None:
    """Refuse results that hold nothing of one of the sections.

    Raises
    ------
    InvalidArgumentError
        Where one is missing in every layer.
    """
    if not results.layers:
        raise InvalidArgumentError("These results hold no layers; scan a model that has weights.")
    for section in sections:
        if section not in results.methods:
            raise InvalidArgumentError(
                f"These results of {results.model} have no {section} section, which this figure shows; scan the model "
                f"with methods='all', or with {section!r} among them."
            )


def class_colour(results: ScanResults, name: str, of: str) -> Colour:
    """Return the colour of a layer's class of a metric; grey where it has none."""
    found = results.classes(name)[of]
    return "muted" if found is None else CLASS_COLOURS[of][found]


def class_keys(results: ScanResults, of: str, names: Iterable[str]) -> tuple[Key, ...]:
    """Return a legend of a metric's classes, with how many of the layers are in each."""
    found = [results.classes(name)[of] for name in names]
    return tuple(
        Key(f"{each}: {found.count(each):,}", CLASS_COLOURS[of][each]) for each in CLASSES[of] if each in found
    )


def class_words(of: str, name: str) -> str:
    """Return a class as it reads by itself: ``"high risk"``, ``"safe"``."""
    return name if name in _WHOLE_WORDS else _CLASS_WORDS[of].format(name)


def reason_missing(results: ScanResults, name: str) -> str:
    """Return why a layer lacks a number, as a short phrase."""
    sections = sections_of(results, name)
    stats = sections.get("basic_stats", {})
    if "error" in sections:
        return "failed"
    if stats.get("nan_count") or stats.get("inf_count"):
        return "NaN or infinite weights"
    if math.isnan(sections.get("spectral", {}).get("max_singular_value", 0)):
        return "weights not finite"
    if results.pending(name):
        return "not measured"
    if sections.get("spectral", {}).get("max_singular_value") == 0 or stats.get("l2_norm") == 0:
        return "all weights zero"
    return "no value"


def missing_notes(results: ScanResults, names: Iterable[str], what: str = "Not drawn") -> tuple[str, ...]:
    """Return a sentence on the layers that a chart cannot draw and why; nothing where there are none."""
    labels, by_reason = labels_of(results), dict[str, list[str]]()
    for name in names:
        by_reason.setdefault(reason_missing(results, name), []).append(labels[name])
    if not by_reason:
        return ()
    return (f"{what}: {'; '.join(f'{enumerate_words(some)} ({why})' for why, some in by_reason.items())}.",)


def enumerate_words(words: list[str]) -> str:
    """Return a list in words, the first few by name."""
    named, rest = words[:_NAMED], len(words) - _NAMED
    return ", ".join(named) + (f" and {rest:,} more" if rest > 0 else "")
