"""Which of a folder's files are its checkpoint; the same wherever the folder is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from weightscope_widget.sources._tensors.order import natural_key

__all__ = ["FILE", "INDEX", "Choice", "choose"]

INDEX = "model.safetensors.index.json"
FILE = "model.safetensors"


@dataclass(frozen=True)
class Choice:
    """The files to read.

    Attributes
    ----------
    index : str, optional
        The index of a checkpoint in shards; it alone says which files are read.
    files : tuple of str
        Without an index: the only or usual file, or several of which none is usual.
    """

    index: str | None = None
    files: tuple[str, ...] = ()


def choose(names: Iterable[str]) -> Choice:
    """Return which of these file names hold the weights, the usual names before others.

    >>> choose(["config.json", "model.safetensors", "consolidated.safetensors"]).files
    ('model.safetensors',)
    """
    names = sorted((name for name in names if not name.startswith(".")), key=natural_key)
    index = _one_of(INDEX, [name for name in names if name.endswith(".safetensors.index.json")])
    if index is not None:
        return Choice(index)
    files = [name for name in names if name.endswith(".safetensors")]
    single = _one_of(FILE, files)
    return Choice(files=tuple(files) if single is None else (single,))


def _one_of(preferred: str, names: Sequence[str]) -> str | None:
    """Return the preferred name if it is there, else the only one there is."""
    if preferred in names:
        return preferred
    return names[0] if len(names) == 1 else None
