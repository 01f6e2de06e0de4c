"""Which checkpoints there are, and in which order."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from weightscope_widget.comparison.entry import opened
from weightscope_widget.errors import InvalidArgumentError, ModelNotFoundError, WeightScopeError
from weightscope_widget.sources import Source

__all__ = ["open_checkpoints"]

_FILES = (".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".gguf")
_NUMBER = re.compile(r"(\d+)")


def open_checkpoints(checkpoints: Mapping[str, Any] | str | os.PathLike[str]) -> dict[str, Source]:
    """Return the sources of checkpoints by name, in order; no weight is read.

    Parameters
    ----------
    checkpoints : mapping or path-like
        Names and models, in the mapping's own order; or a folder of checkpoints, each a file or a folder, in natural
        order (``step-2`` before ``step-10``).  What is in the folder and is no model is passed over.

    Raises
    ------
    InvalidArgumentError
        Where there are fewer than two, or adapters among models.
    ModelNotFoundError
        Where there is no such folder.
    WeightScopeError
        Another of its kinds, where one of a mapping cannot be read.
    """
    if isinstance(checkpoints, Mapping):
        found = {str(name): opened(model) for name, model in checkpoints.items()}
    elif isinstance(checkpoints, str | os.PathLike):
        found = _in_folder(Path(checkpoints).expanduser())
    else:
        raise InvalidArgumentError(
            f"checkpoints is of type {type(checkpoints).__name__}; give a dict of names and models, or a folder."
        )
    if len(found) < 2:
        raise InvalidArgumentError(
            f"There {'is one checkpoint' if found else 'are no checkpoints'}; an evolution needs at least two."
        )
    adapters = [name for name, source in found.items() if source.adapter]
    model = next((name for name, source in found.items() if not source.adapter), None)
    if adapters and model is not None:
        raise InvalidArgumentError(
            f"{adapters[0]!r} is an adapter and {model!r} is a model; give checkpoints of one kind."
        )
    return found


def _in_folder(folder: Path) -> dict[str, Source]:
    if not folder.is_dir():
        raise ModelNotFoundError(f"There is no folder of checkpoints at {folder}; check the path.")
    found = {}
    for path in sorted(folder.iterdir(), key=lambda path: _natural(path.name)):
        if path.name.startswith(".") or not (path.is_dir() or path.suffix in _FILES):
            continue
        try:
            found[path.name] = opened(path)
        except WeightScopeError:
            if path.is_file():  # a file that calls itself a checkpoint and is none must be told of
                raise
    return found


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Sort numbers in a name by value: step-2 before step-10."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part.casefold()) for part in _NUMBER.split(name) if part]
