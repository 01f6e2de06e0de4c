"""What kind of change it is, told of changes that were made to be of a kind; the sentence, by cases the page shares."""

from __future__ import annotations

import math
import re
import threading
from typing import Any, ClassVar

import pytest
import torch

import weightscope_widget as wsw
from tests.python.support.plan_cases import read
from weightscope_widget._shared.messages import message
from weightscope_widget.analyzers.numerics.rounding import grid_of, rounding_norm
from weightscope_widget.comparison import ComparisonRun
from weightscope_widget.comparison.kinds.sentence import sentence_of
from weightscope_widget.scanning.options import run_options

SIDE, RANK = 384, 8
SIXTEEN = [torch.bfloat16, torch.float16]


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def low_rank(rows: int = SIDE, columns: int = SIDE, rank: int = RANK, seed: int = 1) -> torch.Tensor:
    return draw(rows, rank, seed=seed) @ draw(rank, columns, seed=seed + 100)


def signs(rows: int = SIDE, columns: int = SIDE) -> torch.Tensor:
    """What AdamW does: every weight moves by nearly as much."""
    return draw(rows, columns, seed=1).sign() * (0.5 + draw(rows, columns, seed=2).abs().clamp(max=1) / 2)


def merged(base: torch.Tensor, delta: torch.Tensor, size: float) -> torch.Tensor:
    """Return base + ΔW with ‖ΔW‖ = size·‖base‖, rounded to the base's type."""
    wide = base.double()
    return (wide + delta.double() * (size * wide.norm() / delta.double().norm())).to(base.dtype)


def compared(base: dict[str, Any], tuned: dict[str, Any]) -> wsw.ComparisonResults:
    return wsw.compare(base, tuned, methods=["basic_stats"], progress=False)


def pattern_of(base: dict[str, Any], tuned: dict[str, Any]) -> Any:
    found = compared(base, tuned).pattern
    assert found is not None
    known = {key: value for key, value in found.evidence.items() if math.isfinite(value)}
    if found.name != "retrained":
        assert sentence_of(found.name, known) == found.sentence  # what travels to the page says the same
    assert "—" not in found.sentence
    return found


