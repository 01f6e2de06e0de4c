"""A file that ``torch.save`` wrote, and a folder with ``pytorch_model.bin``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from weightscope_widget.layers.layer import Source
from weightscope_widget.sources._tensors.paths import absolute, as_path, checkpoint_name
from weightscope_widget.sources.packed.config import read_beside
from weightscope_widget.sources.safetensors.file import file_source
from weightscope_widget.sources.safetensors.index import read_sharded
from weightscope_widget.sources.torch.archive import read_archive

__all__ = ["SUFFIXES", "accepts", "in_folder", "open_file"]

SUFFIXES = (".pt", ".pth", ".bin", ".ckpt")

_INDEX = "pytorch_model.bin.index.json"
_FILE = "pytorch_model.bin"


def accepts(model: object) -> bool:
    """Return whether this is the path of a file whose name ends as those of ``torch.save`` usually do."""
    path = as_path(model)
    return path is not None and path.suffix.lower() in SUFFIXES and os.path.isfile(path)


def open_file(model: str | os.PathLike[str]) -> Source:
    """Open a state dict, or the state dict in a training checkpoint; its order is kept.

    Which mapping is the state dict, where a checkpoint nests it, is what `unwrap` says. Where every name in it starts
    with ``module.``, that is taken off. Nothing in the file is run: tensors, numbers, strings and containers of them
    are read, and a file with anything else is refused.

    Raises
    ------
    UnsupportedModelError
        It holds objects that only running code could restore, TorchScript, or no state dict.
    CorruptFileError
        It is truncated, damaged, or nothing that ``torch.save`` wrote.
    NoWeightsError
        It has no floating-point tensor.
    """
    path = absolute(model)
    told = partial(read_beside, path.parent)
    return file_source(checkpoint_name(path.with_suffix("")), read_archive(path).entries, {}, tuple, told)


def in_folder(folder: Path, names: Sequence[str]) -> Source | None:
    """Open ``pytorch_model.bin``, sharded or whole, if it is among the files of a folder.

    Raises
    ------
    CorruptFileError, MissingShardError, UnsupportedModelError, NoWeightsError
        As for a file, and as `read_sharded` does.
    """
    told = partial(read_beside, folder)
    if _INDEX in names:
        sharded = read_sharded(folder / _INDEX, read_archive, ".bin")
        return file_source(checkpoint_name(folder), sharded.entries, sharded.metadata, told=told)
    if _FILE in names:
        return file_source(checkpoint_name(folder), read_archive(folder / _FILE).entries, {}, tuple, told)
    return None
