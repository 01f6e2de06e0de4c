"""Extracted adapters: loaded with real peft they make of the base what the tuned model is, and say what not."""

from __future__ import annotations

import copy
import resource
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import weightscope_widget as wsw
from tests.python.support.adapters import adapt
from weightscope_widget.sources import Source

peft = pytest.importorskip("peft")
transformers = pytest.importorskip("transformers")
Conv1D = pytest.importorskip("transformers.pytorch_utils").Conv1D

pytestmark = [pytest.mark.filterwarnings("ignore::UserWarning"), pytest.mark.filterwarnings("ignore::FutureWarning")]

WHOLE = 1e-6
"""What float32 factors lose at most of a change of full rank."""


class Mixed(nn.Module):
    """Linear layers and what looks like them."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(30, 12)
        self.segment = nn.Embedding(3, 12)  # by name no embedding
        self.up = nn.Linear(12, 20)
        self.square = nn.Linear(12, 12)
        self.c_attn = Conv1D(12, 12)
        self.mha = nn.MultiheadAttention(12, 2)
        self.A_log = nn.Parameter(torch.randn(12, 4))
        self.conv = nn.Conv1d(12, 12, 3)
        self.norm = nn.LayerNorm(12)


LINEAR = {"up", "square", "c_attn"}


@pytest.fixture
def base() -> nn.Module:
    torch.manual_seed(4)
    return Mixed().eval()


def moved(model: nn.Module) -> nn.Module:
    """A copy with every weight changed."""
    torch.manual_seed(5)
    tuned = copy.deepcopy(model)
    for parameter in tuned.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return tuned


def loaded(base: nn.Module, folder: Path) -> dict[str, torch.Tensor]:
    """The base with the adapter merged by PEFT, in float64."""
    wrapped = peft.PeftModel.from_pretrained(copy.deepcopy(base).double(), str(folder), autocast_adapter_dtype=False)
    return dict(wrapped.merge_and_unload().state_dict())


def assert_made(base: nn.Module, expected: dict[str, torch.Tensor], extracted: wsw.ExtractedLora, atol: float) -> None:
    """What the errors claim is what PEFT makes of the base; what is in no error is the base's still."""
    found, before = loaded(base, extracted.folder), base.state_dict()
    for name, after in expected.items():
        key = name.removesuffix(".weight")
        if key in extracted.errors:
            delta = after.double() - before[name].double()
            lost = float((found[name].double() - after.double()).norm() / delta.norm())
            assert lost == pytest.approx(extracted.errors[key], abs=atol)
        else:
            torch.testing.assert_close(found[name].double(), before[name].double(), rtol=0, atol=0)


# -- An adapter as the tuned side --------------------------------------------------------------------------------------


@pytest.fixture
def adapter(base: nn.Module, tmp_path: Path) -> Path:
    adapt(base, tmp_path / "tuned", target_modules=["up", "square", "c_attn"], r=4, lora_alpha=7)
    return tmp_path / "tuned"


@pytest.mark.parametrize("opened", [Path, wsw.Scope], ids=["path", "scope"])
def test_an_adapter_gives_an_adapter_of_the_same_change(
    base: nn.Module, adapter: Path, tmp_path: Path, opened: Any
) -> None:
    extracted = wsw.extract_lora(base, opened(adapter), tmp_path / "out", rank=4, progress=False)
    assert extracted.ranks == dict.fromkeys(LINEAR, 4)
    assert extracted.left_out == {}
    assert max(extracted.errors.values()) < WHOLE
    for (name, expected), found in zip(
        loaded(base, adapter).items(), loaded(base, extracted.folder).values(), strict=True
    ):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5, msg=name)


