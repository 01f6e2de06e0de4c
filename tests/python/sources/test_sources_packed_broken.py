"""Quantized checkpoints that are broken, hostile or of a kind that is not read: a phrase each, the others go on."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path

import pytest
import torch

import weightscope_widget as wsw
from tests.python.sources.test_sources_files import resident
from tests.python.support import checkpoints
from tests.python.support.checkpoints import layers, numbered, write_header
from tests.python.support.packing import awq, below, gptq, opened, random_codes, random_scales, text
from weightscope_widget.errors import TensorReadError

IN, OUT = 64, 32
E4M3 = torch.float8_e4m3fn
FINE = {"fine.weight": numbered(3, 3)}


def bytes_of(*shape: int, dtype: torch.dtype = torch.uint8) -> torch.Tensor:
    return torch.zeros(*shape, dtype=dtype)


def a_gptq(**changes: torch.Tensor | None) -> dict[str, torch.Tensor]:
    parts = gptq(random_codes(IN, OUT, 4), [[8] * OUT] * 4, random_scales(4, OUT), [i // 16 for i in range(IN)], 4)
    return below("a", {name: part for name, part in {**parts, **changes}.items() if part is not None})


def an_awq(**changes: torch.Tensor | None) -> dict[str, torch.Tensor]:
    parts = awq(random_codes(IN, OUT, 4), [[8] * OUT] * 4, random_scales(4, OUT))
    return below("a", {name: part for name, part in {**parts, **changes}.items() if part is not None})


def an_int4(**changes: torch.Tensor | None) -> dict[str, torch.Tensor]:
    parts = {
        "weight_packed": bytes_of(6, 8, dtype=torch.int32),
        "weight_scale": torch.ones(6, 2),
        "weight_shape": torch.tensor([6, 64]),
    }
    return below("a", {name: part for name, part in {**parts, **changes}.items() if part is not None})


SKIPPED = {
    "GPTQ without scales": (a_gptq(scales=None), "packed (GPTQ or AWQ), without its scales"),
    "GPTQ without zeros": (a_gptq(qzeros=None), "packed (GPTQ or AWQ), without its qzeros"),
    "GPTQ without codes": (a_gptq(qweight=None), "packed (GPTQ or AWQ), without its qweight"),
    "scales of another size": (a_gptq(scales=torch.ones(4, 31)), "do not fit together"),
    "scales of no group": (a_gptq(scales=torch.ones(0, OUT), qzeros=bytes_of(0, 4, dtype=torch.int32)), "do not fit"),
    "integer scales": (a_gptq(scales=bytes_of(4, OUT)), "do not fit together"),
    "five bits": (a_gptq(qzeros=bytes_of(4, 5, dtype=torch.int32)), "do not fit together"),
    "no outputs": (a_gptq(qweight=bytes_of(8, 0, dtype=torch.int32), scales=torch.ones(4, 0)), "do not fit together"),
    "g_idx too short": (a_gptq(g_idx=bytes_of(3, dtype=torch.int32)), "do not fit together"),
    "one axis": (a_gptq(qweight=bytes_of(8, dtype=torch.int32)), "do not fit together"),
    "groups that do not divide": (
        an_awq(scales=torch.ones(3, OUT), qzeros=bytes_of(3, 4, dtype=torch.int32)),
        "do not",
    ),
    "GEMV": (an_awq(qweight=bytes_of(OUT, IN // 8, dtype=torch.int32)), "do not fit together"),
    "without a shape": (an_int4(weight_shape=None), "without its weight_shape"),
    "without a scale": (an_int4(weight_scale=None), "without its weight_scale"),
    "10^12 entries": (an_int4(weight_shape=torch.tensor([10**6, 10**6])), "which (6, 8) words cannot be"),
    "negative shape": (an_int4(weight_shape=torch.tensor([6, -64])), "which (6, 8) words cannot be"),
    "three axes": (an_int4(weight_shape=torch.tensor([6, 8, 8])), "2 axes"),
    "a shape of floats": (an_int4(weight_shape=torch.tensor([6.0, 64.0])), "holds no counts"),
    "a long shape": (an_int4(weight_shape=bytes_of(9000, dtype=torch.int64)), "too many"),
    "scales that do not divide": (an_int4(weight_scale=torch.ones(6, 63)), "weight_scale (6, 63) of float32 does not"),
    "scales of other rows": (an_int4(weight_scale=torch.ones(5, 2)), "weight_scale (5, 2) of float32 does not fit"),
    "zeros": (an_int4(weight_zero_point=bytes_of(6, 2, dtype=torch.int8)), "weight_zero_point (6, 2) of int8 does not"),
    "index": (an_int4(weight_g_idx=bytes_of(63, dtype=torch.int32)), "weight_g_idx (63,) of int32 does not fit"),
    "float8 and scales": (
        {"a.weight": bytes_of(6, 4).view(E4M3), "a.weight_scale": torch.ones(5, 1)},
        "packed (float8_e4m3fn): weight (6, 4) and scales (5, 1) of float32 do not fit together",
    ),
    "float8 and blocks": (
        {"a.weight": bytes_of(300, 4).view(E4M3), "a.weight_scale_inv": torch.ones(7, 1)},
        "do not fit",
    ),
    "float8 and integers": ({"a.weight": bytes_of(6, 4).view(E4M3), "a.weight_scale": bytes_of(6, 1).int()}, "do not"),
    "int8 and zeros": (
        {
            "a.weight": bytes_of(6, 4).char(),
            "a.weight_scale": torch.ones(6, 1),
            "a.weight_zero_point": bytes_of(5, 1).char(),
        },
        "as many zero points as scales are needed",
    ),
    "SCB": ({"a.weight": bytes_of(6, 4).char(), "a.SCB": torch.ones(5)}, "weight (6, 4) and SCB (5,) do not fit"),
    "MXFP4 without scales": ({"a.weight_blocks": bytes_of(2, 3, 1, 16)}, "packed (MXFP4), without its scales"),
    "MXFP4 and other scales": (
        {"a.weight_blocks": bytes_of(2, 3, 1, 16), "a.weight_scales": bytes_of(2, 3, 2)},
        "packed (MXFP4): blocks (2, 3, 1, 16) and scales (2, 3, 2) do not fit together",
    ),
    "NVFP4 and other scales": (
        {
            "a.weight": bytes_of(4, 16),
            "a.weight_scale": bytes_of(4, 3).view(E4M3),
            "a.weight_scale_2": torch.ones(1),
        },
        "packed (NVFP4): weight (4, 16), scale (4, 3), factor (1,) do not fit together",
    ),
    "ternary": ({"a.weight": bytes_of(4, 16), "a.weight_scale": torch.ones(1)}, "unknown layout (uint8 with"),
    "int8 with a DeepSeek scale": (
        {"a.weight": bytes_of(4, 16).char(), "a.weight_scale_inv": torch.ones(4, 1)},
        "packed in an unknown layout (int8 with weight_scale_inv)",
    ),
    "EXL2": (
        {"a.q_weight": bytes_of(4, 4).int(), "a.q_scale": bytes_of(2, 2).int()},
        "packed (EXL2), which is not read",
    ),
    "HQQ": ({"a.W_q": bytes_of(4, 4), "a.scale": torch.ones(4, 1), "a.zero": torch.ones(4, 1)}, "packed (HQQ)"),
    "AQLM": (
        {"a.codes": bytes_of(2, 2, 1).char(), "a.codebooks": torch.ones(1, 2, 2), "a.scales": torch.ones(2)},
        "AQLM",
    ),
    "torchao": ({"a._weight_qdata": bytes_of(4, 4).char(), "a._weight_scale": torch.ones(4, 1)}, "packed (torchao)"),
    "MLX": (
        {"a.weight": bytes_of(4, 8).view(torch.uint32), "a.scales": torch.ones(4, 1), "a.biases": torch.ones(4, 1)},
        "packed (MLX), which is not read",
    ),
}


@pytest.mark.parametrize("case", SKIPPED)
def test_what_cannot_be_put_together_is_listed_once(tmp_path: Path, case: str) -> None:
    parts, reason = SKIPPED[case]
    path = checkpoints.write(tmp_path / "model.safetensors", {**parts, **FINE})
    for model in (path, {**parts, **FINE}):
        found, skipped = opened(model)
        assert found == {"fine": ("float32", (3, 3))}
        assert list(skipped) == ["a"]
        assert reason in skipped["a"]


FAILING = {
    "g_idx too high": (a_gptq(g_idx=torch.full((IN,), 4, dtype=torch.int32)), "g_idx names group 4 where there are 4"),
    "g_idx below": (a_gptq(g_idx=torch.full((IN,), -1, dtype=torch.int32)), "g_idx names group -1"),
    "NaN in scales": (a_gptq(scales=torch.full((4, OUT), torch.nan)), "128 of its 128 scales are not finite numbers"),
    "infinite scales": (an_awq(scales=torch.full((4, OUT), torch.inf)), "scales are not finite numbers"),
    "float8": (
        {"a.weight": bytes_of(2, 2).view(E4M3), "a.weight_scale": torch.tensor([[1.0], [torch.nan]])},
        "1 of its 2 scales are not finite numbers",
    ),
    "E8M0 has one that is no number": (
        {"a_blocks": bytes_of(3, 1, 16), "a_scales": torch.full((3, 1), 255, dtype=torch.uint8)},
        "3 of its 3 scales are not finite numbers",
    ),
    "a divisor of zero": (
        {
            "a.weight_packed": bytes_of(4, 8),
            "a.weight_scale": bytes_of(4, 1).view(E4M3),
            "a.weight_global_scale": torch.zeros(1),
        },
        "scales are not finite numbers",
    ),
    "tiles": (
        {"a.weight": bytes_of(2, 2).char(), "a.SCB": torch.ones(2), "a.weight_format": torch.tensor(2).byte()},
        "its entries are in the order of a GPU's tiles",
    ),
    "index": (an_int4(weight_g_idx=torch.full((64,), 2, dtype=torch.int32)), "g_idx names group 2 where there are 2"),
}


@pytest.mark.parametrize("case", FAILING)
def test_what_only_the_numbers_show_fails_that_layer_alone(tmp_path: Path, case: str) -> None:
    parts, reason = FAILING[case]
    path = checkpoints.write(tmp_path / "model.safetensors", {**parts, **FINE})
    with pytest.raises(TensorReadError, match=re.escape(reason)) as raised:
        layers(path)["a"].load()
    assert str(raised.value).startswith("'a")
    results = wsw.scan(path, progress=False)
    assert reason in results["a"]["error"]
    assert "error" not in results["fine"]


def test_a_shard_that_lacks_a_part(tmp_path: Path) -> None:
    parts = a_gptq()
    folder = checkpoints.write_sharded(tmp_path, {**parts, **FINE})
    index = folder / "model.safetensors.index.json"
    content = json.loads(index.read_text())
    del parts["a.scales"]
    checkpoints.write(folder / content["weight_map"]["a.qweight"], {**parts, **FINE})
    with pytest.raises(TensorReadError, match=r"lacks the tensor 'a\.scales'"):
        layers(folder)["a"].load()


def test_a_file_cut_after_it_was_opened(tmp_path: Path) -> None:
    path = checkpoints.write(tmp_path / "model.safetensors", a_gptq())
    layer = layers(path)["a"]
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(TensorReadError, match="put it back or open the model again"):
        layer.load()


def test_a_file_changed_after_it_was_opened(tmp_path: Path) -> None:
    path = checkpoints.write(tmp_path / "model.safetensors", an_int4())
    layer = layers(path)["a"]
    checkpoints.write(path, an_int4(weight_packed=bytes_of(6, 9, dtype=torch.int32)))
    with pytest.raises(TensorReadError, match=r"a part is torch\.int32"):
        layer.load()


def test_nothing_is_allocated_for_what_a_file_claims(tmp_path: Path) -> None:
    # Two gigabytes of codes and a note that says 10**12 entries, which a hole in the file stands for.
    begin = 2**31
    header = {
        "a.weight_packed": {"dtype": "I32", "shape": [2**14, 2**15], "data_offsets": [0, begin]},
        "a.weight_scale": {"dtype": "F32", "shape": [2**14, 1], "data_offsets": [begin, begin + 2**16]},
        "a.weight_shape": {"dtype": "I64", "shape": [2], "data_offsets": [begin + 2**16, begin + 2**16 + 16]},
        "b": {"dtype": "F32", "shape": [1], "data_offsets": [begin + 2**16 + 16, begin + 2**16 + 20]},
    }
    path = write_header(tmp_path / "model.safetensors", header, begin + 2**16 + 20)
    with path.open("r+b") as file:
        file.seek(-20, 2)
        file.write(struct.pack("<qq", 10**6, 10**6))
    before = resident()
    found, skipped = opened(path)
    assert resident() - before < 2**26
    assert found == {"b": ("float32", (1,))}
    assert "weight_shape is (1000000, 1000000), which (16384, 32768) words cannot be" in skipped["a"]


@pytest.mark.parametrize(
    "config",
    [
        b"{",
        b"[" * 100_000,
        b"[]",
        b'{"quantization_config": 3}',
        b'{"quantization_config": {"group_size": 0, "weight_block_size": [0, -1], "config_groups": [1]}}',
        b'{"quantization_config": {"group_size": "128", "config_groups": {"a": 1, "b": {"weights": 2}}}}',
    ],
)
def test_a_configuration_that_says_nothing_is_no_hindrance(tmp_path: Path, config: bytes) -> None:
    scaled = {"b.weight": bytes_of(4, 4).view(E4M3), "b.weight_scale_inv": torch.ones(2, 2)}
    checkpoints.write(tmp_path / "model.safetensors", {**a_gptq(), **an_int4(), **scaled})
    plain = opened(tmp_path)
    (tmp_path / "config.json").write_bytes(config)
    assert opened(tmp_path) == plain


def test_a_note_that_is_no_tensor() -> None:
    parts = {**an_int4(), **FINE, "c.weight.quant_state.bitsandbytes__nf4": "text", "c.weight": bytes_of(2, 1)}
    _, skipped = opened(parts)
    assert skipped["c"] == "packed (bitsandbytes), without its absmax"


def test_a_name_that_is_taken_already() -> None:
    parts = {**a_gptq(), "a.weight": numbered(2, 2)}
    found, skipped = opened(parts)
    assert found == {"a.qweight": ("int4 (GPTQ)", (OUT, IN)), "a": ("float32", (2, 2))}
    assert skipped == {}


def test_text_beside_a_weight() -> None:
    found, _ = opened({**a_gptq(), "a.comfy_quant": text({"format": "float8_e4m3fn"})})
    assert set(found) == {"a"}


def test_parts_that_are_no_plain_tensors(tmp_path: Path) -> None:
    weight, shape = bytes_of(3, 4).view(E4M3), torch.tensor([6, 64])
    odd = {
        "a.weight": weight,
        "a.weight_scale": torch.ones(1, 1).expand(3, 1),
        "b.weight": weight,
        "b.weight_scale": torch.ones(3, 1).to_sparse(),
        **{f"c{name[1:]}": part for name, part in an_int4(weight_shape=shape.to_sparse()).items()},
        **{f"d{name[1:]}": part for name, part in an_int4(weight_shape=shape.to("meta")).items()},
        **FINE,
    }
    torch.save(odd, tmp_path / "model.pt")
    found, skipped = opened(tmp_path / "model.pt")
    assert found == {"fine": ("float32", (3, 3))}
    assert skipped == {
        "a": "packed, and 'a.weight_scale' cannot be read: an expanded view: more entries than numbers are stored",
        "b": "packed, and 'b.weight_scale' cannot be read: not a dense tensor (sparse_coo)",
        "c": "packed (compressed-tensors): 'c.weight_shape' cannot be read: not a dense tensor (sparse_coo)",
        "d": "packed (compressed-tensors): 'd.weight_shape' cannot be read: saved without values (meta device)",
    }


def test_models_that_are_not_quantized_are_left_alone() -> None:
    tensors = {
        "a.count": torch.tensor([3]),
        "a.count_scale": numbered(4, 2),
        "norm.scale": numbered(3),
        "norm.input_scale": numbered(3),
        "vq.codes": torch.arange(3),
        "vq.embed": numbered(3, 2),
        "text_blocks": numbered(2, 2),
        "text_scales": numbered(2, 2),
    }
    found, skipped = opened(tensors)
    assert set(found) == {"a.count_scale", "norm.scale", "norm.input_scale", "vq.embed", "text_blocks", "text_scales"}
    assert set(skipped) == {"a.count", "vq.codes"}
