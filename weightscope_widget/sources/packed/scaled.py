"""Weights of 8 bits an entry with scales beside them: float8, and int8 as compressed-tensors and bitsandbytes keep it.

Layouts: DeepSeek-V3's ``weight_scale_inv`` (128 × 128 blocks, multiplied in spite of its name), ``weight_scale`` of
compressed-tensors, ModelOpt and FBGEMM, ``scale_weight`` of ComfyUI, ``SCB`` of LLM.int8() (Dettmers et al. 2022).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from weightscope_widget.sources._tensors.record import Record
from weightscope_widget.sources.packed.group import Checkpoint, Group, readable, refused
from weightscope_widget.sources.packed.scales import Blocks, Scaled, block_size

__all__ = ["find", "find_bitsandbytes"]

_SUFFIXES = ("_scale_inv", "_scale")
_BESIDE = ("scale_weight", "scale")
_SCALE_TYPES = ("float32", "float16", "bfloat16", "float64", "float8_e8m0fnu", "float8_e4m3fn", "uint8")


def find(anchor: Record, checkpoint: Checkpoint) -> Group | None:
    """Return the group of a float8 or int8 tensor that has scales; one without any is left as it is."""
    scale = _scale_of(anchor, checkpoint) if _is_eight_bit(anchor.dtype) else None
    if scale is None:
        return None
    parts = {"weight": anchor, "scale": scale}
    zero = checkpoint.records.get(f"{anchor.name}_zero_point")
    if anchor.dtype == "int8" and zero is not None:
        parts["zero"] = zero
    rule = _rule(anchor.shape, scale.shape, checkpoint)
    if rule is None or scale.dtype not in _SCALE_TYPES or (anchor.dtype == "int8" and scale.dtype == "uint8"):
        return refused(
            anchor.name,
            f"packed ({anchor.dtype}): weight {anchor.shape} and scales {scale.shape} of {scale.dtype} do not fit "
            "together",
            parts.values(),
        )
    if "zero" in parts and (math.prod(zero.shape) != math.prod(scale.shape) if zero is not None else False):
        return refused(anchor.name, "packed (int8): as many zero points as scales are needed", parts.values())
    each = [key for key, part in parts.items() if math.prod(part.shape) > 1 and part.shape[0] == anchor.shape[0]]
    dtype = "int8 (compressed-tensors)" if anchor.dtype == "int8" else anchor.dtype
    besides = {} if zero is None else {"zero": zero}
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
    """Return how scales of one shape apply to a weight of another; None if they cannot."""
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


# -- LLM.int8() --------------------------------------------------------------------------------------------------------

_LARGEST = 127


@dataclass(frozen=True)
class _RowWise:
    """W = q · SCB / 127, for weights in plain order only."""

    scaled: Scaled

    def __call__(self, parts: Mapping[str, torch.Tensor], shape: tuple[int, ...]) -> torch.Tensor:
        if "order" in parts and parts["order"].flatten().any():
            raise ValueError("its entries are in the order of a GPU's tiles")
        return self.scaled(parts, shape)


def find_bitsandbytes(anchor: Record, checkpoint: Checkpoint) -> Group | None:
    """Return the group of an int8 ``weight`` with ``SCB``, one float per row: the largest absolute value there."""
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
