"""A weight stored as several tensors: its parts, the loader that computes it, and the checkpoint they are found in."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeAlias

import torch

from weightscope_widget.errors import TensorReadError
from weightscope_widget.sources._tensors.files import quote
from weightscope_widget.sources._tensors.loaders import Loader, Unreadable, Versions
from weightscope_widget.sources._tensors.records import Record, skipped, why_skipped
from weightscope_widget.sources.packed.config import Quantization

__all__ = ["Checkpoint", "Group", "Packed", "Part", "Rule", "oddity", "readable", "refused", "shapes"]

Rule: TypeAlias = Callable[[Mapping[str, torch.Tensor], tuple[int, ...]], torch.Tensor]
"""Computes a weight of a shape from its parts, in float32; small and picklable.

Raises ValueError, with a phrase, where the parts hold what no such weight can have.
"""


@dataclass(frozen=True)
class Part:
    """One of the tensors: its loader, the shape and type it has to have, and whether each expert has its own."""

    load: Loader
    shape: tuple[int, ...]
    dtype: str
    stacked: bool = False

    def __call__(self) -> torch.Tensor:
        """Read it; raise ValueError if its shape or type is not that of when the checkpoint was opened."""
        tensor = self.load().detach().as_subclass(torch.Tensor)  # a library's own class may have its own arithmetic
        if tuple(tensor.shape) != self.shape or str(tensor.dtype) != f"torch.{self.dtype}":
            raise ValueError(
                f"a part is {tensor.dtype} {tuple(tensor.shape)} now where {self.dtype} {self.shape} was found"
            )
        return tensor

    def member(self, index: int) -> Part:
        """Return the part of one matrix of a stack; parts that all matrices share stay the same."""
        if not self.stacked:
            return self
        return replace(self, load=self.load.member(index), shape=self.shape[1:], stacked=False)


@dataclass(frozen=True, eq=False)
class Packed:
    """A weight computed from its parts when it is called: float32, at most about twice its size in memory."""

    name: str
    shape: tuple[int, ...]
    parts: Mapping[str, Part]
    rule: Rule

    def __call__(self) -> torch.Tensor:
        """See `Loader`."""
        try:
            return self.rule({key: part() for key, part in self.parts.items()}, self.shape)
        except TensorReadError:
            raise
        except (ValueError, RuntimeError, IndexError, TypeError) as error:
            raise TensorReadError(
                f"{quote(self.name)} cannot be unpacked ({error}); the checkpoint is damaged or was changed: download "
                "or save it again."
            ) from error

    def identity(self, versions: Versions) -> str | None:
        """See `Loader`; the rule includes the settings of the configuration."""
        found = {key: part.load.identity(versions) for key, part in self.parts.items()}
        return None if None in found.values() else f"packed {found} {pickle.dumps(self.rule).hex()}"

    def member(self, index: int) -> Packed:
        """See `Loader`."""
        parts = {key: part.member(index) for key, part in self.parts.items()}
        return replace(self, shape=self.shape[1:], parts=parts)


@dataclass(frozen=True)
class Group:
    """A weight's record, and the names of all tensors that it stands for."""

    record: Record
    names: frozenset[str]


@dataclass(frozen=True)
class Checkpoint:
    """All tensors by name, and how they were quantized.

    `settings` returns the ``quantization_config``, and is called only where something depends on it; `notes` are the
    small tensors that describe others, read already.
    """

    records: Mapping[str, Record]
    settings: Callable[[], Mapping[str, Any]] = dict
    notes: Mapping[str, torch.Tensor | TensorReadError] = field(default_factory=dict)

    @cached_property
    def config(self) -> Quantization:
        """The settings that the numbers depend on."""
        return Quantization.of(self.settings())

    def note(self, record: Record) -> torch.Tensor:
        """Return a small tensor that describes others; raise `TensorReadError` where it could not be read."""
        found = self.notes[record.name]
        if isinstance(found, TensorReadError):
            raise found
        return found

    def parts(self, prefix: str, names: Iterable[str]) -> dict[str, Record]:
        """Return those of these tensors that exist, by their names after the prefix."""
        return self.named(prefix, {name: name for name in names})

    def named(self, prefix: str, names: Mapping[str, str]) -> dict[str, Record]:
        """Return those of these tensors that exist, by the keys of their names after the prefix."""
        return {key: self.records[prefix + name] for key, name in names.items() if prefix + name in self.records}


def readable(
    name: str,
    dtype: str,
    shape: tuple[int, ...],
    parts: Mapping[str, Record],
    rule: Rule,
    *,
    stacked: Iterable[str] = (),
    besides: Mapping[str, Record] | None = None,
) -> Group:
    """Return the group of a weight that can be computed.

    `parts` are the tensors that the rule needs; of those that are `stacked`, each matrix of a stack has its own.
    `besides` belong to the weight but are not needed.
    """
    names = frozenset(record.name for record in (*parts.values(), *(besides or {}).values()))
    for record in parts.values():
        if isinstance(record.load, Unreadable):
            return Group(Record(name, shape, dtype, record.load), names)
        if why := oddity(record):
            return refused(name, f"packed, and {quote(record.name)} cannot be read: {why}", (), names)
    if 0 in shape:
        return refused(name, "empty tensor", (), names)
    each = frozenset(stacked)
    found = {key: Part(record.load, record.shape, record.dtype, key in each) for key, record in parts.items()}
    identities = tuple(record.identity for record in parts.values())
    identity = None if None in identities else ("packed", *identities)
    return Group(Record(name, shape, dtype, Packed(name, shape, found, rule), identity=identity), names)


def refused(name: str, reason: str, parts: Iterable[Record], names: Iterable[str] = ()) -> Group:
    """Return the group of a weight that is listed with a reason, a short phrase, and not measured.

    Where a part is missing from its file, the weight is a layer that fails with the error of that part.
    """
    parts = tuple(parts)
    every = frozenset((*(part.name for part in parts), *names))
    lost = next((part.load for part in parts if part.skip is None and isinstance(part.load, Unreadable)), None)
    return Group(Record(name, (), "unknown", lost) if lost else skipped(name, reason, dtype="packed"), every)


def oddity(record: Record) -> str | None:
    """Return why a tensor cannot be read at all; None if it can, even if it is not weights (integers, a scalar)."""
    return None if record.skip == why_skipped(record.shape, record.dtype) else record.skip


def shapes(parts: Mapping[str, Record]) -> str:
    """Return the parts with their shapes, for messages."""
    return ", ".join(f"{key} {part.shape}" for key, part in parts.items())
