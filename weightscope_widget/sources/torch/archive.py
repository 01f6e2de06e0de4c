"""What ``torch.save`` writes: its tensors by name, read without running anything that the pickle asks for."""

from __future__ import annotations

import os
import pickle
import re
import threading
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeGuard

import torch

from weightscope_widget.errors import CorruptFileError, TensorReadError, UnsupportedModelError, WeightScopeError
from weightscope_widget.sources._tensors.identity import Versions
from weightscope_widget.sources._tensors.loaders import Unreadable
from weightscope_widget.sources._tensors.paths import quote
from weightscope_widget.sources.safetensors.header import Entry, Header, remedy
from weightscope_widget.sources.torch.unwrap import unwrap

__all__ = ["InTorchFile", "read_archive"]

_SAFER = "if you trust it, load it yourself and save its state dict as safetensors (safetensors.torch.save_file)"
_DATA = re.compile(r"[^/]+/data/[^/]+")
_ASKS_FOR = re.compile(
    r"GLOBAL (\S+)|(\S+) must be imported|unrecognized function (.{1,100})|but got (<class '[^']+'>)"
)

_LATER_PICKLES = (b"\x80\3", b"\x80\4", b"\x80\5")
"""Starts of pickles that torch.save does not write outside a zip."""

_WRAPPER = "module."
"""What DataParallel and DistributedDataParallel put before every name; it is taken off where every name has it."""

_KEPT = 2
"""Files whose tensors stay at hand between two loads; reading the pickle anew for each tensor would take minutes."""

_RENEWED_AFTER = 256 * 2**20
"""Bytes of a mapped file handed out before it is mapped anew: pages once touched count as this process's memory."""


@dataclass(frozen=True)
class InTorchFile:
    """A tensor in a file that ``torch.save`` wrote.

    Of the zip format only the tensor's own bytes are read (the file is mapped). The legacy format cannot be mapped: it
    is read as a whole, and kept while it is among the last few files used.

    Attributes
    ----------
    path : Path
        The file.
    key : str
        The tensor's name in it, as `read_archive` lists it.
    index : int, optional
        Which matrix along the first axis; None for the whole tensor. Only this matrix is read.
    """

    path: Path
    key: str
    index: int | None = None

    def __call__(self) -> torch.Tensor:
        """Read the tensor."""
        try:
            return _OPENED.tensor(self.path, self.key, self.index)
        except (WeightScopeError, OSError, LookupError) as error:
            raise TensorReadError(
                f"{quote(self.key)} cannot be read from {quote(self.path)} ({error}); the file was moved, changed or "
                "damaged since it was opened: put it back or open the model again."
            ) from error

    def identity(self, versions: Versions) -> str | None:
        """See `Loader.identity`."""
        version = versions.of_path(self.path)
        return None if version is None else f"torch {version} {self.key!r} {self.index}"

    def member(self, index: int) -> InTorchFile:
        """Return the loader of the matrix at `index` along the first axis."""
        return replace(self, index=index)


def read_archive(path: Path) -> Header:
    """List what a file holds; where it is a zip, as all since torch 1.6 are, no tensor is read.

    Raises
    ------
    UnsupportedModelError
        It holds objects that only running code could restore, TorchScript, or no state dict.
    CorruptFileError
        It is truncated, damaged, or nothing that ``torch.save`` wrote.
    """
    tensors, _ = _load(path)
    storages: dict[int, int] = {}
    return Header({name: _entry(path, name, value, storages) for name, value in tensors.items()}, {})


def _entry(path: Path, name: str, value: object, storages: dict[int, int]) -> Entry:
    if not isinstance(value, torch.Tensor):
        skip = f"not a tensor ({type(value).__name__})"
        return Entry(path, dtype="", skip=skip, load=Unreadable(f"{quote(name)} is not a tensor."))
    shape, dtype = tuple(value.shape), str(value.dtype).removeprefix("torch.")
    load = InTorchFile(path, name)
    if not _is_plain(value):
        what = str(value.layout).removeprefix("torch.") if type(value) in _PLAIN else type(value).__name__
        skip = "saved without values (meta device)" if value.is_meta else f"not a dense tensor ({what})"
        return Entry(path, shape, dtype, skip=skip, load=load)
    storage = value.untyped_storage()
    if value.numel() * value.element_size() > storage.nbytes():
        # One stored number can stand for 10**12 of them.
        return Entry(path, shape, dtype, skip="an expanded view: more entries than numbers are stored", load=load)
    number = storages.setdefault(storage.data_ptr(), len(storages))
    identity = (path, number, value.storage_offset(), shape, value.stride(), dtype) if storage.nbytes() else None
    return Entry(path, shape, dtype, load=load, identity=identity)


def _is_plain(value: object) -> TypeGuard[torch.Tensor]:
    """Return whether this is a tensor whose entries lie in a storage of its own kind."""
    if not isinstance(value, torch.Tensor) or type(value) not in _PLAIN:
        return False
    return not value.is_nested and value.layout == torch.strided and not value.is_meta


