"""What earlier scans of files have found, so that nothing is measured twice."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
import time
import warnings
import zlib
from collections.abc import Callable, Collection, Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import platformdirs
import torch

from weightscope_widget.analyzers.distribution import Histogram
from weightscope_widget.callers import level_outside
from weightscope_widget.errors import CacheWarning, InvalidArgumentError
from weightscope_widget.measure import Measured
from weightscope_widget.sources import Layer

__all__ = ["Cache", "cache_directory", "clear_cache", "open_cache"]

_VARIABLE = "WEIGHTSCOPE_CACHE"
_FILE = "measured.sqlite"
_MOST_BYTES = 2 << 30
_PATIENCE = 5.0  # seconds, for another process that is writing
_FLUSHED_AFTER = 1.0  # seconds: what a killed process loses at most
_STALE = 24 * 3600  # seconds after which a use is noted again

_TABLE = """
CREATE TABLE IF NOT EXISTS measured (
    layer TEXT NOT NULL, method TEXT NOT NULL, section TEXT NOT NULL, array BLOB NOT NULL,
    crc INTEGER NOT NULL, size INTEGER NOT NULL, used INTEGER NOT NULL, PRIMARY KEY (layer, method)
)
"""
_QUERY = "SELECT method, section, array, crc, used FROM measured WHERE layer = ?"

_Result = TypeVar("_Result")


def cache_directory(setting: object = True) -> Path | None:
    """Return where what was measured is remembered; None where it is not.

    Parameters
    ----------
    setting : bool or path-like
        True for the directory that the environment variable ``WEIGHTSCOPE_CACHE`` names (``off``: none), or else the
        user's cache directory; False for none; a path for that directory.

    Raises
    ------
    InvalidArgumentError
        It is something else.
    """
    if setting is True:
        named = os.environ.get(_VARIABLE, "")
        if named.lower() == "off":
            return None
        return Path(named or platformdirs.user_cache_dir("weightscope-widget", appauthor=False)).expanduser()
    if setting is False:
        return None
    if isinstance(setting, str | os.PathLike) and str(setting):
        return Path(setting).expanduser()
    raise InvalidArgumentError(f"cache is {setting!r}; give True, False, or the path of a directory.")


def open_cache(setting: object = True) -> Cache | None:
    """Return the cache of a `cache_directory`, or None; nothing is read or made yet."""
    folder = cache_directory(setting)
    return None if folder is None else Cache(folder)


def clear_cache(cache: object = True) -> None:
    """Forget what scans of files have found.

    Parameters
    ----------
    cache : bool or path-like
        As for `scan`.

    Raises
    ------
    OSError
        Where the file is there but cannot be removed.
    """
    folder = cache_directory(cache)
    if folder is not None:
        for name in (_FILE, f"{_FILE}-journal"):
            (folder / name).unlink(missing_ok=True)


class Cache:
    """Sections, spectra and histograms of layers, by what tells their weights from all others.

    Whatever is wrong with the file is never an error: it is warned of once, and the scan goes on without.  May be used
    by several threads, and its file by several processes.

    Parameters
    ----------
    folder : Path
        Where its file is, or will be.
    most_bytes : int
        How much it may keep; what has not been used for longest goes first.
    """

    def __init__(self, folder: Path, most_bytes: int = _MOST_BYTES) -> None:
        self._path = folder / _FILE
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._broken = False
        self._waiting: list[tuple[object, ...]] = []
        self._used: set[str] = set()
        self._flushed = time.monotonic()

    def recall(self, layer: Layer, methods: Collection[str], top_k: int) -> tuple[str | None, Measured]:
        """Return what is known of a layer.

        Returns
        -------
        str or None
            What tells its weights from all others now, to be given to `remember`; None where nothing does.
        Measured
            Those of the sections asked for that are known, with the spectrum and the histogram that belong to them.
        """
        identity = _identity(layer)
        if identity is None:
            return None, Measured()
        rows = self._guarded(lambda connection: connection.execute(_QUERY, (_key(identity),)).fetchall()) or []
        known = {method: (section, array) for method, section, array, crc, _ in rows if _crc(section, array) == crc}
        if any(used < time.time() - _STALE for *_, used in rows):
            self._used.add(_key(identity))
        try:
            return identity, _decoded({method: known[method] for method in methods if method in known}, top_k)
        except (ValueError, TypeError, KeyError, RecursionError):
            return identity, Measured()  # of no version that this one knows

    def remember(self, layer: Layer, identity: str, measured: Measured) -> None:
        """Keep what was measured of a layer, unless that failed or its file has changed meanwhile."""
        if "error" in measured.sections or _identity(layer) != identity:
            return
        for method, section in measured.sections.items():
            text = json.dumps(section)  # with NaN and Infinity as Python writes and reads them
            array = _array_of(method, measured)
            size = len(text) + len(array)
            self._waiting.append((_key(identity), method, text, array, _crc(text, array), size, int(time.time())))
        if time.monotonic() - self._flushed > _FLUSHED_AFTER:
            self._flush()

    def close(self) -> None:
        """Write what is waiting, and forget what is too much."""
        self._flush()
        if self._connection is not None:
            self._guarded(lambda connection: connection.close())
            self._connection = None

    def _flush(self) -> None:
        if self._waiting or self._used:
            self._guarded(self._write)
        self._waiting.clear()
        self._used.clear()
        self._flushed = time.monotonic()

    def _write(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("REPLACE INTO measured VALUES (?, ?, ?, ?, ?, ?, ?)", self._waiting)
        uses = [(int(time.time()), key) for key in self._used]
        connection.executemany("UPDATE measured SET used = ? WHERE layer = ?", uses)
        _shrink(connection, self._most_bytes)
        connection.execute("COMMIT")

    def _guarded(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result | None:
        """Do some work with the file; where that fails, warn of it, and never try again."""
        with self._lock:
            if self._broken:
                return None
            try:
                return work(self._open())
            except (sqlite3.Error, OSError) as error:
                self._broken = True
                if self._connection is not None:
                    self._connection.close()  # what was not committed is undone
                    self._connection = None
                warnings.warn(
                    f"What was measured cannot be remembered in {self._path} ({error}); the scan goes on without. "
                    "clear_cache() removes the file.",
                    CacheWarning,
                    stacklevel=level_outside(),
                )
                return None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Every use is under the lock.
            self._connection = sqlite3.connect(
                self._path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
            )
            self._connection.execute(_TABLE)
        return self._connection


def _shrink(connection: sqlite3.Connection, most: int) -> None:
    """Remove the layers whose last use is longest ago, until the others fit."""
    (total,) = connection.execute("SELECT TOTAL(size) FROM measured").fetchone()
    if total <= most:
        return
    oldest = connection.execute("SELECT layer, SUM(size) FROM measured GROUP BY layer ORDER BY MAX(used)").fetchall()
    for layer, size in oldest:
        if total <= most:
            return
        connection.execute("DELETE FROM measured WHERE layer = ?", (layer,))
        total -= size


def _identity(layer: Layer) -> str | None:
    tell = getattr(layer.load, "identity", None)
    identity = tell() if tell is not None else None
    return None if identity is None else f"{identity} {layer.shape} {layer.dtype} {layer.transposed} {layer.is_stack}"


def _key(identity: str) -> str:
    return hashlib.sha256(f"{_version()} {identity}".encode(errors="surrogatepass")).hexdigest()


@cache
def _version() -> str:
    """Return what another state of the code that reads and measures does not share: its text, and its libraries."""
    digest = hashlib.sha256(f"{torch.__version__} {np.__version__}".encode())
    package = resources.files("weightscope_widget")
    for part in ("analyzers", "sources"):
        for content in _sources(package.joinpath(part)):
            digest.update(content)
    return digest.hexdigest()


def _sources(folder: Any) -> Iterator[bytes]:
    for entry in sorted(folder.iterdir(), key=lambda entry: str(entry.name)):
        if entry.is_dir():
            yield from _sources(entry)
        elif entry.name.endswith(".py"):
            yield entry.read_bytes()


def _crc(text: str, array: bytes) -> int:
    return zlib.crc32(array, zlib.crc32(text.encode()))


def _array_of(method: str, measured: Measured) -> bytes:
    """Return the spectrum, or the histogram with its extremes before the counts, as little-endian float64."""
    histogram = measured.histogram
    if method == "spectral" and measured.spectrum is not None:
        return measured.spectrum.astype("<f8").tobytes()
    if method != "spectral" and histogram is not None:
        return np.concatenate([[histogram.low, histogram.high], histogram.counts]).astype("<f8").tobytes()
    return b""


def _decoded(known: dict[str, tuple[str, bytes]], top_k: int) -> Measured:
    sections: dict[str, Any] = {}
    spectrum: np.ndarray | None = None
    histogram: Histogram | None = None
    for method, (text, array) in known.items():
        sections[method] = json.loads(text)
        values = np.frombuffer(array, "<f8").astype(np.float64)
        if method == "spectral":
            spectrum = values
            sections[method]["top_singular_values"] = [float(value) for value in values[:top_k]]
        elif len(values):
            histogram = Histogram(float(values[0]), float(values[1]), values[2:])
    return Measured(sections, spectrum, histogram)
