"""GPTQ's layout (Frantar et al. 2023), as AutoGPTQ and GPTQModel save it: codes packed along the inputs.

``qweight`` int32 (in·bits/32, out), ``qzeros`` int32 (groups, out·bits/32), ``scales`` (groups, out), ``g_idx`` int32
(in,): the group of each input. W = (q − zero) · scale. Files of the first version store zero − 1, by a subtraction in
the whole word; ``gptq_v2`` stores zeros as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from weightscope_widget.sources._tensors.record import Record
from weightscope_widget.sources.packed.bits import codes
from weightscope_widget.sources.packed.group import Checkpoint, Group, readable
from weightscope_widget.sources.packed.scales import CHUNK, as_scales, block_size

__all__ = ["find", "groups_of"]

_WORD = 32
_BITS = (2, 3, 4, 8)
_PARTS = ("qweight", "qzeros", "scales", "g_idx")


@dataclass(frozen=True)
class Gptq:
    """W = (q − zero) · scale.

    Attributes
    ----------
    bits : int
        Of each code.
    group : int
        Inputs that share a scale where no ``g_idx`` says so.
    exact_zeros : bool
        Zeros are stored as they are, not one less.
    """

    bits: int
    group: int
    exact_zeros: bool

    def __call__(self, parts: Mapping[str, torch.Tensor], shape: tuple[int, ...]) -> torch.Tensor:
        """Return the weight, (out, in)."""
        words, scales = parts["qweight"], as_scales(parts["scales"]).T
        rows, columns = shape
        zeros = self._zeros(parts["qzeros"], rows).T
        groups = groups_of(parts.get("g_idx"), columns, self.group, scales.shape[1]).to(words.device)
        result = torch.empty(shape, device=words.device)
        # Whole turns of 32 codes, so that none is cut where the bits do not divide the word.
        step = self.bits * max(1, CHUNK // (_WORD * rows))
        for first in range(0, len(words), step):
            begin = first * _WORD // self.bits
            end = min(begin + step * _WORD // self.bits, columns)
            which = groups[begin:end]
            values = codes(words[first : first + step].T, self.bits, end - begin) - zeros[:, which]
            result[:, begin:end] = values * scales[:, which]
        return result

    def _zeros(self, words: torch.Tensor, count: int) -> torch.Tensor:
        if self.exact_zeros:
            return codes(words, self.bits, count)
        if _WORD % self.bits:
            return (codes(words, self.bits, count) + 1) & ((1 << self.bits) - 1)
        # One in every code, added to the word: a borrow of the subtraction is undone with it.
        ones = sum(1 << shift for shift in range(0, _WORD, self.bits))
        raised = (words.long() + ones) & (2**_WORD - 1)
        return codes((raised - ((raised >> (_WORD - 1)) << _WORD)).int(), self.bits, count)


def find(anchor: Record, checkpoint: Checkpoint) -> Group | None:
    """Return the group of a ``qweight`` that is laid out so; the bits show in the shape of ``qzeros``."""
    prefix = anchor.name.removesuffix("qweight")
    if prefix == anchor.name or anchor.dtype != "int32":
        return None
    parts = checkpoint.parts(prefix, _PARTS)
    if not {"qzeros", "scales"} <= parts.keys() or any(len(parts[key].shape) != 2 for key in _PARTS[:3]):
        return None
    (rows, out), (groups, width), (scale_rows, scale_columns) = (parts[key].shape for key in _PARTS[:3])
    bits = width * _WORD // out if out else 0
    if bits not in _BITS or -(-out * bits // _WORD) != width or (rows * _WORD) % bits:
        return None
    columns = rows * _WORD // bits
    index = parts.get("g_idx")
    if index is not None and index.shape != (columns,):
        if index.shape != (0,):
            return None
        index = None
    group = block_size(columns, groups, checkpoint.config.group)
    typed = parts["qzeros"].dtype == "int32" and parts["scales"].dtype in ("float16", "bfloat16", "float32")
    if (scale_rows, scale_columns) != (groups, out) or not typed or not groups or (group is None and index is None):
        return None
    needed = {key: part for key, part in parts.items() if key != "g_idx" or index is not None}
    rule = Gptq(bits, group or columns, checkpoint.config.exact_zeros)
    return readable(f"{prefix}weight", f"int{bits} (GPTQ)", (out, columns), needed, rule, besides=parts)


def groups_of(index: torch.Tensor | None, columns: int, group: int, count: int) -> torch.Tensor:
    """Return the group of each column, int64; by division where no index says otherwise.

    Raises
    ------
    ValueError
        The index names a group that there is not.
    """
    if index is None:
        return torch.arange(columns) // group
    found = index.long()
    lowest, highest = int(found.min()), int(found.max())
    if lowest < 0 or highest >= count:
        wrong = lowest if lowest < 0 else highest
        raise ValueError(f"g_idx names group {wrong} where there are {count}")
    return found
