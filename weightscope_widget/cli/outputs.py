"""Check that output files can be written, before hours of measuring rather than after."""

from __future__ import annotations

import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from weightscope_widget.errors import InvalidArgumentError

__all__ = ["check_file", "check_folder"]


def check_file(path: str) -> None:
    """Raise InvalidArgumentError if no file can be written to a path; leaves nothing behind."""
    target = Path(path).expanduser()
    with _explained(f"--output: {path!r}"):
        with suppress(FileNotFoundError):
            # Saving replaces the file; do not replace a folder or a device.
            if not stat.S_ISREG(target.stat().st_mode):
                raise InvalidArgumentError(f"--output: {path!r} is there and is no file; choose another path.")
        _try(target.parent)


def check_folder(path: str) -> None:
    """Raise InvalidArgumentError if a folder cannot be made or takes no files; leaves nothing behind."""
    target = Path(path).expanduser()
    with _explained(f"--report: the folder {path!r}"):
        _try(next(each for each in (target, *target.parents) if each.exists()))


@contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InvalidArgumentError(f"{what} cannot be written ({error.strerror or error}); choose another.") from error


def _try(folder: Path) -> None:
    with tempfile.TemporaryFile(dir=folder):
        pass
