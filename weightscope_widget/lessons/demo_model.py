"""A small GPT-2-style network, the same on every machine, in which single layers are broken in known ways."""

from __future__ import annotations

import math

import torch
from torch import nn

__all__ = ["FAULTS", "DemoModel", "demo_model"]

FAULTS = {
    "outliers": "transformer.h.1.mlp.c_proj",
    "ill_conditioned": "transformer.h.2.attn.c_proj",
    "low_rank": "transformer.h.3.mlp.c_fc",
    "dead_outputs": "transformer.h.4.attn.c_attn",
    "pruned": "transformer.h.5.mlp.c_fc",
}
"""The layer of each fault."""

_WIDTH, _HEADS, _BLOCKS, _WORDS, _LENGTH = 128, 4, 6, 512, 64
_STD = 0.02


class Conv1D(nn.Module):
    """A linear layer that stores its weight as (inputs, outputs), as GPT-2's does."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.nf = outputs
        self.weight = nn.Parameter(torch.randn(inputs, outputs) * _STD)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x·W + b, (…, outputs)."""
        return torch.add(x @ self.weight, self.bias)


class _Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.c_attn = Conv1D(_WIDTH, 3 * _WIDTH)
        self.c_proj = Conv1D(_WIDTH, _WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (part.unflatten(-1, (_HEADS, -1)).transpose(-3, -2) for part in self.c_attn(x).split(_WIDTH, -1))
        mixed = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        projected: torch.Tensor = self.c_proj(mixed.transpose(-3, -2).flatten(-2))
        return projected


class _Mlp(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.c_fc = Conv1D(_WIDTH, 4 * _WIDTH)
        self.c_proj = Conv1D(4 * _WIDTH, _WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        projected: torch.Tensor = self.c_proj(nn.functional.gelu(self.c_fc(x)))
        return projected


class _Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.ln_1, self.attn = nn.LayerNorm(_WIDTH), _Attention()
        self.ln_2, self.mlp = nn.LayerNorm(_WIDTH), _Mlp()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attn(self.ln_1(x))
        return torch.add(x, self.mlp(self.ln_2(x)))


class _Trunk(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.wte, self.wpe = nn.Embedding(_WORDS, _WIDTH), nn.Embedding(_LENGTH, _WIDTH)
        self.h = nn.ModuleList(_Block() for _ in range(_BLOCKS))
        self.ln_f = nn.LayerNorm(_WIDTH)
        for embedding in (self.wte, self.wpe):
            nn.init.normal_(embedding.weight, std=_STD)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x: torch.Tensor = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[-1], device=tokens.device))
        for block in self.h:
            x = block(x)
        normed: torch.Tensor = self.ln_f(x)
        return normed


class DemoModel(nn.Module):
    """A language model of 1.3 million parameters: six blocks of width 128, a tied head.

    Attributes
    ----------
    faults : dict of str to str
        The layer of each fault: ``outliers``, ``ill_conditioned``, ``low_rank``, ``dead_outputs``, ``pruned``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.faults: dict[str, str] = {}
        self.transformer = _Trunk()
        self.lm_head = nn.Linear(_WIDTH, _WORDS, bias=False)
        self.lm_head.weight = self.transformer.wte.weight

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return the logits of the next token, (batch, length, 512), for integer tokens (batch, length ≤ 64)."""
        logits: torch.Tensor = self.lm_head(self.transformer(tokens))
        return logits


def demo_model(*, faults: bool = True) -> DemoModel:
    """Return a small GPT-2-style network with random weights, the same each time.

    It uses its own random numbers; the state of torch's generator does not change.

    Parameters
    ----------
    faults : bool
        Plant a fault in each of five layers, listed in `DemoModel.faults`; if False, all layers are sound.

    Examples
    --------
    >>> demo_model().faults["low_rank"]
    'transformer.h.3.mlp.c_fc'
    """
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(2026)
        model = DemoModel()
        if faults:
            model.faults = dict(FAULTS)
            for fault, name in FAULTS.items():
                weight = model.get_submodule(name).get_parameter("weight")
                weight.copy_(_PLANT[fault](weight))
    return model


def _outliers(weight: torch.Tensor) -> torch.Tensor:
    """Make one weight in fifty 25 times as large."""
    return torch.where(torch.rand_like(weight) < 0.02, 25 * weight, weight)


def _ill_conditioned(weight: torch.Tensor) -> torch.Tensor:
    """Shrink the weakest direction to almost nothing."""
    u, s, vh = torch.linalg.svd(weight.double(), full_matrices=False)
    s[-1] = s[0] / 3e5
    changed: torch.Tensor = (u * s) @ vh
    return changed


def _low_rank(weight: torch.Tensor) -> torch.Tensor:
    """Concentrate nearly everything in six directions, over a floor of noise."""
    inputs, outputs = weight.shape
    strong = torch.randn(inputs, 6) @ torch.randn(6, outputs) / math.sqrt(6)
    return _STD * strong + 0.1 * weight


def _dead_outputs(weight: torch.Tensor) -> torch.Tensor:
    """Set one output in ten to zero."""
    dead = torch.randperm(weight.shape[1])[: weight.shape[1] // 10]
    return weight.index_fill(1, dead, 0)


def _pruned(weight: torch.Tensor) -> torch.Tensor:
    """Set the smallest two fifths to zero."""
    limit = weight.abs().flatten().kthvalue(2 * weight.numel() // 5).values
    return torch.where(weight.abs() <= limit, 0, weight)


_PLANT = {
    "outliers": _outliers,
    "ill_conditioned": _ill_conditioned,
    "low_rank": _low_rank,
    "dead_outputs": _dead_outputs,
    "pruned": _pruned,
}
