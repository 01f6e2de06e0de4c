"""A folder with a checkpoint or an adapter, as transformers, diffusers and PEFT save them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from weightscope_widget.errors import ModelNotFoundError, UnsupportedModelError
from weightscope_widget.layers.layer import Source
from weightscope_widget.sources._checkpoint import checkpoint_source
from weightscope_widget.sources._tensors.files import (
    FILE,
    INDEX,
    absolute,
    as_path,
    checkpoint_name,
    choose,
    natural_key,
    quote,
)
from weightscope_widget.sources._tensors.records import Contents, Record
from weightscope_widget.sources.gguf import file as gguf_file
from weightscope_widget.sources.onnx import file as onnx_file
from weightscope_widget.sources.packed.config import read_beside
from weightscope_widget.sources.peft import adapter as peft_adapter
from weightscope_widget.sources.safetensors.file import read_header
from weightscope_widget.sources.safetensors.index import read_sharded
from weightscope_widget.sources.torch import file as torch_file

__all__ = ["accepts", "open_directory"]

_WITHOUT_SAFETENSORS = (torch_file.in_folder, gguf_file.in_folder, onnx_file.in_folder)
"""Open a folder without safetensors; each returns None where the folder holds nothing of its format."""

_OTHER_WEIGHTS = (*torch_file.SUFFIXES, ".gguf", ".h5", ".msgpack")


def accepts(model: object) -> bool:
    """Return whether this is the path of a folder."""
    path = as_path(model)
    return path is not None and os.path.isdir(path)


def open_directory(model: str | os.PathLike[str]) -> Source:
    """Open the adapter or the checkpoint in a folder.

    A PEFT adapter is read as one, unless a whole model is beside it.  A checkpoint is looked for in this order:
    ``model.safetensors.index.json``, a single other index, ``model.safetensors``, a single other ``.safetensors`` file,
    several that have no tensor in common; ``pytorch_model.bin.index.json``, ``pytorch_model.bin``; a single model in
    GGUF or ONNX format.
    """
    if peft_adapter.accepts(model):
        return peft_adapter.open_adapter(model)
    folder = absolute(model)
    names = _files(folder)
    choice = choose(names)
    if choice.index is not None:
        contents = read_sharded(folder / choice.index)
    elif choice.files:
        contents = _read_together(folder, choice.files)
    else:
        others = (in_folder(folder, names) for in_folder in _WITHOUT_SAFETENSORS)
        source = next((source for source in others if source is not None), None)
        if source is None:
            raise ModelNotFoundError(_nothing(folder, names))
        return source
    return checkpoint_source(checkpoint_name(folder), contents, partial(read_beside, folder))


def _read_together(folder: Path, files: Iterable[str]) -> Contents:
    records: dict[str, Record] = {}
    file_of: dict[str, str] = {}
    metadata: dict[str, object] = {}
    for name in files:
        contents = read_header(folder / name)
        both = next((key for key in contents.records if key in records), None)
        if both is not None:
            raise UnsupportedModelError(
                f"{quote(folder)} holds several checkpoints: {quote(file_of[both])} and {quote(name)} both have "
                f"{quote(both)}; give the path of one file."
            )
        records.update(contents.records)
        file_of.update(dict.fromkeys(contents.records, name))
        metadata.update(contents.metadata)
    return Contents(records, metadata)


def _files(folder: Path) -> list[str]:
    """Return the names of the folder's files, without hidden ones (``._model.safetensors``, as macOS leaves)."""
    try:
        names = [name for name in os.listdir(folder) if not name.startswith(".") and os.path.isfile(folder / name)]
    except OSError as error:
        raise ModelNotFoundError(f"The folder {quote(folder)} cannot be listed ({error}); check the path.") from error
    return sorted(names, key=natural_key)


def _nothing(folder: Path, names: Iterable[str]) -> str:
    lacks = f"The folder {quote(folder)} holds no {INDEX}, no {FILE} and no other .safetensors file"
    other = next((name for name in names if name.lower().endswith(_OTHER_WEIGHTS)), None)
    if other is not None:
        return (
            f"{lacks}, only weights of another kind ({quote(other)}); save the model with save_pretrained(folder), or "
            "pass the loaded model or its state dict."
        )
    nested = sorted(path.parent.name for path in folder.glob("*/*.safetensors"))
    if nested:
        return f"{lacks}, but its folder {quote(nested[0])} does; give that folder."
    return f"{lacks}; give the folder or the file that the weights are in."
