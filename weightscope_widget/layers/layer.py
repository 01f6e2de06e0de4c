"""Layers: the metadata of a weight and a loader for its values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch

from weightscope_widget.layers.naming import Placement, place

__all__ = ["Layer", "LayerInfo", "Source", "layer_name"]


def layer_name(parameter: str) -> str:
    """Return the results' key of a parameter: its name without a trailing ``.weight``.

    >>> layer_name("h.0.attn.c_proj.weight")
    'h.0.attn.c_proj'
    >>> layer_name("in_proj_weight")
    'in_proj_weight'
    """
    return parameter.removesuffix(".weight")


@dataclass(frozen=True)
class Layer:
    """One weight tensor of a model.

    Attributes
    ----------
    name : str
        Key in the results: the parameter's name without a trailing ``.weight``.
    shape : tuple of int
        Shape as stored.
    dtype : str
        Storage type as torch names it, without the prefix: ``"float32"``, ``"bfloat16"``, ``"float8_e4m3fn"``; where
        torch has no such type, as the file's format does: ``"Q4_K"``, ``"int4 (GPTQ)"``.
    load : callable
        Takes no argument and returns the tensor: any device, `shape`, of type `dtype`, or float32 or float64 where
        its values are computed from what is stored (dequantized, multiplied). Called once or twice per scan, possibly
        on another thread; raises `TensorReadError`.  For weights in a file it is a small picklable object.
    aliases : tuple of str
        Other names of the same storage (tied weights), as keys of the results would be written.
    transposed : bool
        The tensor is stored (in, out), as transformers' ``Conv1D`` does.
    members : tuple of str
        For a stack of expert matrices (3-D: experts × rows × columns), the names of the layers of its single matrices.
    linear : bool or None
        Whether it is the weight of a linear layer as PEFT knows them (torch's ``Linear``, transformers' ``Conv1D``);
        None where only its name is known.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    load: Callable[[], torch.Tensor] = field(repr=False, compare=False)
    aliases: tuple[str, ...] = ()
    transposed: bool = False
    members: tuple[str, ...] = ()
    linear: bool | None = None

    @property
    def parameters(self) -> int:
        """Number of entries."""
        return math.prod(self.shape)

    @property
    def placement(self) -> Placement:
        """Block, stack, kind and family, from the name."""
        return place(self.name)

    @property
    def is_collective(self) -> bool:
        """Whether loading it is a collective operation: every process has to load the same layers in the same order."""
        return getattr(self.load, "collective", False) is True

    @property
    def is_stack(self) -> bool:
        """Whether this is a stack of expert matrices."""
        return bool(self.members)

    @property
    def factors(self) -> Callable[[], tuple[torch.Tensor, torch.Tensor]] | None:
        """Returns the change that an adapter makes to a weight as two float64 matrices whose product it is.

        None for everything else: weights, and modules that an adapter trained as a whole.
        """
        factors: Callable[[], tuple[torch.Tensor, torch.Tensor]] | None = getattr(self.load, "factors", None)
        return factors


@dataclass(frozen=True)
class LayerInfo:
    """The metadata of a `Layer`; `shape` and `dtype` are None for results from a file without them."""

    name: str
    shape: tuple[int, ...] | None = None
    dtype: str | None = None
    aliases: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    linear: bool | None = None

    @classmethod
    def of(cls, layer: Layer) -> LayerInfo:
        """Return the metadata of `layer`."""
        return cls(layer.name, layer.shape, layer.dtype, layer.aliases, layer.members, layer.linear)

    @property
    def parameters(self) -> int | None:
        """Number of entries."""
        return None if self.shape is None else math.prod(self.shape)

    @property
    def placement(self) -> Placement:
        """Block, stack, kind and family, from the name."""
        return place(self.name)


@dataclass(frozen=True)
class Source:
    """A model opened for reading: its layers in the model's order.

    Attributes
    ----------
    name : str
        The model's name on the screen: a class, a file or a folder.
    layers : tuple of Layer
        Every floating tensor once, matrices and vectors alike, in the model's order; the members of a stack of experts
        come right before the stack.
    skipped : mapping of str to str
        Names of tensors that cannot be analyzed, with the reason as a short phrase.
    adapter : bool
        This is an adapter, not a model: layers with `factors` are changes of a base's weights, the others replace
        them, and every other tensor of the base stays as it is, except those in `unread`.
    unread : mapping of str to str
        The base's tensors that an adapter changes in a way that is not among the layers, with the reason.
    """

    name: str
    layers: tuple[Layer, ...]
    skipped: Mapping[str, str] = field(default_factory=dict)
    adapter: bool = False
    unread: Mapping[str, str] = field(default_factory=dict)
