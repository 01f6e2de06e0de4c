"""A file that ``torch.save`` wrote, and a folder with ``pytorch_model.bin``; nothing that a pickle asks for is run."""

from __future__ import annotations

import os
import pickle
import re
import threading
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeGuard

import torch

from weightscope_widget.errors import UnsupportedModelError, WeightScopeError
from weightscope_widget.layers.layer import Source
from weightscope_widget.sources._checkpoint import checkpoint_source
from weightscope_widget.sources._tensors.files import absolute, cannot_read, checkpoint_name, corrupt, quote
from weightscope_widget.sources._tensors.loaders import OpenFiles, Versions
from weightscope_widget.sources._tensors.records import Contents, Record, skipped, why_skipped
from weightscope_widget.sources.packed.config import read_beside
from weightscope_widget.sources.safetensors.index import read_sharded
from weightscope_widget.sources.state_dict import unwrap

__all__ = ["FILE", "INDEX", "SUFFIXES", "InTorchFile", "in_folder", "open_file", "read_archive"]

SUFFIXES = (".pt", ".pth", ".bin", ".ckpt")
INDEX = "pytorch_model.bin.index.json"
FILE = "pytorch_model.bin"

_KIND = "PyTorch"
_SAFER = "if you trust it, load it yourself and save its state dict as safetensors (safetensors.torch.save_file)"
_DATA = re.compile(r"[^/]+/data/[^/]+")
_ASKS_FOR = re.compile(
    r"GLOBAL (\S+)|(\S+) must be imported|unrecognized function (.{1,100})|but got (<class '[^']+'>)"
)

_LATER_PICKLES = (b"\x80\3", b"\x80\4", b"\x80\5")
"""Starts of pickles that torch.save does not write outside a zip."""

_WRAPPER = "module."
"""DataParallel and DistributedDataParallel put this before every name; it is removed where every name has it."""

_PLAIN = (torch.Tensor, torch.nn.Parameter)
_KEPT = 2
_RENEWED_AFTER = 256 << 20


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


@dataclass(frozen=True)
class InTorchFile:
    """The tensor `key` of a file that ``torch.save`` wrote; `index` selects one matrix along the first axis.

    Of the zip format only the tensor's own bytes are read (the file is mapped). The legacy format cannot be mapped: it
    is read as a whole, and kept while it is among the last few files used.
    """

    path: Path
    key: str
    index: int | None = None

    def __call__(self) -> torch.Tensor:
        """See `Loader`."""
        try:
            with _LOCK:
                tensors, mapped = _OPENED.get(self.path, _RENEWED_AFTER)
                whole = tensors.get(self.key)
                if not isinstance(whole, torch.Tensor):
                    raise LookupError("it holds no such tensor now")
                tensor = whole.detach() if self.index is None else whole.detach()[self.index]
                _OPENED.used(self.path, tensor.nbytes if mapped else 0)
        except (WeightScopeError, OSError, LookupError) as error:
            raise cannot_read(self.key, self.path, error) from error
        return tensor

    def identity(self, versions: Versions) -> str | None:
        """See `Loader`."""
        version = versions.of_path(self.path)
        return None if version is None else f"torch {version} {self.key!r} {self.index}"

    def member(self, index: int) -> InTorchFile:
        """See `Loader`."""
        return replace(self, index=index)


def read_archive(path: Path) -> Contents:
    """List the tensors of a file; where it is a zip, as all since torch 1.6 are, none is read."""
    tensors, _ = _load(path)
    storages: dict[int, int] = {}
    return Contents({name: _record(path, name, value, storages) for name, value in tensors.items()})


def _record(path: Path, name: str, value: object, storages: dict[int, int]) -> Record:
    if not isinstance(value, torch.Tensor):
        return skipped(name, f"not a tensor ({type(value).__name__})")
    shape, dtype = tuple(value.shape), str(value.dtype).removeprefix("torch.")
    load = InTorchFile(path, name)
    if not _is_plain(value):
        kind = str(value.layout).removeprefix("torch.") if type(value) in _PLAIN else type(value).__name__
        reason = "saved without values (meta device)" if value.is_meta else f"not a dense tensor ({kind})"
        return Record(name, shape, dtype, load, reason)
    storage = value.untyped_storage()
    if value.numel() * value.element_size() > storage.nbytes():
        # One stored number can stand for 10**12 of them.
        return Record(name, shape, dtype, load, "an expanded view: more entries than numbers are stored")
    number = storages.setdefault(storage.data_ptr(), len(storages))
    identity = (path, number, value.storage_offset(), shape, value.stride(), dtype) if storage.nbytes() else None
    return Record(name, shape, dtype, load, why_skipped(shape, dtype), identity)


