"""What the inputs in memory share: records of tensors, recognised by their storage."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import torch
from torch.nn.parameter import is_lazy

from weightscope_widget.errors import MetaDeviceError
from weightscope_widget.layers.layer import Source
from weightscope_widget.sources._tensors.assemble import assemble
from weightscope_widget.sources._tensors.loaders import InMemory
from weightscope_widget.sources._tensors.record import Record, why_skipped

__all__ = ["memory_source", "storage_identity", "tensor_record"]


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
    return Record(name, shape, dtype, load, why_skipped(shape, dtype), storage_identity(tensor), transposed, stack)


def storage_identity(tensor: torch.Tensor) -> Hashable:
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
    """Return the source of these records, or say that a model has nothing but shapes.

    Raises
    ------
    MetaDeviceError
        Every tensor that could be analyzed is on the meta device.
    NoWeightsError
        No tensor can be analyzed.
    """
    usable = [record.load for record in records if record.skip is None]
    if usable and all(isinstance(load, InMemory) and load.tensor.device.type == "meta" for load in usable):
        raise MetaDeviceError(
            f"{name} is on the meta device, with shapes but no weights; load it with its weights, "
            "or give the folder of its checkpoint instead."
        )
    return assemble(name, records)
