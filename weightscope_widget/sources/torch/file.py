"""A file that ``torch.save`` wrote, and a folder with ``pytorch_model.bin``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from weightscope_widget.layers.layer import Source
from weightscope_widget.sources._checkpoint import checkpoint_source
from weightscope_widget.sources._tensors.files import absolute, checkpoint_name
from weightscope_widget.sources.packed.config import read_beside
from weightscope_widget.sources.safetensors.index import read_sharded
from weightscope_widget.sources.torch.archive import read_archive

__all__ = ["FILE", "INDEX", "SUFFIXES", "in_folder", "open_file"]

SUFFIXES = (".pt", ".pth", ".bin", ".ckpt")

INDEX = "pytorch_model.bin.index.json"
FILE = "pytorch_model.bin"


def open_file(model: str | os.PathLike[str]) -> Source:
    """Open a state dict, or the state dict in a training checkpoint (see `unwrap`); its order is kept.

    Where every name starts with ``module.``, that is removed. Nothing in the file is run: tensors, numbers, strings
    and containers of them are read, and a file with anything else is refused.
    """
    path = absolute(model)
    settings = partial(read_beside, path.parent)
    return checkpoint_source(checkpoint_name(path.with_suffix("")), read_archive(path), settings, tuple)


def in_folder(folder: Path, names: Sequence[str]) -> Source | None:
    """Open ``pytorch_model.bin``, sharded or whole, if it is among the files of a folder."""
    name, settings = checkpoint_name(folder), partial(read_beside, folder)
    if INDEX in names:
        return checkpoint_source(name, read_sharded(folder / INDEX, read_archive, ".bin"), settings)
    if FILE in names:
        return checkpoint_source(name, read_archive(folder / FILE), settings, tuple)
    return None
