"""Paths as people write them, and untrusted text as messages may quote it."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["absolute", "as_path", "quote"]

_QUOTE_LIMIT = 300
"""Longest text an error message repeats, in characters."""


def as_path(model: object) -> Path | None:
    """Return the absolute path that an object stands for; None if it is no path, as the empty string is none."""
    if not isinstance(model, (str, os.PathLike)):
        return None
    text = os.fspath(model)
    return absolute(text) if isinstance(text, str) and text else None


def absolute(path: str | os.PathLike[str]) -> Path:
    """Return a path with ``~`` expanded, absolute, so that it means the same in another process.

    Symbolic links are kept: in the hub's cache the link has the telling name, its target a hash.
    """
    return Path(os.path.abspath(os.path.expanduser(path)))


def quote(text: object) -> str:
    r"""Return text from outside in quotes, control characters escaped, cut where it is absurdly long.

    >>> quote("a\nb")
    "'a\\nb'"
    """
    plain = str(text)
    return repr(plain if len(plain) <= _QUOTE_LIMIT else plain[:_QUOTE_LIMIT] + "…")
