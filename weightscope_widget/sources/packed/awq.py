"""AWQ's GEMM layout (Lin et al. 2024), as AutoAWQ saves it: 4-bit codes packed along the outputs, interleaved.

``qweight`` int32 (in, out/8), ``qzeros`` int32 (groups, out/8), ``scales`` (groups, out). From the lowest, the eight
codes of a word belong to its outputs 0 2 4 6 1 3 5 7. W = (q − zero) · scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from weightscope_widget.sources._tensors.record import Record
from weightscope_widget.sources.packed.group import Checkpoint, Group, readable
from weightscope_widget.sources.packed.scales import CHUNK, as_scales

__all__ = ["find"]

_PARTS = ("qweight", "qzeros", "scales")
_PER_WORD = 8
_SHIFTS = (0, 16, 4, 20, 8, 24, 12, 28)
"""How far up the code of each of a word's outputs lies."""


@dataclass(frozen=True)
class Awq:
    """W = (q − zero) · scale, for groups of so many inputs."""

    group: int

    def __call__(self, parts: Mapping[str, torch.Tensor], shape: tuple[int, ...]) -> torch.Tensor:
        """Return the weight, (out, in)."""
        words, zeros, scales = parts["qweight"], _codes(parts["qzeros"]), as_scales(parts["scales"])
        result = torch.empty(shape, device=words.device)
        step = max(1, CHUNK // shape[0])
        for first in range(0, len(words), step):
            piece = words[first : first + step]
            which = torch.arange(first, first + len(piece), device=words.device) // self.group
            result[:, first : first + len(piece)] = ((_codes(piece) - zeros[which]) * scales[which]).T
        return result


def _codes(words: torch.Tensor) -> torch.Tensor:
    shifts = torch.tensor(_SHIFTS, dtype=torch.int32, device=words.device)
    return ((words.unsqueeze(-1) >> shifts) & 15).flatten(1)


def find(anchor: Record, checkpoint: Checkpoint) -> Group | None:
    """Return the group of a ``qweight`` that is laid out so."""
    prefix = anchor.name.removesuffix("qweight")
    if prefix == anchor.name or anchor.dtype != "int32":
        return None
    parts = checkpoint.parts(prefix, _PARTS)
    if len(parts) < len(_PARTS) or any(len(part.shape) != 2 for part in parts.values()):
        return None
    (columns, words), zeros, scales = (parts[key].shape for key in _PARTS)
    groups = zeros[0]
    typed = parts["qzeros"].dtype == "int32" and parts["scales"].dtype in ("float16", "bfloat16", "float32")
    fits = zeros == (groups, words) and scales == (groups, words * _PER_WORD)
    if not (typed and fits and groups and columns % groups == 0):
        return None
    shape = (words * _PER_WORD, columns)
    return readable(f"{prefix}weight", "int4 (AWQ)", shape, parts, Awq(columns // groups))
