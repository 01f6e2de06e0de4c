"""LoRA adapters as real peft makes and saves them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

peft = pytest.importorskip("peft")


def adapt(base: nn.Module, folder: Path, **options: Any) -> Any:
    """Wrap a copy of the base, all that is trained random, and save the adapter as PEFT does; return what it wraps."""
    torch.manual_seed(2)
    wrapped = peft.get_peft_model(copy.deepcopy(base), peft.LoraConfig(init_lora_weights=False, **options))
    for name, parameter in wrapped.named_parameters():
        if parameter.requires_grad and "lora_" not in name:  # what PEFT begins as a copy of the base, or as zero
            parameter.data += torch.randn_like(parameter)
    wrapped.save_pretrained(str(folder))
    return wrapped
