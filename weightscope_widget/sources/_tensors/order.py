"""The order in which a file's tensors are shown; the file's own is alphabetical, or by size."""

from __future__ import annotations

import re
from collections.abc import Iterable

from weightscope_widget.layers.layer import layer_name
from weightscope_widget.layers.naming import place

__all__ = ["model_order", "natural_key"]

_DIGITS = re.compile(r"([0-9]+)")


def model_order(parameters: Iterable[str]) -> list[str]:
    """Return parameter names as a model runs through them: embeddings, blocks in order, the rest, the head.

    >>> model_order(["lm_head.weight", "h.10.w", "h.2.w", "ln_f.weight", "wte.weight"])
    ['wte.weight', 'h.2.w', 'h.10.w', 'ln_f.weight', 'lm_head.weight']
    """
    return sorted(parameters, key=lambda name: (_part(name), natural_key(name), name))


def natural_key(name: str) -> tuple[tuple[int, str], ...]:
    """Return a sort key that takes runs of digits as numbers, of any length.

    >>> natural_key("h.2") < natural_key("h.10")
    True
    """
    pieces = _DIGITS.split(name)  # text, digits, text, digits, …, text
    numbers = (piece.lstrip("0") for piece in pieces[1::2])
    keys = [(0, piece) for piece in pieces]
    keys[1::2] = [(len(number), number) for number in numbers]
    return tuple(keys)


def _part(parameter: str) -> int:
    where = place(layer_name(parameter))
    if where.kind == "head":
        return 3
    if where.block is not None:
        return 1
    return 0 if where.family == "embedding" else 2
