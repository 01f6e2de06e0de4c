"""A weight and the tensors that it is stored as: what is found of them, and the loader that puts them together."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import torch

from weightscope_widget.errors import TensorReadError
from weightscope_widget.sources._tensors.identity import Versions
from weightscope_widget.sources._tensors.loaders import Loader, Unreadable
from weightscope_widget.sources._tensors.paths import quote
from weightscope_widget.sources._tensors.record import Record, why_skipped
from weightscope_widget.sources.packed.config import Quantization

__all__ = ["Checkpoint", "Group", "Packed", "Part", "Rule", "oddity", "readable", "refused"]


class Rule(Protocol):
    """Computes a weight from its parts; small and picklable, as it travels with the loader."""

    def __call__(self, parts: Mapping[str, torch.Tensor], shape: tuple[int, ...]) -> torch.Tensor:
        """Return the weight: float32, of this shape.

        Raises
        ------
        ValueError
            The parts hold what no such weight can have; the message is a phrase.
        """
        ...


@dataclass(frozen=True)
class Part:
    """One of the tensors: how to read it, the shape and type it has to have, and whether it is one per expert."""

    load: Loader
    shape: tuple[int, ...]
    dtype: str
    stacked: bool = False

    def __call__(self) -> torch.Tensor:
        """Read it; ValueError if it is another than when the checkpoint was opened."""
        tensor = self.load().detach().as_subclass(torch.Tensor)  # a library's own class may have its own arithmetic
        if tuple(tensor.shape) != self.shape or str(tensor.dtype) != f"torch.{self.dtype}":
            raise ValueError(
                f"a part is {tensor.dtype} {tuple(tensor.shape)} now where {self.dtype} {self.shape} was found"
            )
        return tensor

    def member(self, index: int) -> Part:
        """Return the part of one matrix of a stack; what all of them share stays as it is."""
        if not self.stacked:
            return self
        return replace(self, load=self.load.member(index), shape=self.shape[1:], stacked=False)


@dataclass(frozen=True, eq=False)
class Packed:
    """A weight that is computed from its parts when it is called: float32, at most about twice its size in memory.

    Attributes
    ----------
    name : str
        The weight's name, for messages.
    shape : tuple of int
        Of what is returned.
    parts : mapping of str to Part
        What it is stored as.
    rule : Rule
        Computes it.
    """

    name: str
    shape: tuple[int, ...]
    parts: Mapping[str, Part]
    rule: Rule

    def __call__(self) -> torch.Tensor:
        """Read the parts and compute the weight."""
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
        """See `Loader.identity`; what the configuration told is in the rule."""
        found = {key: part.load.identity(versions) for key, part in self.parts.items()}
        return None if None in found.values() else f"packed {found} {pickle.dumps(self.rule).hex()}"

    def member(self, index: int) -> Packed:
        """Return the loader of the matrix at `index` along the first axis; only its parts are read."""
        parts = {key: part.member(index) for key, part in self.parts.items()}
        return replace(self, shape=self.shape[1:], parts=parts)


@dataclass(frozen=True)
class Group:
    """A weight's record, and the names of all tensors that it stands for."""

    record: Record
    names: frozenset[str]


@dataclass(frozen=True)
class Checkpoint:
    """All tensors by name, and what is known of how they were quantized.

    Attributes
    ----------
    records : mapping of str to Record
        Every tensor.
    told : callable
        Returns the ``quantization_config``, an empty mapping where there is none; asked only where something depends
        on it.
    notes : mapping of str to (Tensor or TensorReadError)
        The small tensors that say what the others mean, read already.
    """

    records: Mapping[str, Record]
    told: Callable[[], Mapping[str, Any]] = dict
    notes: Mapping[str, torch.Tensor | TensorReadError] = field(default_factory=dict)

    @cached_property
    def config(self) -> Quantization:
        """What the configuration says, as far as the numbers depend on it."""
        return Quantization.of(self.told())

    def parts(self, prefix: str, names: Iterable[str]) -> dict[str, Record]:
        """Return those of these tensors that there are, by the names after the prefix."""
        return self.named(prefix, {name: name for name in names})

    def named(self, prefix: str, names: Mapping[str, str]) -> dict[str, Record]:
        """Return those of these tensors that there are, by the keys that are given for the names after the prefix."""
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

    Parameters
    ----------
    name, dtype : str
        The weight's, as the results show them.
    shape : tuple of int
        Of the weight: (out, in), after the number of experts where it is a stack.
    parts : mapping of str to Record
        What the rule needs.
    rule : Rule
        Computes it.
    stacked : iterable of str
        The parts of which each matrix has its own, should this be a stack; read in part for one matrix.
    besides : mapping of str to Record, optional
        Tensors that belong to the weight but are not needed.
    """
    names = frozenset(record.name for record in (*parts.values(), *(besides or {}).values()))
    for record in parts.values():
        if isinstance(record.load, Unreadable):
            return Group(Record(name, shape, dtype, record.load), names)
        why = oddity(record)
        if why is not None:
            return refused(name, f"packed, and {quote(record.name)} cannot be read: {why}", (), names)
    if 0 in shape:
        return refused(name, "empty tensor", (), names)
    each = frozenset(stacked)
    found = {key: Part(record.load, record.shape, record.dtype, key in each) for key, record in parts.items()}
    identities = tuple(record.identity for record in parts.values())
    identity = None if None in identities else ("packed", *identities)
    load = Packed(name, shape, found, rule)
    return Group(Record(name, shape, dtype, load, identity=identity), names)


def oddity(record: Record) -> str | None:
    """Return why a tensor cannot be read at all; None if it can, be it no weights (integers, a scalar)."""
    return None if record.skip == why_skipped(record.shape, record.dtype) else record.skip


def refused(name: str, reason: str, parts: Iterable[Record], names: Iterable[str] = ()) -> Group:
    """Return the group of a weight that is listed with a reason, a short phrase, and not measured.

    Where a part is known to be missing from its file, that is what is wrong, and the weight is a layer that fails.
    """
    parts = tuple(parts)
    every = frozenset((*(part.name for part in parts), *names))
    lost = next((part.load for part in parts if part.skip is None and isinstance(part.load, Unreadable)), None)
    if lost is not None:
        return Group(Record(name, (), "unknown", lost), every)
    record = Record(name, (), "packed", Unreadable(f"{quote(name)} is not read: {reason}."), reason)
    return Group(record, every)