@pytest.mark.parametrize("options", [{"rank": 2}, {"energy": 0.8}], ids=str)
def test_an_adapter_is_made_smaller_by_the_best_there_is(
    base: nn.Module, adapter: Path, tmp_path: Path, options: Any
) -> None:
    extracted = wsw.extract_lora(base, adapter, tmp_path / "out", progress=False, **options)
    after = loaded(base, adapter)
    for name, error in extracted.errors.items():
        delta = (after[f"{name}.weight"] - base.state_dict()[f"{name}.weight"].double()).numpy()
        squares = np.linalg.svd(delta, compute_uv=False) ** 2
        rank = options.get("rank") or int(np.searchsorted(np.cumsum(squares), 0.8 * squares.sum())) + 1
        assert extracted.ranks[name] == rank
        assert error == pytest.approx(np.sqrt(squares[rank:].sum() / squares.sum()), rel=1e-5)
    assert_made(base, after, extracted, 1e-6)


def test_what_else_an_adapter_changes_is_left_out(base: nn.Module, tmp_path: Path) -> None:
    options = {"target_modules": ["up", "conv", "embed", "mha"], "modules_to_save": ["square", "norm"], "r": 2}
    tuned = tmp_path / "tuned"
    adapt(base, tuned, **options)
    extracted = wsw.extract_lora(base, tuned, tmp_path / "out", energy=1 - 1e-12, progress=False)
    assert set(extracted.errors) == {"up", "square"}  # the one as factors, the other as a whole
    told = {"embed": "an embedding or output head", "conv": "not the matrix of a linear layer", "norm": "a vector"}
    assert told.items() <= extracted.left_out.items()
    untold = {name for name, why in extracted.left_out.items() if why.startswith("its change cannot be told: ")}
    assert untold == {"mha.in_proj_weight", "mha.in_proj_bias"}
    assert set(extracted.left_out) == untold | set(told) | {"mha.out_proj", "square.bias", "norm.bias"}
    after = loaded(base, tuned)
    assert_made(
        base, {f"{name}.weight": after[f"{name}.weight"] for name in ("up", "square", "c_attn")}, extracted, 1e-5
    )


def test_the_bias_of_an_adapter_is_left_out(base: nn.Module, tmp_path: Path) -> None:
    tuned = tmp_path / "tuned"
    adapt(base, tuned, target_modules=["up"], r=2, lora_bias=True)
    extracted = wsw.extract_lora(base, tuned, tmp_path / "out", rank=2, progress=False)
    assert extracted.ranks == {"up": 2}
    assert extracted.left_out.keys() == {"up.bias"}


