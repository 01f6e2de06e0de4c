"""Small models in files, what scans remember of them, and files changed behind the back of whoever remembers."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

import weightscope_widget as wsw
from weightscope_widget.cache.store import Cache
from weightscope_widget.scanning.options import RunOptions
from weightscope_widget.scanning.run import ScanRun

ALL = ("basic_stats", "spectral", "quantization", "sparsity", "schemes")


def small(path: Path, seed: int = 0, layers: int = 3) -> Path:
    """Write a model of layers ``l0``, ``l1``, …; one of another seed has the same size."""
    generator = torch.Generator().manual_seed(seed)
    save_file({f"l{index}.weight": torch.randn(9, 7, generator=generator) for index in range(layers)}, path)
    return path


def overwrite_unnoticed(path: Path) -> None:
    """Change every weight behind the back of whoever goes by size and time: what is not read cannot show it."""
    before = path.stat()
    with path.open("r+b") as file:
        header = 8 + int.from_bytes(file.read(8), "little")
        file.seek(header)
        file.write(b"\x2a" * (before.st_size - header))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def scan(path: Any, remembered: Any, **options: Any) -> wsw.ScanResults:
    return wsw.scan(path, progress=False, cache=remembered, **options)


def measured_anew(model: Any, folder: Path) -> list[str]:
    """Scan a model and return which layers were not remembered."""
    return sorted({job.name for job in ScanRun(model, RunOptions(ALL, cache=Cache(folder))).steps()})


def rows(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "measured.sqlite")) as connection:
        return int(connection.execute("SELECT COUNT(*) FROM measured").fetchone()[0])


def change(folder: Path, what: str) -> None:
    """Change all that is remembered, as SQL says it."""
    with closing(sqlite3.connect(folder / "measured.sqlite")) as connection, connection:
        connection.execute(f"UPDATE measured SET {what}")
