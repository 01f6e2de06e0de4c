"""What is printed: tables with colour on a terminal, tab-separated columns and comments in a pipe."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

__all__ = ["Cell", "Column", "complain", "on_terminal", "print_line", "print_table", "visible"]


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    title : str
        On a terminal.
    name : str
        In a pipe, where it is the metric's own name.
    number : bool
        Aligned to the right.
    """

    title: str
    name: str
    number: bool = False


@dataclass(frozen=True)
class Cell:
    """One cell: as a person reads it, as a program does, and the colour that its class has."""

    words: str
    plain: str
    style: str = ""


def on_terminal() -> bool:
    """Return whether a person reads what is printed."""
    return sys.stdout is not None and sys.stdout.isatty()  # it is None where the descriptor was closed


def visible(text: str) -> str:
    r"""Return a text with control characters spelled out: a name in a checkpoint must not steer the terminal.

    >>> visible("h.0\x1b[31m")
    'h.0\\x1b[31m'
    """
    return "".join(
        char.encode("unicode_escape").decode() if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") else char
        for char in text
    )


@contextmanager
def _read_or_not(stream: TextIO | None) -> Iterator[None]:
    """Print in the block; where whoever reads has enough, nothing more is printed, and the work goes on."""
    try:
        yield
        if stream is not None:
            stream.flush()
    except BrokenPipeError:
        assert stream is not None
        # What is still in the stream's buffer needs somewhere to go, at the end of the process at the latest.
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())


def complain(*lines: str) -> None:
    """Print lines to standard error, the first one as the command's own."""
    with _read_or_not(sys.stderr):
        for number, line in enumerate(lines):
            print(f"{'' if number else 'wsw: '}{visible(line)}", file=sys.stderr)


def print_line(text: str, style: str = "") -> None:
    """Print a line: a comment where a program reads."""
    if not on_terminal():
        with _read_or_not(sys.stdout):
            print(f"# {visible(text)}")
        return
    from rich.console import Console
    from rich.text import Text

    # As text: what looks like markup in a name stays as it is.
    Console().print(Text(visible(text), style=style), soft_wrap=True)


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> None:
    """Print a table."""
    if not on_terminal():
        with _read_or_not(sys.stdout):
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
        table.add_column(
            column.title, justify="right" if column.number else "left", no_wrap=column.number, overflow="fold"
        )
    for row in rows:
        table.add_row(*(Text(visible(cell.words), style=cell.style) for cell in row))
    Console().print(table)
