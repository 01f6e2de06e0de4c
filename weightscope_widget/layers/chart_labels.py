"""Short labels of layers, for charts and tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from weightscope_widget.layers.naming import short_labels

__all__ = ["chart_labels", "shortened", "unique_labels"]

LONGEST_LABEL = 40
"""In characters; longer labels lose their middle."""


def chart_labels(names: Iterable[str]) -> dict[str, str]:
    """Return a unique label of at most some forty characters for each name."""
    names = list(names)
    return dict(zip(names, unique_labels(short_labels(names).values()), strict=True))


def unique_labels(labels: Iterable[str]) -> list[str]:
    """Return labels with long ones shortened and equal ones numbered.

    >>> unique_labels(["wte", "a" * 30 + "b" * 30, "wte"])
    ['wte', 'aaaaaaaaaaaaaaaaaaa…bbbbbbbbbbbbbbbbbbbb', 'wte (2)']
    """
    taken: set[str] = set()
    numbers: Counter[str] = Counter()
    found = []
    for label in labels:
        short = one = shortened(label)
        while one in taken:
            numbers[short] += 1
            one = f"{short} ({numbers[short] + 1})"
        taken.add(one)
        found.append(one)
    return found


def shortened(label: str) -> str:
    """Return a label without the middle of one that is too long."""
    half = LONGEST_LABEL // 2
    return label if len(label) <= LONGEST_LABEL else f"{label[: half - 1]}…{label[-half:]}"