_PLAIN = (torch.Tensor, torch.nn.Parameter)


# -- Reading -----------------------------------------------------------------------------------------------------------


def _load(path: Path) -> tuple[Mapping[str, Any], bool]:
    """Return the state dict in a file, and whether its tensors are mapped: the zip format allows it."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
        mapped = start == b"PK\3\4"
        if mapped:
            _check_records(path)
        elif not any(start):  # torch takes zeros for an empty tar, its first format
            raise _corrupt(path, "it is empty, or starts with zeros")
        elif start[:2] in _LATER_PICKLES:
            raise _refused(path, "it is a plain pickle")
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except WeightScopeError:
        raise
    except Exception as error:  # what a hostile pickle makes the unpickler raise may be anything
        raise _refusal(path, error) from error
    tensors = unwrap(content, quote(path))
    if mapped:
        _check_storages(path, tensors)
    if tensors and all(name.startswith(_WRAPPER) for name in tensors):
        tensors = {name.removeprefix(_WRAPPER): value for name, value in tensors.items()}
    return tensors, mapped


def _check_records(path: Path) -> None:
    """Refuse a zip that torch would misread: when mapping, it takes every record for whole and not compressed.

    The records' names, sizes and places are read from the zip's directory, whose own size bounds what this costs.
    """
    with zipfile.ZipFile(path) as archive:
        records = sorted(archive.infolist(), key=lambda record: record.header_offset)
    names = {record.filename.partition("/")[2] for record in records}
    if "constants.pkl" in names:
        raise _refused(path, "it is a TorchScript archive")
    if "data.pkl" not in names:
        raise _corrupt(path, "a zip without data.pkl")
    if any(record.compress_type != zipfile.ZIP_STORED for record in records):
        raise _corrupt(path, "its records are compressed, as torch.save never leaves them")
    ends = [*(record.header_offset for record in records[1:]), path.stat().st_size]
    if any(record.header_offset + record.file_size > end for record, end in zip(records, ends, strict=True)):
        raise _corrupt(path, "its records overlap or reach beyond its end")


def _check_storages(path: Path, tensors: Mapping[str, Any]) -> None:
    """Refuse a pickle that claims more bytes for its tensors than the file holds for them."""
    with zipfile.ZipFile(path) as archive:
        held = sum(record.file_size for record in archive.infolist() if _DATA.fullmatch(record.filename))
    storages = (value.untyped_storage() for value in tensors.values() if _is_plain(value))
    claimed = {storage.data_ptr(): storage.nbytes() for storage in storages}
    if sum(claimed.values()) > held:
        raise _corrupt(path, f"its tensors claim more than the {held} bytes it holds for them")


def _refusal(path: Path, error: Exception) -> WeightScopeError:
    text = str(error)
    unpickling = isinstance(error, pickle.UnpicklingError)
    asked = _ASKS_FOR.search(text) if unpickling else None
    if asked:
        return _refused(path, f"it names {quote(next(filter(None, asked.groups()), ''))}")
    if "weights_only" in text and not unpickling:  # the tar format of torch before 0.1.10
        return _refused(path, "its format is too old for anything else")
    reason = text.strip().partition("\n")[0].partition(". ")[0] or "it ends too soon"
    return _corrupt(path, "not a pickle of torch.save" if unpickling else reason)


def _refused(path: Path, why: str) -> UnsupportedModelError:
    return UnsupportedModelError(
        f"{quote(path)} is not read, because unpickling it would execute code that the file chooses ({why}); {_SAFER}."
    )


def _corrupt(path: Path, why: str) -> CorruptFileError:
    return CorruptFileError(f"{quote(path)} is no readable PyTorch file ({why}); {remedy(path)}.")


# -- Between two loads -------------------------------------------------------------------------------------------------


@dataclass
class _Open:
    """The state dict of one file, how the file looked then, and how many of its bytes were handed out."""

    stamp: tuple[int, int]
    tensors: Mapping[str, Any]
    mapped: bool
    handed: int = 0


class _Opened:
    """The last few files; shared by all threads of a process, empty in a new one."""

    def __init__(self) -> None:
        self._files: dict[Path, _Open] = {}
        self._lock = threading.Lock()

    def tensor(self, path: Path, key: str, index: int | None) -> torch.Tensor:
        status = os.stat(path)
        stamp = (status.st_size, status.st_mtime_ns)
        with self._lock:
            entry = self._files.pop(path, None)
            if entry is None or entry.stamp != stamp or entry.handed > _RENEWED_AFTER:
                entry = _Open(stamp, *_load(path))
            whole = entry.tensors.get(key)
            if not isinstance(whole, torch.Tensor):
                raise LookupError("it holds no such tensor now")
            tensor = whole.detach() if index is None else whole.detach()[index]
            entry.handed += tensor.nbytes if entry.mapped else 0
            self._files[path] = entry  # last, hence the youngest
            while len(self._files) > _KEPT:
                del self._files[next(iter(self._files))]
        return tensor


_OPENED = _Opened()
