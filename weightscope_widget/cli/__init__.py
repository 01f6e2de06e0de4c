"""The command ``wsw``: scan a model, gate a pipeline on it, write a report."""

from __future__ import annotations

import io
import sys
import traceback
import warnings
from collections.abc import Sequence

from weightscope_widget._shared.messages import say
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
        0 on success, 1 if a gate failed, 2 after an error, 130 after an interrupt.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # for terminals without κ
    chosen = parser().parse_args(arguments)
    language = chosen.language
    # Without the line of code that warned.
    warnings.showwarning = lambda message, *_: complain(say("cli.warning", language, message=str(message)))
    try:
        code: int = chosen.run(chosen)
        return code
    except KeyboardInterrupt:
        complain(say("cli.interrupted", language))
        return INTERRUPTED
    except Exception as error:
        if chosen.debug:
            complain(*say("cli.error", language, message=traceback.format_exc()).splitlines())
        elif isinstance(error, WeightScopeError):
            complain(say("cli.error", language, message=str(error)))
        else:
            complain(say("cli.unforeseen", language, kind=type(error).__name__, message=str(error)))
        return ERROR