def _is_plain(value: object) -> TypeGuard[torch.Tensor]:
    """Return whether this is a tensor whose entries lie in a storage of its own kind."""
    if not isinstance(value, torch.Tensor) or type(value) not in _PLAIN:
        return False
    return not value.is_nested and value.layout == torch.strided and not value.is_meta


# -- Reading -----------------------------------------------------------------------------------------------------------


def _load(path: Path) -> tuple[Mapping[str, Any], bool]:
    """Return the state dict in a file, and whether its tensors are mapped, which the zip format allows."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
        mapped = start == b"PK\3\4"
        if mapped:
            _check_records(path)
        elif not any(start):  # torch takes zeros for an empty tar, its first format
            raise corrupt(path, _KIND, "it is empty, or starts with zeros")
        elif start[:2] in _LATER_PICKLES:
            raise _refused(path, "it is a plain pickle")
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except WeightScopeError:
        raise
    except Exception as error:  # a hostile pickle can make the unpickler raise anything
        raise _refusal(path, error) from error
    tensors = unwrap(content, quote(path))
    if mapped:
        _check_storages(path, tensors)
    if tensors and all(name.startswith(_WRAPPER) for name in tensors):
        tensors = {name.removeprefix(_WRAPPER): value for name, value in tensors.items()}
    return tensors, mapped


_LOCK = threading.Lock()
_OPENED = OpenFiles(_load, _KEPT)
"""The last few files, shared by all threads of a process."""


def _check_records(path: Path) -> None:
    """Refuse a zip that torch would misread: mapping takes every record to be complete and not compressed.

    The records' names, sizes and places are read from the zip's directory, whose own size bounds what this costs.
    """
    with zipfile.ZipFile(path) as archive:
        records = sorted(archive.infolist(), key=lambda record: record.header_offset)
    names = {record.filename.partition("/")[2] for record in records}
    if "constants.pkl" in names:
        raise _refused(path, "it is a TorchScript archive")
    if "data.pkl" not in names:
        raise corrupt(path, _KIND, "a zip without data.pkl")
    if any(record.compress_type != zipfile.ZIP_STORED for record in records):
        raise corrupt(path, _KIND, "its records are compressed, as torch.save never leaves them")
    ends = [*(record.header_offset for record in records[1:]), path.stat().st_size]
    if any(record.header_offset + record.file_size > end for record, end in zip(records, ends, strict=True)):
        raise corrupt(path, _KIND, "its records overlap or reach beyond its end")


def _check_storages(path: Path, tensors: Mapping[str, Any]) -> None:
    """Refuse a pickle that claims more bytes for its tensors than the file holds for them."""
    with zipfile.ZipFile(path) as archive:
        held = sum(record.file_size for record in archive.infolist() if _DATA.fullmatch(record.filename))
    storages = (value.untyped_storage() for value in tensors.values() if _is_plain(value))
    claimed = {storage.data_ptr(): storage.nbytes() for storage in storages}
    if sum(claimed.values()) > held:
        raise corrupt(path, _KIND, f"its tensors claim more than the {held} bytes it holds for them")


def _refusal(path: Path, error: Exception) -> WeightScopeError:
    text = str(error)
    unpickling = isinstance(error, pickle.UnpicklingError)
    asked = _ASKS_FOR.search(text) if unpickling else None
    if asked:
        return _refused(path, f"it names {quote(next(filter(None, asked.groups()), ''))}")
    if "weights_only" in text and not unpickling:  # the tar format of torch before 0.1.10
        return _refused(path, "its format is too old for anything else")
    reason = text.strip().partition("\n")[0].partition(". ")[0] or "it ends too soon"
    return corrupt(path, _KIND, "not a pickle of torch.save" if unpickling else reason)


def _refused(path: Path, why: str) -> UnsupportedModelError:
    return UnsupportedModelError(
        f"{quote(path)} is not read, because unpickling it would execute code that the file chooses ({why}); {_SAFER}."
    )
