"""The small objects behind `Layer.load`: each knows where one tensor is, and reads it when called."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError, safe_open

from weightscope_widget.errors import TensorReadError
from weightscope_widget.sources._tensors.identity import Versions, file_identity
from weightscope_widget.sources._tensors.paths import quote

__all__ = ["InFile", "InMemory", "Loader", "Unreadable"]


class Loader(Protocol):
    """Loads a tensor, or one matrix of a stack of them."""

    def __call__(self) -> torch.Tensor: ...

    def member(self, index: int) -> Loader:
        """Return the loader of the matrix at `index` along the first axis."""
        ...

    def identity(self, versions: Versions) -> str | None:
        """Return a text that no other tensor has, and that changes when this one may have; None where nothing tells.

        Its own attributes and the versions of all files that it reads are in it, not their paths.
        """
        ...


@dataclass(frozen=True, eq=False)
class InMemory:
    """A tensor that some model or state dict holds; a reference, never a copy.

    Attributes
    ----------
    name : str
        The parameter's name, for messages.
    tensor : torch.Tensor
        The tensor itself, so that a model moved to another device after the source was opened is still followed.
    index : int, optional
        Which matrix along the first axis; None for the whole tensor.
    """

    name: str
    tensor: torch.Tensor
    index: int | None = None

    def __call__(self) -> torch.Tensor:
        """Read the tensor."""
        if self.tensor.device.type == "meta":
            raise TensorReadError(
                f"{quote(self.name)} is on the meta device and has no values; load the model without offloading, "
                "or give the folder of its checkpoint instead."
            )
        gather = getattr(self.tensor, "full_tensor", None)
        whole = self.tensor.detach() if gather is None else gather().detach()
        return whole if self.index is None else whole[self.index]

    @property
    def collective(self) -> bool:
        """Whether all processes have to load together: the tensor is a DTensor, of which each holds a shard."""
        return hasattr(self.tensor, "full_tensor")

    def identity(self, versions: Versions) -> None:
        """Return None: what a model in memory holds can change at any time."""

    def member(self, index: int) -> InMemory:
        """Return the loader of the matrix at `index` along the first axis."""
        return replace(self, index=index)


@dataclass(frozen=True)
class InFile:
    """A tensor in a safetensors file; it holds nothing, and pickles.

    Attributes
    ----------
    path : Path
        The file.
    key : str
        The tensor's name in it.
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
        except (SafetensorError, OSError, IndexError, RuntimeError, ValueError, TypeError, AttributeError) as error:
            raise TensorReadError(
                f"{quote(self.key)} cannot be read from {quote(self.path)} ({error}); the file was moved, changed or "
                "damaged since it was opened: put it back or open the model again."
            ) from error

    def identity(self, versions: Versions) -> str | None:
        """See `Loader.identity`."""
        version = versions.of_path(self.path)
        return None if version is None else f"safetensors {version} {self.key!r} {self.index}"

    def member(self, index: int) -> InFile:
        """Return the loader of the matrix at `index` along the first axis."""
        return replace(self, index=index)


@dataclass(frozen=True)
class Unreadable:
    """A tensor that is known to exist by name only.

    Attributes
    ----------
    problem : str
        The sentence that calling it raises.
    """

    problem: str

    def __call__(self) -> torch.Tensor:
        """Read the tensor."""
        raise TensorReadError(self.problem)

    def identity(self, versions: Versions) -> None:
        """Return None: there is nothing to remember."""

    def member(self, index: int) -> Unreadable:
        """Return the same: no part of it can be read either."""
        return self


_RENEWED_AFTER = 32 << 20
"""Bytes of a file handed out before it is mapped anew: pages once touched count as this process's memory."""


class _Opened(threading.local):
    """The file that a thread read last: parsing a header of 10,000 tensors anew for each of them would take minutes."""

    def __init__(self) -> None:
        self._identity: str | None = None
        self._file: Any = None
        self._left = 0

    def tensor(self, path: Path, key: str, index: int | None) -> torch.Tensor:
        identity = file_identity(path)
        if identity is None or identity != self._identity or self._left <= 0:
            self._identity = self._file = None
            self._file = safe_open(path, framework="pt", device="cpu")
            self._identity, self._left = identity, _RENEWED_AFTER
        tensor = self._file.get_tensor(key) if index is None else self._file.get_slice(key)[index]
        assert isinstance(tensor, torch.Tensor)
        self._left -= tensor.nbytes
        return tensor


_OPENED = _Opened()
