"""Where in the user's own code a warning belongs."""

from __future__ import annotations

import inspect

__all__ = ["level_outside"]


def level_outside() -> int:
    """Return the `stacklevel` at which the caller's warning points out of this package, as the user's own line."""
    level, frame = 0, inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == __package__:
        level, frame = level + 1, frame.f_back
    return level
