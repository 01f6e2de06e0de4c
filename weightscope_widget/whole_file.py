"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

__all__ = ["whole_file"]


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[IO[str]]:
    """Open a text file (UTF-8) for writing that is at `path` only once all of it is written."""
    target = Path(path).expanduser()
    partial = target.parent / f".{uuid.uuid4().hex}.part"
    try:
        # Line ends as they are given, so that the same contents are the same bytes everywhere.
        with partial.open("x", encoding="utf-8", newline="") as file:
            yield file
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
