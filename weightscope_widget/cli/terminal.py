"""Output: tables with colour on a terminal, tab-separated columns and comments in a pipe."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from weightscope_widget._shared.messages import render

__all__ = [
    "Cell",
    "Column",
    "complain",
    "on_terminal",
    "print_line",
    "print_table",
    "visible",
]


@dataclass(frozen=True)
class Column:
    """A column, by the name that it has in a pipe; its title on a terminal is a message. Numbers align right."""

    name: str
    number: bool = False


@dataclass(frozen=True)
class Cell:
    """A cell: its text on a terminal, in a pipe, and its style."""

    words: str
    plain: str
    style: str = ""


def on_terminal() -> bool:
    """Return whether standard output is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()  # None if the descriptor is closed


def visible(text: str) -> str:
    r"""Return a text with control characters escaped, so that names in a checkpoint cannot control the terminal.

    >>> visible("h.0\x1b[31m")
    'h.0\\x1b[31m'
    """
    return "".join(
        char.encode("unicode_escape").decode() if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") else char
        for char in text
    )


@contextmanager
def _unless_closed(stream: TextIO | None) -> Iterator[None]:
    """Ignore a broken pipe: nothing more is printed, and the work goes on."""
    try:
        yield
        if stream is not None:
            stream.flush()
    except BrokenPipeError:
        assert stream is not None
        # The rest of the buffer is flushed at exit.
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())


def complain(*lines: str) -> None:
    """Print lines to standard error, the first one with the name of the command."""
    with _unless_closed(sys.stderr):
        for number, line in enumerate(lines):
            print(f"{'' if number else 'wsw: '}{visible(line)}", file=sys.stderr)


def print_line(text: str, style: str = "") -> None:
    """Print a line; in a pipe, as a comment."""
    if not on_terminal():
        with _unless_closed(sys.stdout):
            print(f"# {visible(text)}")
        return
    from rich.console import Console
    from rich.text import Text

    # As text, so that markup in a name has no effect.
    Console().print(Text(visible(text), style=style), soft_wrap=True)


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], language: str) -> None:
    """Print a table; its titles are the messages ``cli.columns``."""
    if not on_terminal():
        with _unless_closed(sys.stdout):
            print("\t".join(column.name for column in columns))
            for row in rows:
                print("\t".join(visible(cell.plain) for cell in row))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        title = render(f"cli.columns.{column.name}", language)
        table.add_column(title, justify="right" if column.number else "left", no_wrap=column.number, overflow="fold")
    for row in rows:
        table.add_row(*(Text(visible(cell.words), style=cell.style) for cell in row))
    Console().print(table)
