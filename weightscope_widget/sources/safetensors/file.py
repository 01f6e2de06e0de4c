"""A ``.safetensors`` file; also what a folder of them shares with a single one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from weightscope_widget.layers.layer import Source
from weightscope_widget.sources._tensors.assemble import assemble
from weightscope_widget.sources._tensors.conv1d import transposed_names
from weightscope_widget.sources._tensors.experts import is_expert_stack
from weightscope_widget.sources._tensors.loaders import InFile, Unreadable
from weightscope_widget.sources._tensors.order import model_order
from weightscope_widget.sources._tensors.paths import absolute, as_path, checkpoint_name
from weightscope_widget.sources._tensors.record import Record, linear_by_name, why_skipped
from weightscope_widget.sources.packed import unpacked
from weightscope_widget.sources.packed.config import read_beside
from weightscope_widget.sources.safetensors.header import Entry, read_header

__all__ = ["accepts", "file_source", "open_file"]


def accepts(model: object) -> bool:
    """Return whether this is the path of a file whose name ends in ``.safetensors``."""
    path = as_path(model)
    return path is not None and path.suffix.lower() == ".safetensors" and os.path.isfile(path)


def open_file(model: str | os.PathLike[str]) -> Source:
    """Open a safetensors file: its header is read, its tensors when they are asked for.

    Quantized weights are put together from their parts, with what a ``config.json`` beside the file says of them.

    Raises
    ------
    CorruptFileError
        The file is truncated, empty, or no safetensors file.
    NoWeightsError
        It has no floating-point tensor.
    """
    path = absolute(model)
    header = read_header(path)
    told = partial(read_beside, path.parent)
    return file_source(checkpoint_name(path), header.entries, header.metadata, told=told)


def file_source(
    name: str,
    entries: Mapping[str, Entry],
    metadata: Mapping[str, object],
    order: Callable[[Iterable[str]], Iterable[str]] = model_order,
    told: Callable[[], Mapping[str, Any]] = dict,
) -> Source:
    """Return the source of tensors that lie in one or several files.

    Parameters
    ----------
    name : str
        What to call the model.
    entries : mapping of str to Entry
        Every tensor by name.
    metadata : mapping of str to object
        What the files say beside the tensors, among which may be tied weights: a name that was not written → the name
        its values were written under, as ``safetensors.torch.save_model`` puts it.
    order : callable, optional
        Puts the names in the model's order; ``tuple`` where the file has that order already.
    told : callable, optional
        Returns the ``quantization_config`` beside the files; called only if a quantized weight depends on it.
    """
    records = {record.name: record for record in unpacked([_record(*item) for item in entries.items()], told)}
    transposed = transposed_names({key: record.shape for key, record in records.items()})
    placed = [_placed(records[key], key in transposed) for key in order(records)]
    tied = {key: kept for key, kept in metadata.items() if isinstance(kept, str) and key != "format"}
    return assemble(name, placed, tied)


def _placed(record: Record, transposed: bool) -> Record:
    stack = record.stack or (record.dtype != "unknown" and is_expert_stack(record.name, record.shape))
    return replace(record, transposed=transposed, stack=stack, linear=linear_by_name(record.name))


def _record(key: str, entry: Entry) -> Record:
    if entry.problem is not None:
        return Record(key, entry.shape, entry.dtype, Unreadable(entry.problem))
    return Record(
        key,
        entry.shape,
        entry.dtype,
        entry.load or InFile(entry.path, key),
        skip=entry.skip or why_skipped(entry.shape, entry.dtype),
        identity=entry.identity,
    )
