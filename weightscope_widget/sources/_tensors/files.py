"""Paths, the choice of a folder's checkpoint, and the errors of files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from weightscope_widget.errors import CorruptFileError, TensorReadError, UnsupportedModelError

__all__ = [
    "FILE",
    "INDEX",
    "Choice",
    "absolute",
    "as_path",
    "cannot_read",
    "checkpoint_name",
    "choose",
    "corrupt",
    "is_file",
    "natural_key",
    "only_one",
    "quote",
]

INDEX = "model.safetensors.index.json"
FILE = "model.safetensors"

_QUOTE_LIMIT = 300
"""Longest text an error message repeats, in characters."""

_GENERIC_NAMES = ("model", "pytorch_model", "checkpoint", "weights", os.sep)
"""Names that folders and files have in every checkpoint."""

_LFS_POINTER = b"version https://git-lfs"
_DIGITS = re.compile(r"([0-9]+)")


# -- Paths -------------------------------------------------------------------------------------------------------------


def as_path(model: object) -> Path | None:
    """Return the absolute path that an object stands for; None if it is no path or empty."""
    if not isinstance(model, (str, os.PathLike)):
        return None
    text = os.fspath(model)
    return absolute(text) if isinstance(text, str) and text else None


def is_file(model: object, suffixes: Sequence[str]) -> bool:
    """Return whether this is the path of a file with one of these suffixes, in any case."""
    path = as_path(model)
    return path is not None and path.suffix.lower() in suffixes and os.path.isfile(path)


def absolute(path: str | os.PathLike[str]) -> Path:
    """Return the absolute path, ``~`` expanded, so that it means the same in another process.

    Symbolic links are kept: in the hub's cache the link has the telling name, its target a hash.
    """
    return Path(os.path.abspath(os.path.expanduser(path)))


def checkpoint_name(path: Path) -> str:
    """Return the name of the checkpoint in a folder or file: the last part of the path that names a model.

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
    return next((part for part in [last, *reversed(parents)] if part not in _GENERIC_NAMES), last)


def natural_key(name: str) -> tuple[tuple[int, str], ...]:
    """Return a sort key that compares runs of digits as numbers, of any length.

    >>> natural_key("h.2") < natural_key("h.10")
    True
    """
    pieces = _DIGITS.split(name)  # text, digits, text, digits, …, text
    numbers = (piece.lstrip("0") for piece in pieces[1::2])
    keys = [(0, piece) for piece in pieces]
    keys[1::2] = [(len(number), number) for number in numbers]
    return tuple(keys)


# -- The checkpoint among a folder's files, here or elsewhere ----------------------------------------------------------


@dataclass(frozen=True)
class Choice:
    """The safetensors files to read: an index that names them; or the only or usual file, or several equally usual."""

    index: str | None = None
    files: tuple[str, ...] = ()


def choose(names: Iterable[str]) -> Choice:
    """Return which of these files hold the weights; usual names go before others.

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
    """Return the preferred name if it is there, else the only one, else None."""
    if preferred in names:
        return preferred
    return names[0] if len(names) == 1 else None


def only_one(folder: Path, names: Sequence[str], kind: str) -> Path | None:
    """Return the only model of a kind in a folder, None without any; several are an error."""
    if len(names) > 1:
        some = ", ".join(quote(name) for name in names[:4])
        raise UnsupportedModelError(f"{quote(folder)} holds several {kind} models ({some}); give the path of one file.")
    return folder / names[0] if names else None


# -- Messages ----------------------------------------------------------------------------------------------------------


def quote(text: object) -> str:
    r"""Return untrusted text in quotes, with control characters escaped and cut where it is too long.

    >>> quote("a\nb")
    "'a\\nb'"
    """
    plain = str(text)
    return repr(plain if len(plain) <= _QUOTE_LIMIT else plain[:_QUOTE_LIMIT] + "…")


def corrupt(path: Path, kind: str, reason: object) -> CorruptFileError:
    """Return the error for a file that is not a readable file of its kind."""
    return CorruptFileError(f"{quote(path)} is not a readable {kind} file ({reason}); {_remedy(path)}.")


def _remedy(path: Path) -> str:
    try:
        with path.open("rb") as file:
            pointer = file.read(len(_LFS_POINTER)) == _LFS_POINTER
    except OSError:
        return "check its permissions"
    return "it is a Git LFS pointer, fetch the file itself with git lfs pull" if pointer else "download it again"


def cannot_read(name: str, path: Path, reason: object) -> TensorReadError:
    """Return the error for a tensor that cannot be read from a file that could be opened before."""
    return TensorReadError(
        f"{quote(name)} cannot be read from {quote(path)} ({reason}); the file was moved, changed or damaged since it "
        "was opened: put it back or open the model again."
    )
