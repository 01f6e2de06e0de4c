"""The scan behind a dashboard: when it reports, how it ends, and that nothing of it stays."""

from __future__ import annotations

import gc
import subprocess
import sys
import textwrap
import threading
import weakref
from collections.abc import Sequence
from typing import Any

import pytest
import torch

import weightscope_widget as wsw
from tests.python.support.watched import (
    PATIENCE,
    Gate,
    Show,
    Table,
    Wire,
    altered,
    contents,
    finished,
    gate,
    matrices,
    threads_end,
    until,
    wire,
)
from weightscope_widget.engine.background import BackgroundScan
from weightscope_widget.engine.runner import Progress
from weightscope_widget.scanning.options import RunOptions
from weightscope_widget.scanning.run import ScanRun
from weightscope_widget.sources import Layer, Source

ALL = ("basic_stats", "spectral", "quantization", "sparsity")


class Reports:
    """What a background scan reports; `pause` is how many bytes it is told each report took."""

    def __init__(self, source: Source, pause: int = 0) -> None:
        self.run = ScanRun(source, RunOptions(ALL))
        self.scan = BackgroundScan(self.run, self._take)
        self.seen: list[tuple[list[str], Progress]] = []
        self._pause = pause
        self._more = threading.Condition()

    def _take(self, changed: Sequence[str], progress: Progress) -> int:
        assert all(name in self.run.results for name in changed)
        with self._more:
            self.seen.append((list(changed), progress))
            self._more.notify()
        return self._pause

    def wait(self, count: int) -> list[list[str]]:
        """Return the names in the reports, when there are so many."""
        with self._more:
            assert self._more.wait_for(lambda: len(self.seen) >= count, PATIENCE), "no report came"
            return [names for names, _ in self.seen]


# -- Reports -----------------------------------------------------------------------------------------------------------


def test_the_first_numbers_are_reported_before_the_next_layer_is_done() -> None:
    with gate() as held:
        reports = Reports(held.before(matrices(3), "l1"))
        reports.scan.start()
        assert reports.wait(1) == [["l0"]]
        assert reports.seen[0][1].state == "running"
        assert not reports.scan.join(0)
        held.opened.set()
        assert reports.scan.join(PATIENCE)
    assert [name for names, _ in reports.seen for name in names] == ["l0", "l1", "l2"]
    assert reports.seen[-1][1] == Progress("done", 3, 3, 1.0, None)


def test_a_slow_page_is_told_of_urgent_layers_and_the_end_only() -> None:
    """The pause that its first report asks for would take years."""
    first, second = Gate(), Gate()
    source = altered(matrices(6), {"l1": first, "l2": second})
    reports = Reports(source, pause=10**15)
    try:
        reports.scan.start()
        assert reports.wait(1) == [["l0"]]
        reports.scan.prioritize("l4")
        first.opened.set()
        assert reports.wait(2) == [["l0"], ["l1", "l4"]]
        second.wait()
        assert len(reports.seen) == 2
        second.opened.set()
        assert reports.scan.join(PATIENCE)
    finally:
        first.opened.set()
        second.opened.set()
    assert reports.wait(3) == [["l0"], ["l1", "l4"], ["l2", "l3", "l5"]]


def test_a_cancelled_scan_reports_its_end() -> None:
    with gate() as held:
        reports = Reports(held.before(matrices(4), "l1"))
        reports.scan.start()
        held.wait()
        reports.scan.cancel()
        held.opened.set()
        assert reports.scan.join(PATIENCE)
    assert reports.seen[-1][1].state == "cancelled"
    assert [name for names, _ in reports.seen for name in names] == ["l0", "l1"]


# -- Beside the scan ---------------------------------------------------------------------------------------------------


def test_show_returns_before_anything_is_read_and_the_kernel_is_free(show: Show) -> None:
    with gate() as held:
        dash = show(held.before(matrices(3), "l0", "l1", "l2"))
        held.wait()
        assert not dash.wait(0)
        assert (list(dash.results), dash.results.complete) == ([], False)
        assert dash.results.to_frame().empty
        assert wsw.scan(matrices(1), progress=False).complete
        held.opened.set()
        finished(dash)
    assert contents(dash.results) == contents(wsw.scan(matrices(3), "all", progress=False))


