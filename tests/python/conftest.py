"""Dashboards without a browser, and a place for what scans remember."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import comm
import pytest

import weightscope_widget as wsw
from tests.python.support.watched import Show, Wire, threads_end


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch) -> Iterator[Show]:
    """`wsw.show` on a wire; afterwards its dashboards are closed, and their threads gone."""
    monkeypatch.setattr(comm, "create_comm", Wire)
    shown: list[wsw.Dashboard] = []

    def showing(*args: Any, **options: Any) -> wsw.Dashboard:
        shown.append(wsw.show(*args, **options))
        return shown[-1]

    yield showing
    for dash in shown:
        dash.close()
    shown.clear()
    threads_end()


@pytest.fixture
def remembered(tmp_path: Path) -> Path:
    """Where scans remember what they measured; not there yet."""
    return tmp_path / "cache"
