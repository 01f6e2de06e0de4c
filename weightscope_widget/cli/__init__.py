"""The command ``wsw``: scan a model, gate a pipeline on it, write a report."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence

from weightscope_widget.cli.arguments import parser
from weightscope_widget.cli.terminal import visible
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
    chosen = parser().parse_args(arguments)
    # One sentence without the line of code that warned.
    warnings.showwarning = lambda message, *_: print(f"wsw: warning: {visible(str(message))}", file=sys.stderr)
    try:
        code: int = chosen.run(chosen)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever read has enough; nothing more may be written, at the end of the process either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("wsw: interrupted", file=sys.stderr)
        return INTERRUPTED
    except WeightScopeError as error:
        if chosen.debug:
            raise
        print(f"wsw: error: {visible(str(error))}", file=sys.stderr)
        return ERROR
    except Exception as error:
        if chosen.debug:
            raise
        what = visible(f"{type(error).__name__}: {error}")
        print(f"wsw: error: something unforeseen went wrong ({what}); --debug shows where.", file=sys.stderr)
        return ERROR
