"""PEFT adapters: each layer is what merging the adapter with PEFT itself adds to the weight, and nothing else is."""

from __future__ import annotations

import json
import os
import pickle
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import weightscope_widget as wsw
from tests.python.sources.test_sources_files import resident
from tests.python.support import checkpoints
from tests.python.support.checkpoints import layers, numbered, same
from weightscope_widget.errors import (
    CorruptFileError,
    ModelNotFoundError,
    NoWeightsError,
    TensorReadError,
    UnsupportedModelError,
)
from weightscope_widget.sources import open_source
from weightscope_widget.sources.peft.adapter import LowRank

peft = pytest.importorskip("peft")
pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:The following alpha_pattern:RuntimeWarning"),
]


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.q_proj = nn.Linear(8, 12)
        self.k_proj = nn.Linear(8, 5)


class Tiny(nn.Module):
    """Every shape is its own, so that factors that were swapped show."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(11, 8)
        self.layers = nn.ModuleList(nn.ModuleDict({"attn": Attention(), "up": nn.Linear(8, 7)}) for _ in range(2))
        self.one = nn.Conv1d(3, 4, 5)
        self.two = nn.Conv2d(3, 4, (5, 2))
        self.point = nn.Conv2d(3, 4, 1)
        self.grouped = nn.Conv2d(4, 6, 3, groups=2)
        self.head = nn.Linear(8, 3)


def save(folder: Path, model: nn.Module, *, safe: bool = True, **options: Any) -> Any:
    """Wrap a model, all factors random, and save the adapter as PEFT does."""
    torch.manual_seed(0)
    wrapped = peft.get_peft_model(model, peft.LoraConfig(init_lora_weights=False, **options))
    wrapped.save_pretrained(str(folder), safe_serialization=safe)
    return wrapped


def merged_minus_base(wrapped: Any) -> dict[str, torch.Tensor]:
    """What PEFT's merging adds to each weight."""
    before = {name: value.clone() for name, value in _plain_weights(wrapped).items()}
    wrapped.merge_adapter()
    return {name: value - before[name] for name, value in _plain_weights(wrapped).items()}


def _plain_weights(wrapped: Any) -> dict[str, torch.Tensor]:
    suffix = ".base_layer.weight"
    return {
        name.removeprefix("base_model.model.").removesuffix(suffix): value.detach()
        for name, value in wrapped.named_parameters()
        if name.endswith(suffix)
    }


def edit(folder: Path, **changes: Any) -> None:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def edit_weights(folder: Path, **changes: torch.Tensor | None) -> None:
    """Replace or drop the tensors whose name ends as a keyword says, dots written as two underscores."""
    path = folder / "adapter_model.safetensors"
    tensors = load_file(path)
    for end, value in changes.items():
        (name,) = [name for name in tensors if name.endswith(end.replace("__", "."))]
        if value is None:
            del tensors[name]
        else:
            tensors[name] = value
    save_file(tensors, path)


# -- The change --------------------------------------------------------------------------------------------------------

EVERYWHERE = ["q_proj", "k_proj", "up", "embed", "one", "two", "point"]
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "plain": {"r": 3, "lora_alpha": 7},
    "rank-stabilized": {"r": 3, "lora_alpha": 7, "use_rslora": True},
    "patterns": {
        "r": 3,
        "lora_alpha": 7,
        "rank_pattern": {"q_proj": 2, r"layers\.1\.up": 5, "embed": 4},
        "alpha_pattern": {r"0\.attn\.q_proj": 11, "q_proj": 13, "up|one": 17, "proj": 99},
    },
    "patterns, rank-stabilized": {
        "r": 2,
        "lora_alpha": 5,
        "use_rslora": True,
        "rank_pattern": {"up": 4},
        "alpha_pattern": {"k_proj": 3},
    },
}


