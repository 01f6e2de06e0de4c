"""Paths as people write them, and untrusted text as messages may quote it."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["absolute", "as_path", "checkpoint_name", "quote"]

_QUOTE_LIMIT = 300
"""Longest text an error message repeats, in characters."""


def as_path(model: object) -> Path | None:
    """Return the absolute path that an object stands for; None if it is no path, as the empty string is none."""
    if not isinstance(model, (str, os.PathLike)):
        return None
    text = os.fspath(model)
    return absolute(text) if isinstance(text, str) and text else None


def absolute(path: str | os.PathLike[str]) -> Path:
    """Return a path with ``~`` expanded, absolute, so that it means the same in another process.

    Symbolic links are kept: in the hub's cache the link has the telling name, its target a hash.
    """
    return Path(os.path.abspath(os.path.expanduser(path)))


def checkpoint_name(path: Path) -> str:
    """Return what to call the checkpoint in a folder or file: the last part of the path that names a model.

    >>> checkpoint_name(Path("/models/tiny-bert/model/model.safetensors"))
    'tiny-bert'
    >>> checkpoint_name(Path("/hub/models--acme--tiny-bert/snapshots/0a1b2c"))
    'tiny-bert'
    """
    *parents, last = path.with_suffix("").parts if path.suffix == ".safetensors" else path.parts
    if "snapshots" in parents:  # the hub's cache: models--owner--name/snapshots/revision
        owner = parents[-1 - parents[::-1].index("snapshots") - 1]
        if owner.startswith("models--"):
            return owner.rsplit("--", 1)[-1]
    return next((part for part in [last, *reversed(parents)] if part not in _NO_NAMES), last)


_NO_NAMES = ("model", "pytorch_model", "checkpoint", "weights", os.sep)
"""Folders and files that are called so in every checkpoint."""


def quote(text: object) -> str:
    r"""Return text from outside in quotes, control characters escaped, cut where it is absurdly long.

    >>> quote("a\nb")
    "'a\\nb'"
    """
    plain = str(text)
    return repr(plain if len(plain) <= _QUOTE_LIMIT else plain[:_QUOTE_LIMIT] + "…")
