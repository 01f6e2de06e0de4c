"""Integers of 2 to 8 bits as compressed-tensors packs them (``pack-quantized``).

``weight_packed`` int32 (out, ⌈in·bits/32⌉): codes along the inputs, each the integer plus 2^(bits − 1);
``weight_scale`` (out, groups), (out, 1) or one; ``weight_zero_point``, where there is one, int32 (⌈out·bits/32⌉,
groups), packed in the same way along the outputs; ``weight_g_idx``, the group of each input, where they are not in
order; ``weight_shape``. W = (q − zero) · scale.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from weightscope_widget.errors import TensorReadError
from weightscope_widget.sources._tensors.record import Record
from weightscope_widget.sources.packed.bits import codes
from weightscope_widget.sources.packed.gptq import groups_of
from weightscope_widget.sources.packed.group import Checkpoint, Group, readable, refused
from weightscope_widget.sources.packed.scales import CHUNK, as_scales, block_size

__all__ = ["find"]

_WORD = 32
_BITS = (4, 8, 2, 3, 5, 6, 7)
_PARTS = ("weight_scale", "weight_zero_point", "weight_g_idx")
_KIND = "packed (compressed-tensors)"


@dataclass(frozen=True)
class PackedInts:
    """W = (q − zero) · scale, for codes of so many bits and groups of so many inputs."""

    bits: int
    group: int

    def __call__(self, parts: Mapping[str, torch.Tensor], shape: tuple[int, ...]) -> torch.Tensor:
        """Return the weight, (out, in)."""
        rows, columns = shape
        words, scales = parts["weight_packed"], as_scales(parts["weight_scale"])
        scales = scales.reshape(-1, scales.shape[-1] if scales.ndim == 2 else 1).expand(rows, -1)
        half = 1 << (self.bits - 1)
        zeros = codes(parts["weight_zero_point"].T, self.bits, rows).T - half if "weight_zero_point" in parts else None
        index = parts.get("weight_g_idx")
        if index is not None and bool((index == -1).any()):  # not set: the groups are in order
            index = None
        groups = groups_of(index, columns, self.group, scales.shape[1]).to(words.device)
        result = torch.empty(shape, device=words.device)
        step = max(1, CHUNK // columns)
        for first in range(0, rows, step):
            part = slice(first, first + step)
            values = codes(words[part], self.bits, columns) - half
            if zeros is not None:
                values -= zeros[part][:, groups]
            result[part] = values * scales[part][:, groups]
        return result


def find(anchor: Record, checkpoint: Checkpoint) -> Group | None:
    """Return the group of an int32 ``weight_packed``."""
    prefix = anchor.name.removesuffix("weight_packed")
    if prefix == anchor.name or anchor.dtype != "int32":
        return None
    name, parts = f"{prefix}weight", {"weight_packed": anchor, **checkpoint.parts(prefix, _PARTS)}
    noted = checkpoint.parts(prefix, ("weight_shape",))
    if not noted or "weight_scale" not in parts:
        lacks = "weight_scale" if noted else "weight_shape"
        return refused(name, f"{_KIND}, without its {lacks}", (*parts.values(), *noted.values()))
    try:
        shape = _shape(checkpoint.notes[noted["weight_shape"].name])
        rule = _rule(shape, parts, checkpoint.config.group)
    except (ValueError, TensorReadError) as error:
        return refused(name, f"{_KIND}: {error}", (*parts.values(), *noted.values()))
    return readable(name, f"int{rule.bits} (compressed-tensors)", shape, parts, rule, besides=noted)


def _shape(note: torch.Tensor | TensorReadError) -> tuple[int, ...]:
    if isinstance(note, TensorReadError):
        raise note
    if note.is_floating_point() or note.is_complex():
        raise ValueError("its weight_shape holds no counts")
    return tuple(int(size) for size in note.flatten().tolist())


def _rule(shape: tuple[int, ...], parts: Mapping[str, Record], group: int | None) -> PackedInts:
    packed, scale = parts["weight_packed"].shape, parts["weight_scale"]
    if len(shape) != 2 or len(packed) != 2:
        raise ValueError(f"of {len(packed)} axes, where only matrices are read")
    rows, columns = shape
    fitting = (bits for bits in _BITS if columns > 0 and packed == (rows, -(-columns * bits // _WORD)))
    bits = next(fitting, None)
    if bits is None:
        raise ValueError(f"its weight_shape is {shape}, which {packed} words cannot be")
    count = scale.shape[1] if len(scale.shape) == 2 else 1
    spread = block_size(columns, count, group)
    if math.prod(scale.shape) not in (1, rows * count) or spread is None or not _is_float(scale.dtype):
        raise ValueError(f"weight_scale {scale.shape} of {scale.dtype} does not fit the shape {shape}")
    zero, index = parts.get("weight_zero_point"), parts.get("weight_g_idx")
    if zero is not None and (zero.shape != (-(-rows * bits // _WORD), count) or zero.dtype != "int32"):
        raise ValueError(f"weight_zero_point {zero.shape} of {zero.dtype} does not fit the shape {shape}")
    if index is not None and (index.shape != (columns,) or not index.dtype.startswith("int")):
        raise ValueError(f"weight_g_idx {index.shape} of {index.dtype} does not fit the shape {shape}")
    return PackedInts(bits, spread)


def _is_float(dtype: str) -> bool:
    return dtype in ("float16", "bfloat16", "float32", "float64")
