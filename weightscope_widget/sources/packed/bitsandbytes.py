"""Weights of bitsandbytes: NF4, FP4 and LLM.int8().

4-bit (Dettmers et al. 2023): two codes in a byte, the first in the high half.  ``weight`` holds the bytes;
``weight.quant_map`` the 16 values; ``weight.absmax`` the scale of each block of the flattened weight, as float32, or as
codes of ``weight.nested_quant_map`` times ``weight.nested_absmax`` plus an offset;
``weight.quant_state.bitsandbytes__nf4`` the rest as JSON, shape included.

8-bit (Dettmers et al. 2022): ``weight`` int8 and ``SCB``, the largest magnitude of each row.  W = q · SCB / 127.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

import torch

from weightscope_widget.errors import TensorReadError
from weightscope_widget.sources._tensors.records import Record
from weightscope_widget.sources.packed.arithmetic import CHUNK, Blocks, Scaled, as_scales
from weightscope_widget.sources.packed.group import Checkpoint, Group, readable, refused, shapes

__all__ = ["find_4bit", "find_8bit"]

_STATE = "quant_state.bitsandbytes__"
_KINDS = ("nf4", "fp4")
_PARTS = ("absmax", "quant_map", "nested_absmax", "nested_quant_map")
_VALUES = 16
_NESTED_VALUES = 256
_MOST_AXES = 8


@dataclass(frozen=True)
class FourBit:
    """W = value of the code · absmax of its block.

    `block` entries of the flattened weight share an absmax.  Where absmax are codes, `nested_block` of them share a
    scale, and `offset` is added to each.
    """

    block: int
    nested_block: int = 1
    offset: float = 0.0

    def __call__(self, parts: Mapping[str, torch.Tensor], shape: tuple[int, ...]) -> torch.Tensor:
        """Return the weight."""
        packed = parts["weight"].contiguous().view(torch.uint8).flatten()
        values, scales = as_scales(parts["quant_map"]).flatten(), self._scales(parts)
        count = math.prod(shape)
        result = torch.empty(2 * len(packed), device=packed.device)
        for first in range(0, len(packed), CHUNK):
            piece = packed[first : first + CHUNK]
            entries = result[2 * first : 2 * (first + len(piece))]
            entries[0::2] = values[(piece >> 4).int()]
            entries[1::2] = values[(piece & 15).int()]
            # The half byte left over where the count is odd belongs to no block.
            which = torch.arange(2 * first, 2 * first + len(entries), device=packed.device).clamp(max=count - 1)
            entries *= scales[which // self.block]
        return result[:count].reshape(shape)

    def _scales(self, parts: Mapping[str, torch.Tensor]) -> torch.Tensor:
        stored = parts["absmax"].flatten()
        if "nested_absmax" not in parts:
            return as_scales(stored)
        values, scales = as_scales(parts["nested_quant_map"]).flatten(), as_scales(parts["nested_absmax"]).flatten()
        which = torch.arange(len(stored), device=stored.device) // self.nested_block
        return values[stored.int()] * scales[which] + self.offset


def find_4bit(anchor: Record, checkpoint: Checkpoint) -> Group | None:
    """Return the group of a tensor with bitsandbytes' ``quant_state`` or ``absmax`` beside it."""
    names = (*(_STATE + kind for kind in _KINDS), *_PARTS)
    found = checkpoint.parts(f"{anchor.name}.", names)
    states = [key for key in found if key.startswith(_STATE)]
    if not states and "absmax" not in found:
        return None
    everything = (anchor, *found.values())
    missing = next((key for key in _PARTS[:2] if key not in found), None)
    if not states or missing:
        lacks = f"its {missing}" if states else "the quant_state that tells its shape"
        return refused(anchor.name, f"packed (bitsandbytes), without {lacks}", everything)
    kind = states[0].removeprefix(_STATE)
    parts = {"weight": anchor, **{key: found[key] for key in _PARTS if key in found}}
    try:
        shape, rule = _described(_content(checkpoint.note(found[states[0]])), parts)
    except (ValueError, TensorReadError) as error:
        return refused(anchor.name, f"packed (bitsandbytes {kind}): {error}", everything)
    besides = {state: found[state] for state in states}
    return readable(anchor.name, f"{kind} (bitsandbytes)", shape, parts, rule, besides=besides)


