"""Gates: a pipeline stops where a layer is too bad, and where nobody can say how bad it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from weightscope_widget._shared.messages import say
from weightscope_widget.cli.terminal import complain
from weightscope_widget.errors import InvalidArgumentError

__all__ = ["pass_or_fail", "require_grades"]

FAILED_GATE = 1
_NAMED = 5


def require_grades(methods: Sequence[str]) -> None:
    """Refuse a gate for which nothing would be measured: it could never fail.

    Raises
    ------
    InvalidArgumentError
        Where the methods on which grades rest are not all there.
    """
    if not {"spectral", "quantization"} <= set(methods):
        raise InvalidArgumentError("--fail-on needs the methods spectral and quantization, on which grades rest.")


def pass_or_fail(caught: Mapping[str, Sequence[str]]) -> int:
    """Say on standard error which layers a gate caught, and return the exit code.

    Parameters
    ----------
    caught : mapping of str to sequence of str
        Layers by what is wrong with them, as what follows "3 layers", with ``{are}`` for the verb.
    """
    parts = [f"{_counted(names, what)}: {_named(names)}" for what, names in caught.items() if names]
    if not parts:
        return 0
    complain(f"gate failed: {'; '.join(parts)}")
    return FAILED_GATE


def _counted(names: Sequence[str], what: str) -> str:
    return f"{say('layers', count=len(names))} {what.format(are='is' if len(names) == 1 else 'are')}"


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else "")
