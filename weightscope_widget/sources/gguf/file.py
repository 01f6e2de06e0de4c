"""A GGUF file, as llama.cpp reads them: whole, or split into several."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from weightscope_widget.errors import CorruptFileError, MissingShardError, UnsupportedModelError
from weightscope_widget.layers.layer import Source
from weightscope_widget.sources._tensors.assemble import assemble
from weightscope_widget.sources._tensors.experts import is_expert_stack
from weightscope_widget.sources._tensors.order import model_order
from weightscope_widget.sources._tensors.paths import absolute, as_path, checkpoint_name, quote
from weightscope_widget.sources._tensors.record import Record, why_skipped
from weightscope_widget.sources.gguf.header import GgufTensor, read_gguf
from weightscope_widget.sources.gguf.tensor import TORCH_NAMES, InGguf, can_dequantize

__all__ = ["accepts", "in_folder", "open_file"]

_SPLIT = re.compile(r"(?P<stem>.+)-(?P<number>[0-9]{5})-of-(?P<count>[0-9]{5})\.gguf", re.IGNORECASE | re.ASCII)


def accepts(model: object) -> bool:
    """Return whether this is the path of a file whose name ends in ``.gguf``."""
    path = as_path(model)
    return path is not None and path.suffix.lower() == ".gguf" and os.path.isfile(path)


def open_file(model: str | os.PathLike[str]) -> Source:
    """Open a GGUF file, and the others it was split into (``name-00001-of-00003.gguf``).

    Layers have llama.cpp's names; the type of a quantized one is GGUF's (``"Q4_K"``), and it loads as float32.

    Raises
    ------
    CorruptFileError
        A file is truncated, no GGUF file, or claims tensors that cannot be in it.
    MissingShardError
        One of the files is not there.
    MissingLibraryError
        The package gguf is not installed.
    NoWeightsError
        There is no floating-point tensor in it.
    """
    path = absolute(model)
    split = _SPLIT.fullmatch(path.name)
    files = [path] if split is None else _parts(path, split)
    records: dict[str, Record] = {}
    for file in files:
        for tensor in read_gguf(file):
            if tensor.name in records:
                raise CorruptFileError(
                    f"{quote(tensor.name)} is in several of the files of {quote(path)}; download them again."
                )
            records[tensor.name] = _record(file, tensor)
    name = path.stem if split is None else split["stem"]
    return assemble(checkpoint_name(path.with_name(name)), [records[key] for key in model_order(records)])


def in_folder(folder: Path, names: Sequence[str]) -> Source | None:
    """Open the one model in GGUF format that a folder holds, if it holds any.

    Raises
    ------
    UnsupportedModelError
        It holds several.
    CorruptFileError, MissingShardError, MissingLibraryError, NoWeightsError
        As for a file.
    """
    models: dict[str, str] = {}
    for name in names:
        if name.lower().endswith(".gguf"):
            split = _SPLIT.fullmatch(name)
            models.setdefault(name if split is None else split["stem"], name)
    if len(models) > 1:
        some = ", ".join(quote(name) for name in list(models.values())[:4])
        raise UnsupportedModelError(f"{quote(folder)} holds several GGUF models ({some}); give the path of one file.")
    return open_file(folder / next(iter(models.values()))) if models else None


def _parts(path: Path, split: re.Match[str]) -> list[Path]:
    count = int(split["count"])
    parts = [
        path.with_name(f"{split['stem']}-{number:05}-of-{count:05}{path.suffix}") for number in range(1, count + 1)
    ]
    missing = next((part for part in parts if not os.path.isfile(part)), None)
    if missing is not None or path not in parts:
        raise MissingShardError(
            f"{quote(path)} is one of {count} files, of which {quote((missing or path).name)} is not beside it; "
            "download that one, too."
        )
    return parts


def _record(path: Path, tensor: GgufTensor) -> Record:
    dtype = TORCH_NAMES.get(tensor.kind, tensor.kind)
    skip = why_skipped(tensor.shape, TORCH_NAMES.get(tensor.kind, "float32"))
    if skip is None and tensor.kind not in TORCH_NAMES and not can_dequantize(tensor.kind):
        skip = f"stored as {tensor.kind}, which the installed gguf cannot dequantize"
    load = InGguf(path, tensor, os.path.getsize(path))
    return Record(tensor.name, tensor.shape, dtype, load, skip, stack=is_expert_stack(tensor.name, tensor.shape))
