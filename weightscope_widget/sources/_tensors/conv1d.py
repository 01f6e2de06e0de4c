"""Telling GPT-2's ``Conv1D``, which stores (in, out), from a Linear: by its class, or by names and shapes alone."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import nn

__all__ = ["is_conv1d", "transposed_names"]

_CONV1D = frozenset({"c_attn", "c_fc", "c_proj", "q_attn"})
_BLOCK_INDEX = re.compile(r"(?:^|\.)[0-9]+\.")


def is_conv1d(module: nn.Module) -> bool:
    """Return whether a module is transformers' ``Conv1D`` or one derived from it."""
    # Known by name, so that transformers need not be installed, let alone imported.
    return hasattr(module, "nf") and any(kind.__name__ == "Conv1D" for kind in type(module).__mro__)


def transposed_names(shapes: Mapping[str, tuple[int, ...]]) -> frozenset[str]:
    """Return which parameters are ``Conv1D`` weights.

    The bias has as many entries as there are outputs, so a matrix that is not square shows where its outputs are.
    Where it is square or has no bias, the others of its tower (the path before the block index) decide together.

    Parameters
    ----------
    shapes : mapping of str to tuple of int
        Every parameter of the model, biases included.

    Examples
    --------
    >>> sorted(transposed_names({"c_attn.weight": (4, 12), "c_attn.bias": (12,), "c_proj.weight": (4, 4)}))
    ['c_attn.weight', 'c_proj.weight']
    >>> transposed_names({"c_attn.weight": (12, 4), "c_attn.bias": (12,), "c_proj.weight": (4, 4)})
    frozenset()
    """
    candidates = [name for name, shape in shapes.items() if len(shape) == 2 and _is_candidate(name)]
    shown: dict[str, bool] = {}
    towers: dict[str, set[bool]] = {}
    for name in candidates:
        rows, columns = shapes[name]
        bias = shapes.get(name.removesuffix("weight") + "bias")
        if rows != columns and bias in ((rows,), (columns,)):
            shown[name] = bias == (columns,)
            towers.setdefault(_tower(name), set()).add(shown[name])
    return frozenset(name for name in candidates if shown.get(name, towers.get(_tower(name)) == {True}))


def _is_candidate(name: str) -> bool:
    path = name.split(".")
    return len(path) > 1 and path[-1] == "weight" and path[-2] in _CONV1D


def _tower(name: str) -> str:
    index = _BLOCK_INDEX.search(name)
    return name[: index.start()] if index else ""
