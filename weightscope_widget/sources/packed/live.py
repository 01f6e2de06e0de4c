"""Tensors of a module's quantized weights that are not parameters, as the records that a file would have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from weightscope_widget.sources._tensors.memory import tensor_record
from weightscope_widget.sources._tensors.records import Record

__all__ = ["beside", "settings"]

_BUFFERS = frozenset(
    (
        *("qweight", "qzeros", "scales", "g_idx", "SCB", "weight_format"),
        *("weight", "weight_packed", "weight_shape", "weight_scale", "weight_scale_inv", "weight_zero_point"),
        *("weight_g_idx", "weight_scale_2", "weight_global_scale", "scale_weight"),
    )
)
"""Last parts of the names under which modules keep quantized weights as buffers."""

_QUANTIZED = ("torch.int", "torch.uint", "torch.float8")


def beside(model: nn.Module) -> list[Record]:
    """Return the tensors that quantized weights depend on but that are not parameters.

    These are the buffers of modules that keep their codes as buffers, and what bitsandbytes' parameters carry as
    attributes. That library is recognized by these and never imported.
    """
    found = {record.name: record for record in _buffers(model)}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        for record in _carried(name, parameter, model):
            found.setdefault(record.name, record)
    return list(found.values())


def settings(model: nn.Module) -> dict[str, Any]:
    """Return the ``quantization_config`` of a transformers model; empty where there is none."""
    found = getattr(getattr(model, "config", None), "quantization_config", None)
    if not isinstance(found, Mapping):
        to_dict = getattr(found, "to_dict", None)
        found = to_dict() if callable(to_dict) else None
    return dict(found) if isinstance(found, Mapping) else {}


def _buffers(model: nn.Module) -> Iterator[Record]:
    for path, module in model.named_modules(remove_duplicate=False):
        own = {name: buffer for name, buffer in module.named_buffers(recurse=False) if name in _BUFFERS}
        tensors = (*own.values(), *(parameter for _, parameter in module.named_parameters(recurse=False)))
        if any(str(tensor.dtype).startswith(_QUANTIZED) for tensor in tensors):
            prefix = f"{path}." if path else ""
            yield from (tensor_record(prefix + name, buffer) for name, buffer in own.items())


def _carried(name: str, parameter: torch.Tensor, model: nn.Module) -> Iterator[Record]:
    state: Any = getattr(parameter, "quant_state", None)
    if callable(getattr(state, "as_dict", None)):
        carried = state.as_dict(packed=True)
        # Once it has run on a CPU its codes may be in another order; without its state it is listed as packed.
        usable = ("absmax",) if getattr(state, "packing_format_for_cpu", False) else tuple(carried)
        for key in usable:
            if isinstance(carried[key], torch.Tensor):
                yield tensor_record(f"{name}.{key}", carried[key])
    if parameter.dtype == torch.int8 and name.endswith("weight"):
        module = name.removesuffix("weight")
        scales = getattr(parameter, "SCB", None)
        if scales is None:  # after the first run the layer has them
            scales = getattr(getattr(model.get_submodule(module.rstrip(".")), "state", None), "SCB", None)
        if isinstance(scales, torch.Tensor):
            yield tensor_record(f"{module}SCB", scales)
