"""GGUF files: each type's numbers by llama.cpp's rules, names and shapes by gguf's own reader."""

from __future__ import annotations

import pickle
import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import weightscope_widget as wsw
from tests.python.sources.test_sources_files import resident
from tests.python.support import checkpoints
from tests.python.support.checkpoints import layers, numbered, same
from weightscope_widget.errors import (
    CorruptFileError,
    MissingLibraryError,
    MissingShardError,
    UnsupportedModelError,
)
from weightscope_widget.sources import open_source

gguf = pytest.importorskip("gguf")

Array = np.ndarray[Any, np.dtype[Any]]
Kind = gguf.GGMLQuantizationType


def write(path: Path, tensors: Mapping[str, tuple[Array, Any]], **options: Any) -> Path:
    """Write a file with gguf's own writer; each tensor's bytes, and its type where numpy has no such."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, "llama", **options)
    writer.add_block_count(2)
    writer.add_token_list(["<s>", "a", "ü" * 40])
    writer.add_array("some.numbers", [1, 2, 3])
    writer.add_string("general.name", "tiny")
    for name, (data, kind) in tensors.items():
        writer.add_tensor(name, data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def plain(*shape: int, start: float = 1.0, dtype: Any = np.float32) -> tuple[Array, None]:
    return numbered(*shape, start=start).numpy().astype(dtype), None


def quantized(values: Array, kind: Any) -> tuple[Array, Any]:
    return gguf.quants.quantize(values, kind), kind


def gaussian(*shape: int) -> Array:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


# -- What is read ------------------------------------------------------------------------------------------------------


def q8_0(block: bytes) -> list[float]:
    scale, *numbers = struct.unpack("<e32b", block)
    return [scale * number for number in numbers]


def q4_0(block: bytes) -> list[float]:
    scale, *packed = struct.unpack("<e16B", block)
    return [scale * ((byte & 15) - 8) for byte in packed] + [scale * ((byte >> 4) - 8) for byte in packed]


def q4_k(block: bytes) -> list[float]:
    scale, least, *rest = struct.unpack("<ee140B", block)
    six, packed = rest[:12], rest[12:]
    values = []
    for group in range(8):
        if group < 4:
            step, shift = six[group] & 63, six[group + 4] & 63
        else:
            step = (six[group + 4] & 15) | (six[group - 4] >> 6) << 4
            shift = (six[group + 4] >> 4) | (six[group] >> 6) << 4
        half = packed[group // 2 * 32 : group // 2 * 32 + 32]
        numbers = [byte >> 4 if group % 2 else byte & 15 for byte in half]
        values += [scale * step * number - least * shift for number in numbers]
    return values


def q4_k_blocks(rows: int, count: int) -> Array:
    blocks = np.random.default_rng(1).integers(0, 256, (rows, count, 144), dtype=np.uint8)
    blocks[..., :4] = np.frombuffer(struct.pack("<ee", 0.03, 0.5), np.uint8)
    return blocks.reshape(rows, count * 144)


@pytest.mark.parametrize(
    ("data", "block", "size", "decode"),
    [
        (quantized(gaussian(6, 96), Kind.Q8_0), 34, 32, q8_0),
        (quantized(gaussian(6, 96), Kind.Q4_0), 18, 32, q4_0),
        ((q4_k_blocks(5, 2), Kind.Q4_K), 144, 256, q4_k),
    ],
    ids=["Q8_0", "Q4_0", "Q4_K"],
)
def test_a_quantized_type_is_what_its_format_says(
    tmp_path: Path, data: tuple[Array, Any], block: int, size: int, decode: Any
) -> None:
    path = write(tmp_path / "tiny.gguf", {"blk.0.attn_q.weight": data, "other.weight": plain(3, 5)})
    raw = data[0].tobytes()
    expected = np.array([decode(raw[at : at + block]) for at in range(0, len(raw), block)])
    expected = expected.reshape(data[0].shape[0], -1)
    found = layers(path)
    layer = found["blk.0.attn_q"]
    assert (layer.dtype, layer.shape) == (data[1].name, expected.shape)
    assert layer.parameters == len(raw) // block * size
    loaded = layer.load()
    assert loaded.dtype == torch.float32
    np.testing.assert_allclose(loaded.numpy(), expected, rtol=1e-6, atol=1e-7)
    assert same(found["other"].load(), numbered(3, 5))


def test_types_that_torch_has_come_back_to_the_bit_also_after_pickling(tmp_path: Path) -> None:
    bfloat16 = numbered(3, 8, dtype=torch.bfloat16)
    tensors = {
        "a.weight": plain(3, 4),
        "b.weight": plain(2, 5, dtype=np.float16),
        "c.weight": plain(4, 2, dtype=np.float64),
        "d.weight": (bfloat16.view(torch.uint8).numpy(), Kind.BF16),
        "e": plain(7),
    }
    found = layers(write(tmp_path / "tiny.gguf", tensors))
    assert {name: layer.dtype for name, layer in found.items()} == {
        "a": "float32",
        "b": "float16",
        "c": "float64",
        "d": "bfloat16",
        "e": "float32",
    }
    expected = {
        "a": numbered(3, 4),
        "b": numbered(2, 5, dtype=torch.float16),
        "c": numbered(4, 2, dtype=torch.float64),
        "d": bfloat16,
        "e": numbered(7),
    }
    for name, tensor in expected.items():
        sent = pickle.dumps(found[name])
        assert len(sent) < 1000
        assert same(pickle.loads(sent).load(), tensor)


def test_what_gguf_s_own_reader_finds_is_found(tmp_path: Path) -> None:
    """Names, shapes, types and places against the reader that llama.cpp's tools use."""
    tensors = {
        "output.weight": quantized(gaussian(9, 64), Kind.Q8_0),
        "token_embd.weight": quantized(gaussian(9, 64), Kind.Q4_0),
        "blk.1.ffn_down_exps.weight": plain(3, 4, 5),
        "blk.0.attn_norm.weight": plain(64),
    }
    path = write(tmp_path / "tiny.gguf", tensors)
    theirs = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
    found = layers(path)
    for name, tensor in theirs.items():
        layer = found[name.removesuffix(".weight")]
        assert layer.shape == tuple(reversed(tensor.shape.tolist()))
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type).reshape(layer.shape)
        np.testing.assert_array_equal(layer.load().numpy(), values)


