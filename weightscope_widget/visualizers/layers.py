"""What several figures ask of results: values of layers, why a layer has none, and words for both."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from weightscope_widget.assessment import CLASSES
from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.layers.naming import short_labels
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.visualizers.chart import Key
from weightscope_widget.visualizers.palette import CLASS_COLOURS, Colour

__all__ = [
    "LONGEST_LABEL",
    "RULE_OF_THUMB",
    "class_colour",
    "class_keys",
    "class_of",
    "counted",
    "enumerate_words",
    "failed",
    "labels_of",
    "matrices",
    "metric",
    "missing_notes",
    "nothing_to_draw",
    "reason_missing",
    "require",
    "sections_of",
    "unique_labels",
]

RULE_OF_THUMB = "Lines, classes and grades are rules of thumb, for sorting and early warning."

LONGEST_LABEL = 40
"""In characters; of a longer one the middle is left out."""

_NAMED = 4
"""How many layers a note names before it counts the rest."""


def matrices(results: ScanResults) -> list[str]:
    """Return the layers that are not vectors, those still to be measured included, in the model's order."""
    return [name for name in results.layers if not _is_vector(results, name)]


def _is_vector(results: ScanResults, name: str) -> bool:
    shape = results.layers[name].shape
    if shape is not None:
        return len(shape) < 2
    # Plain dicts hold no shapes; of a vector they have what a scan finds of it, and of matrices more.
    return set(sections_of(results, name)) == {"basic_stats"} and set(results.methods) != {"basic_stats"}


def labels_of(results: ScanResults) -> dict[str, str]:
    """Return the short, unique label of every layer, at most some forty characters long."""
    return dict(zip(results.layers, unique_labels(short_labels(results.layers).values()), strict=True))


def unique_labels(labels: Iterable[str]) -> list[str]:
    """Return labels short enough to be drawn beside a chart, those that would be the same numbered.

    The middle of a long one is left out.

    >>> unique_labels(["wte", "a" * 30 + "b" * 30, "wte"])
    ['wte', 'aaaaaaaaaaaaaaaaaaa…bbbbbbbbbbbbbbbbbbbb', 'wte (2)']
    """
    taken: set[str] = set()
    numbers: Counter[str] = Counter()
    found = []
    for label in labels:
        short = one = _shortened(label)
        while one in taken:
            numbers[short] += 1
            one = f"{short} ({numbers[short] + 1})"
        taken.add(one)
        found.append(one)
    return found


def _shortened(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL // 2 - 1]}…{label[-LONGEST_LABEL // 2 :]}"


def sections_of(results: ScanResults, name: str) -> dict[str, Any]:
    """Return what was found of a layer; nothing of one still to be measured."""
    if name not in results:  # asking for it would look for the name that was meant
        return {}
    return results[name]


def failed(results: ScanResults, name: str) -> bool:
    """Return whether a layer's analysis failed; what was found before is then no measure of it."""
    return "error" in sections_of(results, name)


def metric(results: ScanResults, name: str, section: str, *keys: str) -> float:
    """Return one number of a layer, down the keys of its section; NaN where it does not exist or the layer failed."""
    found: Any = {} if failed(results, name) else sections_of(results, name).get(section, {})
    for key in keys:
        found = found.get(key, {})
    return math.nan if isinstance(found, Mapping) else float(found)


def require(results: ScanResults, section: str) -> None:
    """Refuse results that hold nothing of a section.

    Raises
    ------
    InvalidArgumentError
        Where it is missing in every layer.
    """
    if not results.layers:
        raise InvalidArgumentError("These results hold no layers; scan a model that has weights.")
    if section in results.methods:
        return
    if all(failed(results, name) for name in results.layers):
        raise nothing_to_draw(results, f"a {section} section")
    raise InvalidArgumentError(
        f"These results of {results.model} have no {section} section, which this figure shows; scan the model "
        f"with methods='all', or with {section!r} among them."
    )


def nothing_to_draw(results: ScanResults, what: str) -> InvalidArgumentError:
    """Return the error that no matrix has what a figure shows, with the reasons and what to do."""
    names = matrices(results)
    if not names:
        return InvalidArgumentError(f"{results.model} has no matrices; this figure needs one.")
    reasons = Counter(reason_missing(results, name) for name in names)
    why = ", ".join(f"{reason}: {count:,}" for reason, count in reasons.items())
    remedy = "scan a model whose weights are finite and not all zero"
    if "not measured" in reasons:
        remedy = "scan it to the end"
    elif "failed" in reasons:
        remedy = f"results[{next(name for name in names if failed(results, name))!r}]['error'] says more"
    return InvalidArgumentError(f"No layer of {results.model} has {what} to draw ({why}); {remedy}.")


def class_of(results: ScanResults, name: str, of: str) -> str | None:
    """Return a layer's class of a metric; None where it has none, as a layer that failed."""
    return None if failed(results, name) else results.classes(name)[of]


def class_colour(results: ScanResults, name: str, of: str) -> Colour:
    """Return the colour of a layer's class of a metric; grey where it has none."""
    found = class_of(results, name, of)
    return "muted" if found is None else CLASS_COLOURS[of][found]


def class_keys(results: ScanResults, of: str, names: Iterable[str]) -> tuple[Key, ...]:
    """Return a legend of a metric's classes, with how many of the layers are in each."""
    found = Counter(class_of(results, name, of) for name in names)
    return tuple(Key(f"{each}: {found[each]:,}", CLASS_COLOURS[of][each]) for each in CLASSES[of] if found[each])


def reason_missing(results: ScanResults, name: str) -> str:
    """Return why a layer lacks a number, as a short phrase."""
    sections = sections_of(results, name)
    stats = sections.get("basic_stats", {})
    if failed(results, name):
        return "failed"
    if not results.is_finite(name):
        return "NaN or infinite weights"
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


def counted(count: float, noun: str) -> str:
    """Return a count with what is counted.

    >>> [counted(count, "layer") for count in (1, 2000)]
    ['1 layer', '2,000 layers']
    """
    return f"{count:,.0f} {noun}{'' if count == 1 else 's'}"
