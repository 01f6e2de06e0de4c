"""A folder with a checkpoint in it, as transformers, diffusers and PEFT save them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from weightscope_widget.errors import ModelNotFoundError, UnsupportedModelError
from weightscope_widget.layers.layer import Source
from weightscope_widget.sources._tensors.choice import FILE, INDEX, choose
from weightscope_widget.sources._tensors.order import natural_key
from weightscope_widget.sources._tensors.paths import absolute, as_path, checkpoint_name, quote
from weightscope_widget.sources.gguf import file as gguf_file
from weightscope_widget.sources.onnx import file as onnx_file
from weightscope_widget.sources.packed.config import read_beside
from weightscope_widget.sources.safetensors.file import file_source
from weightscope_widget.sources.safetensors.header import Entry, read_header
from weightscope_widget.sources.safetensors.index import read_sharded
from weightscope_widget.sources.torch import file as torch_file

__all__ = ["accepts", "open_directory"]

_OTHER_SOURCES = (torch_file.in_folder, gguf_file.in_folder, onnx_file.in_folder)
"""What may open a folder without safetensors, each returning None where there is nothing for it."""

_OTHER_WEIGHTS = (".bin", ".pt", ".pth", ".ckpt", ".gguf", ".h5", ".msgpack")


def accepts(model: object) -> bool:
    """Return whether this is the path of a folder."""
    path = as_path(model)
    return path is not None and os.path.isdir(path)


def open_directory(model: str | os.PathLike[str]) -> Source:
    """Open the checkpoint in a folder.

    Looked for, in this order: ``model.safetensors.index.json``, a single other index, ``model.safetensors``, a single
    other ``.safetensors`` file, several that have no tensor in common; without any of these,
    ``pytorch_model.bin.index.json``, ``pytorch_model.bin``, or a single model in GGUF or ONNX format.

    Raises
    ------
    ModelNotFoundError
        The folder holds none of these.
    UnsupportedModelError
        It holds several files that have tensors in common, so that nothing says which one is meant; or a file that only
        running code could read.
    CorruptFileError, MissingShardError
        A file is broken, or a shard that the index names is not there.
    NoWeightsError
        There is no floating-point tensor in it.
    """
    folder = absolute(model)
    names = _files(folder)
    choice = choose(names)
    if choice.index is not None:
        sharded = read_sharded(folder / choice.index)
        told = partial(read_beside, folder)
        return file_source(checkpoint_name(folder), sharded.entries, sharded.metadata, told=told)
    if not choice.files:
        others = (in_folder(folder, names) for in_folder in _OTHER_SOURCES)
        source = next((source for source in others if source is not None), None)
        if source is None:
            raise ModelNotFoundError(_nothing(folder, names))
        return source
    return _open_together(folder, choice.files)


def _open_together(folder: Path, files: Iterable[str]) -> Source:
    entries: dict[str, Entry] = {}
    metadata: dict[str, object] = {}
    for name in files:
        header = read_header(folder / name)
        both = next((key for key in header.entries if key in entries), None)
        if both is not None:
            raise UnsupportedModelError(
                f"{quote(folder)} holds several checkpoints: {quote(entries[both].path.name)} and {quote(name)} both "
                f"have {quote(both)}; give the path of one file."
            )
        entries.update(header.entries)
        metadata.update(header.metadata)
    return file_source(checkpoint_name(folder), entries, metadata, told=partial(read_beside, folder))


def _files(folder: Path) -> list[str]:
    """Return the names of the folder's files, without hidden ones (``._model.safetensors``, as macOS leaves)."""
    try:
        names = [name for name in os.listdir(folder) if not name.startswith(".") and os.path.isfile(folder / name)]
    except OSError as error:
        raise ModelNotFoundError(f"The folder {quote(folder)} cannot be listed ({error}); check the path.") from error
    return sorted(names, key=natural_key)


def _nothing(folder: Path, names: Iterable[str]) -> str:
    looked_for = f"The folder {quote(folder)} holds no {INDEX}, no {FILE} and no other .safetensors file"
    other = next((name for name in names if name.lower().endswith(_OTHER_WEIGHTS)), None)
    if other is not None:
        return (
            f"{looked_for}, only weights of another kind ({quote(other)}); save the model with "
            "save_pretrained(folder), or pass the loaded model or its state dict."
        )
    nested = sorted(path.parent.name for path in folder.glob("*/*.safetensors"))
    if nested:
        return f"{looked_for}, but its folder {quote(nested[0])} does; give that one."
    return f"{looked_for}; give the folder or the file that the weights are in."
