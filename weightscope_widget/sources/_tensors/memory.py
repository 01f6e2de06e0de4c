"""Tensors in memory: how to load them, which share a storage, and the source they make."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import torch
from torch.nn.parameter import is_lazy

from weightscope_widget.errors import MetaDeviceError, TensorReadError
from weightscope_widget.layers.layer import Source
from weightscope_widget.sources._tensors.files import quote
from weightscope_widget.sources._tensors.loaders import Versions
from weightscope_widget.sources._tensors.records import Record, assemble, why_skipped

__all__ = ["InMemory", "memory_source", "tensor_record"]


@dataclass(frozen=True, eq=False)
class InMemory:
    """A tensor of a model or state dict, by reference: a model moved to another device later is still followed."""

    name: str
    tensor: torch.Tensor
    index: int | None = None

    def __call__(self) -> torch.Tensor:
        """See `Loader`."""
        if self.tensor.device.type == "meta":
            raise TensorReadError(
                f"{quote(self.name)} is on the meta device and has no values; load the model without offloading, "
                "or give the folder of its checkpoint."
            )
        gather = getattr(self.tensor, "full_tensor", None)
        whole = self.tensor.detach() if gather is None else gather().detach()
        return whole if self.index is None else whole[self.index]

    @property
    def collective(self) -> bool:
        """Whether all processes have to load together: the tensor is a DTensor, of which each holds a shard."""
        return hasattr(self.tensor, "full_tensor")

    def identity(self, versions: Versions) -> None:
        """Return None: a model in memory can change at any time."""

    def member(self, index: int) -> InMemory:
        """See `Loader`."""
        return replace(self, index=index)


def tensor_record(name: str, tensor: torch.Tensor, *, transposed: bool = False, stack: bool = False) -> Record:
    """Return the record of a tensor in memory."""
    load = InMemory(name, tensor)
    if is_lazy(tensor):
        return Record(name, (), "uninitialized", load, "not initialized: run the model once, then scan it")
    shape, dtype = tuple(tensor.shape), str(tensor.dtype).removeprefix("torch.")
    if hasattr(tensor, "local_shards"):
        return Record(name, shape, dtype, load, "a ShardedTensor, of which this process has a part; gather it first")
    if tensor.is_nested or tensor.layout != torch.strided:
        layout = str(tensor.layout).removeprefix("torch.")
        return Record(name, shape, dtype, load, f"not a dense tensor (layout {layout})")
    return Record(name, shape, dtype, load, why_skipped(shape, dtype), _storage_identity(tensor), transposed, stack)


def _storage_identity(tensor: torch.Tensor) -> Hashable:
    """Return a key that two tensors share exactly when they are the same values in the same place.

    Shape and strides are part of it: a flat or transposed view is another matrix. Tensors on the meta device have no
    place and give None; where a subclass hides its storage, only the very same object counts.
    """
    if tensor.device.type == "meta":
        return None
    try:
        address = tensor.untyped_storage().data_ptr()
    except (RuntimeError, NotImplementedError):
        address = 0
    if address == 0:
        return ("object", id(tensor))
    return (tensor.device, address, tensor.storage_offset(), tuple(tensor.shape), tensor.stride(), tensor.dtype)


def memory_source(name: str, records: Sequence[Record]) -> Source:
    """Return the source of these records; raise `MetaDeviceError` where all that could be analyzed has no values."""
    usable = [record.load for record in records if record.skip is None]
    if usable and all(isinstance(load, InMemory) and load.tensor.device.type == "meta" for load in usable):
        raise MetaDeviceError(
            f"{name} is on the meta device and has shapes but no weights; load it with its weights, or give the folder "
            "of its checkpoint."
        )
    return assemble(name, records)