@pytest.mark.parametrize("safe", [True, False], ids=["safetensors", "bin"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_each_layer_is_what_merging_adds_to_the_weight(tmp_path: Path, setting: str, safe: bool) -> None:
    wrapped = save(tmp_path, Tiny().double(), safe=safe, target_modules=EVERYWHERE, **SETTINGS[setting])
    assert (tmp_path / f"adapter_model.{'safetensors' if safe else 'bin'}").exists()
    found, expected = layers(tmp_path), merged_minus_base(wrapped)
    assert len(found) == len(expected) == 10
    assert open_source(tmp_path).skipped == {}
    for name, change in expected.items():
        layer = found[name]
        assert (layer.shape, layer.dtype) == (tuple(change.shape), "float64")
        loaded = layer.load()
        assert loaded.dtype == torch.float64
        assert (loaded - change).abs().max() < 1e-6
        assert (loaded - change).abs().max() < 1e-12 * change.abs().max() + 1e-14  # the models are float64
        sent = pickle.dumps(layer)
        assert len(sent) < 2000
        assert same(pickle.loads(sent).load(), loaded)


def test_gpt2_s_weights_change_as_they_are_stored(tmp_path: Path) -> None:
    model = checkpoints.gpt2().double()
    wrapped = save(tmp_path, model, r=2, target_modules=["c_attn", "c_fc", "wpe"], fan_in_fan_out=True)
    found, expected = layers(tmp_path), merged_minus_base(wrapped)
    assert set(found) == set(expected)
    for name, change in expected.items():
        assert found[name].transposed is (not name.endswith("wpe"))
        assert (found[name].load() - change).abs().max() < 1e-12
    assert found["transformer.h.1.mlp.c_fc"].shape == (8, 32)
    assert found["transformer.h.1.mlp.c_fc"].placement.kind == "up"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_factors_dtype_is_told_and_the_product_is_not_rounded_to_it(tmp_path: Path, dtype: torch.dtype) -> None:
    save(tmp_path, Tiny(), r=2, lora_alpha=3, target_modules=["up"])
    a, b = (numbered(*shape, dtype=dtype) / 7 for shape in ((2, 8), (7, 2)))
    edit_weights(tmp_path, **{"1__up__lora_A__weight": a, "1__up__lora_B__weight": b})
    layer = layers(tmp_path)["layers.1.up"]
    assert layer.dtype == str(dtype).removeprefix("torch.")
    np.testing.assert_allclose(layer.load().numpy(), 1.5 * b.double().numpy() @ a.double().numpy(), rtol=1e-14)


def test_a_scan_sees_the_rank_and_nothing_that_rounding_adds(tmp_path: Path) -> None:
    wrapped = save(tmp_path, Tiny(), r=2, target_modules=["q_proj", "up"])
    results = wsw.scan(tmp_path)
    for name, change in merged_minus_base(wrapped).items():
        spectral = results[name]["spectral"]
        sigma = np.linalg.svd(change.double().numpy(), compute_uv=False)
        assert spectral["effective_rank"] == 2
        assert spectral["condition_number"] == np.inf
        np.testing.assert_allclose(spectral["top_singular_values"][:2], sigma[:2], rtol=1e-5)


def test_factors_multiply_to_the_change_and_so_do_its_parts(tmp_path: Path) -> None:
    save(tmp_path, Tiny().double(), r=2, target_modules=["up", "embed", "two"])
    for layer in layers(tmp_path).values():
        load = layer.load
        assert isinstance(load, LowRank)
        left, right = load.factors()
        assert left.shape[1] == right.shape[0] == 2
        torch.testing.assert_close(left @ right, load().flatten(1))
        torch.testing.assert_close(load.member(1)(), load()[1])


def test_modules_that_were_trained_as_a_whole_are_layers(tmp_path: Path) -> None:
    model = Tiny()
    save(tmp_path, model, r=2, target_modules=["up"], modules_to_save=["head"])
    found = layers(tmp_path)
    assert list(found) == ["layers.0.up", "layers.1.up", "head.bias", "head"]
    head = model.get_submodule("head").modules_to_save["default"]  # type: ignore[index]
    assert same(found["head"].load(), head.weight.detach())
    assert open_source(tmp_path).name == tmp_path.name


# -- What is left out --------------------------------------------------------------------------------------------------


def test_what_is_no_plain_product_is_skipped_with_a_reason(tmp_path: Path) -> None:
    save(tmp_path, Tiny(), r=2, target_modules=["up", "q_proj", "k_proj", "grouped", "head"], lora_bias=True)
    edit_weights(
        tmp_path,
        **{
            "0__attn__q_proj__lora_B__weight": None,
            "1__attn__q_proj__lora_A__weight": torch.ones(6, 8),
            "1__attn__q_proj__lora_B__weight": torch.ones(12, 6),
            "0__attn__k_proj__lora_A__weight": torch.zeros(2, 8, dtype=torch.int8),
        },
    )
    source = open_source(tmp_path)
    assert [layer.name for layer in source.layers] == ["layers.0.up", "layers.1.attn.k_proj", "layers.1.up", "head"]
    reasons = {name: reason for name, reason in source.skipped.items() if "lora_B" not in name}
    assert "without its other factor" in reasons.pop("layers.0.attn.q_proj")
    assert "rank 6 where adapter_config.json says 2" in reasons.pop("layers.1.attn.q_proj")
    assert "integer tensor (int8)" in reasons.pop("layers.0.attn.k_proj")
    assert "convolution in groups" in reasons.pop("grouped")
    assert reasons == {}
    biases = {reason for name, reason in source.skipped.items() if name.endswith("lora_B.bias")}
    assert biases == {"a part of the adapter that is not a factor of a matrix"}


class Experts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.experts = checkpoints.Experts()
        self.up = nn.Linear(4, 3)


def test_factors_of_several_experts_are_not_taken_for_one_matrix(tmp_path: Path) -> None:
    save(tmp_path, Experts(), r=2, target_modules=["up"], target_parameters=["experts.gate_up_proj"])
    source = open_source(tmp_path)
    assert [layer.name for layer in source.layers] == ["up"]
    (reason,) = source.skipped.values()
    assert "rank 6 where adapter_config.json says 2, as for several experts" in reason


@pytest.mark.parametrize(
    "config",
    [
        lambda: peft.IA3Config(target_modules=["up"], feedforward_modules=[]),
        lambda: peft.LoHaConfig(target_modules=["up"]),
        lambda: peft.AdaLoraConfig(target_modules=["up"], total_step=10),
    ],
    ids=["IA3", "LOHA", "ADALORA"],
)
def test_another_kind_of_adapter_is_refused(tmp_path: Path, config: Any, request: pytest.FixtureRequest) -> None:
    kind = request.node.callspec.id
    peft.get_peft_model(Tiny(), config()).save_pretrained(str(tmp_path))
    with pytest.raises(UnsupportedModelError, match=rf"type '{kind}'; only .*merge_and_unload"):
        open_source(tmp_path)


def test_dora_is_refused(tmp_path: Path) -> None:
    save(tmp_path, Tiny(), r=2, target_modules=["up"], use_dora=True)
    with pytest.raises(UnsupportedModelError, match=r"use_dora.*merge_and_unload"):
        open_source(tmp_path)


def test_a_whole_model_in_the_folder_goes_before_the_adapter(tmp_path: Path) -> None:
    save(tmp_path, Tiny(), r=2, target_modules=["up"])
    checkpoints.write(tmp_path / "model.safetensors", {"whole": numbered(2, 2)})
    assert set(layers(tmp_path)) == {"whole"}


# -- Broken and hostile ------------------------------------------------------------------------------------------------


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    folder = tmp_path / "adapter"
    save(folder, Tiny(), r=2, target_modules=["up"])
    return folder


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"[]", b"{}", b'{"peft_type": 3}'])
def test_a_configuration_that_is_none(adapter: Path, content: bytes) -> None:
    (adapter / "adapter_config.json").write_bytes(content)
    with pytest.raises(CorruptFileError, match=r"adapter_config\.json.*download it again"):
        open_source(adapter)


