"""The stack level of warnings."""

from __future__ import annotations

import inspect

__all__ = ["level_outside"]

_PACKAGE = __name__.partition(".")[0]


def level_outside() -> int:
    """Return the `stacklevel` at which a warning of the caller names the user's own line, outside this package."""
    level, frame = 0, inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        level, frame = level + 1, frame.f_back
    return level