class TestRounding:
    """Merges and full fine-tunes as they are stored."""

    @pytest.mark.parametrize(
        ("dtype", "size"),
        [(torch.bfloat16, size) for size in (0.002, 0.003, 0.01, 0.03, 0.1)]
        + [(torch.float16, size) for size in (0.0005, 0.001, 0.01, 0.1)],
        ids=str,
    )
    def test_a_merged_lora_shows_its_own_rank(self, dtype: torch.dtype, size: float) -> None:
        base = (0.03 * draw(SIDE, SIDE)).to(dtype)
        comparison = compared({"a.weight": base}, {"a.weight": merged(base, low_rank(), size)})
        assert comparison.metric("a", "delta_numerical_rank") == RANK
        assert comparison.pattern is not None
        assert comparison.pattern.name == "low-rank"

    @pytest.mark.slow
    @pytest.mark.parametrize("dtype", SIXTEEN, ids=str)
    @pytest.mark.parametrize("shape", [(SIDE, SIDE), (512, 128)], ids=str)
    @pytest.mark.parametrize("kind", ["gaussian", "signs"])
    def test_no_full_fine_tune_is_low_rank(self, dtype: torch.dtype, shape: tuple[int, int], kind: str) -> None:
        base = (0.03 * draw(*shape)).to(dtype)
        delta = draw(*shape, seed=1) if kind == "gaussian" else signs(*shape)
        finest = 1 if dtype == torch.bfloat16 else 1 / 8
        # Most of all where about as much of it is rounding as not.
        for size in (0.001, 0.0015, 0.002, 0.0023, 0.0025, 0.0028, 0.0035, 0.01, 0.1):
            found = pattern_of({"a.weight": base}, {"a.weight": merged(base, delta, size * finest)})
            assert found.name == "full fine-tune", size

    @pytest.mark.parametrize("delta", [low_rank(), draw(SIDE, SIDE, seed=1)], ids=["low-rank", "full"])
    def test_of_a_change_smaller_than_rounding_the_rank_cannot_be_told(self, delta: torch.Tensor) -> None:
        base = (0.03 * draw(SIDE, SIDE)).bfloat16()
        found = pattern_of({"a.weight": base}, {"a.weight": merged(base, delta, 0.0005)})
        assert found.name == "full fine-tune"
        assert found.evidence["unresolved_percentage"] == 100
        assert "no larger than rounding to the storage type, so its rank is unknown" in found.sentence

    def test_a_few_weights_that_moved_by_a_step_are_no_low_rank_change(self) -> None:
        base = (0.03 * draw(SIDE, SIDE)).bfloat16()
        tuned = base.clone()
        for at in range(3):
            tuned[at, 7 * at] = torch.nextafter(tuned[at, 7 * at], torch.tensor(9.0).bfloat16())
        comparison = compared({"a.weight": base}, {"a.weight": tuned})
        assert comparison.metric("a", "delta_rank_99") <= 3
        assert comparison.metric("a", "delta_numerical_rank") == 0
        assert comparison.pattern is not None
        assert comparison.pattern.name == "full fine-tune"

    def test_a_copy_in_another_type_is_all_rounding(self) -> None:
        base = 0.03 * draw(SIDE, SIDE)
        comparison = compared({"a.weight": base}, {"a.weight": base.bfloat16()})
        assert comparison.metric("a", "delta_rounding_percentage") == pytest.approx(100, rel=0.02)
        assert comparison.metric("a", "delta_numerical_rank") <= 1  # the edge is that of infinite matrices

    def test_what_was_stored_in_16_bits_and_read_as_32_is_known(self) -> None:
        base = (0.03 * draw(SIDE, SIDE)).bfloat16()
        tuned = merged(base, low_rank(), 0.003)
        narrow = compared({"a.weight": base}, {"a.weight": tuned})
        wide = compared({"a.weight": base.float()}, {"a.weight": tuned.float()})
        assert wide["a"]["comparison"] == narrow["a"]["comparison"]
        assert [grid_of(base.float()), grid_of(draw(9, 9))] == [torch.bfloat16, torch.float32]

    @pytest.mark.slow
    def test_float32_and_a_bfloat16_base(self) -> None:
        base = 0.03 * draw(SIDE, SIDE)
        assert pattern_of({"a.weight": base}, {"a.weight": merged(base, low_rank(), 1e-4)}).name == "low-rank"
        stored = base.bfloat16()
        tuned = merged(stored.float(), low_rank(), 5e-4)  # exact, though it is smaller than the base's spacing
        assert pattern_of({"a.weight": stored}, {"a.weight": tuned}).name == "low-rank"

    def test_each_matrix_of_a_stack_has_an_edge_of_its_own(self) -> None:
        name = "model.layers.0.mlp.experts.gate_up_proj"
        sizes = torch.tensor([1.0, 1e-3, 1e-3]).view(3, 1, 1)
        base = (sizes * draw(3, 96, 96)).bfloat16()
        deltas = torch.stack([low_rank(96, 96, 2, seed) for seed in (1, 2, 3)])
        tuned = (base.double() + 0.02 * sizes * deltas.double()).bfloat16()
        comparison = compared({name: base}, {name: tuned})
        assert comparison.metric(name, "delta_numerical_rank") == 6
        alone = [compared({"a.weight": b}, {"a.weight": t}) for b, t in zip(base, tuned, strict=True)]
        assert [each.metric("a", "delta_numerical_rank") for each in alone] == [2, 2, 2]

    @pytest.mark.parametrize("dtype", [*SIXTEEN, torch.float32, torch.float8_e4m3fn], ids=str)
    def test_the_norm_is_that_of_the_errors(self, dtype: torch.dtype) -> None:
        weights = 0.5 * torch.randn(300, 200, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        rounded = weights.to(dtype)
        assert rounding_norm(rounded, dtype) == pytest.approx(float((rounded.double() - weights).norm()), rel=0.05)

    def test_the_smallest_and_the_largest_numbers(self) -> None:
        least = torch.finfo(torch.float16).smallest_normal * torch.finfo(torch.float16).eps
        tiny = torch.tensor([[0.0, least], [-5 * least, 1000 * least]]).half()
        assert rounding_norm(tiny, torch.float16) == pytest.approx(2 * least / math.sqrt(12))
        huge = 2.0 ** torch.tensor([[900.0, 901.0]]).double()
        expected = math.ldexp(math.sqrt(5 / 12), 900 - 52)
        assert rounding_norm(huge, torch.float64) == pytest.approx(expected)

    def test_of_what_is_not_finite_or_did_not_change(self) -> None:
        base = draw(20, 20)
        tuned = base.clone()
        tuned[0, 0] = math.nan
        broken = compared({"a.weight": base}, {"a.weight": tuned})
        same = compared({"a.weight": base}, {"a.weight": base.clone()})
        for metric in ("delta_numerical_rank", "delta_rounding_percentage"):
            assert math.isnan(broken.metric("a", metric))
            assert same.metric("a", metric) == 0
            assert metric in same.to_frame().columns


class TestWhole:
    """Whole models."""

    BASE: ClassVar = {f"h.{i}.mlp.c_fc.weight": draw(48, 32, seed=i) for i in range(4)}

    def tuned(self, size: float = 0.05, names: int = 4) -> dict[str, torch.Tensor]:
        some = list(self.BASE)[:names]
        return {
            name: merged(base, draw(48, 32, seed=9), size) if name in some else base.clone()
            for name, base in self.BASE.items()
        }

    def test_what_failed_is_left_out_and_said(self) -> None:
        tuned: dict[str, torch.Tensor] = {
            name: tensor if index == 0 else tensor.to("meta")
            for index, (name, tensor) in enumerate(self.tuned().items())
        }
        found = pattern_of(self.BASE, tuned)
        assert found.name == "full fine-tune"
        assert found.evidence["failed_tensors"] == 3
        assert found.sentence.endswith("3 tensors could not be compared.")
        first = next(iter(self.BASE))
        assert compared(self.BASE, tuned | {first: self.BASE[first].clone()}).pattern is None  # the others may differ

    def test_nothing_is_said_before_the_end(self) -> None:
        run = ComparisonRun(self.BASE, self.tuned(), run_options(vectors=True), cheap_first=True)
        said = [run.results.pattern for _ in run.steps()]
        assert said[:-1] == [None] * (len(said) - 1)
        assert said[-1] is not None

    def test_nothing_is_said_of_what_was_cancelled(self) -> None:
        cancel = threading.Event()
        cancel.set()
        comparison = wsw.compare(self.BASE, self.tuned(), workers=1, progress=False, cancel=cancel)
        assert 0 < len(comparison) < 4
        assert comparison.pattern is None

    def test_a_lora_beside_a_trained_embedding_is_not_low_rank(self) -> None:
        base = {f"h.{i}.attn.c_proj.weight": draw(40, 40, seed=i) for i in range(9)} | {"wte.weight": draw(4000, 60)}
        tuned = {
            name: merged(tensor, draw(4000, 60, seed=5) if name == "wte.weight" else low_rank(40, 40, 2), 0.02)
            for name, tensor in base.items()
        }
        found = pattern_of(base, tuned)
        assert found.name == "full fine-tune"
        assert found.evidence["low_rank_tensors"] == 9
        assert found.evidence["low_rank_percentage"] == pytest.approx(100 * 14400 / 254400)
        assert "the change of 9 tensors, with 5.66 % of the changed weights, is low-rank." in found.sentence
        # Norms that were trained, too, weigh next to nothing.
        norms = {f"h.{i}.ln_1.weight": torch.ones(40) for i in range(9)}
        moved = {name: tensor + 0.01 * draw(40) for name, tensor in norms.items()}
        kept = {name: tensor for name, tensor in base.items() if name != "wte.weight"}
        found = pattern_of(kept | norms, {name: tuned[name] for name in kept} | moved)
        assert found.name == "low-rank"

    def test_norms_alone_are_no_low_rank_change(self) -> None:
        norms = {f"h.{i}.ln_1.weight": torch.ones(40) for i in range(4)}
        found = pattern_of(self.BASE | norms, self.BASE | {name: 1.1 * tensor for name, tensor in norms.items()})
        assert found.name == "targeted"
        assert math.isnan(found.evidence["delta_rank_99_percentage"])

    def test_a_blow_up_of_rank_1_is_retrained(self) -> None:
        tuned = {name: tensor + 1000 * low_rank(48, 32, 1) for name, tensor in self.BASE.items()}
        found = pattern_of(self.BASE, tuned)
        assert found.name == "retrained"
        assert found.evidence["relative_change"] > 500

    @pytest.mark.parametrize("everything", [True, False])
    def test_a_divergence_is_said(self, everything: bool) -> None:
        tuned = {name: tensor + 0.1 * low_rank(48, 32, 1) for name, tensor in self.BASE.items()}
        name = "h.2.mlp.c_fc.weight"
        tuned[name][: 48 if everything else 1, : 32 if everything else 1] = math.nan
        found = pattern_of(self.BASE, tuned)
        assert (found.name, found.evidence["broken_tensors"]) == ("retrained", 1)
        assert found.evidence["relative_change"] == math.inf
        assert found.sentence.endswith("1 tensor holds NaN or infinite weights.")

    def test_a_bias_that_became_nan_is_said(self) -> None:
        found = pattern_of(
            self.BASE | {"b.bias": torch.ones(5)}, self.BASE | {"b.bias": torch.tensor([1, 1, 1, 1, math.nan])}
        )
        assert (found.name, found.evidence["broken_tensors"]) == ("retrained", 1)

    def test_a_vocabulary_that_grew_is_no_fine_tune(self) -> None:
        base = self.BASE | {"wte.weight": draw(50, 16)}
        tuned = self.BASE | {"wte.weight": torch.cat([base["wte.weight"], draw(7, 16, seed=1)])}
        found = pattern_of(base, tuned)
        assert found.sentence == "A targeted change: every shared weight is the same. 1 tensor was only resized."

    def test_bits_that_change_no_value_change_nothing(self) -> None:
        base = {name: tensor.clone() for name, tensor in self.BASE.items()}
        base["h.0.mlp.c_fc.weight"][0, 0] = 0.0
        tuned = {name: tensor.clone() for name, tensor in base.items()}
        tuned["h.0.mlp.c_fc.weight"][0, 0] = -0.0
        found = pattern_of(base, tuned)
        assert found.name == "identical"
        assert found.evidence["recoded_tensors"] == 1
        assert "1 tensor differs in bits only" in found.sentence

    def test_shapes_with_nothing_in_common_are_not_shared(self) -> None:
        found = pattern_of(self.BASE, {name: draw(48, 20) for name in self.BASE})
        assert (found.name, found.evidence["unlike_tensors"]) == ("different architecture", 4)

    def test_the_change_is_that_of_all_changed_weights_together(self) -> None:
        tuned = self.tuned(size=0.05, names=1)
        second = list(self.BASE)[1]
        tuned[second] = 1.5 * self.BASE[second]
        found = pattern_of(self.BASE, tuned)
        both = [torch.cat([state[name].double() for name in list(self.BASE)[:2]]) for state in (self.BASE, tuned)]
        expected = float((both[1] - both[0]).norm() / both[0].norm())
        assert found.evidence["relative_change"] == pytest.approx(expected, rel=1e-9)
        assert found.evidence["changed_parameters_percentage"] == 50


@pytest.mark.parametrize("case", read("pattern_cases.json"), ids=lambda case: str(case["title"]))
def test_the_sentence(case: dict[str, Any]) -> None:
    assert sentence_of(case["name"], case["evidence"]) == case["sentence"]
    assert sentence_of(case["name"], case["evidence"], "zh") == case["zh"]


def test_the_cases_have_every_pattern() -> None:
    assert {case["name"] for case in read("pattern_cases.json")} == set(message("change.pattern.heads"))


@pytest.mark.parametrize("case", read("pattern_cases.json"), ids=lambda case: str(case["title"]))
def test_the_sentence_has_the_same_numbers_and_parts_in_chinese(case: dict[str, Any]) -> None:
    def numbers(text: str) -> list[str]:
        return sorted(found.rstrip(".,") for found in re.findall(r"[\d.,×⁻⁰-⁹]*\d[\d.,×⁻⁰-⁹]*", text))

    assert numbers(case["zh"]) == numbers(case["sentence"])
    assert not re.search(r"undefined|NaN(?! 或)|—|\{", case["zh"])
    assert case["zh"].count("。") == len(re.findall(r"\.(?: |$)", case["sentence"]))