@pytest.mark.parametrize(
    "changes",
    [
        {"r": 0},
        {"r": None},
        {"r": "2"},
        {"r": True},
        {"lora_alpha": None},
        {"lora_alpha": 1e300},
        {"alpha_pattern": []},
        {"alpha_pattern": {"up": "x"}},
        {"alpha_pattern": {"(": 3}},
        {"alpha_pattern": {"[": 3}},
    ],
)
def test_a_setting_that_makes_no_sense_is_quoted(adapter: Path, changes: dict[str, Any]) -> None:
    edit(adapter, **changes)
    with pytest.raises(CorruptFileError, match=r"adapter_config\.json.*; correct it\.$"):
        open_source(adapter)


@pytest.mark.parametrize("pattern", ["(a+)+", "(a|a)*", ".*.*.*.*x", "(x{9}){9}", "a" * 600])
def test_a_pattern_cannot_keep_the_search_busy(adapter: Path, pattern: str) -> None:
    edit(adapter, alpha_pattern={pattern: 3})
    with pytest.raises(UnsupportedModelError, match="too complex to match safely"):
        open_source(adapter)


def test_the_hardest_pattern_that_is_tried_takes_no_time(adapter: Path) -> None:
    long = {f"base_model.model.{'a.' * 100}{index}.lora_A.weight": torch.ones(2, 3) for index in range(20)}
    save_file({**load_file(adapter / "adapter_model.safetensors"), **long}, adapter / "adapter_model.safetensors")
    edit(adapter, alpha_pattern={"a.*a.*a.*b": 3})
    began = time.monotonic()
    assert set(layers(adapter)) == {"layers.0.up", "layers.1.up"}
    assert time.monotonic() - began < 10


