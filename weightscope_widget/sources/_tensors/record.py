"""What every source finds before anything is decided: one record per tensor."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass

import torch

from weightscope_widget.sources._tensors.loaders import Loader

__all__ = ["Record", "linear_by_name", "why_skipped"]


@dataclass(frozen=True)
class Record:
    """One tensor, under its full name.

    Attributes
    ----------
    name : str
        The parameter's name, with ``.weight`` where it has one.
    shape : tuple of int
        Shape as stored.
    dtype : str
        As torch names it, without the prefix; as the file's format does where torch has no such type.  Of a quantized
        weight it says what is stored, whatever it loads as.
    load : Loader
        Where its values are.
    skip : str, optional
        Why it cannot be analyzed; None if it can.
    identity : hashable, optional
        Equal for two records of the same storage; None if it is tied to nothing.
    transposed : bool
        It is stored (in, out).
    stack : bool
        It is a stack of expert matrices.
    linear : bool or None
        See `Layer`.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    load: Loader
    skip: str | None = None
    identity: Hashable = None
    transposed: bool = False
    stack: bool = False
    linear: bool | None = None


def linear_by_name(parameter: str) -> bool | None:
    """Return what a name tells of `Layer.linear`: only that a parameter not called ``weight`` is no linear layer's.

    >>> linear_by_name("mixer.A_log")
    False
    >>> linear_by_name("mixer.in_proj.weight") is None
    True
    """
    return None if parameter.endswith(".weight") else False


def why_skipped(shape: tuple[int, ...], dtype: str) -> str | None:
    """Return why a tensor of this shape and type cannot be analyzed, or None if it can.

    >>> why_skipped((4, 4), "int8")
    'integer tensor (int8): packed or index data'
    >>> why_skipped((4, 4), "float16") is None
    True
    """
    kind = getattr(torch, dtype, None)
    if not isinstance(kind, torch.dtype):
        return f"stored as {dtype}, which this version of torch cannot hold"
    if kind.is_complex:
        return f"complex tensor ({dtype})"
    if kind == torch.bool:
        return "boolean tensor: a mask, not weights"
    if not kind.is_floating_point:
        return f"integer tensor ({dtype}): packed or index data"
    if dtype.startswith("float4"):
        return f"packed 4-bit tensor ({dtype}): two values in each byte"
    if math.prod(shape) == 0:
        return "empty tensor"
    if not shape:
        return "scalar"
    return None
