"""Real fine-tunes told apart, a real adapter as the tuned side, and adapters that real peft loads."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch

import weightscope_widget as wsw
from tests.python.comparison.test_comparison import textbook
from tests.python.support import fine_tunes

pytestmark = pytest.mark.slow

TOUCHED = {f"encoder.layer.{block}.attention.self.{which}" for block in range(6) for which in ("query", "value")}


@pytest.fixture(scope="module")
def merged() -> wsw.ComparisonResults:
    return wsw.compare(fine_tunes.base_model(), fine_tunes.merged(), progress=False)


def changed(comparison: wsw.ComparisonResults) -> set[str]:
    return {name for name in comparison if comparison.status(name) != "identical"}


def pattern(comparison: wsw.ComparisonResults) -> str:
    assert comparison.pattern is not None
    return comparison.pattern.name


def test_a_merged_lora_is_low_rank_and_touches_nothing_else(merged: wsw.ComparisonResults) -> None:
    assert pattern(merged) == "low-rank"
    assert changed(merged) == TOUCHED
    for name in merged:
        assert merged.metric(name, "delta_rank_99") <= 8 or name not in TOUCHED
        if name not in TOUCHED:
            assert merged.metric(name, "relative_change") == 0
    assert merged.pattern is not None
    assert merged.pattern.evidence["changed_tensors"] == 12


def test_every_number_of_it(merged: wsw.ComparisonResults) -> None:
    ours, theirs = (model.state_dict() for model in (fine_tunes.base_model(), fine_tunes.merged()))
    for name in sorted(TOUCHED)[:3]:
        for metric, value in textbook(ours[f"{name}.weight"], theirs[f"{name}.weight"]).items():
            assert merged.metric(name, metric) == pytest.approx(value, rel=1e-6), (name, metric)


@pytest.mark.parametrize(
    ("which", "share", "name"),
    [("merged", 1.0, "low-rank"), ("merged", 0.1, "low-rank"), ("full", 1.0, "full fine-tune")],
)
def test_stored_in_16_bits_they_are_what_they_are(which: str, share: float, name: str) -> None:
    base, tuned = (model.state_dict() for model in (fine_tunes.base_model(), getattr(fine_tunes, which)()))
    stored = {key: tensor.bfloat16() for key, tensor in base.items() if tensor.is_floating_point()}
    added = {key: (stored[key].float() + share * (tuned[key] - base[key])).bfloat16() for key in stored}
    comparison = wsw.compare(stored, added, methods=["basic_stats"], progress=False)
    assert pattern(comparison) == name
    if which == "merged":
        ranks = [comparison.metric(layer, "delta_numerical_rank") for layer in TOUCHED]
        assert 8 <= min(ranks) <= max(ranks) <= 24  # rows of larger weights are rounded more, and rise above the edge
    if share < 1:  # the rounding of a small change takes most of the rank
        assert min(comparison.metric(layer, "delta_rank_99") for layer in TOUCHED) > 16


def test_a_full_fine_tune_is_not_low_rank() -> None:
    comparison = wsw.compare(fine_tunes.base_model(), fine_tunes.full(), progress=False)
    assert pattern(comparison) == "full fine-tune"
    assert comparison.pattern is not None
    assert comparison.pattern.evidence["delta_rank_99_percentage"] > 25
    assert comparison.pattern.evidence["relative_change"] < 0.1


def test_a_frozen_trunk_is_targeted() -> None:
    comparison = wsw.compare(fine_tunes.base_model(), fine_tunes.frozen_trunk(), progress=False)
    assert pattern(comparison) == "targeted"
    assert all(name.startswith("encoder.layer.5.") for name in changed(comparison))


def test_a_diverged_one_is_retrained() -> None:
    comparison = wsw.compare(fine_tunes.base_model(), fine_tunes.diverged(), progress=False)
    assert pattern(comparison) == "retrained"
    assert comparison.worsened() != []


def test_an_adapter_stands_for_the_tuned_model(merged: wsw.ComparisonResults, tmp_path: Path) -> None:
    fine_tunes.adapter().save_pretrained(tmp_path)
    comparison = wsw.compare(fine_tunes.base_model(), tmp_path, progress=False)
    assert pattern(comparison) == "low-rank"
    assert changed(comparison) == TOUCHED
    for name in TOUCHED:
        # Merging rounds to float32, the adapter itself does not.
        assert comparison.metric(name, "relative_change") == pytest.approx(
            merged.metric(name, "relative_change"), rel=1e-4
        )
        sigma = comparison.delta_singular_values(name)
        assert (sigma[8:] == 0).all()
        np.testing.assert_allclose(sigma[:8], merged.delta_singular_values(name)[:8], rtol=1e-3)


@pytest.mark.parametrize("which", ["merged", "full"])
def test_an_extracted_adapter_gives_the_tuned_weights_back(which: str, tmp_path: Path) -> None:
    from peft import PeftModel

    base, tuned = fine_tunes.base_model(), getattr(fine_tunes, which)()
    extracted = wsw.extract_lora(base, tuned, tmp_path, energy=0.99)
    loaded = PeftModel.from_pretrained(copy.deepcopy(base), tmp_path).merge_and_unload().state_dict()
    before, after = base.state_dict(), tuned.state_dict()
    assert extracted.errors
    for name, error in extracted.errors.items():
        delta = after[f"{name}.weight"].double() - before[f"{name}.weight"].double()
        lost = after[f"{name}.weight"].double() - loaded[f"{name}.weight"].double()
        size = float(delta.norm())
        # To the rounding of the merge into float32.
        rounding = float(torch.finfo(torch.float32).eps * before[f"{name}.weight"].double().norm())
        assert float(lost.norm()) == pytest.approx(error * size, rel=1e-3, abs=rounding)
        assert error <= 0.1 + 1e-6  # √(1 − 0.99)
    if which == "merged":
        assert set(extracted.errors) == TOUCHED
        assert max(extracted.ranks.values()) <= 8
        assert extracted.left_out == {}
    else:
        assert extracted.left_out["embeddings.word_embeddings"] == "an embedding or output head"
        assert extracted.left_out["embeddings.LayerNorm"] == "a vector"


def test_at_full_rank_nothing_is_lost(tmp_path: Path) -> None:
    extracted = wsw.extract_lora(fine_tunes.base_model(), fine_tunes.merged(), tmp_path, rank=8)
    assert set(extracted.ranks.values()) == {8}
    assert max(extracted.errors.values()) < 1e-4


def test_conv1d_and_linear(tmp_path: Path) -> None:
    from peft import PeftModel
    from transformers import GPT2Config, GPT2Model

    torch.manual_seed(1)
    base = GPT2Model(GPT2Config(n_layer=2, n_embd=24, n_head=2, vocab_size=50, n_positions=16)).eval()
    base.probe = torch.nn.Linear(24, 30)  # stored (out, in), where Conv1D is (in, out)
    tuned = copy.deepcopy(base)
    with torch.no_grad():
        for block in tuned.h:
            block.attn.c_attn.weight += torch.randn(24, 2) @ torch.randn(2, 72)
            block.mlp.c_proj.weight += torch.randn(96, 3) @ torch.randn(3, 24)
        tuned.probe.weight += torch.randn(30, 4) @ torch.randn(4, 24)
    extracted = wsw.extract_lora(base, tuned, tmp_path, energy=1 - 1e-9)
    assert extracted.ranks["probe"] == 4
    assert sorted(set(extracted.ranks.values())) == [2, 3, 4]
    loaded = PeftModel.from_pretrained(copy.deepcopy(base), tmp_path).merge_and_unload()
    for (name, expected), found in zip(tuned.state_dict().items(), loaded.state_dict().values(), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4, msg=name)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [({"rank": 0}, "rank is 0"), ({"energy": 1.5}, "energy is 1.5"), ({"rank": 2, "energy": 0.5}, "both given")],
)
def test_wrong_arguments(options: dict[str, float], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(wsw.WeightScopeError, match=sentence):
        wsw.extract_lora({"a.weight": torch.eye(3)}, {"a.weight": torch.ones(3, 3)}, tmp_path, **options)  # type: ignore[arg-type]


def test_nothing_to_extract(tmp_path: Path) -> None:
    state = {"a.weight": torch.eye(3), "b.bias": torch.ones(3)}
    with pytest.raises(wsw.WeightScopeError, match=r"No matrix of a linear layer changed.*1 other tensors did"):
        wsw.extract_lora(state, state | {"b.bias": torch.zeros(3)}, tmp_path / "out")
    assert not (tmp_path / "out").exists()
