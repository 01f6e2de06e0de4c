"""Sentences in the languages of ``data/text``; ``js/src/text/messages.ts`` renders the same way.

A message is a string, or an object of strings by plural category (``one``, ``other``) chosen by the argument ``count``.
Placeholders, whose names may have dots: ``{name}`` inserts text, ``{name:percentage}`` formats a number (see
`FORMATS`), ``{name:@layers}`` inserts the message ``layers`` with ``count`` set to the argument.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from weightscope_widget._shared import formats
from weightscope_widget.data import read
from weightscope_widget.data.keys import MessageKey

__all__ = ["FORMATS", "message", "render", "say"]

FORMATS: dict[str, Callable[[float], str]] = {
    "bytes": formats.format_bytes,
    "count": formats.format_count,
    "decibel": formats.format_decibel,
    "estimate": formats.format_estimate,
    "number": formats.format_number,
    "parameters": formats.format_parameters,
    "percentage": formats.format_percentage,
    "score": formats.format_score,
    "seconds": formats.format_seconds,
    "tick": formats.format_tick,
}

_PLACEHOLDER = re.compile(r"\{([\w.]+)(?::(@?[\w.]+))?\}")


def say(key: MessageKey, language: str = "en", /, **arguments: str | float) -> str:
    """Return a message with its arguments inserted.

    >>> say("layers", count=1), say("layers", count=2000)
    ('1 layer', '2,000 layers')
    """
    return render(key, language, **arguments)


def message(key: str, language: str = "en") -> Any:
    """Return a message, or a group of messages, as the file has it; None where there is none."""
    found: Any = read(f"text/{language}")
    rest = key
    # Names may hold dots, as `metrics.threshold_0.0` does.
    while isinstance(found, dict) and rest not in found and "." in rest:
        head, rest = rest.split(".", 1)
        found = found.get(head)
    return found.get(rest) if isinstance(found, dict) else None


def render(key: str, language: str = "en", /, **arguments: str | float) -> str:
    """Return a message whose key is computed, as `say` does."""
    found = message(key, language)
    if isinstance(found, dict):
        # Of the languages here, only English has a singular; Chinese files give ``other`` alone.
        one = arguments.get("count") == 1 and "one" in found
        found = found["one" if one else "other"]

    def insert(match: re.Match[str]) -> str:
        name, style = match.groups()
        value = arguments[name]
        if style is None:
            return str(value)
        if style.startswith("@"):
            return render(style[1:], language, **{**arguments, "count": value})
        return FORMATS[style](float(value))

    text: str = _PLACEHOLDER.sub(insert, found)
    return text
