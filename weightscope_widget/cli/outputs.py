"""Whether files can be written where they are wanted, asked before hours of measuring rather than after."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from weightscope_widget.errors import InvalidArgumentError

__all__ = ["check_file", "check_folder"]


def check_file(path: str) -> None:
    """Refuse a path at which no file can be written; nothing is left there.

    Raises
    ------
    InvalidArgumentError
        Where its folder is missing or takes no files, or where something other than a file is in the way.
    """
    target = Path(path).expanduser()
    try:
        with suppress(FileNotFoundError):
            # A saved file takes the place of what is there, which is nothing to do to a folder or a device.
            if not stat.S_ISREG(os.stat(target).st_mode):
                raise InvalidArgumentError(f"--output: {path!r} is there and is no file; choose another path.")
        _try(target.parent)
    except OSError as error:
        raise InvalidArgumentError(
            f"--output: {path!r} cannot be written ({error.strerror or error}); choose another path."
        ) from error


def check_folder(path: str) -> None:
    """Refuse a path at which no folder can be made, or one that takes no files; nothing is left there.

    Raises
    ------
    InvalidArgumentError
        Where that is so.
    """
    target = Path(path).expanduser()
    try:
        _try(next(each for each in (target, *target.parents) if each.exists()))
    except OSError as error:
        raise InvalidArgumentError(
            f"--report: the folder {path!r} cannot be written ({error.strerror or error}); choose another."
        ) from error


def _try(folder: Path) -> None:
    with tempfile.TemporaryFile(dir=folder):
        pass
