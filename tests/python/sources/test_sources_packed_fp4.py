"""MXFP4 and NVFP4: half bytes with a scale for each block, by loops and by transformers' own arithmetic."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.python.support import checkpoints
from tests.python.support.checkpoints import layers, numbered
from tests.python.support.packing import E2M1, close, opened, random_codes

NAME = "model.layers.0.mlp.experts.gate_up_proj"


def halves(codes: list[list[int]]) -> torch.Tensor:
    """Two codes to a byte, the first in the low half."""
    rows = [[low + 16 * high for low, high in zip(row[::2], row[1::2], strict=True)] for row in codes]
    return torch.tensor(rows, dtype=torch.uint8)


def blocked(codes: list[list[int]], scales: torch.Tensor, block: int) -> torch.Tensor:
    each = scales.double().tolist()
    rows = [[E2M1[code] * each[o][i // block] for i, code in enumerate(row)] for o, row in enumerate(codes)]
    return torch.tensor(rows, dtype=torch.float64)


def gpt_oss(experts: int, rows: int, groups: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    codes = random_codes(experts * rows, 32 * groups, 4)
    exponents = torch.tensor(random_codes(experts * rows, groups, 4)) + 118
    expected = blocked(codes, 2.0 ** (exponents.double() - 127), 32)
    shape = (experts, rows, groups)
    blocks = halves(codes).reshape(*shape, 16)
    return blocks, exponents.byte().reshape(shape), expected.reshape(experts, rows, -1)


@pytest.mark.parametrize("joint", ["_", "."])
def test_gpt_oss(tmp_path: Path, joint: str) -> None:
    blocks, scales, expected = gpt_oss(3, 4, 2)
    tensors = {f"{NAME}{joint}blocks": blocks, f"{NAME}{joint}scales": scales, f"{NAME}_bias": numbered(3, 4)}
    path = checkpoints.write(tmp_path / "model.safetensors", tensors)
    members = [f"{NAME}[{index}]" for index in range(3)]
    found, skipped = opened(path)
    assert found == {
        **dict.fromkeys(members, ("mxfp4", (4, 64))),
        NAME: ("mxfp4", (3, 4, 64)),
        f"{NAME}_bias": ("float32", (3, 4)),
    }
    assert skipped == {}
    assert close(layers(path)[NAME].load(), expected)
    for index, member in enumerate(members):
        assert close(layers(path)[member].load(), expected[index])


def test_gpt_oss_as_transformers_unpacks_it() -> None:
    mxfp4 = pytest.importorskip("transformers.integrations.mxfp4")
    blocks, scales, _ = gpt_oss(2, 3, 4)
    theirs = mxfp4.convert_moe_packed_tensors(blocks, scales, dtype=torch.float32)  # (experts, in, out)
    ours = layers({f"{NAME}_blocks": blocks, f"{NAME}_scales": scales})[NAME].load()
    assert torch.equal(ours, theirs.transpose(1, 2))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float8_e8m0fnu])
def test_mxfp4_of_compressed_tensors(dtype: torch.dtype) -> None:
    codes, exponents = random_codes(3, 64, 4), torch.tensor([[127, 120], [126, 129], [0, 127]]).byte()
    parts = {"a.weight_packed": halves(codes), "a.weight_scale": exponents.view(dtype)}
    assert opened(parts) == ({"a": ("mxfp4", (3, 64))}, {})
    assert close(layers(parts)["a"].load(), blocked(codes, 2.0 ** (exponents.double() - 127), 32))


@pytest.mark.parametrize(
    ("weight", "whole", "number", "factor"),
    [("weight", "weight_scale_2", 0.25, 0.25), ("weight_packed", "weight_global_scale", 5.0, 1 / 5)],
)
def test_nvfp4(weight: str, whole: str, number: float, factor: float) -> None:
    codes, scales = random_codes(3, 48, 4), (numbered(3, 3) * 3).to(torch.float8_e4m3fn)
    parts = {f"a.{weight}": halves(codes), "a.weight_scale": scales, f"a.{whole}": torch.tensor([number])}
    found, skipped = opened({**parts, "a.input_global_scale": torch.ones(1)})
    assert found == {"a": ("nvfp4", (3, 48))}
    assert set(skipped) == {"a.input_global_scale"}
    assert close(layers(parts)["a"].load(), blocked(codes, scales.double() * factor, 16))


@pytest.mark.parametrize("count", [1, 2])
def test_nvfp4_experts(count: int) -> None:
    codes, scales = random_codes(6, 32, 4), numbered(6, 2).to(torch.float8_e4m3fn)
    factors = torch.tensor([0.5, 2.0][:count])
    each = torch.tensor([0.5] * 3 + [[0.5, 2.0][count - 1]] * 3, dtype=torch.float64)
    parts = {
        "experts.weight": halves(codes).reshape(2, 3, 16),
        "experts.weight_scale": scales.reshape(2, 3, 2),
        "experts.weight_scale_2": factors,
    }
    expected = blocked(codes, scales.double() * each[:, None], 16).reshape(2, 3, 32)
    found = layers(parts)
    assert close(found["experts"].load(), expected)
    assert close(found["experts[1]"].load(), expected[1])


def test_work_is_cut_into_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weightscope_widget.sources.packed.fp4.CHUNK", 200)
    blocks, scales, expected = gpt_oss(2, 5, 3)
    assert close(layers({f"{NAME}_blocks": blocks, f"{NAME}_scales": scales})[NAME].load(), expected)
