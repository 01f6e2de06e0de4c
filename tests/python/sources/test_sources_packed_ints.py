"""Integers as compressed-tensors packs them: plain, with zero points, in groups, in another order."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import torch

from tests.python.support import checkpoints
from tests.python.support.checkpoints import layers, numbered
from tests.python.support.packing import close, int32, opened, random_codes, random_scales, stream, turned

OUT, IN = 12, 96


def packed(codes: list[list[int]], scales: list[list[float]], bits: int) -> dict[str, torch.Tensor]:
    """Codes and scales by output, as ``pack-quantized`` has them; the codes are the integers plus half the range."""
    return {
        "a.weight_packed": int32([stream(row, bits) for row in codes]),
        "a.weight_scale": torch.tensor(scales, dtype=torch.bfloat16),
        "a.weight_shape": torch.tensor([len(codes), len(codes[0])]),
    }


def expected(
    parts: dict[str, torch.Tensor], codes: list[list[int]], zeros: list[list[int]], groups: list[int]
) -> torch.Tensor:
    scales = parts["a.weight_scale"].double().tolist()
    rows = [[(row[i] - zeros[o][g]) * scales[o][g] for i, g in enumerate(groups)] for o, row in enumerate(codes)]
    return torch.tensor(rows, dtype=torch.float64)


@pytest.mark.parametrize("bits", [2, 3, 4, 5, 8])
@pytest.mark.parametrize("count", [1, 3])
def test_symmetric(tmp_path: Path, bits: int, count: int) -> None:
    codes = random_codes(OUT, IN, bits)
    parts = packed(codes, random_scales(OUT, count), bits)
    path = checkpoints.write(tmp_path / "model.safetensors", {**parts, "a.bias": numbered(OUT)})
    found, skipped = opened(path)
    assert found == {"a": (f"int{bits} (compressed-tensors)", (OUT, IN)), "a.bias": ("float32", (OUT,))}
    assert skipped == {}
    groups = [i // (IN // count) for i in range(IN)]
    assert close(layers(path)["a"].load(), expected(parts, codes, [[1 << (bits - 1)] * count] * OUT, groups))


@pytest.mark.parametrize("bits", [3, 4, 8])
def test_zero_points_are_packed_along_the_outputs(bits: int) -> None:
    codes, zeros = random_codes(OUT, IN, bits), random_codes(OUT, 3, bits, seed=1)
    parts = packed(codes, random_scales(OUT, 3), bits)
    parts["a.weight_zero_point"] = int32(turned([stream(column, bits) for column in turned(zeros)]))
    assert close(layers(parts)["a"].load(), expected(parts, codes, zeros, [i // 32 for i in range(IN)]))


@pytest.mark.parametrize("known", [True, False])
def test_groups_in_another_order(known: bool) -> None:
    groups = [i // 32 for i in range(IN)]
    codes = random_codes(OUT, IN, 4)
    parts = packed(codes, random_scales(OUT, 3), 4)
    if known:
        random.Random(0).shuffle(groups)
        parts["a.weight_g_idx"] = torch.tensor(groups, dtype=torch.int32)
    else:
        parts["a.weight_g_idx"] = torch.full((IN,), -1, dtype=torch.int32)
    assert close(layers(parts)["a"].load(), expected(parts, codes, [[8] * 3] * OUT, groups))


def test_width_that_fills_no_word_and_one_scale() -> None:
    codes = random_codes(5, 41, 4)
    parts = packed(codes, [[0.5]] * 5, 4)
    parts["a.weight_scale"] = torch.tensor([0.5])
    assert opened(parts)[0] == {"a": ("int4 (compressed-tensors)", (5, 41))}
    theirs = torch.tensor([[(code - 8) * 0.5 for code in row] for row in codes], dtype=torch.float64)
    assert close(layers(parts)["a"].load(), theirs)


def test_the_configuration_tells_the_group(tmp_path: Path) -> None:
    codes = random_codes(OUT, IN, 4)
    parts = packed(codes, random_scales(OUT, 2), 4)
    checkpoints.write(tmp_path / "model.safetensors", parts)
    scheme = {"weights": {"num_bits": 4, "group_size": 64}}
    (tmp_path / "config.json").write_text(json.dumps({"quantization_config": {"config_groups": {"group_0": scheme}}}))
    assert close(layers(tmp_path)["a"].load(), expected(parts, codes, [[8] * 2] * OUT, [i // 64 for i in range(IN)]))


def test_work_is_cut_into_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weightscope_widget.sources.packed.ints.CHUNK", 200)
    codes = random_codes(OUT, IN, 3)
    parts = packed(codes, random_scales(OUT, 3), 3)
    assert close(layers(parts)["a"].load(), expected(parts, codes, [[4] * 3] * OUT, [i // 32 for i in range(IN)]))