def test_factors_of_a_huge_matrix_are_not_multiplied_out(adapter: Path) -> None:
    huge = {"a__weight": torch.zeros(2, 10**6), "b__weight": torch.zeros(10**6, 2)}
    edit_weights(adapter, **{"0__up__lora_A__weight": huge["a__weight"], "0__up__lora_B__weight": huge["b__weight"]})
    before = resident()
    source = open_source(adapter)
    assert resident() - before < 2**26
    assert [layer.name for layer in source.layers] == ["layers.1.up"]
    assert source.skipped == {"layers.0.up": "factors of a 1000000 × 1000000 matrix, too large to multiply out"}


def test_missing_truncated_and_hostile_weights(adapter: Path) -> None:
    file = adapter / "adapter_model.safetensors"
    content = file.read_bytes()
    file.write_bytes(content[:-5])
    with pytest.raises(CorruptFileError, match=r"adapter_model\.safetensors.*download it again"):
        open_source(adapter)
    file.unlink()
    with pytest.raises(ModelNotFoundError, match=r"no adapter_model\.safetensors or adapter_model\.bin; download"):
        open_source(adapter)
    torch.save({"a": Payload(adapter)}, adapter / "adapter_model.bin")
    with pytest.raises(UnsupportedModelError, match=r"adapter_model\.bin.*would execute code"):
        open_source(adapter)
    assert not (adapter / "harm").exists()
    torch.save({}, adapter / "adapter_model.bin")
    with pytest.raises(NoWeightsError, match="it is empty"):
        open_source(adapter)


class Payload:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "harm"

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_a_file_that_changes_costs_the_layer_only(adapter: Path) -> None:
    found = layers(adapter)
    edit_weights(adapter, **{"0__up__lora_A__weight": torch.ones(2, 9), "1__up__lora_A__weight": None})
    with pytest.raises(TensorReadError, match=r"\(2, 9\) now, which does not make \(7, 8\); open the adapter again"):
        found["layers.0.up"].load()
    with pytest.raises(TensorReadError, match="cannot be read"):
        found["layers.1.up"].load()


def test_names_that_would_collide_stay_apart(adapter: Path) -> None:
    tensors = load_file(adapter / "adapter_model.safetensors")
    a, b = (tensors[f"base_model.model.layers.0.up.lora_{which}.weight"] for which in "AB")
    more = {
        "layers.0.up.lora_A.weight": a + 1,
        "layers.0.up.lora_B.weight": b.clone(),
        "base_model.model.layers.0.up.weight": numbered(2, 2),
        "layers.0.up.weight": numbered(3, 3),
    }
    save_file({**tensors, **more}, adapter / "adapter_model.safetensors")
    found = layers(adapter)
    assert {name: layer.shape for name, layer in found.items()} == {
        "layers.0.up": (7, 8),
        "layers.1.up": (7, 8),
        "layers.0.up.weight (2)": (7, 8),
        "base_model.model.layers.0.up": (2, 2),
        "layers.0.up.weight (4)": (3, 3),
    }
    assert not same(found["layers.0.up"].load(), found["layers.0.up.weight (2)"].load())
