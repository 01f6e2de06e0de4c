"""Weights of 8 bits with scales beside them: float8 and int8, by blocks, rows, groups, or one for all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tests.python.support import checkpoints
from tests.python.support.checkpoints import layers, numbered, same
from tests.python.support.packing import close, opened

E4M3, E5M2 = torch.float8_e4m3fn, torch.float8_e5m2


def eighths(*shape: int, dtype: torch.dtype = E4M3) -> torch.Tensor:
    """Float8 numbers of all sizes, no two neighbours alike."""
    return torch.sin(numbered(*shape)).mul(100).to(dtype)


def blockwise(weight: torch.Tensor, scales: torch.Tensor, height: int, width: int) -> torch.Tensor:
    numbers, each = weight.double().tolist(), scales.double().tolist()
    rows = [[w * each[o // height][i // width] for i, w in enumerate(row)] for o, row in enumerate(numbers)]
    return torch.tensor(rows, dtype=torch.float64)


def test_deepseek_has_ragged_blocks_of_128(tmp_path: Path) -> None:
    weight, scales = eighths(130, 300), numbered(2, 3) / 7
    parts = {"a.weight": weight, "a.weight_scale_inv": scales, "a.bias": numbered(130)}
    path = checkpoints.write(tmp_path / "model.safetensors", parts)
    assert opened(path) == ({"a": ("float8_e4m3fn", (130, 300)), "a.bias": ("float32", (130,))}, {})
    assert close(layers(path)["a"].load(), blockwise(weight, scales, 128, 128))


def test_the_configuration_tells_the_block(tmp_path: Path) -> None:
    weight, scales = eighths(100, 90), numbered(2, 2)
    path = checkpoints.write(tmp_path / "model.safetensors", {"a.weight": weight, "a.weight_scale_inv": scales})
    assert close(layers(path)["a"].load(), blockwise(weight, scales, 50, 45))
    (tmp_path / "config.json").write_text(json.dumps({"quantization_config": {"weight_block_size": [64, 64]}}))
    for model in (path, tmp_path):
        assert close(layers(model)["a"].load(), blockwise(weight, scales, 64, 64))


@pytest.mark.parametrize("name", ["weight_scale_inv", "weight_scale", "scale_weight"])
@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_one_scale_for_all(name: str, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    weight, scale = eighths(3, 5, dtype=E5M2), torch.full(shape, 0.375, dtype=dtype)
    found, skipped = opened({"a.weight": weight, f"a.{name}": scale, "b.weight": numbered(2, 2)})
    assert (found, skipped) == ({"a": ("float8_e5m2", (3, 5)), "b": ("float32", (2, 2))}, {})
    assert close(layers({"a.weight": weight, f"a.{name}": scale})["a"].load(), weight.double() * 0.375)


@pytest.mark.parametrize("shape", [(6,), (6, 1)])
def test_a_scale_for_each_row(shape: tuple[int, ...]) -> None:
    weight, scales = eighths(6, 4), numbered(*shape) / 8
    loaded = layers({"a.weight": weight, "a.weight_scale": scales})["a"].load()
    assert close(loaded, blockwise(weight, scales.reshape(6, 1), 1, 4))


def test_a_scale_for_each_group_of_a_row() -> None:
    weight, scales = eighths(6, 64), numbered(6, 2) / 8
    loaded = layers({"a.weight": weight, "a.weight_scale": scales})["a"].load()
    assert close(loaded, blockwise(weight, scales, 1, 32))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float8_e8m0fnu])
def test_scales_may_be_powers_of_two(dtype: torch.dtype) -> None:
    exponents = torch.tensor([[120, 127], [0, 130]], dtype=torch.uint8)
    weight = eighths(2, 64)
    loaded = layers({"a.weight": weight, "a.weight_scale": exponents.view(dtype)})["a"].load()
    assert close(loaded, blockwise(weight, 2.0 ** (exponents.double() - 127), 1, 32))


def test_scales_of_activations_are_no_layers() -> None:
    tensors = {
        "a.weight": eighths(2, 3),
        "a.weight_scale": torch.tensor(2.0),
        "a.input_scale": torch.ones(1),
        "attn.k_scale": torch.ones(1),
        "attn.block_scale": torch.ones(2),
        "lost.weight_scale": torch.ones(4, 1),
        "scaled_fp8": torch.ones(2).to(E4M3),
    }
    found, skipped = opened(tensors)
    assert found == {"a": ("float8_e4m3fn", (2, 3)), "attn.block_scale": ("float32", (2,))}
    passing = "a scale of the activations of a quantized layer, not weights"
    assert skipped == {
        **dict.fromkeys(("a.input_scale", "attn.k_scale", "scaled_fp8"), passing),
        "lost.weight_scale": "scales without their weights",
    }


def test_float8_without_a_scale_is_measured_as_it_is() -> None:
    weight = eighths(3, 4)
    layer = layers({"a.weight": weight, "b.weight": eighths(2, 2), "b.weight_scale": torch.tensor(1.0)})["a"]
    assert same(layer.load(), weight)


def test_a_stack_of_experts(tmp_path: Path) -> None:
    weight, scales = eighths(3, 130, 150), numbered(3, 2, 2) / 5
    name = "model.layers.0.mlp.experts.gate_up_proj"
    path = checkpoints.write(tmp_path / "model.safetensors", {name: weight, f"{name}_scale_inv": scales})
    found = layers(path)
    assert [(key, layer.shape) for key, layer in found.items()] == [
        *((f"{name}[{index}]", (130, 150)) for index in range(3)),
        (name, (3, 130, 150)),
    ]
    for index in range(3):
        expected = blockwise(weight[index], scales[index], 128, 128)
        assert close(found[f"{name}[{index}]"].load(), expected)
        assert close(found[name].load()[index], expected)


@pytest.mark.parametrize("shape", [(3,), (3, 1, 1), (3, 4), (1,)])
def test_scales_of_experts(shape: tuple[int, ...]) -> None:
    weight, scales = eighths(3, 4, 5), numbered(*shape)
    found = layers({"experts.w1": weight, "experts.w1_scale": scales})
    for index in range(3):
        mine = scales.reshape(-1)[0] if shape == (1,) else scales[index]
        expected = weight[index].double() * mine.double().reshape(-1, 1)
        assert close(found[f"experts.w1[{index}]"].load(), expected)
        assert close(found["experts.w1"].load()[index], expected)


def test_one_expert_is_a_stack_of_one() -> None:
    weight, scales = eighths(1, 4, 64), numbered(1, 4, 2)
    found = layers({"experts.w1": weight, "experts.w1_scale": scales})
    expected = blockwise(weight[0], scales[0], 1, 32)
    assert close(found["experts.w1"].load()[0], expected)
    assert close(found["experts.w1[0]"].load(), expected)


@pytest.mark.parametrize("columns", [1, 4])
def test_int8_with_scales_and_zero_points(columns: int) -> None:
    weight = torch.tensor([[(7 * o + 3 * i) % 256 - 128 for i in range(64)] for o in range(6)], dtype=torch.int8)
    scales, zeros = numbered(6, columns) / 64, torch.arange(6 * columns).reshape(6, columns).to(torch.int8)
    parts = {"a.weight": weight, "a.weight_scale": scales}
    assert opened(parts) == ({"a": ("int8 (compressed-tensors)", (6, 64))}, {})
    width = 64 // columns
    assert close(layers(parts)["a"].load(), blockwise(weight, scales, 1, width))
    shifted = weight.int() - zeros.int().repeat_interleave(width, 1)
    assert close(layers({**parts, "a.weight_zero_point": zeros})["a"].load(), blockwise(shifted, scales, 1, width))


def test_bitsandbytes_int8() -> None:
    weight = torch.tensor([[-127, 5, 127], [0, 64, -1]], dtype=torch.int8)
    parts = {"a.weight": weight, "a.SCB": torch.tensor([2.0, 0.5]), "a.weight_format": torch.tensor(0).byte()}
    assert opened(parts) == ({"a": ("int8 (bitsandbytes)", (2, 3))}, {})
    expected = [[-2, 2 * 5 / 127, 2], [0, 0.5 * 64 / 127, -0.5 / 127]]
    assert close(layers(parts)["a"].load(), torch.tensor(expected, dtype=torch.float64))


def test_a_zero_scale_is_a_row_of_zeros() -> None:
    parts = {"a.weight": eighths(2, 3), "a.weight_scale": torch.tensor([[0.0], [1.0]])}
    loaded = layers(parts)["a"].load()
    assert loaded[0].tolist() == [0, 0, 0]
    assert loaded[1].tolist() == parts["a.weight"].double()[1].tolist()


def test_work_is_cut_into_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    weight, scales = eighths(130, 300), numbered(2, 3)
    monkeypatch.setattr("weightscope_widget.sources.packed.arithmetic.CHUNK", 1000)
    loaded = layers({"a.weight": weight, "a.weight_scale_inv": scales})["a"].load()
    assert close(loaded, blockwise(weight, scales, 128, 128))
