"""Weights of 8 bits per entry with scales beside them: float8, and int8 as compressed-tensors saves it.

Layouts: DeepSeek-V3's ``weight_scale_inv`` (128 × 128 blocks, multiplied in spite of its name), ``weight_scale`` of
compressed-tensors, ModelOpt and FBGEMM, ``scale_weight`` of ComfyUI.
"""

from __future__ import annotations

import math

from weightscope_widget.sources._tensors.records import Record
from weightscope_widget.sources.packed.arithmetic import Blocks, Scaled, block_size
from weightscope_widget.sources.packed.group import Checkpoint, Group, readable, refused

__all__ = ["find"]

_SUFFIXES = ("_scale_inv", "_scale")
_BESIDE = ("scale_weight", "scale")
_SCALE_TYPES = ("float32", "float16", "bfloat16", "float64", "float8_e8m0fnu", "float8_e4m3fn", "uint8")


def find(anchor: Record, checkpoint: Checkpoint) -> Group | None:
    """Return the group of a float8 or int8 tensor that has scales; without scales it stays a tensor of its own."""
    scale = _scale_of(anchor, checkpoint) if _is_eight_bit(anchor.dtype) else None
    if scale is None:
        return None
    parts = {"weight": anchor, "scale": scale}
    besides = checkpoint.named(anchor.name, {"zero": "_zero_point"})
    if anchor.dtype == "int8":
        parts |= besides
    rule = _rule(anchor.shape, scale.shape, checkpoint)
    if rule is None or scale.dtype not in _SCALE_TYPES or (anchor.dtype == "int8" and scale.dtype == "uint8"):
        return refused(
            anchor.name,
            f"packed ({anchor.dtype}): weight {anchor.shape} and scales {scale.shape} of {scale.dtype} do not fit "
            "together",
            parts.values(),
        )
    if "zero" in parts and math.prod(parts["zero"].shape) != math.prod(scale.shape):
        return refused(anchor.name, "packed (int8): as many zero points as scales are needed", parts.values())
    each = [key for key, part in parts.items() if math.prod(part.shape) > 1 and part.shape[0] == anchor.shape[0]]
    dtype = "int8 (compressed-tensors)" if anchor.dtype == "int8" else anchor.dtype
    return readable(anchor.name, dtype, anchor.shape, parts, rule, stacked=["weight", *each], besides=besides)


def _is_eight_bit(dtype: str) -> bool:
    return dtype == "int8" or (dtype.startswith("float8_") and dtype != "float8_e8m0fnu")


def _scale_of(anchor: Record, checkpoint: Checkpoint) -> Record | None:
    module, _, leaf = anchor.name.rpartition(".")
    names = [anchor.name + suffix for suffix in (_SUFFIXES if anchor.dtype != "int8" else _SUFFIXES[1:])]
    if leaf == "weight" and anchor.dtype != "int8":
        names += [f"{module}.{name}".lstrip(".") for name in _BESIDE]
    return next((checkpoint.records[name] for name in names if name in checkpoint.records), None)


def _rule(shape: tuple[int, ...], scales: tuple[int, ...], checkpoint: Checkpoint) -> Scaled | None:
    """Return how scales of one shape apply to a weight of another; None where they do not fit."""
    if not shape or 0 in shape:
        return None
    if math.prod(scales) == 1:
        matrix = (shape[1], shape[2]) if len(shape) == 3 else (shape[0], math.prod(shape[1:]))
        return Scaled(matrix, (1, 1), Blocks(*matrix))
    if len(shape) == 3 and scales and scales[0] == shape[0]:
        shape, scales = shape[1:], scales[1:]
    if len(shape) != 2 or len(scales) > 2:
        return None
    rows, columns = (*scales, 1, 1)[:2]
    told = checkpoint.config.block
    height, width = block_size(shape[0], rows, told[0]), block_size(shape[1], columns, told[1])
    if height is None or width is None:
        return None
    return Scaled((shape[0], shape[1]), (rows, columns), Blocks(height, width))
