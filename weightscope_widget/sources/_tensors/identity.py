"""What tells a file from itself after a change."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Protocol

__all__ = ["CurrentVersions", "Elsewhere", "Versions", "file_identity"]

_SECOND = 10**9  # nanoseconds
_COARSE = 3 * _SECOND  # more than the coarsest clock of a filesystem, the two seconds of FAT


class Elsewhere(Protocol):
    """A file that no path leads to."""

    @property
    def version(self) -> str | None:
        """As its server told when it was opened; None where it does not tell."""
        ...

    def current_version(self) -> str | None:
        """Ask anew; None also where nobody answers."""
        ...


class Versions:
    """Versions of files, each looked at once, however many tensors are in it."""

    def __init__(self) -> None:
        self._of_paths: dict[Path, str | None] = {}

    def of_path(self, path: Path) -> str | None:
        """Return a text that another file, or this one rewritten, does not share; None where nothing tells.

        It begins with where links lead, so that a file that two snapshots of a hub's cache share is one.
        """
        if path not in self._of_paths:
            self._of_paths[path] = _settled(path)
        return self._of_paths[path]

    def elsewhere(self, file: Elsewhere) -> str | None:
        """Return the same of a file elsewhere, as it was when it was opened."""
        return file.version


class CurrentVersions(Versions):
    """The same, of files elsewhere too as they are now; each is asked for once."""

    def __init__(self) -> None:
        super().__init__()
        self._elsewhere: dict[Elsewhere, str | None] = {}

    def elsewhere(self, file: Elsewhere) -> str | None:
        """Return the version that the server tells now."""
        if file not in self._elsewhere:
            self._elsewhere[file] = file.current_version()
        return self._elsewhere[file]


def file_identity(path: Path) -> str | None:
    """Return a text that another file, or this one rewritten, does not share; None where the file is gone."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return f"{path} {found.st_dev}:{found.st_ino} {found.st_size} {found.st_mtime_ns}"


def _settled(path: Path) -> str | None:
    try:
        real = os.path.realpath(path)
        found = os.stat(real)
    except OSError:
        return None
    # A whole second is what a filesystem with a coarse clock writes: until the clock has moved on, a file can be
    # written once more and look the same.
    if found.st_mtime_ns % _SECOND == 0 and abs(time.time_ns() - found.st_mtime_ns) < _COARSE:
        return None
    # Not the device, whose number may be another after the next start of the machine.
    return f"{real!r} {found.st_ino} {found.st_size} {found.st_mtime_ns}"
