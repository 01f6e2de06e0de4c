"""Recognising a stack of expert matrices by its name and shape."""

from __future__ import annotations

from weightscope_widget.layers.layer import layer_name

__all__ = ["is_expert_stack"]

_MOST_EXPERTS = 4096
"""More than any model has; a tensor with a longer first axis is something else, and would flood the results."""


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
