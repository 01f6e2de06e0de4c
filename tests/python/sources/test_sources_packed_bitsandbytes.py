"""4-bit weights of bitsandbytes, with plain and nested scales."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from tests.python.support import checkpoints
from tests.python.support.checkpoints import layers, numbered
from tests.python.support.packing import below, close, four_bit, opened, random_codes, text

VALUES = [-1.0, -0.7, -0.5, -0.4, -0.3, -0.2, -0.1, 0.0, 0.08, 0.16, 0.25, 0.34, 0.44, 0.56, 0.72, 1.0]


@pytest.mark.parametrize(("shape", "block"), [((6, 32), 64), ((5, 7), 4), ((3, 3), 64), ((2, 3, 4), 8)])
def test_four_bit(tmp_path: Path, shape: tuple[int, ...], block: int) -> None:
    count = torch.Size(shape).numel()
    (codes,) = random_codes(1, count, 4)
    absmax = [0.5 + at / 7 for at in range(-(-count // block))]
    parts, expected = four_bit(codes, VALUES, absmax, shape, block)
    path = checkpoints.write(tmp_path / "model.safetensors", {**below("a", parts), "a.bias": numbered(3)})
    assert opened(path) == ({"a": ("nf4 (bitsandbytes)", shape), "a.bias": ("float32", (3,))}, {})
    assert close(layers(path)["a"].load(), expected)


def test_nested_scales_and_fp4() -> None:
    shape, block, nested_block, offset = (10, 32), 16, 8, 0.03125
    (codes,), (scale_codes,) = random_codes(1, 320, 4), random_codes(1, 20, 8, seed=1)
    nested_values, nested_absmax = [(at - 128) / 128 for at in range(256)], [0.5, 2.0, 4.0]
    absmax = [nested_values[code] * nested_absmax[at // nested_block] + offset for at, code in enumerate(scale_codes)]
    more = {"nested_blocksize": nested_block, "nested_offset": offset, "nested_dtype": "float32", "quant_type": "fp4"}
    parts, expected = four_bit(codes, VALUES, absmax, shape, block, **more)
    parts["weight.quant_state.bitsandbytes__fp4"] = parts.pop("weight.quant_state.bitsandbytes__nf4")
    parts["weight.absmax"] = torch.tensor(scale_codes, dtype=torch.uint8)
    parts["weight.nested_absmax"] = torch.tensor(nested_absmax)
    parts["weight.nested_quant_map"] = torch.tensor(nested_values)
    assert opened(below("a", parts)) == ({"a": ("fp4 (bitsandbytes)", shape)}, {})
    assert close(layers(below("a", parts))["a"].load(), expected)


def test_bytes_may_be_stored_as_another_type() -> None:
    (codes,) = random_codes(1, 64, 4)
    codes = [min(code, 6) for code in codes]  # no byte pattern that is not a number
    parts, expected = four_bit(codes, VALUES, [1.0, 2.0], (2, 32), 32)
    parts["weight"] = parts["weight"].flatten().view(torch.bfloat16).reshape(-1, 1)
    assert opened(below("a", parts)) == ({"a": ("nf4 (bitsandbytes)", (2, 32))}, {})
    assert close(layers(below("a", parts))["a"].load(), expected)


def test_work_is_cut_into_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weightscope_widget.sources.packed.bitsandbytes.CHUNK", 50)
    (codes,) = random_codes(1, 333, 4)
    parts, expected = four_bit(codes, VALUES, [1.0 + at for at in range(6)], (3, 111), 64)
    assert close(layers(below("a", parts))["a"].load(), expected)


STATE = "a.weight.quant_state.bitsandbytes__nf4"
PLAIN = {"quant_type": "nf4", "blocksize": 16, "shape": [2, 32]}


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (b"{", "its quant_state is not valid JSON"),
        (b"\xff\xfe", "its quant_state is not valid JSON"),
        (b"[" * 60000, "its quant_state is not valid JSON"),
        (b"9" * 60000, "its quant_state is not valid JSON"),
        ([1], "its quant_state is not a JSON object"),
        (b" " * 65537, "65537 entries, too many"),
        ({**PLAIN, "shape": [10**6, 10**6]}, r"32 bytes cannot be the shape \(1000000, 1000000\)"),
        ({**PLAIN, "shape": [2**40] * 8}, "32 bytes cannot be the shape"),
        ({**PLAIN, "shape": [-2, -32]}, "tells no shape"),
        ({**PLAIN, "shape": [True, 64]}, "tells no shape"),
        ({**PLAIN, "shape": [2.0, 32]}, "tells no shape"),
        ({**PLAIN, "shape": []}, "tells no shape"),
        ({**PLAIN, "shape": None}, "tells no shape"),
        ({**PLAIN, "shape": [1] * 9}, "tells no shape"),
        ({**PLAIN, "blocksize": 0}, "tells no blocksize"),
        ({**PLAIN, "blocksize": 10**30}, "tells no blocksize"),
        ({**PLAIN, "blocksize": "16"}, "tells no blocksize"),
        ({**PLAIN, "blocksize": 8}, "8 absmax and 16 values are needed"),
    ],
)
def test_what_the_state_says_is_checked(state: object, reason: str) -> None:
    parts, _ = four_bit([1] * 64, VALUES, [1.0] * 4, (2, 32), 16)
    tensors = {**below("a", parts), STATE: text(state), "b.weight": numbered(2, 2)}
    found, skipped = opened(tensors)
    assert found == {"b": ("float32", (2, 2))}
    assert list(skipped) == ["a"]
    assert re.search(reason, skipped["a"])


@pytest.mark.parametrize("lost", ["quant_map", "absmax", "quant_state.bitsandbytes__nf4"])
def test_parts_that_are_missing(lost: str) -> None:
    parts, _ = four_bit([1] * 64, VALUES, [1.0] * 4, (2, 32), 16)
    del parts[f"weight.{lost}"]
    found, skipped = opened({**below("a", parts), "b.weight": numbered(2, 2)})
    assert "a" not in found
    assert "without" in skipped["a"]
    assert lost.partition(".")[0] in skipped["a"]


def test_codes_for_scales_need_what_they_stand_for() -> None:
    parts, _ = four_bit([1] * 64, VALUES, [1.0] * 4, (2, 32), 16)
    parts["weight.absmax"] = torch.zeros(4, dtype=torch.uint8)
    _, skipped = opened({**below("a", parts), "b.weight": numbered(2, 2)})
    assert "without the nested_absmax" in skipped["a"]
    parts["weight.nested_absmax"] = torch.ones(1)
    parts["weight.nested_quant_map"] = torch.ones(255)
    parts["weight.quant_state.bitsandbytes__nf4"] = text({**PLAIN, "nested_blocksize": 256, "nested_offset": 0.0})
    _, skipped = opened({**below("a", parts), "b.weight": numbered(2, 2)})
    assert "do not fit together" in skipped["a"]
