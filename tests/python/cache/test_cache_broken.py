"""A cache that is broken, locked, full, tampered with or shared: a scan says the same numbers with it."""

from __future__ import annotations

import sqlite3
import threading
import zlib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

import weightscope_widget as wsw
from tests.python.support.caches import ALL, change, measured_anew, overwrite_unnoticed, rows, scan, small
from tests.python.support.watched import contents
from weightscope_widget.cache import store as cache_module
from weightscope_widget.cache.store import Cache
from weightscope_widget.errors import CacheWarning
from weightscope_widget.scanning.options import RunOptions
from weightscope_widget.scanning.run import ScanRun

pytestmark = pytest.mark.filterwarnings("error::weightscope_widget.errors.CacheWarning")


def test_a_file_that_is_none_is_warned_of_once(tmp_path: Path, remembered: Path) -> None:
    path = small(tmp_path / "m.safetensors")
    remembered.mkdir()
    (remembered / "measured.sqlite").write_bytes(b"not a database" * 500)
    with pytest.warns(CacheWarning, match=r"cannot be cached .* continues without a cache\. clear_cache\(\)") as caught:
        found = wsw.scan(path, progress=False, cache=remembered)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert contents(found) == contents(scan(path, False))
    wsw.clear_cache(remembered)
    scan(path, remembered)


def test_a_folder_that_cannot_be_is_warned_of(tmp_path: Path) -> None:
    path = small(tmp_path / "m.safetensors")
    (tmp_path / "file").touch()
    with pytest.warns(CacheWarning):
        found = scan(path, tmp_path / "file" / "cache")
    assert contents(found) == contents(scan(path, False))


@pytest.mark.parametrize(
    "tampering",
    [
        "array = substr(array, 1, 8)",
        "array = x''",
        "array = 'text'",
        "array = 5",
        "section = '{}'",
        "section = replace(section, '1', '2')",
        "section = x'ff'",
        "section = CAST(x'ff' AS TEXT)",
        "section = '[1]', crc = 0",
        "used = 'long ago'",
        "used = 1e300, section = ''",
        "crc = 'x'",
        "crc = x'00'",
        "method = 'other' || method",
    ],
)
def test_what_was_tampered_with_is_measured_anew(tmp_path: Path, remembered: Path, tampering: str) -> None:
    path = small(tmp_path / "m.safetensors")
    scan(path, remembered)
    change(remembered, tampering)
    assert contents(scan(path, remembered)) == contents(scan(path, False))


@pytest.mark.parametrize("section", [b"[1]", b"1, 2", b"{}, {}", b"{", b"\xff", b"[" * 100_000, b"null"])
@pytest.mark.parametrize("array", [b"", b"123", bytes(8)])
def test_what_was_written_by_another_hand_with_the_right_sum_is_measured_anew(
    tmp_path: Path, remembered: Path, section: bytes, array: bytes
) -> None:
    path = small(tmp_path / "m.safetensors", layers=1)
    scan(path, remembered)
    with closing(sqlite3.connect(remembered / "measured.sqlite")) as connection, connection:
        values = (section, array, zlib.crc32(array, zlib.crc32(section)))
        connection.execute("UPDATE measured SET section = ?, array = ?, crc = ?", values)
    assert contents(scan(path, remembered)) == contents(scan(path, False))


def opening(monkeypatch: pytest.MonkeyPatch, how: Callable[..., sqlite3.Connection]) -> None:
    """Let databases be opened in another way; `how` is given SQLite's own."""
    monkeypatch.setattr(sqlite3, "connect", partial(how, sqlite3.connect))


def read_only(connect: Callable[..., sqlite3.Connection], path: Path, **options: Any) -> sqlite3.Connection:
    return connect(f"{path.as_uri()}?mode=ro", uri=True, **options)


