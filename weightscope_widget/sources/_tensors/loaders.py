"""Loaders, the small objects behind `Layer.load`, and the versions of the files they read."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import torch

from weightscope_widget.errors import TensorReadError

__all__ = ["CurrentVersions", "Loader", "OpenFiles", "Unreadable", "Versions", "from_bytes", "item_of"]

_SECOND = 10**9  # nanoseconds
_COARSE = 3 * _SECOND  # more than the coarsest clock of a filesystem, the two seconds of FAT

_Content = TypeVar("_Content")


class Loader(Protocol):
    """Loads a tensor, or one matrix of a stack of them; picklable wherever the tensor is in a file."""

    def __call__(self) -> torch.Tensor:
        """Read the tensor; raise `TensorReadError` where that fails."""
        ...

    def member(self, index: int) -> Loader:
        """Return the loader of the matrix at `index` along the first axis, which alone is read where possible."""
        ...

    def identity(self, versions: Versions) -> str | None:
        """Return a text unique to this tensor, which changes when the tensor may have changed; None if unknown.

        It contains the loader's own attributes and the versions of all files that it reads, not their paths.
        """
        ...


@dataclass(frozen=True)
class Unreadable:
    """A tensor of which only the name is known; loading it raises `problem`, a sentence."""

    problem: str

    def __call__(self) -> torch.Tensor:
        """See `Loader`."""
        raise TensorReadError(self.problem)

    def identity(self, versions: Versions) -> None:
        """See `Loader`."""

    def member(self, index: int) -> Unreadable:
        """See `Loader`."""
        return self


def from_bytes(data: bytearray, dtype: torch.dtype, shape: tuple[int, ...]) -> torch.Tensor:
    """Return a tensor that shares the memory of `data`."""
    # Bytes first: frombuffer does not take every type, and not an empty buffer.
    flat = torch.frombuffer(data, dtype=torch.uint8) if data else torch.empty(0, dtype=torch.uint8)
    return flat.view(dtype).reshape(shape)


def item_of(dtype: str, shape: tuple[int, ...]) -> tuple[torch.dtype, int]:
    """Return torch's type of this name, and the size of such a tensor in bytes."""
    kind: torch.dtype = getattr(torch, dtype)
    return kind, math.prod(shape) * kind.itemsize


# -- Versions of files -------------------------------------------------------------------------------------------------


class Versions:
    """Versions of files, each looked up once, however many tensors are in it."""

    def __init__(self) -> None:
        self._of_paths: dict[Path, str | None] = {}

    def of_path(self, path: Path) -> str | None:
        """Return a text that changes with the file; None where that is unknown.

        It begins with the target of links, so that a file shared by two snapshots of a hub's cache is one.
        """
        if path not in self._of_paths:
            self._of_paths[path] = _settled(path)
        return self._of_paths[path]

    def of_remote(self, url: str, opened: str | None, current: Callable[[], str | None]) -> str | None:
        """Return the version of a remote file; `opened` is that of when it was opened, `current` asks its server."""
        return opened


class CurrentVersions(Versions):
    """Versions of files as they are now, of remote files too."""

    def __init__(self) -> None:
        super().__init__()
        self._of_urls: dict[str, str | None] = {}

    def of_remote(self, url: str, opened: str | None, current: Callable[[], str | None]) -> str | None:
        """Return the version that the server tells now."""
        if url not in self._of_urls:
            self._of_urls[url] = current()
        return self._of_urls[url]


def _settled(path: Path) -> str | None:
    try:
        real = os.path.realpath(path)
        found = os.stat(real)
    except OSError:
        return None
    # A filesystem with a coarse clock writes whole seconds: until the clock has moved on, a file can be written again
    # and look the same.
    if found.st_mtime_ns % _SECOND == 0 and abs(time.time_ns() - found.st_mtime_ns) < _COARSE:
        return None
    # Without the device, whose number may change when the machine restarts.
    return f"{real!r} {found.st_ino} {found.st_size} {found.st_mtime_ns}"


# -- Open files --------------------------------------------------------------------------------------------------------


@dataclass
class _Open(Generic[_Content]):
    content: _Content
    stamp: tuple[int, ...]
    left: int


class OpenFiles(Generic[_Content]):
    """The `most` files read last, kept open: parsing a header of 10,000 tensors for each of them would take minutes.

    A file that changed is opened again. So is one of which `budget` bytes were read, because the pages of a mapped
    file that were once touched count as this process's memory.
    """

    def __init__(self, opener: Callable[[Path], _Content], most: int) -> None:
        self._opener, self._most = opener, most
        self._files: dict[Path, _Open[_Content]] = {}

    def get(self, path: Path, budget: int) -> _Content:
        """Return the opened file."""
        status = os.stat(path)
        stamp = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        found = self._files.pop(path, None)
        if found is None or found.stamp != stamp or found.left <= 0:
            found = None  # unmapped before it is mapped again
            found = _Open(self._opener(path), stamp, budget)
        self._files[path] = found  # last: the most recently used
        while len(self._files) > self._most:
            del self._files[next(iter(self._files))]
        return found.content

    def used(self, path: Path, size: int) -> None:
        """Note that this many bytes of a file were read."""
        self._files[path].left -= size
