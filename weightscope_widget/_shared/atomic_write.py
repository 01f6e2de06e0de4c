"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

__all__ = ["whole_file", "write_whole"]


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[IO[str]]:
    """Open a text file (UTF-8) for writing that is at `path` only once all of it is written."""
    # Line ends as they are given, so that the same contents are the same bytes everywhere.
    with _partial(path) as partial, partial.open("x", encoding="utf-8", newline="") as file:
        yield file


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file that is at `path` only once all of it is written."""
    with _partial(path) as partial:
        partial.write_bytes(content)


@contextmanager
def _partial(path: str | os.PathLike[str]) -> Iterator[Path]:
    target = Path(path).expanduser()
    partial = target.parent / f".{uuid.uuid4().hex}.part"
    try:
        yield partial
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
