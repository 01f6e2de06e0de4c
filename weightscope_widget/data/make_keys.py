"""Writes ``keys.py``: the keys of all messages as a type.  Run ``python -m weightscope_widget.data.make_keys``."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from weightscope_widget.data import read

__all__ = ["keys_of", "module"]

_MODULE = '''"""The keys of all messages, made by ``make_keys``."""

from typing import Literal, TypeAlias

__all__ = ["MessageKey"]

# fmt: off
MessageKey: TypeAlias = Literal[
    {keys},
]
'''


def keys_of(messages: dict[str, Any], prefix: str = "") -> list[str]:
    """Return the dotted keys of all messages; an object with ``other`` is one message."""
    keys: list[str] = []
    for key, value in messages.items():
        if isinstance(value, dict) and "other" not in value:
            keys += keys_of(value, f"{prefix}{key}.")
        else:
            keys.append(prefix + key)
    return keys


def module() -> str:
    """Return the source of ``keys.py``."""
    keys = ", ".join(f'"{key}"'.replace(" ", "\0") for key in keys_of(read("text/en")))
    lines = textwrap.wrap(keys, 116, break_long_words=False, break_on_hyphens=False)
    return _MODULE.format(keys="\n    ".join(lines).replace("\0", " "))


if __name__ == "__main__":
    Path(__file__).with_name("keys.py").write_text(module(), encoding="utf-8")
