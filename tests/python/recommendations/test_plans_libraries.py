"""Plans in the hands of the libraries they are made for: transformers, peft, and compressed-tensors where it is."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
import yaml
from torch import nn

import weightscope_widget as wsw
from tests.python.support.plan_cases import read, results_of
from weightscope_widget import ScanResults
from weightscope_widget.errors import InvalidArgumentError, MissingLibraryError

transformers = pytest.importorskip("transformers")
peft = pytest.importorskip("peft")
HOSTILE = read("plan_cases.json")["quantization"][3]


@pytest.fixture(scope="module")
def model() -> Any:
    """A small Llama: one matrix with an outlier, one with NaN, one of rank 3."""
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=96, hidden_size=128, intermediate_size=256, num_hidden_layers=2, num_attention_heads=4
    )
    model = transformers.LlamaForCausalLM(config)
    with torch.no_grad():
        # One entry of 256 that the scale has to reach, and that is not all of the signal.
        model.model.layers[0].mlp.down_proj.weight[:, 5] = 4.0
        model.model.layers[1].mlp.up_proj.weight[3, 4] = torch.nan
        up = model.model.layers[0].mlp.up_proj.weight
        left, _ = torch.linalg.qr(torch.randn(256, 3))
        right, _ = torch.linalg.qr(torch.randn(128, 3))
        up.copy_(left @ right.T)
    return model


@pytest.fixture(scope="module")
def results(model: Any) -> ScanResults:
    return wsw.scan(model, "all", progress=False)


KEPT = ["model.embed_tokens", "model.layers.0.mlp.down_proj", "model.layers.1.mlp.up_proj", "lm_head"]


@pytest.mark.parametrize(("scheme", "bits"), [("int8_channel", 8), ("nf4_block64", 4)])
def test_bitsandbytes_leaves_what_the_plan_keeps(model: Any, results: ScanResults, scheme: str, bits: int) -> None:
    from transformers.quantizers.quantizers_utils import should_convert_module

    plan = results.quantization_plan(scheme, minimum_sqnr_db=30 if bits == 8 else 15, keep="lm_head")
    config = plan.to_bitsandbytes()
    assert isinstance(config, transformers.BitsAndBytesConfig)
    assert (config.load_in_8bit, config.load_in_4bit) == (bits == 8, bits == 4)
    kept = KEPT if bits == 8 else [name for name in KEPT if "down_proj" not in name or name in plan.keep]
    assert list(plan.keep) == kept
    linear = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    converted = [name for name in linear if should_convert_module(name, config.llm_int8_skip_modules)]
    assert converted == [name for name in linear if name not in kept]


@pytest.mark.parametrize("scheme", ["int8_channel", "nf4_block64"])
def test_bitsandbytes_code_makes_the_same_config(results: ScanResults, scheme: str) -> None:
    plan = results.quantization_plan(scheme)
    scope: dict[str, Any] = {}
    exec(plan.bitsandbytes_code(), scope)
    assert scope["quantization_config"].to_dict() == plan.to_bitsandbytes().to_dict()
    if scheme == "nf4_block64":
        assert scope["quantization_config"].bnb_4bit_compute_dtype is torch.bfloat16


def test_recipe_ignores_what_the_plan_keeps(model: Any, results: ScanResults) -> None:
    recipe = yaml.safe_load(results.quantization_plan().llm_compressor_recipe())
    modifier = recipe["default_stage"]["default_modifiers"]["QuantizationModifier"]
    group = modifier["config_groups"]["group_0"]
    assert group["weights"] == {"num_bits": 8, "type": "int", "symmetric": True, "strategy": "channel"}
    matched = [
        name
        for name, _ in model.named_modules()
        if any(re.match(entry.removeprefix("re:"), name) for entry in modifier["ignore"])
    ]
    assert matched == KEPT


SCHEMES = ["int8_tensor", "int8_channel", "int8_group128", "int4_channel", "int4_group128", "fp8_e4m3"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_recipe_is_one_that_compressed_tensors_takes(model: Any, results: ScanResults, scheme: str) -> None:
    quantization = pytest.importorskip("compressed_tensors.quantization")
    match = pytest.importorskip("compressed_tensors.utils.match")
    plan = results.quantization_plan(scheme)
    recipe = yaml.safe_load(plan.llm_compressor_recipe())
    modifier = recipe["default_stage"]["default_modifiers"]["QuantizationModifier"]
    group = quantization.QuantizationScheme(**modifier["config_groups"]["group_0"])
    bits, kind, shared = (4 if "int4" in scheme else 8), "float" if "fp8" in scheme else "int", group.weights.strategy
    assert (group.weights.num_bits, group.weights.type, group.weights.symmetric) == (bits, kind, True)
    assert (
        shared
        == {"tensor": "tensor", "channel": "channel", "group128": "group", "e4m3": "tensor"}[scheme.split("_")[1]]
    )
    assert group.weights.group_size == (128 if "group" in scheme else None)
    assert group.input_activations is None
    chosen = [name for name, _ in match.match_named_modules(model, group.targets, modifier["ignore"])]
    assert sorted(chosen) == sorted(plan.quantized)


def test_names_are_data_in_python_and_yaml() -> None:
    names = [layer["name"] for layer in HOSTILE["layers"] if layer["name"]]
    plan = results_of(HOSTILE).quantization_plan(minimum_sqnr_db=35)
    scope: dict[str, Any] = {}
    exec(plan.bitsandbytes_code(), scope)
    skip = scope["quantization_config"].llm_int8_skip_modules
    recipe = yaml.safe_load(plan.llm_compressor_recipe())
    ignore = recipe["default_stage"]["default_modifiers"]["QuantizationModifier"]["ignore"]
    assert [entry[:13] for entry in ignore] == [r"re:(.*\.)?" + entry[10:13] for entry in ignore]
    for patterns in (skip, [entry.removeprefix("re:") for entry in ignore]):
        assert [[re.fullmatch(entry, name) is not None for name in names] for entry in patterns] == [
            [one == other for other in names] for one in names
        ]


def test_peft_adapts_with_the_ranks_of_the_spectra(model: Any, results: ScanResults) -> None:
    ranks = results.lora_ranks(energy=0.8, maximum=16)
    config = ranks.to_peft(task_type="CAUSAL_LM", lora_alpha=32)
    assert isinstance(config, peft.LoraConfig)
    assert config.lora_alpha == 32
    adapted = peft.get_peft_model(model, config)
    found = {
        name.removeprefix("base_model.model."): module.lora_A["default"].weight.shape[0]
        for name, module in adapted.named_modules()
        if hasattr(module, "lora_A")
    }
    adapted.unload()
    expected = {}
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and name != "lm_head" and bool(module.weight.isfinite().all()):
            energy = torch.linalg.svdvals(module.weight.detach().double()) ** 2
            needed = next(k for k in range(1, 129) if energy[:k].sum() >= (1 - 1e-12) * 0.8 * energy.sum())
            expected[name] = min(needed, 16)
    assert found == expected
    assert expected["model.layers.0.mlp.up_proj"] == 3
    assert set(ranks.left_out) == {"model.embed_tokens", "lm_head", "model.layers.1.mlp.up_proj"}


def test_peft_code_makes_the_same_config(results: ScanResults) -> None:
    ranks = results.lora_ranks()
    scope: dict[str, Any] = {}
    exec(ranks.peft_code(r=4), scope)
    made, expected = scope["config"].to_dict(), ranks.to_peft(r=4).to_dict()
    assert made.pop("target_modules") == expected.pop("target_modules")
    assert made == expected


def test_peft_tells_apart_names_that_end_others() -> None:
    class Inner(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mix = nn.Linear(6, 6, bias=False)

    class Outer(Inner):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Inner()

    model = Outer()
    with torch.no_grad():
        model.mix.weight.copy_(torch.diag(torch.tensor([1.0, 1, 0, 0, 0, 0])))
        model.inner.mix.weight.copy_(torch.eye(6))
    adapted = peft.get_peft_model(model, wsw.scan(model, progress=False).lora_ranks(energy=1).to_peft())
    assert adapted.base_model.model.mix.r["default"] == 2
    assert adapted.base_model.model.inner.mix.r["default"] == 6


def test_libraries_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch, results: ScanResults) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingLibraryError, match="needs transformers"):
        results.quantization_plan().to_bitsandbytes()
    with pytest.raises(MissingLibraryError, match="needs peft"):
        results.lora_ranks().to_peft()


@pytest.mark.parametrize("scheme", ["int8_tensor", "int4_group128"])
def test_bitsandbytes_lacks_other_schemes(results: ScanResults, scheme: str) -> None:
    with pytest.raises(InvalidArgumentError, match="bitsandbytes does not have"):
        results.quantization_plan(scheme).to_bitsandbytes()
