"""A run in the background, reported at a rate that a browser can follow."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from weightscope_widget.engine.runner import Progress, Run

__all__ = ["BackgroundScan"]

_SECONDS_BETWEEN_REPORTS = 0.2
_BYTES_PER_SECOND = 4e6  # of reports; a large table is sent more rarely


class BackgroundScan:
    """A run on one thread, reported from another, so that reports do not wait for the next layer.

    Parameters
    ----------
    run : Run
        Not started yet.
    report : callable
        Called on the reporting thread with the names of the layers that have new results and the progress: at once for
        the first and for an urgent layer, at intervals for the others, and at the end.  Returns the bytes it sent.
    """

    def __init__(self, run: Run[Any, Any], report: Callable[[Sequence[str], Progress], int]) -> None:
        self._run = run
        self._report = report
        self._news = threading.Condition()
        self._changed: dict[str, None] = {}
        self._urgent: str | None = None
        self._finished = False
        self._failure = ""
        # Daemons, so that a kernel can end in the middle of a scan.
        self._worker = threading.Thread(target=self._work, name="weightscope-scan", daemon=True)
        self._reporter = threading.Thread(target=self._tell, name="weightscope-report", daemon=True)

    def start(self) -> None:
        """Start the run and its reports."""
        self._worker.start()
        self._reporter.start()

    def prioritize(self, name: str) -> None:
        """Run a layer's jobs next, and report them at once."""
        self._urgent = name
        self._run.prioritize(name)

    def cancel(self) -> None:
        """Stop after the running jobs."""
        self._run.cancel()

    def join(self, timeout: float | None = None) -> bool:
        """Wait until all is done and reported, at most `timeout` seconds; return whether it is."""
        self._reporter.join(timeout)
        return not self._reporter.is_alive()

    def _work(self) -> None:
        try:
            for job in self._run.steps():
                with self._news:
                    self._changed[job.name] = None
                    self._news.notify()
        except Exception as error:
            if isinstance(error, RuntimeError) and "shutdown" in str(error):
                return  # the interpreter is shutting down and its pools take no more jobs: not an error
            # This thread's traceback is easily missed: the dashboard shows the error.
            self._failure = f"The scan stopped ({type(error).__name__}: {error}); what was computed is kept."
            raise
        finally:
            with self._news:
                self._finished = True
                self._news.notify()

    def _tell(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._changed or self._finished)
                changed, self._changed = list(self._changed), {}
                finished = self._finished
            progress = self._run.progress
            if self._failure:
                progress = replace(progress, state="failed", seconds_left=None, message=self._failure)
            sent = self._report(changed, progress)
            if finished:
                return
            with self._news:
                pause = max(_SECONDS_BETWEEN_REPORTS, sent / _BYTES_PER_SECOND)
                self._news.wait_for(lambda: self._finished or self._urgent in self._changed, timeout=pause)
