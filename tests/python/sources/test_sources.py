"""Sources in memory: what counts as a layer, under which name, and that what cannot be read says why."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tests.python.support import checkpoints
from tests.python.support.checkpoints import layers, numbered, same
from weightscope_widget.errors import (
    MetaDeviceError,
    ModelNotFoundError,
    NoWeightsError,
    TensorReadError,
    UnsupportedModelError,
)
from weightscope_widget.sources import open_source
from weightscope_widget.sources._tensors.records import is_expert_stack, model_order, transposed_names

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
        ("model.tflite", "convert it to safetensors"),
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


def test_meta_tensors_are_never_merged() -> None:
    nowhere = torch.empty(2, 2, device="meta")
    assert list(layers({"a": nowhere, "b": nowhere, "c": numbered(2, 2)})) == ["a", "b", "c"]


def test_a_distributed_tensor_is_gathered() -> None:
    from torch import distributed
    from torch.distributed.tensor import distribute_tensor, init_device_mesh

    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    try:
        shard = distribute_tensor(numbered(4, 3), init_device_mesh("cpu", (1,)))
        layer = layers({"a": shard})["a"]
        assert layer.is_collective
        assert torch.equal(layer.load(), numbered(4, 3))
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
