"""Weights in blocks of 4-bit floats (E2M1), two in a byte, the first in the low half: MXFP4 and NVFP4.

MXFP4 (OCP Microscaling 1.0): blocks of 32, whose scale is a power of two in one byte (E8M0); gpt-oss keeps them as
``…_blocks`` and ``…_scales``. NVFP4: blocks of 16 with a float8 scale, times one float32 for the whole matrix, by
which ModelOpt multiplies (``weight_scale_2``) and compressed-tensors divides (``weight_global_scale``).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from weightscope_widget.sources._tensors.records import Record
from weightscope_widget.sources.packed.arithmetic import CHUNK, Blocks, as_scales
from weightscope_widget.sources.packed.group import Checkpoint, Group, readable, refused, shapes

__all__ = ["find_blocks", "find_packed"]

_VALUES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
_MX = 32
_NV = 16
_EXPONENTS = ("uint8", "float8_e8m0fnu")
_BLOCKS = re.compile(r"(?P<name>.+)(?P<joint>[._])blocks")
_MOST_EXPERTS = 4096


@dataclass(frozen=True)
class Float4:
    """Value of each half byte, times the scale of its block, times or divided by one number for the matrix."""

    block: int

    def __call__(self, parts: Mapping[str, torch.Tensor], shape: tuple[int, ...]) -> torch.Tensor:
        """Return the weight from ``weight`` and ``scale``, and ``factor`` or ``divisor`` where there is one."""
        width = shape[-1]
        packed = parts["weight"].view(torch.uint8).reshape(-1, width // 2)
        scales = as_scales(parts["scale"]).reshape(len(packed), -1)
        if "factor" in parts:
            scales = _per_matrix(scales, parts["factor"], shape)
        if "divisor" in parts:
            scales = _per_matrix(scales, as_scales(parts["divisor"]).reciprocal(), shape)
        values = torch.tensor(_VALUES, device=packed.device)
        values = torch.cat([values, -values])
        result = torch.empty(len(packed), width, device=packed.device)
        blocks = Blocks(1, self.block)
        step = max(1, CHUNK // width)
        for first in range(0, len(packed), step):
            piece, rows = packed[first : first + step], result[first : first + step]
            rows[:, 0::2] = values[(piece & 15).int()]
            rows[:, 1::2] = values[(piece >> 4).int()]
            rows *= blocks.spread(scales, first, first + len(rows), width)
        return result.reshape(shape)


def _per_matrix(scales: torch.Tensor, numbers: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """Return scales, (rows of all matrices, blocks), each times the number of its matrix."""
    factors = as_scales(numbers).flatten()
    return scales * factors.repeat_interleave(len(scales) // len(factors))[:, None]


def find_blocks(anchor: Record, checkpoint: Checkpoint) -> Group | None:
    """Return the group of gpt-oss's ``X_blocks`` (…, rows, blocks, 16), uint8, with ``X_scales`` (…, rows, blocks)."""
    match = _BLOCKS.fullmatch(anchor.name)
    if match is None or anchor.dtype != "uint8":
        return None
    name = match["name"]
    scale = checkpoint.records.get(f"{name}{match['joint']}scales")
    if scale is None:
        return refused(name, "packed (MXFP4), without its scales", [anchor])
    *before, groups, half = anchor.shape if len(anchor.shape) > 1 else (0, 0)
    fits = len(before) in (1, 2) and half == _MX // 2 and scale.shape == anchor.shape[:-1]
    if not fits or scale.dtype not in _EXPONENTS or (len(before) == 2 and before[0] > _MOST_EXPERTS):
        reason = f"packed (MXFP4): blocks {anchor.shape} and scales {scale.shape} do not fit together"
        return refused(name, reason, [anchor, scale])
    shape = (*before, groups * _MX)
    parts = {"weight": anchor, "scale": scale}
    return _marked(readable(name, "mxfp4", shape, parts, Float4(_MX), stacked=parts))


def find_packed(anchor: Record, checkpoint: Checkpoint) -> Group | None:
    """Return the group of ``weight`` or ``weight_packed`` (…, out, in/2), uint8, with ``weight_scale`` per block."""
    module, _, leaf = anchor.name.rpartition(".")
    prefix = f"{module}." if module else ""
    scale = checkpoint.records.get(f"{prefix}weight_scale")
    if anchor.dtype != "uint8" or leaf not in ("weight", "weight_packed") or scale is None:
        return None
    whole = checkpoint.named(prefix, {"factor": "weight_scale_2", "divisor": "weight_global_scale"})
    parts = {"weight": anchor, "scale": scale, **whole}
    name = f"{prefix}weight"
    if scale.dtype in _EXPONENTS and not whole:
        dtype, block = "mxfp4", _MX
    elif scale.dtype == "float8_e4m3fn" and len(whole) == 1:
        dtype, block = "nvfp4", _NV
    else:
        how = f"uint8 with {scale.dtype} scales{' and ' + ', '.join(whole) if whole else ''}"
        return refused(name, f"packed in an unknown layout ({how})", parts.values())
    shape = (*anchor.shape[:-1], 2 * anchor.shape[-1]) if anchor.shape else ()
    experts = shape[0] if len(shape) == 3 else 1
    fits = len(shape) in (2, 3) and scale.shape == (*shape[:-1], shape[-1] // block) and shape[-1] % block == 0
    if not fits or experts > _MOST_EXPERTS or any(math.prod(part.shape) not in (1, experts) for part in whole.values()):
        return refused(name, f"packed ({dtype.upper()}): {shapes(parts)} do not fit together", parts.values())
    each = [key for key, part in parts.items() if len(part.shape) > 0 and part.shape[0] == experts]
    return _marked(readable(name, dtype, shape, parts, Float4(block), stacked=each))


def _marked(group: Group) -> Group:
    """Return the group; with three axes it is a stack of experts."""
    return replace(group, record=replace(group.record, stack=len(group.record.shape) == 3))
