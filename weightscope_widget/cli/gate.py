"""Gates: stop a pipeline if a layer is too bad, or cannot be judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from weightscope_widget._shared.messages import say
from weightscope_widget.cli.terminal import complain
from weightscope_widget.data.keys import MessageKey
from weightscope_widget.errors import InvalidArgumentError

__all__ = ["named", "pass_or_fail", "require_grades"]

FAILED_GATE = 1
_NAMED = 5


def require_grades(methods: Sequence[str]) -> None:
    """Raise InvalidArgumentError if grades cannot be computed: the gate could never fail."""
    if not {"spectral", "quantization"} <= set(methods):
        raise InvalidArgumentError("--fail-on needs the methods spectral and quantization, on which grades rest.")


def pass_or_fail(caught: Mapping[MessageKey, Sequence[str]], language: str) -> int:
    """Print the layers that a gate caught to standard error, and return the exit code.

    Parameters
    ----------
    caught : mapping of str to sequence of str
        Layers by the message that says what is wrong with them.
    """
    reasons = [
        say("cli.gate.reason", language, sentence=say(key, language, count=len(names)), names=named(names, language))
        for key, names in caught.items()
        if names
    ]
    if not reasons:
        return 0
    complain(say("cli.gate.failed", language, reasons="; ".join(reasons)))
    return FAILED_GATE


def named(names: Sequence[str], language: str, separator: str = ", ") -> str:
    """Return names as a list of which only the first few are spelled out."""
    listed, rest = separator.join(names[:_NAMED]), len(names) - _NAMED
    return say("cli.and_more", language, names=listed, count=rest) if rest > 0 else listed
