"""Results of earlier scans of files, so that nothing is measured twice."""

from __future__ import annotations

import json
import os
import sqlite3
import time
import warnings
import zlib
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import platformdirs

from weightscope_widget._shared.stacklevel import level_outside
from weightscope_widget.analyzers.measured import Measured
from weightscope_widget.analyzers.numerics.histogram import Histogram
from weightscope_widget.cache.key import identity_of, key_of
from weightscope_widget.errors import CacheWarning, InvalidArgumentError
from weightscope_widget.sources import CurrentVersions, Layer, Versions

__all__ = ["Cache", "cache_directory", "clear_cache", "open_cache"]

_VARIABLE = "WEIGHTSCOPE_CACHE"
_FILE = "measured.sqlite"
_MOST_BYTES = 2 << 30
_ROOM = 0.1  # share of that to free when it is full, so that not every scan has to
_PATIENCE = 5.0  # seconds, for another process that is writing
_FLUSHED_AFTER = 1.0  # seconds of work that a killed process loses at most
_STALE = 24 * 3600  # seconds after which a use is recorded again
_AT_ONCE = 500  # keys in a query; old versions of SQLite take 999

# The short columns first: SQLite reads a row up to the column wanted.
_TABLE = """
CREATE TABLE IF NOT EXISTS measured (
    layer TEXT NOT NULL, method TEXT NOT NULL, crc INTEGER NOT NULL, size INTEGER NOT NULL, used INTEGER NOT NULL,
    section BLOB NOT NULL, array BLOB NOT NULL, PRIMARY KEY (layer, method)
)
"""
# SQLite columns may hold values of any type.
_SELECT = """
SELECT layer, method, crc, CAST(used AS INTEGER), CAST(section AS BLOB), CAST(array AS BLOB)
FROM measured WHERE layer IN ({})
"""
_INSERT = "REPLACE INTO measured (layer, method, crc, size, used, section, array) VALUES (?, ?, ?, ?, ?, ?, ?)"

_Row = tuple[str, str, int, int, int, bytes, bytes]
_Result = TypeVar("_Result")


def cache_directory(setting: object = True) -> Path | None:
    """Return the directory of the cache; None without a cache.

    Parameters
    ----------
    setting : bool or path-like
        True for the directory in the environment variable ``WEIGHTSCOPE_CACHE`` (``off``: none), else the user's
        cache directory; False for none; a path for that directory.

    Raises
    ------
    InvalidArgumentError
        It is something else.
    """
    if setting is True:
        named = os.environ.get(_VARIABLE, "")
        if named.lower() == "off":
            return None
        return _folder(named or platformdirs.user_cache_dir("weightscope-widget", appauthor=False))
    if setting is False:
        return None
    path = os.fspath(setting) if isinstance(setting, str | os.PathLike) else ""
    if isinstance(path, str) and path and "\0" not in path:
        return _folder(path)
    raise InvalidArgumentError(f"cache is {setting!r}; give True, False, or the path of a directory.")


def _folder(path: str) -> Path:
    # Path.expanduser raises for an unknown user; a folder may have such a name.
    return Path(os.path.expanduser(path))


def open_cache(setting: object = True) -> Cache | None:
    """Return the cache in the `cache_directory`, or None; nothing is read or created yet."""
    folder = cache_directory(setting)
    return None if folder is None else Cache(folder)


