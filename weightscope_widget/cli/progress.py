"""Run a scan or a comparison with a progress bar on the terminal."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any, Literal

from weightscope_widget._shared.messages import say
from weightscope_widget.cli.terminal import complain
from weightscope_widget.data.keys import MessageKey
from weightscope_widget.engine.runner import Run

__all__ = ["finish", "interrupted"]

INTERRUPTED = 130


def finish(run: Run[Any, Any], chosen: argparse.Namespace, what: Literal["layers", "tensors"]) -> float:
    """Run all steps, with a bar on standard error if that is a terminal; return the seconds it took.

    An interrupt ends the run; its results keep the values computed so far.
    """
    begin = time.perf_counter()
    try:
        if chosen.quiet or not sys.stderr.isatty():
            for _ in run.steps():
                pass
        else:
            _with_bar(run, what, chosen.language)
    except KeyboardInterrupt:
        pass
    return time.perf_counter() - begin


def interrupted(done: int, total: int, chosen: argparse.Namespace, what: Literal["layers", "tensors"]) -> int:
    """Say how far an interrupted run got, and return the exit code."""
    key: MessageKey = "cli.interrupted_layers" if what == "layers" else "cli.interrupted_tensors"
    sentence = say(key, chosen.language, done=done, total=total)
    complain(say("cli.kept", chosen.language, sentence=sentence, file=chosen.output) if chosen.output else sentence)
    return INTERRUPTED


def _with_bar(run: Run[Any, Any], what: Literal["layers", "tensors"], language: str) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    texts = [
        TextColumn(say("cli.measuring", language)),
        TextColumn(say("cli.progress.layers" if what == "layers" else "cli.progress.tensors", language)),
    ]
    columns = texts[0], BarColumn(), MofNCompleteColumn(), texts[1], TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=run.progress.total, completed=run.progress.done)
        for _ in run.steps():
            bar.update(task, completed=run.progress.done)
