"""An adapter as the tuned side of a comparison: base + scale·B·A as the textbook has it, from what real peft saves."""

from __future__ import annotations

import copy
import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import weightscope_widget as wsw
from tests.python.support.adapters import adapt
from weightscope_widget.sources import open_source

peft = pytest.importorskip("peft")
Conv1D = pytest.importorskip("transformers.pytorch_utils").Conv1D

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:The following alpha_pattern:RuntimeWarning"),
]


class Small(nn.Module):
    """Linear layers, GPT-2's transposed ones, square ones of both, and what is no linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(30, 12)
        self.up = nn.Linear(12, 20)
        self.down = nn.Linear(20, 12)
        self.square = nn.Linear(12, 12)
        self.c_attn = Conv1D(12, 12)
        self.c_fc = Conv1D(20, 12)
        self.norm = nn.LayerNorm(12)
        self.grouped = nn.Conv1d(4, 8, 3, groups=2)
        self.mha = nn.MultiheadAttention(12, 2)
        self.head = nn.Linear(12, 5)


@pytest.fixture
def base() -> nn.Module:
    torch.manual_seed(1)
    return Small().eval()


def factors(folder: Path, module: str) -> tuple[np.ndarray, np.ndarray]:
    """B (out, r) and A (r, in), read from the file."""
    tensors = load_file(folder / "adapter_model.safetensors")
    b, a = (tensors[f"base_model.model.{module}.lora_{which}.weight"].double().numpy() for which in "BA")
    return b, a


def assert_changed(
    comparison: wsw.ComparisonResults, base: nn.Module, folder: Path, scales: dict[str, float], turned: set[str]
) -> None:
    """Every number of the change against scale·B·A in float64, of these modules and of no other."""
    weights = base.state_dict()
    assert {name for name in comparison if comparison.status(name) == "changed"} == set(scales)
    for name, scale in scales.items():
        b, a = factors(folder, name)
        delta = scale * (b @ a)
        before = weights[f"{name}.weight"].double().numpy()
        before = before.T if name in turned else before
        change = comparison[name]["comparison"]
        assert change["l2_distance"] == pytest.approx(np.linalg.norm(delta), rel=1e-9)
        assert change["relative_change"] == pytest.approx(np.linalg.norm(delta) / np.linalg.norm(before), rel=1e-9)
        assert change["max_absolute_difference"] == pytest.approx(np.abs(delta).max(), rel=1e-9)
        after = before + delta
        cosine = (before * after).sum() / np.linalg.norm(before) / np.linalg.norm(after)
        assert change["cosine_similarity"] == pytest.approx(cosine, abs=1e-9)
        sigma = np.linalg.svd(delta, compute_uv=False)
        np.testing.assert_allclose(comparison.delta_singular_values(name), sigma, rtol=1e-9, atol=1e-12 * sigma[0])
        top = np.linalg.svd(after, compute_uv=False)[:5]
        np.testing.assert_allclose(comparison[name]["tuned"]["spectral"]["top_singular_values"][:5], top, rtol=1e-9)
        left = [np.linalg.svd(matrix)[0][:, : min(16, *matrix.shape)] for matrix in (before, after)]
        overlap = np.linalg.norm(left[0].T @ left[1]) ** 2 / left[0].shape[1]
        assert change["subspace_overlap"] == pytest.approx(overlap, rel=1e-6)


# -- How PEFT scales ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "scales"),
    [
        ({"r": 4, "lora_alpha": 10}, {"up": 10 / 4, "down": 10 / 4}),
        ({"r": 4, "lora_alpha": 10, "use_rslora": True}, {"up": 10 / math.sqrt(4), "down": 10 / math.sqrt(4)}),
        (
            {"r": 4, "lora_alpha": 10, "rank_pattern": {"down": 3}, "alpha_pattern": {"up": 7}},
            {"up": 7 / 4, "down": 10 / 3},
        ),
        (
            {"r": 4, "lora_alpha": 10, "rank_pattern": {"down": 3}, "alpha_pattern": {"down": 7}, "use_rslora": True},
            {"up": 10 / math.sqrt(4), "down": 7 / math.sqrt(3)},
        ),
    ],
    ids=["plain", "rank-stabilized", "patterns", "patterns, rank-stabilized"],
)
def test_against_the_textbook(base: nn.Module, tmp_path: Path, options: Any, scales: dict[str, float]) -> None:
    adapt(base, tmp_path, target_modules=["up", "down"], **options)
    assert_changed(wsw.compare(base, tmp_path, progress=False), base, tmp_path, scales, set())


@pytest.mark.parametrize("options", [{"fan_in_fan_out": True}, {}], ids=["told", "found by peft"])
def test_gpt_2_s_transposed_layers(base: nn.Module, tmp_path: Path, options: Any) -> None:
    adapt(base, tmp_path, target_modules=["c_attn", "c_fc"], r=2, lora_alpha=3, **options)
    comparison = wsw.compare(base, tmp_path, progress=False)
    assert_changed(comparison, base, tmp_path, {"c_attn": 1.5, "c_fc": 1.5}, {"c_attn", "c_fc"})
    assert comparison.layers["c_fc"].shape == (12, 20)


@pytest.mark.parametrize("targets", [["square", "c_attn", "c_fc", "up"], ["c_attn", "square"]])
@pytest.mark.parametrize("told", [True, False])
def test_transposed_layers_beside_others(base: nn.Module, tmp_path: Path, targets: list[str], told: bool) -> None:
    # PEFT writes down one orientation for all; c_attn and square are 12 × 12, so that no shape gives it away.
    adapt(base, tmp_path, target_modules=targets, r=2, lora_alpha=2)
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    (tmp_path / "adapter_config.json").write_text(json.dumps({**config, "fan_in_fan_out": told}))
    comparison = wsw.compare(base, tmp_path, progress=False)
    assert_changed(comparison, base, tmp_path, dict.fromkeys(targets, 1.0), {"c_attn", "c_fc"} & set(targets))


def test_the_change_is_what_peft_merges(base: nn.Module, tmp_path: Path) -> None:
    wrapped = adapt(base, tmp_path, target_modules=["up", "square", "c_attn", "embed"], r=3, modules_to_save=["head"])
    merged = wrapped.merge_and_unload()
    both = [wsw.compare(base, tuned, progress=False) for tuned in (tmp_path, merged)]
    assert [name for name in both[0] if both[0].status(name) != both[1].status(name)] == []
    for name in ("up", "square", "c_attn", "embed", "head", "head.bias"):
        assert both[0].metric(name, "l2_distance") == pytest.approx(both[1].metric(name, "l2_distance"), rel=1e-5)


# -- What was trained as a whole ---------------------------------------------------------------------------------------


def test_modules_to_save_replace_the_base_s(base: nn.Module, tmp_path: Path) -> None:
    wrapped = adapt(base, tmp_path, target_modules=["up"], r=2, modules_to_save=["head", "norm"])
    comparison = wsw.compare(base, tmp_path, progress=False)
    for name in ("head", "norm"):
        module = getattr(wrapped.base_model.model, name).modules_to_save["default"]
        for key, parameter in ((name, module.weight), (f"{name}.bias", module.bias)):
            before = base.state_dict()[key if key.endswith("bias") else f"{key}.weight"]
            delta = parameter.detach().double() - before.double()
            assert comparison.metric(key, "l2_distance") == pytest.approx(float(delta.norm()), rel=1e-9)
            assert comparison.status(key) == "changed"


@pytest.mark.parametrize("bias", ["lora_only", "all"])
def test_biases_that_were_trained_are_changed(base: nn.Module, tmp_path: Path, bias: str) -> None:
    wrapped = adapt(base, tmp_path, target_modules=["up", "c_fc"], r=2, bias=bias)
    comparison = wsw.compare(base, tmp_path, progress=False)
    after = wrapped.merge_and_unload().state_dict()
    saved = {"up.bias", "c_fc.bias"} | ({"square.bias", "norm.bias", "head.bias"} if bias == "all" else set())
    for name in saved:
        distance = float((after[name].double() - base.state_dict()[name].double()).norm())
        assert distance > 0
        assert comparison.metric(name, "l2_distance") == pytest.approx(distance, rel=1e-9)
    assert comparison.complete


# -- What cannot be told -----------------------------------------------------------------------------------------------


def untold(comparison: wsw.ComparisonResults) -> set[str]:
    """Tensors with an error; that none of them has a status, or numbers, is asserted."""
    names = {name for name in comparison if "error" in comparison[name]}
    for name in names:
        assert comparison[name]["status"] is None
        assert comparison[name]["comparison"] == {}
        assert repr(name) in comparison[name]["error"]
        assert comparison[name]["error"].endswith(".")
    assert comparison.complete
    return names


def test_what_is_skipped_is_not_identical(base: nn.Module, tmp_path: Path) -> None:
    adapt(
        base,
        tmp_path,
        target_modules=["up", "down", "square", "grouped", "head"],
        r=2,
        lora_bias=True,
        trainable_token_indices={"embed": [1, 3]},
    )
    path = tmp_path / "adapter_model.safetensors"
    tensors = load_file(path)
    prefix = "base_model.model."
    tensors[f"{prefix}up.lora_A.weight"] = torch.ones(6, 12)
    tensors[f"{prefix}up.lora_B.weight"] = torch.ones(20, 6)
    del tensors[f"{prefix}down.lora_B.weight"]
    tensors[f"{prefix}square.lora_A.weight"] = torch.zeros(2, 12, dtype=torch.int8)
    save_file(tensors, path)
    comparison = wsw.compare(base, tmp_path, progress=False)
    biases = {f"{name}.bias" for name in ("up", "down", "square", "grouped", "head")}
    assert untold(comparison) == {"up", "down", "square", "grouped", "embed"} | biases
    assert comparison.status("head") == "changed"
    assert comparison.status("c_attn") == "identical"
    assert "rank 6 where adapter_config.json says 2" in comparison["up"]["error"]
    assert "without its other factor" in comparison["down"]["error"]
    assert "rows of an embedding" in comparison["embed"]["error"]


def test_only_parts_that_cannot_be_told(base: nn.Module, tmp_path: Path) -> None:
    adapt(base, tmp_path, target_modules=["grouped", "norm_less"], r=2, modules_to_save=["norm"])
    comparison = wsw.compare(base, tmp_path, progress=False)
    assert untold(comparison) == {"grouped"}
    assert comparison.pattern is None or comparison.pattern.name != "identical"


class Experts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gate_up_proj = nn.Parameter(torch.randn(3, 4, 6))
        self.down_proj = nn.Parameter(torch.randn(3, 6, 4))


class Sparse(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.experts = Experts()
        self.up = nn.Linear(4, 3)


def test_all_parameters_of_a_module_that_peft_names_as_one(tmp_path: Path) -> None:
    model = Sparse()
    adapt(model, tmp_path, target_modules=["up"], r=2, target_parameters=["experts.gate_up_proj"])
    comparison = wsw.compare(model, tmp_path, progress=False)
    stacks = {f"experts.{name}" for name in ("gate_up_proj", "down_proj")}
    assert untold(comparison) == stacks | {f"{stack}[{index}]" for stack in stacks for index in range(3)}
    assert comparison.status("up") == "changed"


def test_torch_s_attention_is_adapted_as_one_module(base: nn.Module, tmp_path: Path) -> None:
    adapt(base, tmp_path, target_modules=["mha"], r=2)
    comparison = wsw.compare(base, tmp_path, progress=False)
    assert untold(comparison) == {"mha.in_proj_weight", "mha.in_proj_bias"}
    b, a = factors(tmp_path, "mha.base_layer.out_proj")
    # PEFT's default scale: 8 / 2.
    assert comparison.metric("mha.out_proj", "l2_distance") == pytest.approx(np.linalg.norm(4 * b @ a), rel=1e-9)
    assert "mha" not in comparison


def test_an_adapter_of_another_model_of_the_same_names(base: nn.Module, tmp_path: Path) -> None:
    adapt(base, tmp_path, target_modules=["up", "head"], r=2)
    wider = copy.deepcopy(base)
    wider.head = nn.Linear(12, 1)  # would take any number of rows, were they added
    comparison = wsw.compare(wider, tmp_path, progress=False)
    assert untold(comparison) == {"head"}
    assert "(5, 12), the weight of shape (1, 12)" in comparison["head"]["error"]


@pytest.mark.parametrize("begun", ["pissa", "pissa_niter_4", "olora"])
def test_an_adapter_that_begins_with_parts_of_the_base_is_refused(base: nn.Module, tmp_path: Path, begun: str) -> None:
    # Its B·A is many times what PEFT, which takes the first B·A off the base, makes of it.
    wrapped = peft.get_peft_model(
        copy.deepcopy(base), peft.LoraConfig(target_modules=["up"], r=2, init_lora_weights=begun)
    )
    wrapped.save_pretrained(str(tmp_path))
    with pytest.raises(wsw.WeightScopeError, match=rf"init_lora_weights to '{begun}'.*merge_and_unload"):
        wsw.compare(base, tmp_path, progress=False)


# -- However it was opened ---------------------------------------------------------------------------------------------


def statuses(comparison: wsw.ComparisonResults) -> dict[str, str | None]:
    return {name: comparison.status(name) for name in comparison}


def test_an_adapter_is_known_however_it_was_opened(
    base: nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "adapter"
    adapt(base, folder, target_modules=["up", "c_fc"], r=2)
    repo = tmp_path / "hub" / "models--org--adapter"
    (repo / "refs").mkdir(parents=True)
    (repo / "refs" / "main").write_text("a" * 40)
    shutil.copytree(folder, repo / "snapshots" / ("a" * 40))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    expected = wsw.compare(base, folder, progress=False)
    assert sorted(name for name in expected if expected.status(name) == "changed") == ["c_fc", "up"]
    assert set(statuses(expected).values()) == {"changed", "identical"}
    found = [
        wsw.compare(base, str(folder), progress=False),
        wsw.compare(base, open_source(folder), progress=False),
        wsw.compare(wsw.Scope(base), wsw.Scope(folder), progress=False),
        wsw.Scope(base).compare_with(wsw.Scope(folder), progress=False),
        wsw.compare(base, "org/adapter", progress=False),
    ]
    for each in found:
        assert statuses(each) == statuses(expected)
        assert each["up"]["comparison"] == expected["up"]["comparison"]
        assert each.pattern is not None
        assert each.pattern.name != "different architecture"
        assert each.pattern.evidence["unmatched_tensors"] == 0


def test_an_adapter_is_no_base_of_a_model(base: nn.Module, tmp_path: Path) -> None:
    adapt(base, tmp_path, target_modules=["up"], r=2)
    for adapter in (tmp_path, wsw.Scope(tmp_path)):
        with pytest.raises(wsw.WeightScopeError, match=r"^The base .* is an adapter.*; give the model that it was"):
            wsw.compare(adapter, base, progress=False)


def test_of_two_adapters_the_changes_are_compared(base: nn.Module, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("early", "late")]
    for folder, alpha in zip(folders, (2, 5), strict=True):
        adapt(base, folder, target_modules=["up", *(["down"] if alpha == 5 else [])], r=2, lora_alpha=alpha)
    comparison = wsw.compare(*folders, progress=False)
    assert statuses(comparison) == {"up": "changed", "down": "only_in_tuned"}
    early, late = (
        scale * b @ a for scale, (b, a) in zip((1.0, 2.5), (factors(folder, "up") for folder in folders), strict=True)
    )
    sigma = np.linalg.svd(late - early, compute_uv=False)
    np.testing.assert_allclose(comparison.delta_singular_values("up"), sigma, rtol=1e-9, atol=1e-9 * sigma[0])
    expected = np.linalg.norm(late - early) / np.linalg.norm(early)
    assert comparison.metric("up", "relative_change") == pytest.approx(expected, rel=1e-9)


def test_an_adapter_of_another_model_is_refused(base: nn.Module, tmp_path: Path) -> None:
    adapt(base, tmp_path, target_modules=["up"], r=2)
    other = {"encoder.a.weight": torch.eye(4), "encoder.b.weight": torch.eye(4)}
    with pytest.raises(wsw.WeightScopeError, match=r"changes no tensor that state dict has \(it begins with 'up'\)"):
        wsw.compare(other, tmp_path, progress=False)


def test_an_evolution_is_of_models_or_of_adapters(base: nn.Module, tmp_path: Path) -> None:
    adapt(base, tmp_path / "1", target_modules=["up"], r=2, lora_alpha=2)
    adapt(base, tmp_path / "2", target_modules=["up"], r=2, lora_alpha=6)
    steps = wsw.evolution(tmp_path, progress=False, cache=False)
    assert steps.relative_change("2", "up") == pytest.approx(2, rel=1e-9)  # three times the change
    with pytest.raises(wsw.WeightScopeError, match=r"'1' is an adapter and 'base' is a model"):
        wsw.evolution({"base": base, "1": tmp_path / "1"}, progress=False, cache=False)