def test_names_are_llama_cpp_s_and_placed_and_in_the_model_s_order(tmp_path: Path) -> None:
    parts = {
        "attn_q": ("q", "attention"),
        "attn_k": ("k", "attention"),
        "attn_v": ("v", "attention"),
        "attn_output": ("o", "attention"),
        "ffn_gate": ("gate", "mlp"),
        "ffn_up": ("up", "mlp"),
        "ffn_down": ("down", "mlp"),
        "ffn_gate_inp": ("router", "mlp"),
        "attn_norm": ("norm", "other"),
    }
    names = [
        "output.weight",
        *(f"blk.{block}.{part}.weight" for block in (10, 2) for part in parts),
        "output_norm.weight",
    ]
    path = write(tmp_path / "tiny.gguf", {name: plain(2, 3) for name in [*names, "token_embd.weight"]})
    found = layers(path)
    for part, (kind, family) in parts.items():
        where = found[f"blk.10.{part}"].placement
        assert (where.block, where.kind, where.family) == (10, kind, family)
    assert found["token_embd"].placement.kind == "embed"
    assert found["output"].placement.kind == "head"
    ordered = list(found)
    assert (ordered[0], ordered[-2:]) == ("token_embd", ["output_norm", "output"])
    assert ordered.index("blk.2.ffn_up") < ordered.index("blk.10.attn_q")


def test_one_expert_of_a_quantized_stack_is_read_alone(tmp_path: Path) -> None:
    values = gaussian(32, 512, 512)
    path = write(tmp_path / "moe.gguf", {"blk.0.ffn_up_exps.weight": quantized(values, Kind.Q8_0)})
    found = layers(path)
    whole = found["blk.0.ffn_up_exps"]
    assert len(whole.members) == 32
    before = resident()
    loaded = found["blk.0.ffn_up_exps[5]"].load()
    assert resident() - before < values.nbytes / 4
    assert found["blk.0.ffn_up_exps[5]"].placement.expert == 5
    np.testing.assert_allclose(loaded.numpy(), values[5], atol=0.03)
    assert same(loaded, whole.load()[5])


