"""A scan in the background, telling how far it is no more often than the browser can follow."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from weightscope_widget.run import Progress, ScanRun, Task

__all__ = ["BackgroundScan"]

_SECONDS_BETWEEN_REPORTS = 0.2


class BackgroundScan:
    """A thread that works through a run.

    Parameters
    ----------
    run : ScanRun
        What is to be done.
    on_task : callable
        Called with each finished task, on the thread.
    report : callable
        Called with the progress, on the thread: at once after the first task, then at intervals, after every task of
        an urgent layer, and at the end.  Returns the bytes sent; large reports are made rarer.
    """

    def __init__(self, run: ScanRun, on_task: Callable[[Task], None], report: Callable[[Progress], int]) -> None:
        self._run = run
        self._on_task = on_task
        self._report = report
        self._urgent: str | None = None
        # A daemon, so that a kernel can end in the middle of a scan.
        self._thread = threading.Thread(target=self._work, name="weightscope-scan", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def prioritize(self, name: str) -> None:
        """Do a layer next, and report it as soon as it is done."""
        self._urgent = name
        self._run.prioritize(name)

    def cancel(self) -> None:
        """Stop after the task at hand."""
        self._run.cancel()

    def join(self, timeout: float | None = None) -> bool:
        """Wait until the thread has ended, at most `timeout` seconds; return whether it has."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self) -> None:
        due = 0.0
        try:
            for task in self._run.steps():
                self._on_task(task)
                if time.monotonic() >= due or task.layer.name == self._urgent:
                    sent = self._report(self._run.progress)
                    due = time.monotonic() + max(_SECONDS_BETWEEN_REPORTS, sent / 4e6)
            self._report(self._run.progress)
        except Exception as error:
            # Nobody joins this thread: the dashboard is the only place where the failure can be seen.
            broken = f"The scan stopped ({type(error).__name__}: {error}); what was computed is kept."
            self._report(replace(self._run.progress, state="failed", seconds_left=None, message=broken))
            raise
