"""A scan or a comparison with its progress on the terminal."""

from __future__ import annotations

import sys
import time
from typing import Any

from weightscope_widget.engine.runner import Run

__all__ = ["finish"]


def finish(run: Run[Any, Any], *, quiet: bool, what: str = "layers") -> float:
    """Do a scan or a comparison, with a bar on standard error where a person looks at it; return the seconds it took.

    An interrupt ends it; what was computed stays in the run's results.
    """
    begin = time.perf_counter()
    try:
        if quiet or not sys.stderr.isatty():
            for _ in run.steps():
                pass
        else:
            _with_bar(run, what)
    except KeyboardInterrupt:
        pass
    return time.perf_counter() - begin


def _with_bar(run: Run[Any, Any], what: str) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("measuring"), BarColumn(), MofNCompleteColumn(), TextColumn(what), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=run.progress.total, completed=run.progress.done)
        for _ in run.steps():
            bar.update(task, completed=run.progress.done)
