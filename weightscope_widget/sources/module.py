"""A ``torch.nn.Module``: its parameters, read in place."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

import torch
from torch import nn
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear

from weightscope_widget.errors import UnsupportedModelError
from weightscope_widget.layers.layer import Source
from weightscope_widget.sources._tensors.memory import memory_source, tensor_record
from weightscope_widget.sources._tensors.records import Record, is_conv1d, is_expert_stack
from weightscope_widget.sources.packed import unpacked
from weightscope_widget.sources.packed.live import beside, settings

__all__ = ["open_module"]


def open_module(model: nn.Module) -> Source:
    """Open a module; its parameters are layers in its own order, its buffers (running means) are not.

    DTensors (FSDP2, tensor parallelism) are gathered one at a time, which is a collective operation: every process
    scans the module and gets the same results.
    """
    if any(type(each).__name__ == "FullyShardedDataParallel" for each in model.modules()):
        raise UnsupportedModelError(
            "This module is wrapped in FullyShardedDataParallel, which flattens its parameters; give the state dict "
            "that torch.distributed.checkpoint.state_dict.get_model_state_dict(model, "
            "options=StateDictOptions(full_state_dict=True, cpu_offload=True)) returns."
        )
    # Duplicates are kept: they are the other names of tied weights.
    owners = dict(model.named_modules(remove_duplicate=False))
    records = [
        _record(name, parameter, owners.get(name.rpartition(".")[0], model))
        for name, parameter in model.named_parameters(remove_duplicate=False)
    ]
    parameters = {record.name for record in records}
    quantized = [record for record in beside(model) if record.name not in parameters]
    if quantized or any(record.skip or record.dtype.startswith("float8") for record in records):
        both = unpacked([*records, *quantized], partial(settings, model))
        # The rest are ordinary buffers.
        loose = {id(record) for record in quantized}
        records = [record for record in both if id(record) not in loose]
    return memory_source(_name(model), records)


def _record(name: str, parameter: torch.Tensor, owner: nn.Module) -> Record:
    stack = not isinstance(owner, nn.modules.conv._ConvNd) and is_expert_stack(name, _shape(parameter))
    record = tensor_record(name, parameter, transposed=_is_transposed(name, parameter, owner, stack), stack=stack)
    return replace(record, linear=_is_linear(name, owner))


def _is_linear(name: str, owner: nn.Module) -> bool:
    # torch's attention reads the weight of its output layer but never calls the layer: an adapter there does nothing.
    linear = isinstance(owner, nn.Linear) and not isinstance(owner, NonDynamicallyQuantizableLinear)
    return (linear or is_conv1d(owner)) and name.rpartition(".")[2] == "weight"


def _is_transposed(name: str, parameter: torch.Tensor, owner: nn.Module, stack: bool) -> bool:
    if stack:  # transformers marks the modules whose experts are stored (in, out)
        return getattr(owner, "is_transposed", False) is True
    return is_conv1d(owner) and name.rpartition(".")[2] == "weight" and len(_shape(parameter)) == 2


def _shape(parameter: torch.Tensor) -> tuple[int, ...]:
    return () if nn.parameter.is_lazy(parameter) else tuple(parameter.shape)


def _name(model: nn.Module) -> str:
    """Return the last part of the path that the model was loaded from, else its class."""
    origin = getattr(getattr(model, "config", None), "_name_or_path", None)
    last = re.split(r"[/\\]", origin.rstrip("/\\"))[-1] if isinstance(origin, str) else ""
    return type(model).__name__ if last in ("", ".", "..") else last
