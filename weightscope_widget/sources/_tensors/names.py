"""Facts that parameter names tell: the model's order, stacks of experts, weights stored (in, out)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from torch import nn

from weightscope_widget.layers.layer import layer_name
from weightscope_widget.layers.naming import place
from weightscope_widget.sources._tensors.files import natural_key

__all__ = ["is_conv1d", "is_expert_stack", "linear_by_name", "model_order", "transposed_names"]

_MOST_EXPERTS = 4096
"""More than any model has; a tensor with a longer first axis is something else, and would flood the results."""

_CONV1D = frozenset({"c_attn", "c_fc", "c_proj", "q_attn"})
_BLOCK_INDEX = re.compile(r"(?:^|\.)[0-9]+\.")


def model_order(parameters: Iterable[str]) -> list[str]:
    """Return parameter names in the order of a forward pass: embeddings, blocks, the rest, the head.

    >>> model_order(["lm_head.weight", "h.10.w", "h.2.w", "ln_f.weight", "wte.weight"])
    ['wte.weight', 'h.2.w', 'h.10.w', 'ln_f.weight', 'lm_head.weight']
    """
    return sorted(parameters, key=lambda name: (_part(name), natural_key(name), name))


def _part(parameter: str) -> int:
    where = place(layer_name(parameter))
    if where.is_head:
        return 3
    if where.block is not None:
        return 1
    return 0 if where.is_embedding else 2


def linear_by_name(parameter: str) -> bool | None:
    """Return `Layer.linear` as far as a name tells it: a parameter not called ``weight`` is not a linear layer's.

    >>> linear_by_name("mixer.A_log")
    False
    >>> linear_by_name("mixer.in_proj.weight") is None
    True
    """
    return None if parameter.endswith(".weight") else False


# -- Experts -----------------------------------------------------------------------------------------------------------


def is_expert_stack(parameter: str, shape: tuple[int, ...]) -> bool:
    """Return whether a parameter is a 3-D stack, experts × rows × columns.

    >>> is_expert_stack("model.layers.0.mlp.experts.gate_up_proj", (8, 4, 6))
    True
    >>> is_expert_stack("blk.0.ffn_down_exps.weight", (8, 4, 6))
    True
    >>> is_expert_stack("layers.0.experts.5.conv.weight", (8, 4, 6))
    False
    """
    path = layer_name(parameter).split(".")
    return (
        len(shape) == 3
        and shape[0] <= _MOST_EXPERTS
        and not any("conv" in element.lower() for element in path)
        and (_below_experts(path) or path[-1].endswith("_exps") or _below_sparse_moe(path))
    )


def _below_experts(path: list[str]) -> bool:
    # experts.5.w1 belongs to the one expert 5, experts.w1 to all of them.
    return any(
        element == "experts" and not "".join(path[at + 1 : at + 2]).isdecimal() for at, element in enumerate(path)
    )


def _below_sparse_moe(path: list[str]) -> bool:
    return path[-1] in ("input_linear", "output_linear") and "block_sparse_moe" in path[:-1]


# -- GPT-2's Conv1D, which stores (in, out) ----------------------------------------------------------------------------


def is_conv1d(module: nn.Module) -> bool:
    """Return whether a module is transformers' ``Conv1D`` or derived from it."""
    # Recognized by name, so that transformers need not be installed, let alone imported.
    return hasattr(module, "nf") and any(kind.__name__ == "Conv1D" for kind in type(module).__mro__)


def transposed_names(shapes: Mapping[str, tuple[int, ...]]) -> frozenset[str]:
    """Return which parameters are ``Conv1D`` weights, from names and shapes alone.

    The bias has as many entries as there are outputs, so a matrix that is not square shows where its outputs are.
    A square matrix, or one without a bias, follows the others of its tower (the path before the block index).

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