def test_what_is_skipped_says_why(tmp_path: Path) -> None:
    tensors = {
        "kept.weight": plain(2, 3),
        "position.weight": (np.arange(4, dtype=np.int32), None),
        "odd.weight": (np.zeros((2, 292), np.uint8), Kind.Q8_K),
    }
    source = open_source(write(tmp_path / "tiny.gguf", tensors))
    assert [layer.name for layer in source.layers] == ["kept"]
    assert source.skipped == {
        "position": "integer tensor (int32): packed or index data",
        "odd": "stored as Q8_K, which the installed package gguf cannot dequantize",
    }


def test_a_type_that_gguf_does_not_know_is_skipped_and_the_rest_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "new.gguf", {"new.weight": plain(2, 32), "old.weight": plain(2, 3)})
    content = path.read_bytes()
    at = content.index(b"new.weight") + len(b"new.weight") + 4 + 16
    path.write_bytes(content[:at] + struct.pack("<I", 999) + content[at + 4 :])
    source = open_source(path)
    assert source.skipped == {"new": "stored as type 999, which the installed package gguf cannot dequantize"}
    assert same(layers(path)["old"].load(), numbered(2, 3))


def test_a_scan_measures_the_dequantized_numbers(tmp_path: Path) -> None:
    values = gaussian(16, 64)
    data = quantized(values, Kind.Q8_0)
    results = wsw.scan(write(tmp_path / "tiny.gguf", {"blk.0.attn_q.weight": data}))
    stored = gguf.quants.dequantize(data[0], Kind.Q8_0).astype(np.float64)
    largest = np.linalg.svd(stored, compute_uv=False)[0]
    assert results["blk.0.attn_q"]["spectral"]["max_singular_value"] == pytest.approx(largest, rel=1e-9)
    assert results.to_frame().loc["blk.0.attn_q", "dtype"] == "Q8_0"


# -- Several files -----------------------------------------------------------------------------------------------------


def test_a_model_that_was_split_is_one_model(tmp_path: Path) -> None:
    tensors = {f"blk.{block}.attn_q.weight": plain(2, 3, start=block) for block in range(5)}
    write(tmp_path / "tiny.gguf", tensors, split_max_tensors=2)
    parts = sorted(path.name for path in tmp_path.iterdir())
    assert parts == [f"tiny-0000{number}-of-00003.gguf" for number in (1, 2, 3)]
    for path in (tmp_path, tmp_path / parts[0], tmp_path / parts[2]):
        found = layers(path)
        assert open_source(path).name == "tiny"
        assert list(found) == [f"blk.{block}.attn_q" for block in range(5)]
        assert all(same(found[f"blk.{block}.attn_q"].load(), numbered(2, 3, start=block)) for block in range(5))
    (tmp_path / parts[1]).unlink()
    with pytest.raises(MissingShardError, match=r"one of 3 files, of which 'tiny-00002-of-00003\.gguf' is missing"):
        open_source(tmp_path / parts[0])
    (tmp_path / parts[1]).write_bytes((tmp_path / parts[0]).read_bytes())
    write(tmp_path / "other.gguf", tensors)
    with pytest.raises(UnsupportedModelError, match=r"several GGUF models .*; give the path of one file"):
        open_source(tmp_path)


def test_a_tensor_in_two_parts_is_refused(tmp_path: Path) -> None:
    for number in (1, 2):
        write(tmp_path / f"tiny-0000{number}-of-00002.gguf", {"a.weight": plain(2, 3)})
    with pytest.raises(CorruptFileError, match=r"'a\.weight' is in several of the files"):
        open_source(tmp_path)


def test_safetensors_in_the_same_folder_go_first(tmp_path: Path) -> None:
    write(tmp_path / "tiny.gguf", {"a.weight": plain(2, 3)})
    assert set(layers(tmp_path)) == {"a"}
    checkpoints.write(tmp_path / "model.safetensors", {"b": numbered(2, 2)})
    assert set(layers(tmp_path)) == {"b"}


def test_without_the_package_one_sentence_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "tiny.gguf", {"a.weight": plain(2, 3)})
    for name in [name for name in sys.modules if name.partition(".")[0] == "gguf"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(MissingLibraryError, match=r'pip install "weightscope-widget\[gguf\]"') as raised:
        open_source(path)
    assert "\n" not in str(raised.value)