def test_results_can_be_used_while_they_come(show: Show, tmp_path: Any) -> None:
    with gate() as held:
        dash = show(held.before(matrices(3), "l2"), ["basic_stats"], workers=1)
        until(dash, lambda table: table.progress["done"] == 2)
        assert list(dash.results.to_frame().index) == ["l0", "l1"]
        dash.results.save(tmp_path / "so_far.json")
    assert list(wsw.load_results(tmp_path / "so_far.json")) == ["l0", "l1"]


def test_two_dashboards_do_not_mix(show: Show) -> None:
    with gate() as held:
        one = show(held.before(matrices(3), "l0"))
        other = finished(show(matrices(2, columns=9)))
        other.selected = "l1"
        assert one.selected is None
        assert one.results is not other.results
        other.close()
        held.opened.set()
        finished(one)
    assert Table(wire(one).state["_table"], 3).progress["state"] == "done"
    assert [len(dash.results.singular_values("l1")) for dash in (one, other)] == [4, 6]


class BrokenError(Exception):
    """What no analyzer and no reader raises."""


def test_a_scan_that_breaks_says_so_on_the_page_and_in_the_log(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(layer: Layer) -> torch.Tensor:
        raise BrokenError(f"out of {layer.name}")

    raised: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: raised.append(args.exc_type))
    dash = finished(show(altered(matrices(5), {"l2": fail}), workers=1))
    threads_end()
    table = Table(wire(dash).state["_table"], 5)
    assert table.progress["state"] == "failed"
    assert table.progress["message"] == "The scan stopped (BrokenError: out of l2); what was computed is kept."
    assert table.progress["seconds_left"] is None
    assert table.stages == [1, 1, 0, 0, 0]
    assert raised == [BrokenError]
    assert list(dash.results) == ["l0", "l1"]


# -- Ends --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("midway", [True, False])
def test_a_closed_dashboard_leaves_neither_threads_nor_itself(show: Show, midway: bool) -> None:
    del show  # it keeps what it shows; the wire is what counts here
    with gate() as held:
        dash = wsw.show(held.before(matrices(4), *["l1"] * midway))
        results, connection = dash.results, dash.comm
        assert isinstance(connection, Wire)
        dash.selected = "l3"
        connection.tell({"type": "request", "id": 1, "method": "details", "keys": ["l0"]})
        if midway:
            held.wait()
        else:
            finished(dash)
        dash.close()
        dash.close()
        assert [kind for kind, *_ in connection.sent].count("comm_close") == 1
        gone = weakref.ref(dash)
        del dash, connection
        held.opened.set()
    threads_end()
    gc.collect()
    assert gone() is None
    assert "l0" in results
    assert results.complete is not midway


def test_nothing_is_sent_after_close(show: Show) -> None:
    with gate() as held:
        dash = show(held.before(matrices(2), "l0"))
        connection = wire(dash)
        held.wait()
        dash.close()
        held.opened.set()
    finished(dash)
    threads_end()
    assert [kind for kind, *_ in connection.sent][-1] == "comm_close"


def test_close_waits_for_the_report_at_hand(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    """ipywidgets looks whether there is a connection and then uses it; between the two it must not be closed."""
    looked, closed = threading.Event(), threading.Event()
    troubles: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: troubles.append(args.exc_value))

    class SlowWire(Wire):
        looks = 0

        @property
        def kernel(self) -> str:
            if threading.current_thread().name == "weightscope-report":
                self.looks += 1
                if self.looks == 3:  # the last one before the connection is used
                    looked.set()
                    closed.wait(0.3)  # in vain, where closing waits
            return "alive"

    monkeypatch.setattr("comm.create_comm", SlowWire)
    dash = show(matrices(1))
    assert looked.wait(PATIENCE)
    dash.close()
    closed.set()
    threads_end()
    assert troubles == []


@pytest.mark.slow
def test_the_interpreter_can_end_in_the_middle_of_a_scan() -> None:
    """Reads last until the interpreter takes no more tasks: the scan finds that out next, and must keep quiet."""
    script = """
        import threading, torch
        from concurrent.futures import ThreadPoolExecutor
        import weightscope_widget as wsw
        from weightscope_widget.sources import Layer, Source

        def load(size):
            reading.set()
            try:
                while True:
                    other.submit(int).result()
            except RuntimeError:
                return torch.randn(size, size)

        def layer(name, size):
            return Layer(name, (size, size), "float32", lambda: load(size))

        other, reading = ThreadPoolExecutor(1), threading.Event()
        dash = wsw.show(Source("model", (layer("quick", 9), layer("slow", 700), layer("next", 9))), workers=2)
        reading.wait()
        print(dash.wait(0))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "False\n", "")
