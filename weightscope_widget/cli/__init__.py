"""The command ``wsw``: scan a model, gate a pipeline on it, write a report."""

from __future__ import annotations

import io
import sys
import traceback
import warnings
from collections.abc import Sequence

from weightscope_widget.cli.arguments import parser
from weightscope_widget.cli.terminal import complain
from weightscope_widget.errors import WeightScopeError

__all__ = ["main"]

ERROR, INTERRUPTED = 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        0 where all is fine, 1 where a gate failed, 2 after an error, 130 after an interrupt.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks κ still shows the table
    chosen = parser().parse_args(arguments)
    # One sentence without the line of code that warned.
    warnings.showwarning = lambda message, *_: complain(f"warning: {message}")
    try:
        code: int = chosen.run(chosen)
        return code
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED
    except Exception as error:
        if chosen.debug:
            complain(*f"error: {traceback.format_exc()}".splitlines())
        elif isinstance(error, WeightScopeError):
            complain(f"error: {error}")
        else:
            what = f"{type(error).__name__}: {error}"
            complain(f"error: something unforeseen went wrong ({what}); --debug shows where.")
        return ERROR
