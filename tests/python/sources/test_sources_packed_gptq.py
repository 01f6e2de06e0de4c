"""GPTQ and AWQ checkpoints: what the packed codes stand for, bits and groups found by themselves."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import torch

from tests.python.support import checkpoints
from tests.python.support.checkpoints import layers, numbered
from tests.python.support.packing import awq, below, close, gptq, grouped, opened, random_codes, random_scales

IN, OUT = 64, 96


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
@pytest.mark.parametrize("size", [16, 32, IN])
def test_gptq(tmp_path: Path, bits: int, size: int) -> None:
    count = IN // size
    codes, scales = random_codes(IN, OUT, bits), random_scales(count, OUT)
    zeros = [[max(1, zero) for zero in row] for row in random_codes(count, OUT, bits, seed=1)]
    groups = [at // size for at in range(IN)]
    parts = below("model.layers.0.mlp.up_proj", gptq(codes, zeros, scales, groups, bits))
    norm = {"model.layers.0.mlp.up_proj.bias": numbered(OUT), "model.norm.weight": numbered(3)}
    path = checkpoints.write(tmp_path / "model.safetensors", {**parts, **norm})
    found, skipped = opened(path)
    assert found["model.layers.0.mlp.up_proj"] == (f"int{bits} (GPTQ)", (OUT, IN))
    assert set(found) == {"model.layers.0.mlp.up_proj", "model.layers.0.mlp.up_proj.bias", "model.norm"}
    assert skipped == {}
    assert close(layers(path)["model.layers.0.mlp.up_proj"].load(), grouped(codes, zeros, scales, groups))


def test_gptq_in_another_order(tmp_path: Path) -> None:
    groups = [at // 16 for at in range(IN)]
    random.Random(0).shuffle(groups)
    codes, zeros, scales = random_codes(IN, OUT, 4), [[8] * OUT] * 4, random_scales(4, OUT)
    path = checkpoints.write(tmp_path / "model.safetensors", below("a", gptq(codes, zeros, scales, groups, 4)))
    assert close(layers(path)["a"].load(), grouped(codes, zeros, scales, groups))


def test_gptq_without_g_idx() -> None:
    groups = [at // 16 for at in range(IN)]
    codes, zeros, scales = random_codes(IN, OUT, 4), [[8] * OUT] * 4, random_scales(4, OUT)
    parts = below("a", gptq(codes, zeros, scales, groups, 4))
    del parts["a.g_idx"]
    assert close(layers(parts)["a"].load(), grouped(codes, zeros, scales, groups))
    parts["a.g_idx"] = torch.empty(0, dtype=torch.int32)
    assert close(layers(parts)["a"].load(), grouped(codes, zeros, scales, groups))


@pytest.mark.parametrize("name", ["config.json", "quantize_config.json"])
def test_gptq_v2_stores_zeros_as_they_are(tmp_path: Path, name: str) -> None:
    groups = [0] * IN
    codes, zeros, scales = random_codes(IN, OUT, 4), random_codes(1, OUT, 4, seed=1), random_scales(1, OUT)
    parts = below("a", gptq(codes, zeros, scales, groups, 4, less=0))
    path = checkpoints.write(tmp_path / "model.safetensors", parts)
    settings = {"bits": 4, "group_size": -1, "quant_method": "gptq", "checkpoint_format": "gptq_v2"}
    content = settings if name == "quantize_config.json" else {"quantization_config": settings}
    (tmp_path / name).write_text(json.dumps(content))
    expected = grouped(codes, zeros, scales, groups)
    assert close(layers(path)["a"].load(), expected)
    assert close(layers(tmp_path)["a"].load(), expected)


def test_gptq_zeros_of_none_borrow_from_the_word() -> None:
    # As GPTQModel saves the first version: one less in every code, subtracted from the whole word.
    zeros = [[0, 3, 0, 0, 15, 1, 7, 0] * (OUT // 8)]
    codes, scales, groups = random_codes(IN, OUT, 4), random_scales(1, OUT), [0] * IN
    parts = below("a", gptq(codes, zeros, scales, groups, 4, less=0))
    ones = torch.tensor(0x11111111, dtype=torch.int64)
    wrapped = (parts["a.qzeros"].long() - ones) & 0xFFFFFFFF
    parts["a.qzeros"] = torch.where(wrapped > 0x7FFFFFFF, wrapped - (1 << 32), wrapped).int()
    assert close(layers(parts)["a"].load(), grouped(codes, zeros, scales, groups))


@pytest.mark.parametrize("size", [8, 16, IN])
def test_awq(tmp_path: Path, size: int) -> None:
    count = IN // size
    codes, zeros, scales = random_codes(IN, OUT, 4), random_codes(count, OUT, 4, seed=1), random_scales(count, OUT)
    path = checkpoints.write(tmp_path / "model.safetensors", below("h.0.attn.q_proj", awq(codes, zeros, scales)))
    assert opened(path) == ({"h.0.attn.q_proj": ("int4 (AWQ)", (OUT, IN))}, {})
    expected = grouped(codes, zeros, scales, [at // size for at in range(IN)])
    assert close(layers(path)["h.0.attn.q_proj"].load(), expected)


def test_square_gptq_and_awq_are_told_apart() -> None:
    codes, zeros, scales = random_codes(IN, IN, 4), [[8] * IN] * 4, random_scales(4, IN)
    groups = [at // 16 for at in range(IN)]
    both = {**below("a", gptq(codes, zeros, scales, groups, 4)), **below("b", awq(codes, zeros, scales))}
    found, _ = opened(both)
    assert {name: dtype for name, (dtype, _) in found.items()} == {"a": "int4 (GPTQ)", "b": "int4 (AWQ)"}
    assert torch.equal(layers(both)["a"].load(), layers(both)["b"].load())


def test_work_is_cut_into_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    codes, zeros, scales = random_codes(IN, OUT, 3), [[3] * OUT] * 4, random_scales(4, OUT)
    groups = [at // 16 for at in range(IN)]
    parts = {
        **below("a", gptq(codes, zeros, scales, groups, 3)),
        **below("b", awq(codes, zeros, scales)),
    }
    monkeypatch.setattr("weightscope_widget.sources.packed.ints.CHUNK", 1000)
    expected = grouped(codes, zeros, scales, groups)
    assert close(layers(parts)["a"].load(), expected)
    assert close(layers(parts)["b"].load(), expected)
