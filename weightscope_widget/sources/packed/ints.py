"""Integers of a few bits packed in 32-bit words: GPTQ, AWQ and compressed-tensors.  W = (q − zero) · scale.

GPTQ (Frantar et al. 2023), as AutoGPTQ and GPTQModel save it: ``qweight`` int32 (in·bits/32, out), codes along the
inputs; ``qzeros`` int32 (groups, out·bits/32); ``scales`` (groups, out); ``g_idx`` int32 (in,), the group of each
input.  Files of the first version store zero − 1, by a subtraction in the whole word; ``gptq_v2`` stores zeros as they
are.

AWQ's GEMM layout (Lin et al. 2024), as AutoAWQ saves it: 4-bit codes packed along the outputs, interleaved.
``qweight`` int32 (in, out/8), ``qzeros`` int32 (groups, out/8), ``scales`` (groups, out).  From the lowest, the eight
codes of a word belong to its outputs 0 2 4 6 1 3 5 7.

compressed-tensors' ``pack-quantized``: ``weight_packed`` int32 (out, ⌈in·bits/32⌉), codes along the inputs, each the
integer plus 2^(bits − 1); ``weight_scale`` (out, groups), (out, 1) or one; optionally ``weight_zero_point`` int32
(⌈out·bits/32⌉, groups), packed in the same way along the outputs, and ``weight_g_idx``, the group of each input;
``weight_shape``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from weightscope_widget.errors import TensorReadError
from weightscope_widget.sources._tensors.records import Record
from weightscope_widget.sources.packed.arithmetic import CHUNK, FLOATS, WORD, as_scales, block_size, codes
from weightscope_widget.sources.packed.group import Checkpoint, Group, readable, refused

__all__ = ["find_awq", "find_compressed", "find_gptq"]


def _groups_of(index: torch.Tensor | None, columns: int, group: int, count: int) -> torch.Tensor:
    """Return the group of each column, int64; without an index, columns are divided into groups of equal size."""
    if index is None:
        return torch.arange(columns) // group
    found = index.long()
    lowest, highest = int(found.min()), int(found.max())
    if lowest < 0 or highest >= count:
        wrong = lowest if lowest < 0 else highest
        raise ValueError(f"g_idx names group {wrong} where there are {count}")
    return found


# -- GPTQ --------------------------------------------------------------------------------------------------------------

_GPTQ_BITS = (2, 3, 4, 8)
_GPTQ = ("qweight", "qzeros", "scales", "g_idx")


@dataclass(frozen=True)
class Gptq:
    """GPTQ's layout; `group` inputs share a scale, without a ``g_idx``.

    `exact_zeros`: zero points are stored as they are, not one less.
    """

    bits: int
    group: int
    exact_zeros: bool

    def __call__(self, parts: Mapping[str, torch.Tensor], shape: tuple[int, ...]) -> torch.Tensor:
        """Return the weight, (out, in)."""
        words, scales = parts["qweight"], as_scales(parts["scales"]).T
        rows, columns = shape
        zeros = self._zeros(parts["qzeros"], rows).T
        groups = _groups_of(parts.get("g_idx"), columns, self.group, scales.shape[1]).to(words.device)
        result = torch.empty(shape, device=words.device)
        # Whole turns of 32 codes, so that none is cut where the bits do not divide the word.
        step = self.bits * max(1, CHUNK // (WORD * rows))
        for first in range(0, len(words), step):
            begin = first * WORD // self.bits
            end = min(begin + step * WORD // self.bits, columns)
            which = groups[begin:end]
            values = codes(words[first : first + step].T, self.bits, end - begin) - zeros[:, which]
            result[:, begin:end] = values * scales[:, which]
        return result

    def _zeros(self, words: torch.Tensor, count: int) -> torch.Tensor:
        if self.exact_zeros:
            return codes(words, self.bits, count)
        if WORD % self.bits:
            return (codes(words, self.bits, count) + 1) & ((1 << self.bits) - 1)
        # One in every code, added to the word: a borrow of the subtraction is undone with it.
        ones = sum(1 << shift for shift in range(0, WORD, self.bits))
        raised = (words.long() + ones) & (2**WORD - 1)
        return codes((raised - ((raised >> (WORD - 1)) << WORD)).int(), self.bits, count)


def find_gptq(anchor: Record, checkpoint: Checkpoint) -> Group | None:
    """Return the group of a ``qweight`` in GPTQ's layout; the shape of ``qzeros`` tells the bits."""
    prefix = anchor.name.removesuffix("qweight")
    if prefix == anchor.name or anchor.dtype != "int32":
        return None
    parts = checkpoint.parts(prefix, _GPTQ)
    if not {"qzeros", "scales"} <= parts.keys() or any(len(parts[key].shape) != 2 for key in _GPTQ[:3]):
        return None
    (rows, out), (groups, width), (scale_rows, scale_columns) = (parts[key].shape for key in _GPTQ[:3])
    bits = width * WORD // out if out else 0
    if bits not in _GPTQ_BITS or -(-out * bits // WORD) != width or (rows * WORD) % bits:
        return None
    columns = rows * WORD // bits
    index = parts.get("g_idx")
    if index is not None and index.shape != (columns,):
        if index.shape != (0,):
            return None
        index = None
    group = block_size(columns, groups, checkpoint.config.group)
    typed = parts["qzeros"].dtype == "int32" and parts["scales"].dtype in FLOATS[:3]
    if (scale_rows, scale_columns) != (groups, out) or not typed or not groups or (group is None and index is None):
        return None
    needed = {key: part for key, part in parts.items() if key != "g_idx" or index is not None}
    rule = Gptq(bits, group or columns, checkpoint.config.exact_zeros)
    return readable(f"{prefix}weight", f"int{bits} (GPTQ)", (out, columns), needed, rule, besides=parts)


# -- AWQ ---------------------------------------------------------------------------------------------------------------

_AWQ = ("qweight", "qzeros", "scales")
_PER_WORD = 8
_SHIFTS = (0, 16, 4, 20, 8, 24, 12, 28)
"""Position in bits of the code of each of a word's outputs."""


@dataclass(frozen=True)
class Awq:
    """AWQ's layout, for groups of this many inputs."""

    group: int

    def __call__(self, parts: Mapping[str, torch.Tensor], shape: tuple[int, ...]) -> torch.Tensor:
        """Return the weight, (out, in)."""
        words, zeros, scales = parts["qweight"], _awq_codes(parts["qzeros"]), as_scales(parts["scales"])
        result = torch.empty(shape, device=words.device)
        step = max(1, CHUNK // shape[0])
        for first in range(0, len(words), step):
            piece = words[first : first + step]
            which = torch.arange(first, first + len(piece), device=words.device) // self.group
            result[:, first : first + len(piece)] = ((_awq_codes(piece) - zeros[which]) * scales[which]).T
        return result


def _awq_codes(words: torch.Tensor) -> torch.Tensor:
    shifts = torch.tensor(_SHIFTS, dtype=torch.int32, device=words.device)
    return ((words.unsqueeze(-1) >> shifts) & 15).flatten(1)


def find_awq(anchor: Record, checkpoint: Checkpoint) -> Group | None:
    """Return the group of a ``qweight`` in AWQ's layout."""
    prefix = anchor.name.removesuffix("qweight")
    if prefix == anchor.name or anchor.dtype != "int32":
        return None
    parts = checkpoint.parts(prefix, _AWQ)
    if len(parts) < len(_AWQ) or any(len(part.shape) != 2 for part in parts.values()):
        return None
    (columns, words), zeros, scales = (parts[key].shape for key in _AWQ)
    groups = zeros[0]
    typed = parts["qzeros"].dtype == "int32" and parts["scales"].dtype in FLOATS[:3]
    fits = zeros == (groups, words) and scales == (groups, words * _PER_WORD)
    if not (typed and fits and groups and columns % groups == 0):
        return None
    shape = (words * _PER_WORD, columns)
    return readable(f"{prefix}weight", "int4 (AWQ)", shape, parts, Awq(columns // groups))


# -- compressed-tensors ------------------------------------------------------------------------------------------------

_COMPRESSED_BITS = (4, 8, 2, 3, 5, 6, 7)
_COMPRESSED = ("weight_scale", "weight_zero_point", "weight_g_idx")
_KIND = "packed (compressed-tensors)"


@dataclass(frozen=True)
class PackedInts:
    """compressed-tensors' layout, for codes of this many bits and groups of this many inputs."""

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
        groups = _groups_of(index, columns, self.group, scales.shape[1]).to(words.device)
        result = torch.empty(shape, device=words.device)
        step = max(1, CHUNK // columns)
        for first in range(0, rows, step):
            part = slice(first, first + step)
            values = codes(words[part], self.bits, columns) - half
            if zeros is not None:
                values -= zeros[part][:, groups]
            result[part] = values * scales[part][:, groups]
        return result


def find_compressed(anchor: Record, checkpoint: Checkpoint) -> Group | None:
    """Return the group of an int32 ``weight_packed``."""
    prefix = anchor.name.removesuffix("weight_packed")
    if prefix == anchor.name or anchor.dtype != "int32":
        return None
    name, parts = f"{prefix}weight", {"weight_packed": anchor, **checkpoint.parts(prefix, _COMPRESSED)}
    noted = checkpoint.parts(prefix, ("weight_shape",))
    if not noted or "weight_scale" not in parts:
        lacks = "weight_scale" if noted else "weight_shape"
        return refused(name, f"{_KIND}, without its {lacks}", (*parts.values(), *noted.values()))
    try:
        shape = _shape(checkpoint.note(noted["weight_shape"]))
        rule = _rule(shape, parts, checkpoint.config.group)
    except (ValueError, TensorReadError) as error:
        return refused(name, f"{_KIND}: {error}", (*parts.values(), *noted.values()))
    return readable(name, f"int{rule.bits} (compressed-tensors)", shape, parts, rule, besides=noted)


def _shape(note: torch.Tensor) -> tuple[int, ...]:
    if note.is_floating_point() or note.is_complex():
        raise ValueError("its weight_shape holds no counts")
    return tuple(int(size) for size in note.flatten().tolist())


def _rule(shape: tuple[int, ...], parts: Mapping[str, Record], group: int | None) -> PackedInts:
    packed, scale = parts["weight_packed"].shape, parts["weight_scale"]
    if len(shape) != 2 or len(packed) != 2:
        raise ValueError(f"{len(packed)} axes, where only matrices are read")
    rows, columns = shape
    fitting = (bits for bits in _COMPRESSED_BITS if columns > 0 and packed == (rows, -(-columns * bits // WORD)))
    bits = next(fitting, None)
    if bits is None:
        raise ValueError(f"its weight_shape is {shape}, which {packed} words cannot be")
    count = scale.shape[1] if len(scale.shape) == 2 else 1
    spread = block_size(columns, count, group)
    if math.prod(scale.shape) not in (1, rows * count) or spread is None or scale.dtype not in FLOATS:
        raise ValueError(f"weight_scale {scale.shape} of {scale.dtype} does not fit the shape {shape}")
    zero, index = parts.get("weight_zero_point"), parts.get("weight_g_idx")
    if zero is not None and (zero.shape != (-(-rows * bits // WORD), count) or zero.dtype != "int32"):
        raise ValueError(f"weight_zero_point {zero.shape} of {zero.dtype} does not fit the shape {shape}")
    if index is not None and (index.shape != (columns,) or not index.dtype.startswith("int")):
        raise ValueError(f"weight_g_idx {index.shape} of {index.dtype} does not fit the shape {shape}")
    return PackedInts(bits, spread)