def clear_cache(cache: object = True) -> None:
    """Delete the cached results of scans.

    Parameters
    ----------
    cache : bool or path-like
        As for `scan`.

    Raises
    ------
    InvalidArgumentError
        It is something else, or the file exists but cannot be removed.
    """
    folder = cache_directory(cache)
    if folder is None:
        return
    for name in (_FILE, f"{_FILE}-journal"):
        try:
            (folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise InvalidArgumentError(
                f"{folder / name} cannot be removed ({error.strerror or error}); check its permissions and that no "
                "other program uses it, or give another directory."
            ) from error


class Cache:
    """Sections, spectra and histograms of layers, by the identity of their weights.

    A problem with the file is never an error: it is warned of once, and the scan continues without a cache.  The file
    is open only while it is read or written, and several processes may use it.

    Parameters
    ----------
    folder : Path
        Directory of its file.
    most_bytes : int
        Size limit of the file; the least recently used layers are removed first.
    """

    def __init__(self, folder: Path, most_bytes: int = _MOST_BYTES) -> None:
        self._path = folder / _FILE
        self._most_bytes = most_bytes
        self._broken = False
        self._waiting: list[tuple[Layer, str, Measured]] = []
        self._used: set[str] = set()
        self._flushed = time.monotonic()

    def recall(self, wanted: Sequence[tuple[Layer, Collection[str]]], top_k: int) -> list[tuple[str | None, Measured]]:
        """Return the cached results of layers.

        Parameters
        ----------
        wanted : sequence of (Layer, methods)
            Each layer with its methods.
        top_k : int
            How many singular values to list.

        Returns
        -------
        list of (identity, Measured)
            The current identity of each layer's weights, to be given to `remember`, or None; and its cached sections
            with their spectrum and histogram.
        """
        versions = Versions()
        identities = [identity_of(layer, versions) for layer, _ in wanted]
        keys = [None if identity is None else key_of(identity) for identity in identities]
        known = self._sections({key for key in keys if key is not None})
        return [
            (identity, _decoded({method: known[key, method] for method in methods if (key, method) in known}, top_k))
            for (_, methods), identity, key in zip(wanted, identities, keys, strict=True)
        ]

    def remember(self, layer: Layer, identity: str, measured: Measured) -> None:
        """Keep the results of a layer, unless it failed or its file has changed meanwhile."""
        if "error" in measured.sections or self._broken:
            return
        self._waiting.append((layer, identity, measured))
        if time.monotonic() - self._flushed > _FLUSHED_AFTER:
            self.flush()

    def flush(self) -> None:
        """Write the waiting results, and remove old ones beyond the size limit."""
        # Checked after reading, and once for all layers of a file.
        versions = CurrentVersions()
        rows = [
            row
            for layer, identity, measured in self._waiting
            if identity_of(layer, versions) == identity
            for row in _rows(key_of(identity), measured)
        ]
        if self._used:  # first, so that these are not removed to make room
            self._guarded(self._note_uses)
        if rows:
            self._guarded(lambda connection: self._write(connection, rows))
        self._waiting.clear()
        self._used.clear()
        self._flushed = time.monotonic()

    def _sections(self, keys: Collection[str]) -> dict[tuple[str | None, str], tuple[bytes, bytes]]:
        """Return section and array by key and method, where their checksum is right."""
        if not keys:
            return {}
        rows = self._guarded(lambda connection: _select(connection, keys), only_if_there=True) or []
        stale = int(time.time()) - _STALE
        self._used.update(key for key, _, _, used, _, _ in rows if used < stale)
        return {
            (key, method): (section, array)
            for key, method, crc, _, section, array in rows
            if _crc(section, array) == crc
        }

    def _write(self, connection: sqlite3.Connection, rows: Iterable[_Row]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        with connection:  # all of it or, if it fails or is interrupted, nothing
            connection.executemany(_INSERT, rows)
            _shrink(connection, self._most_bytes)

    def _note_uses(self, connection: sqlite3.Connection) -> None:
        uses = [(int(time.time()), key) for key in self._used]
        with suppress(sqlite3.OperationalError):  # the cache may be read-only
            connection.execute("BEGIN IMMEDIATE")
            with connection:
                connection.executemany("UPDATE measured SET used = ? WHERE layer = ?", uses)

    def _guarded(self, work: Callable[[sqlite3.Connection], _Result], *, only_if_there: bool = False) -> _Result | None:
        """Do some work with the file; if that fails, warn and never try again."""
        if self._broken:
            return None
        try:
            if not os.path.lexists(self._path):
                if only_if_there:
                    return None
                self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=_PATIENCE, isolation_level=None)) as connection:
                connection.execute(_TABLE)
                return work(connection)
        except (sqlite3.Error, OSError) as error:
            self._broken = True
            warnings.warn(
                f"Results cannot be cached in {self._path} ({error}); the scan continues without a cache. "
                "clear_cache() removes the file.",
                CacheWarning,
                stacklevel=level_outside(),
            )
            return None


def _select(connection: sqlite3.Connection, keys: Collection[str]) -> list[tuple[Any, ...]]:
    ordered = sorted(keys)  # as the index has them
    found: list[tuple[Any, ...]] = []
    for start in range(0, len(ordered), _AT_ONCE):
        some = ordered[start : start + _AT_ONCE]
        found += connection.execute(_SELECT.format(",".join("?" * len(some))), some).fetchall()
    return found


def _shrink(connection: sqlite3.Connection, most: int) -> None:
    """If the file is too large, remove the least recently used layers; SQLite reuses their space."""
    if _held(connection) <= most:
        return
    # Uses are recorded in whole seconds; within one second, the first written is removed first.
    oldest = connection.execute("SELECT layer FROM measured GROUP BY layer ORDER BY MAX(used), MAX(rowid)").fetchall()
    for layer in oldest:
        if _held(connection) <= (1 - _ROOM) * most:
            return
        connection.execute("DELETE FROM measured WHERE layer = ?", layer)


def _held(connection: sqlite3.Connection) -> int:
    """Return how many bytes of the file are in use."""
    size, count, free = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_size", "page_count", "freelist_count")
    )
    return size * (count - free)


# -- Rows --------------------------------------------------------------------------------------------------------------


def _rows(key: str, measured: Measured) -> Iterable[_Row]:
    for method, section in measured.sections.items():
        text = json.dumps(section).encode()  # with NaN and Infinity as Python writes and reads them
        array = _array_of(method, measured)
        yield key, method, _crc(text, array), len(text) + len(array), int(time.time()), text, array


def _crc(section: bytes, array: bytes) -> int:
    return zlib.crc32(array, zlib.crc32(section))


def _array_of(method: str, measured: Measured) -> bytes:
    """Return the spectrum, or the histogram with its extremes before the counts, as little-endian float64."""
    histogram = measured.histogram
    if method == "spectral" and measured.spectrum is not None:
        return measured.spectrum.astype("<f8").tobytes()
    if method != "spectral" and histogram is not None:
        return np.concatenate([[histogram.low, histogram.high], histogram.counts]).astype("<f8").tobytes()
    return b""


def _decoded(known: dict[str, tuple[bytes, bytes]], top_k: int) -> Measured:
    """Undo `_rows`; return nothing for rows of an unknown form."""
    try:
        # One document: starting a parser takes as long as a section.
        texts = json.loads(b"[%b]" % b",".join(text for text, _ in known.values()))
        sections: dict[str, Any] = dict(zip(known, texts, strict=True))
        if not all(isinstance(section, dict) for section in sections.values()):
            return Measured()
        spectrum = histogram = None
        for method, (_, array) in known.items():
            if method == "spectral":
                spectrum = np.frombuffer(array, "<f8").astype(np.float64)
                sections[method]["top_singular_values"] = spectrum[:top_k].tolist()
            elif array and histogram is None:  # all methods have the same one
                values = np.frombuffer(array, "<f8").astype(np.float64)
                histogram = Histogram(float(values[0]), float(values[1]), values[2:])
        return Measured(sections, spectrum, histogram)
    except (ValueError, TypeError, LookupError, RecursionError):
        return Measured()
