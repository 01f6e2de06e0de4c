"""Atomic writes: a file appears complete or not at all."""

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
    """Open a text file (UTF-8) for writing, which appears at `path` when it is complete."""
    # Line ends are not translated, so that the same contents are the same bytes on every system.
    with _partial(path) as partial, partial.open("x", encoding="utf-8", newline="") as file:
        yield file


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file, which appears at `path` when it is complete."""
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
