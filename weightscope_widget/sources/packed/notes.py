"""Reading, when a checkpoint is opened, the few small tensors that say what the others mean."""

from __future__ import annotations

import math
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from weightscope_widget.errors import TensorReadError
from weightscope_widget.sources._tensors.loaders import InFile
from weightscope_widget.sources._tensors.paths import quote
from weightscope_widget.sources._tensors.record import Record
from weightscope_widget.sources.packed.group import oddity

__all__ = ["is_note", "read_notes"]

_LARGEST = 65536
"""Bytes; those that there are have a few hundred."""

_WIDEST = 8
"""Bytes of the widest number."""

_AT_A_TIME = 8


def is_note(name: str) -> bool:
    """Return whether this is the name of such a tensor: the shape of a weight, or all that bitsandbytes keeps."""
    return name.endswith(".weight_shape") or name == "weight_shape" or ".quant_state.bitsandbytes__" in name


def read_notes(records: Iterable[Record]) -> dict[str, torch.Tensor | TensorReadError]:
    """Return the tensors by name, or why one cannot be read; of a safetensors file the header is read once for all."""
    found: dict[str, torch.Tensor | TensorReadError] = {}
    single: list[Record] = []
    files: dict[Path, list[tuple[str, InFile]]] = {}
    for record in records:
        why, count = oddity(record), math.prod(record.shape)
        if why is None and count > (_LARGEST if record.dtype == "uint8" else _LARGEST // _WIDEST):
            why = f"{count} entries, too many"
        if why is not None:
            found[record.name] = TensorReadError(f"{quote(record.name)} cannot be read: {why}")
        elif isinstance(record.load, InFile):
            files.setdefault(record.load.path, []).append((record.name, record.load))
        else:
            single.append(record)
    for path, loaders in files.items():
        found.update(_from_file(path, loaders))
    with ThreadPoolExecutor(_AT_A_TIME) as pool:  # each may be a request to a server
        found.update(zip([record.name for record in single], pool.map(_read, single), strict=True))
    return found


def _from_file(path: Path, loaders: list[tuple[str, InFile]]) -> dict[str, torch.Tensor | TensorReadError]:
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {name: file.get_tensor(load.key) for name, load in loaders}
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        return dict.fromkeys((name for name, _ in loaders), TensorReadError(f"it cannot be read ({error})"))


def _read(record: Record) -> torch.Tensor | TensorReadError:
    try:
        return record.load()
    except TensorReadError as error:
        return error