def test_an_adapter_is_no_base(base: nn.Module, adapter: Path, tmp_path: Path) -> None:
    for tuned in (base, adapter):
        with pytest.raises(wsw.WeightScopeError, match=r"^The base tuned is an adapter.*give the model that it was"):
            wsw.extract_lora(adapter, tuned, tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()


# -- What is no linear layer -------------------------------------------------------------------------------------------


def test_only_linear_layers_become_targets(base: nn.Module, tmp_path: Path) -> None:
    tuned = moved(base)
    extracted = wsw.extract_lora(base, tuned, tmp_path, energy=1 - 1e-12, progress=False)
    assert set(extracted.errors) == LINEAR
    assert max(extracted.errors.values()) < WHOLE
    others = {name.removesuffix(".weight") for name in base.state_dict()} - LINEAR
    assert set(extracted.left_out) == others
    for name in ("A_log", "mha.in_proj_weight", "mha.out_proj", "segment", "conv"):
        assert extracted.left_out[name] == "not the matrix of a linear layer"
    assert_made(base, dict(tuned.state_dict()), extracted, 1e-6)


def test_of_a_state_dict_the_names_tell_what_is_no_layer(base: nn.Module, tmp_path: Path) -> None:
    for tuned in (moved(base), dict(moved(base).state_dict())):
        extracted = wsw.extract_lora(dict(base.state_dict()), tuned, tmp_path, progress=False)
        assert {"A_log", "mha.in_proj_weight"} <= set(extracted.left_out)
        assert set(extracted.errors) >= LINEAR
        # Where one of the two is a module, it is known what the names do not tell.
        assert ("segment" in extracted.errors) is isinstance(tuned, dict)


@pytest.mark.parametrize("of", ["module", "state dict"])
def test_t5_s_relative_positions_are_an_embedding(tmp_path: Path, of: str) -> None:
    config = transformers.T5Config(
        d_model=16, d_kv=8, d_ff=24, num_layers=1, num_heads=2, vocab_size=20, relative_attention_num_buckets=8
    )
    torch.manual_seed(7)
    base = transformers.T5EncoderModel(config).eval()
    tuned = moved(base)
    sides = (base, tuned) if of == "module" else (dict(base.state_dict()), dict(tuned.state_dict()))
    extracted = wsw.extract_lora(*sides, tmp_path, energy=1 - 1e-12, progress=False)
    (positions,) = (name for name in extracted.left_out if "relative_attention_bias" in name)
    assert extracted.left_out[positions] == "an embedding or output head"
    assert len(extracted.errors) == 6
    assert_made(base, dict(tuned.state_dict()), extracted, 1e-6)


def test_lora_ranks_of_a_scan_leave_out_the_same(base: nn.Module, tmp_path: Path) -> None:
    results = wsw.scan(base, progress=False)
    for each in (results, results_again(results, tmp_path / "results.json")):
        ranks = each.lora_ranks()
        assert set(ranks.targets) == LINEAR
        assert set(ranks.left_out) == set(ranks) - LINEAR
    named = wsw.scan(dict(base.state_dict()), progress=False).lora_ranks()
    assert {"A_log", "mha.in_proj_weight"} <= set(named.left_out)


def results_again(results: wsw.ScanResults, path: Path) -> wsw.ScanResults:
    results.save(path)
    return wsw.load_results(path)


def test_models_that_do_not_differ_need_no_ranks(base: nn.Module) -> None:
    tuned = copy.deepcopy(base)
    for change in (lambda: None, lambda: tuned.norm.bias.data.add_(1)):
        change()
        ranks = wsw.compare(base, tuned, progress=False).lora_ranks()
        assert dict(ranks) == ranks.left_out == {}
        assert ranks.targets == ()
        with pytest.raises(wsw.WeightScopeError, match=r"No layer here can take an adapter; no matrix .* changed\.$"):
            ranks.to_peft()


# -- Cost --------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_what_is_the_same_is_not_widened(tmp_path: Path) -> None:
    size = 6000
    same = torch.randn(size, size).bfloat16()  # 69 MiB; in float64, 275
    base = {"a.weight": torch.zeros(4, 4), "b.weight": same, "embed_tokens.weight": same.clone()}
    tuned = {"a.weight": torch.eye(4), "b.weight": same.clone(), "embed_tokens.weight": same.clone()}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    extracted = wsw.extract_lora(base, tuned, tmp_path, progress=False)
    assert extracted.ranks == {"a": 4}
    assert extracted.left_out == {}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 << 10  # KiB


def test_the_models_are_left_as_they_are(tmp_path: Path) -> None:
    base, tuned = torch.zeros(3, 3, dtype=torch.float64), torch.eye(3, dtype=torch.float64)
    wsw.extract_lora({"a.weight": base}, {"a.weight": tuned}, tmp_path, progress=False)
    assert torch.equal(base, torch.zeros(3, 3))
    assert torch.equal(tuned, torch.eye(3))


def test_progress_is_shown_unless_told_otherwise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sides = ({"a.weight": torch.zeros(3, 3)}, {"a.weight": torch.eye(3)})
    wsw.extract_lora(*sides, tmp_path, progress=False)
    assert capsys.readouterr().err == ""
    wsw.extract_lora(*sides, tmp_path)
    assert "1/1" in capsys.readouterr().err


def test_interrupted_it_writes_nothing(tmp_path: Path) -> None:
    def interrupted() -> torch.Tensor:
        raise KeyboardInterrupt

    base = {"a.weight": torch.zeros(3, 3), "b.weight": torch.zeros(3, 3)}
    layers = wsw.Scope({"a.weight": torch.eye(3), "b.weight": torch.eye(3)}).source.layers
    tuned = Source("tuned", (layers[0], replace(layers[1], load=interrupted)))
    with pytest.raises(KeyboardInterrupt):
        wsw.extract_lora(base, tuned, tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()
