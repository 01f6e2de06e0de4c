"""What a cell made before is closed when the cell is run again, and nothing else ever is."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import IPython
import pytest

from weightscope_widget._shared import cell_rerun as rerun


class Made:
    """Something that can be closed."""

    def __init__(self) -> None:
        self.closed = False
        rerun.retire_previous(self)

    def close(self) -> None:
        self.closed = True


class Kernel:
    """The part of a kernel that says which cell is being run."""

    def __init__(self) -> None:
        self.parent: dict[str, Any] = {}
        self.kernel = self

    def get_parent(self, channel: str) -> dict[str, Any]:
        assert channel == "shell"
        return self.parent


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    kernel = Kernel()
    monkeypatch.setattr(IPython, "get_ipython", lambda: kernel)
    monkeypatch.setattr(rerun, "_made", {})

    def now(cell: str, message: str) -> None:
        kernel.parent = {"metadata": {"cellId": cell}, "header": {"msg_id": message}}

    return now


def test_a_cell_run_again_closes_what_it_made_before(run: Callable[[str, str], None]) -> None:
    run("a", "1")
    first, second = Made(), Made()
    run("b", "2")
    other = Made()
    assert not any(each.closed for each in (first, second, other))
    run("a", "3")
    third = Made()
    assert [each.closed for each in (first, second, other, third)] == [True, True, False, False]
    fourth = Made()
    assert not third.closed
    assert not fourth.closed


def test_what_is_gone_is_not_held(run: Callable[[str, str], None]) -> None:
    run("a", "1")
    made = Made()
    gone = weakref.ref(made)
    del made
    gc.collect()
    assert gone() is None
    run("a", "2")
    assert not Made().closed  # nothing to close, and nothing to trip over


def test_where_the_host_does_not_name_its_cells_nothing_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel()
    for shell in (lambda: None, lambda: kernel):
        monkeypatch.setattr(IPython, "get_ipython", shell)
        first, second = Made(), Made()
        assert not first.closed
        assert not second.closed
