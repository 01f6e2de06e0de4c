"""Checkpoints to read: small models, and files as people have them, whole and broken; how to look at what is read."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from weightscope_widget.sources import Layer, open_source

Tensors = Mapping[str, torch.Tensor]


def numbered(*shape: int, start: float = 1.0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """A tensor of consecutive numbers: no two entries alike, so that a wrong offset or order shows."""
    count = torch.Size(shape).numel()
    return torch.arange(start, start + count).reshape(shape).to(dtype)


def write(path: Path, tensors: Tensors, metadata: dict[str, str] | None = None) -> Path:
    """Write a safetensors file, and the folders it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, metadata)
    return path


def write_header(path: Path, header: Mapping[str, Any], size: int) -> Path:
    """Write a safetensors file with any header, true or not, and a hole of `size` bytes for the data."""
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(file.tell() + size)
    return path


def write_index(folder: Path, content: object, name: str = "model.safetensors.index.json") -> Path:
    """Write an index; `content` as JSON, or as it is where it is bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def write_sharded(folder: Path, *shards: Tensors, metadata: Mapping[str, object] | None = None) -> Path:
    """Write a checkpoint in shards, with its index."""
    weight_map = {}
    for number, tensors in enumerate(shards, start=1):
        name = f"model-{number:05}-of-{len(shards):05}.safetensors"
        write(folder / name, tensors)
        weight_map.update(dict.fromkeys(tensors, name))
    write_index(folder, {"metadata": metadata or {}, "weight_map": weight_map})
    return folder


def gpt2(**changes: Any) -> nn.Module:
    """A GPT-2 of two tiny blocks: Conv1D weights, and a head tied to the embedding."""
    from transformers import GPT2Config, GPT2LMHeadModel

    sizes = {"n_layer": 2, "n_embd": 8, "n_head": 2, "vocab_size": 11, "n_positions": 7, **changes}
    return GPT2LMHeadModel(GPT2Config(bos_token_id=0, eos_token_id=0, **sizes))


def bigcode() -> nn.Module:
    """A model with GPT-2's names whose matrices are Linear, hence (out, in)."""
    from transformers import GPTBigCodeConfig, GPTBigCodeForCausalLM

    sizes = {"n_layer": 1, "n_embd": 8, "n_head": 2, "vocab_size": 11, "n_positions": 7}
    return GPTBigCodeForCausalLM(GPTBigCodeConfig(bos_token_id=0, eos_token_id=0, **sizes))


def t5() -> nn.Module:
    """A T5 of one tiny block on each side, with one embedding under four names."""
    from transformers import T5Config, T5ForConditionalGeneration

    return T5ForConditionalGeneration(T5Config(d_model=8, d_kv=4, d_ff=12, num_layers=1, num_heads=2, vocab_size=11))


class Experts(nn.Module):
    """Three experts, their matrices in one parameter each."""

    def __init__(self, is_transposed: bool = False) -> None:
        super().__init__()
        self.gate_up_proj = nn.Parameter(numbered(3, 4, 5))
        self.down_proj = nn.Parameter(numbered(3, 5, 2))
        self.is_transposed = is_transposed


def moe(is_transposed: bool = False) -> nn.Module:
    """A module whose parameters are ``mlp.experts.gate_up_proj`` and ``mlp.experts.down_proj``, beside a router."""
    mlp = nn.ModuleDict({"router": nn.Linear(4, 3, bias=False), "experts": Experts(is_transposed)})
    return nn.ModuleDict({"mlp": mlp})


def layers(model: object) -> dict[str, Layer]:
    """Open a model and return its layers by name, of which no two may be alike."""
    found = open_source(model).layers
    assert len({layer.name for layer in found}) == len(found)
    return {layer.name: layer for layer in found}


def same(ours: torch.Tensor, theirs: torch.Tensor) -> bool:
    """Equal to the bit, type and shape included; float8 has no comparison of its own."""
    same_kind = ours.dtype == theirs.dtype and ours.shape == theirs.shape
    return same_kind and torch.equal(ours.contiguous().view(torch.uint8), theirs.contiguous().view(torch.uint8))