def test_one_that_may_only_be_read_is_read(tmp_path: Path, remembered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = small(tmp_path / "m.safetensors")
    first = scan(path, remembered)
    change(remembered, "used = 0")  # it would be noted that they are used
    overwrite_unnoticed(path)
    opening(monkeypatch, read_only)
    assert contents(scan(path, remembered)) == contents(first)


def test_what_is_new_cannot_be_kept_in_one_that_may_only_be_read(
    tmp_path: Path, remembered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = small(tmp_path / "m.safetensors")
    scan(path, remembered, methods="sparsity")
    overwrite_unnoticed(path)
    opening(monkeypatch, read_only)
    with pytest.warns(CacheWarning, match="readonly") as caught:
        found = scan(path, remembered)
    assert len(caught) == 1
    monkeypatch.undo()
    assert found["l0"]["sparsity"] != scan(path, False)["l0"]["sparsity"]
    assert rows(remembered) == 3


def test_one_that_another_program_never_lets_go_is_warned_of(
    tmp_path: Path, remembered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = small(tmp_path / "m.safetensors")
    scan(path, remembered)
    monkeypatch.setattr(cache_module, "_PATIENCE", 0.05)
    with closing(sqlite3.connect(remembered / "measured.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.warns(CacheWarning, match="locked") as caught:
            found = scan(path, remembered)
    assert len(caught) == 1
    assert contents(found) == contents(scan(path, False))


def test_an_empty_one_is_filled(tmp_path: Path, remembered: Path) -> None:
    """As a process leaves it that ended when it had just made it."""
    remembered.mkdir()
    (remembered / "measured.sqlite").touch()
    path = small(tmp_path / "m.safetensors")
    scan(path, remembered)
    assert measured_anew(path, remembered) == []


def test_an_interrupt_while_it_is_written_loses_nothing(
    tmp_path: Path, remembered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = small(tmp_path / "m.safetensors")
    cache = Cache(remembered)
    flush, cache.flush = cache.flush, lambda: None  # type: ignore[method-assign]
    run = ScanRun(path, RunOptions(ALL, cache=cache))
    assert len(list(run.steps())) == 3

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cache_module, "_shrink", interrupted)
    with pytest.raises(KeyboardInterrupt):
        flush()
    assert rows(remembered) == 0
    monkeypatch.undo()
    flush()
    assert rows(remembered) == 15


def test_it_is_not_held_open(tmp_path: Path, remembered: Path) -> None:
    path = small(tmp_path / "m.safetensors")
    scan(path, remembered)
    never_begun = ScanRun(path, RunOptions(ALL, cache=Cache(remembered)))
    assert never_begun.progress.state == "done"
    assert str(remembered / "measured.sqlite") not in {file.path for file in psutil.Process().open_files()}


def test_a_full_disk_is_warned_of(tmp_path: Path, remembered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = small(tmp_path / "m.safetensors", layers=40)

    def on_a_small_disk(connect: Callable[..., sqlite3.Connection], path: Path, **options: Any) -> sqlite3.Connection:
        connection = connect(path, **options)
        connection.execute("PRAGMA max_page_count = 8")
        return connection

    opening(monkeypatch, on_a_small_disk)
    with pytest.warns(CacheWarning, match="full"):
        found = scan(path, remembered)
    monkeypatch.undo()
    assert contents(found) == contents(scan(path, False))
    assert rows(remembered) == 0


@pytest.mark.slow
def test_another_process_that_writes_is_waited_for(tmp_path: Path, remembered: Path) -> None:
    path = small(tmp_path / "m.safetensors")
    scan(path, remembered, methods="sparsity")
    other = sqlite3.connect(remembered / "measured.sqlite", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.3, other.execute, ("COMMIT",))
    release.start()
    scan(path, remembered)
    release.join()
    other.close()
    assert rows(remembered) == 15


def in_a_process(path: str, folder: str) -> dict[str, str]:
    return contents(wsw.scan(path, progress=False, cache=folder))


@pytest.mark.slow
def test_two_processes_at_once(tmp_path: Path, remembered: Path) -> None:
    path = small(tmp_path / "m.safetensors", layers=30)
    with ProcessPoolExecutor(2) as pool:
        found = list(pool.map(in_a_process, [str(path)] * 2, [str(remembered)] * 2))
    assert found[0] == found[1] == contents(scan(path, False))
    assert rows(remembered) == 150


def test_an_executor_measures_what_is_not_known(tmp_path: Path, remembered: Path) -> None:
    path = small(tmp_path / "m.safetensors")
    scan(path, remembered, methods="sparsity")
    with ProcessPoolExecutor(1) as pool:
        found = scan(path, remembered, executor=pool)
    assert contents(found) == contents(scan(path, False))
    assert rows(remembered) == 15


def held(folder: Path) -> int:
    """Bytes of the file that something is in."""
    with closing(sqlite3.connect(folder / "measured.sqlite")) as connection:
        size, count, free = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "page_count", "freelist_count")
        )
    return int(size * (count - free))


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path, remembered: Path) -> None:
    paths = [small(tmp_path / f"{index}.safetensors", seed=index, layers=40) for index in range(3)]
    for path in paths:
        scan(path, remembered)
    change(remembered, "used = used - 1000000")
    most = held(remembered) // 2
    scan(paths[0], remembered)  # used now
    new = small(tmp_path / "new.safetensors", seed=9, layers=2)
    assert len(list(ScanRun(new, RunOptions(ALL, cache=Cache(remembered, most))).steps())) == 2
    assert held(remembered) <= most
    assert measured_anew(paths[0], remembered) == measured_anew(new, remembered) == []
    assert len(measured_anew(paths[1], remembered) + measured_anew(paths[2], remembered)) > 40


def test_it_grows_no_larger_than_it_may(tmp_path: Path, remembered: Path) -> None:
    most = 200_000
    for seed in range(8):
        path = small(tmp_path / f"{seed}.safetensors", seed=seed, layers=25)
        assert len(list(ScanRun(path, RunOptions(ALL, cache=Cache(remembered, most))).steps())) == 25
        assert measured_anew(path, remembered) == []
    assert held(remembered) <= most
    assert (remembered / "measured.sqlite").stat().st_size < 1.5 * most  # one scan's more, before room was made
    assert rows(remembered) > 100
