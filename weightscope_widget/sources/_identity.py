"""What tells a file from itself after a change."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["file_identity"]


def file_identity(path: Path) -> str | None:
    """Return a text that another file, or this one rewritten, does not share; None where the file is gone."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return f"{path} {found.st_dev}:{found.st_ino} {found.st_size} {found.st_mtime_ns}"