def _content(note: torch.Tensor) -> dict[str, Any]:
    if note.dtype != torch.uint8:
        raise ValueError("its quant_state is not text")
    try:
        content = json.loads(bytes(note.flatten().tolist()))
    except (ValueError, RecursionError) as error:
        raise ValueError("its quant_state is not valid JSON") from error
    if not isinstance(content, dict):
        raise ValueError("its quant_state is not a JSON object")
    return content


def _described(content: Mapping[str, Any], parts: Mapping[str, Record]) -> tuple[tuple[int, ...], FourBit]:
    """Return the weight's shape and rule, after checking the size of every part."""
    shape = content.get("shape")
    if not isinstance(shape, list) or not 0 < len(shape) <= _MOST_AXES or not all(map(_is_count, shape)):
        raise ValueError("its quant_state tells no shape")
    count, block, held = math.prod(shape), _counted(content, "blocksize"), _bytes(parts["weight"])
    if held != -(-count // 2):
        raise ValueError(f"{held} bytes cannot be the shape {tuple(shape)} that its quant_state tells")
    scales, entries = -(-count // block), {key: math.prod(part.shape) for key, part in parts.items()}
    if entries["absmax"] != scales or entries["quant_map"] != _VALUES:
        raise ValueError(f"{scales} absmax and {_VALUES} values are needed, not those of {shapes(parts)}")
    floats = [key for key, part in parts.items() if part.dtype.startswith(("float", "bfloat"))]
    if "nested_absmax" not in parts and "nested_quant_map" not in parts:
        if not {"absmax", "quant_map"} <= set(floats):
            raise ValueError("its absmax are codes, without the nested_absmax and nested_quant_map that they stand for")
        return tuple(shape), FourBit(block)
    nested, offset = _counted(content, "nested_blocksize"), content.get("nested_offset")
    if not isinstance(offset, float) or not math.isfinite(offset):
        raise ValueError("its quant_state tells no nested_offset")
    fits = entries.get("nested_quant_map") == _NESTED_VALUES and entries.get("nested_absmax") == -(-scales // nested)
    if not fits or parts["absmax"].dtype != "uint8" or not set(_PARTS[1:]) <= set(floats):
        raise ValueError(f"its nested absmax do not fit together: {shapes(parts)}")
    return tuple(shape), FourBit(block, nested, offset)


def _is_count(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 < value < 2**48


def _counted(content: Mapping[str, Any], key: str) -> int:
    value = content.get(key)
    if not _is_count(value):
        raise ValueError(f"its quant_state tells no {key}")
    return value


def _bytes(record: Record) -> int:
    dtype = getattr(torch, record.dtype, None)
    return math.prod(record.shape) * (dtype.itemsize if isinstance(dtype, torch.dtype) else 0)


# -- LLM.int8() --------------------------------------------------------------------------------------------------------

_LARGEST = 127


@dataclass(frozen=True)
class _RowWise:
    """W = q · SCB / 127, for weights in row-major order only."""

    scaled: Scaled

    def __call__(self, parts: Mapping[str, torch.Tensor], shape: tuple[int, ...]) -> torch.Tensor:
        if "order" in parts and parts["order"].flatten().any():
            raise ValueError("its entries are in the order of a GPU's tiles")
        return self.scaled(parts, shape)


def find_8bit(anchor: Record, checkpoint: Checkpoint) -> Group | None:
    """Return the group of an int8 ``weight`` with ``SCB``, one float per row."""
    module = anchor.name.removesuffix("weight")
    if anchor.dtype != "int8" or module == anchor.name:
        return None
    parts = {"weight": anchor, **checkpoint.named(module, {"scale": "SCB", "order": "weight_format"})}
    if "scale" not in parts:
        return None
    scale = parts["scale"]
    if len(anchor.shape) != 2 or math.prod(scale.shape) != anchor.shape[0] or not scale.dtype.startswith("float"):
        reason = f"packed (bitsandbytes int8): weight {anchor.shape} and SCB {scale.shape} do not fit together"
        return refused(anchor.name, reason, parts.values())
    rows, columns = anchor.shape
    rule = _RowWise(Scaled((rows, columns), (rows, 1), Blocks(1, columns), float(_LARGEST)))
    return readable(anchor.name, "int8 (bitsandbytes)", anchor.shape, parts, rule)
