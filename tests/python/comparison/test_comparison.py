"""What separates two models: every number against float64 textbook computations, and every hostile pair."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

import weightscope_widget as wsw
from weightscope_widget.comparison.matching import canonical_name

SHAPES = {"tall": (90, 24), "wide": (20, 70), "square": (40, 40), "conv": (8, 3, 5, 5)}
LARGE = {"large tall": (5000, 300), "large wide": (300, 5000), "large square": (600, 600)}  # by way of Gram matrices


def spacing(base: torch.Tensor, tuned: torch.Tensor) -> np.ndarray:
    """Return the unit in the last place at every entry of the coarser of the two."""
    fractions = {torch.bfloat16: 7, torch.float16: 10, torch.float32: 23, torch.float64: 52}  # bits
    coarser = base if fractions[base.dtype] < fractions[tuned.dtype] else tuned
    ulps: np.ndarray = 2.0 ** (np.floor(np.log2(np.abs(coarser.double().numpy()))) - fractions[coarser.dtype])
    return ulps


def textbook(base: torch.Tensor, tuned: torch.Tensor) -> dict[str, float]:
    """Return all metrics by full decompositions in float64."""
    a, b = base.double().numpy(), tuned.double().numpy()
    delta = b - a
    found = {
        "relative_change": np.linalg.norm(delta) / np.linalg.norm(a),
        "l2_distance": np.linalg.norm(delta),
        "cosine_similarity": (a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b),
        "mean_absolute_difference": np.abs(delta).mean(),
        "max_absolute_difference": np.abs(delta).max(),
        "changed_percentage": 100 * (delta != 0).mean(),
    }
    if base.dim() < 2:
        return found
    a, b, delta = (each.reshape(len(each), -1) for each in (a, b, delta))
    sigma = np.linalg.svd(delta, compute_uv=False)
    energy = np.cumsum(sigma**2) / (sigma**2).sum()
    floor = np.sqrt((spacing(base, tuned) ** 2).sum() / 12)  # of one rounding
    u0, ut = (np.linalg.svd(each, full_matrices=False)[0] for each in (a, b))
    k = min(16, *a.shape)
    nearest = np.abs(u0.T @ ut[:, : min(10, *a.shape)]).max(axis=0)
    return found | {
        "delta_stable_rank": (sigma**2).sum() / sigma[0] ** 2,
        **{f"delta_rank_{p}": int((energy < p / 100).sum()) + 1 for p in (90, 95, 99)},
        "delta_numerical_rank": int((sigma > floor * (1 / np.sqrt(len(a)) + 1 / np.sqrt(a.shape[1]))).sum()),
        "delta_total_rank": min(a.shape),
        "delta_rounding_percentage": 100 * floor**2 / (sigma**2).sum(),
        "subspace_overlap": ((u0[:, :k].T @ ut[:, :k]) ** 2).sum() / k,
        "subspace_overlap_chance": k / len(a),
        "intruder_dimensions": int((nearest < 0.5).sum()),
    }


def pair(shape: tuple[int, ...], seed: int, size: float = 0.3) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a matrix with a spectrum that falls, and a change of it."""
    draw = torch.Generator().manual_seed(seed)
    base = torch.randn(shape, generator=draw) * torch.linspace(3, 0.2, shape[0]).view(-1, *[1] * (len(shape) - 1))
    return base, base + size * torch.randn(shape, generator=draw) * (torch.rand(shape, generator=draw) < 0.7)


def compared(base: Any, tuned: Any, **options: Any) -> wsw.ComparisonResults:
    return wsw.compare(base, tuned, progress=False, **options)


def change_of(base: torch.Tensor, tuned: torch.Tensor) -> dict[str, float]:
    found: dict[str, float] = compared({"a.weight": base}, {"a.weight": tuned})["a"]["comparison"]
    return found


class TestNumbers:
    @pytest.mark.parametrize("shape", [*SHAPES.values(), *LARGE.values(), (50,)], ids=str)
    def test_against_the_textbook(self, shape: tuple[int, ...]) -> None:
        base, tuned = pair(shape, len(shape)) if len(shape) > 1 else (torch.arange(50.0), torch.arange(50.0).sqrt())
        found, expected = change_of(base, tuned), textbook(base, tuned)
        assert list(found) == list(expected)
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, rel=1e-6), name

    @pytest.mark.parametrize("size", [1e-6, 3.0])
    def test_small_and_large_changes(self, size: float) -> None:
        base, tuned = pair((60, 80), 5, size)
        base, tuned = base.double(), tuned.double()
        found, expected = change_of(base, tuned), textbook(base, tuned)
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, rel=1e-6), name

    @pytest.mark.parametrize("types", [(torch.float32, torch.bfloat16), (torch.float16, torch.float64)], ids=str)
    def test_different_types_are_compared_exactly(self, types: tuple[torch.dtype, torch.dtype]) -> None:
        base, tuned = pair((30, 50), 6)
        base, tuned = base.to(types[0]), tuned.to(types[1])
        found, expected = change_of(base, tuned), textbook(base, tuned)
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, rel=1e-6), name

    def test_a_widened_copy_is_identical(self) -> None:
        base = torch.randn(20, 30).bfloat16()
        assert compared({"a.weight": base}, {"a.weight": base.float()}).status("a") == "identical"

    def test_a_row_permutation_shows_its_true_change(self) -> None:
        base = torch.randn(64, 48, generator=torch.Generator().manual_seed(1))
        tuned = base[torch.randperm(64, generator=torch.Generator().manual_seed(2))]
        comparison = compared({"a.weight": base}, {"a.weight": tuned})
        # What a comparison of summaries sees:
        before, after = comparison["a"]["base"], comparison["a"]["tuned"]
        assert before["basic_stats"]["std"] == pytest.approx(after["basic_stats"]["std"])
        assert before["spectral"]["condition_number"] == pytest.approx(after["spectral"]["condition_number"])
        # And what it is:
        assert comparison["a"]["comparison"]["relative_change"] == pytest.approx(
            float((tuned - base).norm() / base.norm()), rel=1e-6
        )
        assert comparison["a"]["comparison"]["relative_change"] > 1

    def test_conv1d_is_compared_by_its_outputs(self) -> None:
        base, tuned = pair((24, 72), 9)
        names = {"h.0.attn.c_attn.weight": base, "h.0.attn.c_attn.bias": torch.zeros(72)}
        found = compared(names, names | {"h.0.attn.c_attn.weight": tuned})["h.0.attn.c_attn"]["comparison"]
        expected = textbook(base.T, tuned.T)
        for name in ("subspace_overlap", "subspace_overlap_chance", "intruder_dimensions"):
            assert found[name] == pytest.approx(expected[name], rel=1e-6)

    def test_overlap_and_nearest(self) -> None:
        base, tuned = pair((40, 30), 4)
        comparison = compared({"a.weight": base}, {"a.weight": tuned})
        u0, ut = (np.linalg.svd(each.double().numpy(), full_matrices=False)[0] for each in (base, tuned))
        np.testing.assert_allclose(comparison.overlaps["a"], np.abs(u0[:, :16].T @ ut[:, :16]), atol=1e-9)
        np.testing.assert_allclose(comparison.nearest["a"], np.abs(u0.T @ ut[:, :10]).max(axis=0), atol=1e-9)

    def test_an_intruder_is_found(self) -> None:
        # All of the base lives in the first half of the outputs; the change is one strong direction in the other.
        base = torch.zeros(40, 20, dtype=torch.float64)
        base[:20] = torch.diag(torch.linspace(2, 1, 20, dtype=torch.float64))
        tuned = base.clone()
        tuned[30] += 5
        found = change_of(base, tuned)
        assert found["intruder_dimensions"] == 1
        assert found["delta_rank_99"] == 1

    @pytest.mark.parametrize("shape", [(40, 20), (700, 600)], ids=str)
    def test_directions_that_a_matrix_has_not_hide_no_intruder(self, shape: tuple[int, int]) -> None:
        # Rank 5: the base's other left vectors are none of its own, wherever a factorization puts them.
        m, n = shape
        base = torch.zeros(m, n, dtype=torch.float64)
        base[:5, :5] = torch.diag(torch.linspace(2, 1, 5, dtype=torch.float64))
        tuned = base.clone()
        tuned[7, 7] = 9.0
        comparison = compared({"a.weight": base}, {"a.weight": tuned})
        found = comparison["a"]["comparison"]
        assert found["intruder_dimensions"] == 1
        nearest = comparison.nearest["a"]
        np.testing.assert_allclose(nearest[:6], [0, 1, 1, 1, 1, 1], atol=1e-9)
        assert np.isnan(nearest[6:]).all()
        assert found["subspace_overlap"] == pytest.approx(5 / 16)

    def test_the_spectrum_and_histogram_of_the_change(self) -> None:
        base, tuned = pair((30, 40), 8)
        comparison = compared({"a.weight": base}, {"a.weight": tuned})
        delta = tuned.double() - base.double()
        np.testing.assert_allclose(
            comparison.delta_singular_values("a"), np.linalg.svd(delta.numpy(), compute_uv=False), rtol=1e-6, atol=1e-12
        )
        histogram = comparison.delta_histogram("a")
        assert histogram.counts.sum() == delta.numel()
        assert (histogram.low, histogram.high) == (delta.min(), delta.max())

    def test_sides_are_what_a_scan_says(self) -> None:
        base, tuned = pair((30, 40), 8)
        comparison = compared({"a.weight": base}, {"a.weight": tuned})
        for side, tensor in ((comparison.base, base), (comparison.tuned, tuned)):
            assert side["a"] == wsw.scan({"a.weight": tensor}, progress=False)["a"]


class TestExtremes:
    def test_identical_is_told_without_measuring(self) -> None:
        state = {"a.weight": torch.randn(30, 20), "b.bias": torch.randn(5)}
        comparison = compared(state, {name: tensor.clone() for name, tensor in state.items()})
        assert comparison.pattern is not None
        assert comparison.pattern.name == "identical"
        for name in ("a", "b.bias"):
            entry = comparison[name]
            assert entry["status"] == "identical"
            assert (entry["base"], entry["tuned"]) == ({}, {})  # nothing was measured
            assert entry["comparison"]["relative_change"] == 0
        assert comparison["a"]["comparison"]["delta_rank_99"] == 0
        assert comparison.delta_spectra == {}

    def test_the_same_object_twice(self) -> None:
        model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Linear(3, 2))
        assert compared(model, model).pattern.name == "identical"  # type: ignore[union-attr]

    def test_signed_zeros_and_nan_bits(self) -> None:
        base, tuned = torch.zeros(4, 4), torch.zeros(4, 4)
        tuned[0, 0] = -0.0
        comparison = compared({"a.weight": base}, {"a.weight": tuned})
        assert comparison.status("a") == "changed"  # its bytes are
        assert comparison["a"]["comparison"]["relative_change"] == 0
        assert comparison["a"]["comparison"]["changed_percentage"] == pytest.approx(100 / 16)
        same = torch.tensor([[float("nan"), 1.0]])
        assert compared({"a.weight": same}, {"a.weight": same.clone()}).status("a") == "identical"

    def test_weights_that_are_not_finite(self) -> None:
        base, tuned = torch.ones(4, 4), torch.ones(4, 4)
        tuned[0, 0], tuned[1, 1], tuned[2, 2] = math.nan, math.inf, 3.0
        found = change_of(base, tuned)
        # Over the fourteen entries that are finite in both.
        assert found["relative_change"] == pytest.approx(2 / math.sqrt(14))
        assert found["max_absolute_difference"] == 2
        assert found["changed_percentage"] == pytest.approx(300 / 16)
        assert math.isnan(found["delta_rank_99"])
        assert math.isnan(found["subspace_overlap"])
        comparison = compared({"a.weight": base}, {"a.weight": tuned})
        assert comparison.tuned.grade("a") == "Critical"
        assert any(each.metric == "health" and each.to_class == "Critical" for each in comparison.worsened())

    def test_a_base_of_zeros(self) -> None:
        found = change_of(torch.zeros(3, 3), torch.eye(3))
        assert found["relative_change"] == math.inf
        assert math.isnan(found["cosine_similarity"])
        assert found["delta_rank_99"] == 3

    def test_doubles_whose_squares_are_none(self) -> None:
        base = 1e200 * torch.eye(3, dtype=torch.float64)
        found = change_of(base, 2 * base)
        assert found["relative_change"] == pytest.approx(1)
        assert found["l2_distance"] == pytest.approx(math.sqrt(3) * 1e200)
        assert found["subspace_overlap"] == pytest.approx(1)

    def test_a_vocabulary_that_grew(self) -> None:
        base, tuned = pair((50, 16), 3)
        longer = torch.cat([tuned, torch.randn(7, 16)])
        comparison = compared({"wte.weight": base}, {"wte.weight": longer})
        entry = comparison["wte"]
        assert entry["status"] == "reshaped"
        assert entry["comparison"]["common_rows"] == 50
        for name, value in textbook(base, tuned).items():
            assert entry["comparison"][name] == pytest.approx(value, rel=1e-6), name
        assert comparison.tuned.layers["wte"].shape == (57, 16)

    def test_shapes_that_have_nothing_in_common(self) -> None:
        comparison = compared({"a.weight": torch.eye(3)}, {"a.weight": torch.ones(2, 5)})
        assert comparison.status("a") == "reshaped"
        assert comparison["a"]["comparison"] == {}
        assert comparison["a"]["tuned"]["basic_stats"]["mean"] == 1
        assert comparison.pattern is not None

    def test_a_layer_that_cannot_be_read_is_said_and_the_others_go_on(self, tmp_path: Path) -> None:
        from weightscope_widget.sources import Layer, Source

        def broken() -> torch.Tensor:
            raise OSError("the disk is gone")

        good = Layer("b", (3, 3), "float32", lambda: torch.eye(3))
        bad = Layer("a", (3, 3), "float32", broken)
        comparison = compared(Source("base", (bad, good)), {"a.weight": torch.eye(3), "b.weight": 2 * torch.eye(3)})
        assert "the disk is gone" in comparison["a"]["error"]
        assert comparison["a"]["status"] is None
        assert comparison.status("b") == "changed"
        assert comparison.complete
        assert "the disk is gone" in comparison.to_frame().loc["a", "error"]
        same = compared(Source("base", (bad, good)), {"a.weight": torch.eye(3), "b.weight": torch.eye(3)})
        assert same.pattern is None  # the layer that failed may have changed: not identical

    def test_a_stack_of_experts(self) -> None:
        draw = torch.Generator().manual_seed(0)
        base = {"model.layers.0.mlp.experts.gate_up_proj": torch.randn(3, 10, 8, generator=draw)}
        tuned = {name: tensor.clone() for name, tensor in base.items()}
        name = next(iter(base))
        tuned[name][1] += torch.outer(torch.randn(10, generator=draw), torch.randn(8, generator=draw))
        comparison = compared(base, tuned)
        changed = {each for each in comparison if comparison.status(each) == "changed"}
        assert changed == {name, *(each for each in changed if "1" in each.removeprefix("model.layers.0"))}
        assert len(changed) == 2
        assert comparison[name]["comparison"]["delta_rank_99"] == 1
        assert comparison[name]["comparison"]["delta_total_rank"] == 24

    @pytest.mark.parametrize(
        ("options", "sentence"),
        [({"workers": 0}, "workers is 0"), ({"memory": -1}, "memory is -1"), ({"methods": "spectrum"}, "methods has"),
         ({"top_k": True}, "top_k is True")],
    )  # fmt: skip
    def test_wrong_arguments(self, options: dict[str, Any], sentence: str) -> None:
        with pytest.raises(wsw.WeightScopeError, match=sentence):
            compared({"a.weight": torch.eye(3)}, {"a.weight": torch.eye(3)}, **options)


class TestMatching:
    @pytest.mark.parametrize(
        ("name", "canonical"),
        [
            ("model.layers.0.mlp.up_proj", "layers.0.mlp.up_proj"),
            ("module._orig_mod.h.0.attn.c_attn", "h.0.attn.c_attn"),
            ("base_model.model.model.layers.0.self_attn.q_proj.base_layer", "layers.0.self_attn.q_proj"),
            ("bert.encoder.layer.0.output.dense", "encoder.layer.0.output.dense"),
            ("transformer.h.0.mlp.c_fc", "h.0.mlp.c_fc"),
            ("lm_head", "lm_head"),
            ("model", "model"),
        ],
    )
    def test_canonical_names(self, name: str, canonical: str) -> None:
        assert canonical_name(name) == canonical

    @pytest.mark.parametrize("prefix", ["model.", "module.", "base_model.model.", "_orig_mod.", "module._orig_mod."])
    def test_wrapped_models_match(self, prefix: str) -> None:
        base = {f"layers.{i}.mlp.up_proj.weight": torch.randn(5, 4) for i in range(3)}
        comparison = compared(base, {f"{prefix}{name}": tensor for name, tensor in base.items()})
        assert {comparison.status(name) for name in comparison} == {"identical"}
        assert comparison.tuned_names["layers.0.mlp.up_proj"] == f"{prefix}layers.0.mlp.up_proj"

    def test_what_is_only_on_one_side(self) -> None:
        comparison = compared(
            {"a.weight": torch.eye(3), "b.weight": torch.eye(2)}, {"a.weight": torch.eye(3), "c.weight": torch.eye(4)}
        )
        assert {name: comparison.status(name) for name in comparison} == {
            "a": "identical",
            "b": "only_in_base",
            "c": "only_in_tuned",
        }
        assert comparison["b"]["comparison"] == {}

    def test_names_that_mean_the_same_match_nothing(self) -> None:
        base = {"model.a.weight": torch.eye(3), "module.a.weight": 2 * torch.eye(3)}
        comparison = compared(base, {"a.weight": torch.eye(3)})
        assert sorted(filter(None, (comparison.status(name) for name in comparison))) == [
            *("only_in_base", "only_in_base", "only_in_tuned"),
        ]

    def test_tied_in_one_and_not_in_the_other(self) -> None:
        shared = torch.randn(6, 4)
        tied = {"wte.weight": shared, "lm_head.weight": shared}
        apart = {"wte.weight": shared.clone(), "lm_head.weight": shared + 1}
        for base, tuned, (before, after) in ((tied, apart, (0, 1)), (apart, tied, (1, 0))):
            comparison = compared(base, tuned)
            assert {name: comparison.status(name) for name in comparison} == {"wte": "identical", "lm_head": "changed"}
            expected = float((shared + after - (shared + before)).norm() / (shared + before).norm())
            assert comparison["lm_head"]["comparison"]["relative_change"] == pytest.approx(expected, rel=1e-6)
            assert comparison.layers["lm_head"].placement.kind == "head"

    def test_nothing_in_common_is_another_architecture(self) -> None:
        comparison = compared({"a.weight": torch.eye(3)}, {"b.weight": torch.eye(3)})
        assert comparison.pattern is not None
        assert comparison.pattern.name == "different architecture"
        assert comparison.pattern.sentence.startswith("Different architectures")

    def test_a_scope_and_files(self, tmp_path: Path) -> None:
        base, tuned = pair((20, 10), 1)
        for name, tensor in (("base", base), ("tuned", tuned)):
            save_file({"a.weight": tensor}, tmp_path / f"{name}.safetensors")
        by_scope = wsw.Scope(tmp_path / "base.safetensors").compare_with(tmp_path / "tuned.safetensors", progress=False)
        assert by_scope["a"] == compared({"a.weight": base}, {"a.weight": tuned})["a"]


class TestResults:
    @pytest.fixture
    def comparison(self) -> wsw.ComparisonResults:
        base, tuned = pair((20, 30), 2)
        broken = tuned.clone()
        broken[0, 0] = math.nan
        # Copies: one tensor under two names would be tied weights.
        left = {f"{name}.weight": base.clone() for name in "abe"}
        left |= {"c.bias": base[0].clone(), "d.weight": torch.eye(3)}
        left = {name: left[name] for name in sorted(left)}
        right = {"a.weight": tuned, "b.weight": base.clone(), "c.bias": tuned[0].clone(), "e.weight": broken}
        right["f.weight"] = tuned.clone()
        return compared(left, right)

    def test_the_table(self, comparison: wsw.ComparisonResults) -> None:
        frame = comparison.to_frame()
        assert list(frame.index) == ["a", "b", "c.bias", "d", "e", "f"]
        assert list(frame["status"]) == ["changed", "identical", "changed", "only_in_base", "changed", "only_in_tuned"]
        row, entry = frame.loc["a"], comparison["a"]
        assert row["relative_change"] == entry["comparison"]["relative_change"]
        before, after = (entry[side]["spectral"]["condition_number"] for side in ("base", "tuned"))
        assert row["spectral.condition_number.base"] == before
        assert row["spectral.condition_number.tuned"] == after
        assert row["spectral.condition_number.change"] == after - before
        assert math.isnan(frame.loc["c.bias", "delta_rank_99"])

    def test_saved_and_loaded_it_is_the_same(self, comparison: wsw.ComparisonResults, tmp_path: Path) -> None:
        path = tmp_path / "comparison.json"
        comparison.save(path)
        json.loads(path.read_text(), parse_constant=lambda _: pytest.fail("not valid JSON"))
        loaded = wsw.load_comparison(path)
        pd.testing.assert_frame_equal(loaded.to_frame(), comparison.to_frame())
        assert loaded.pattern == comparison.pattern
        assert loaded.tuned_names == comparison.tuned_names
        for kept in ("delta_spectra", "overlaps", "nearest"):
            ours, theirs = getattr(loaded, kept), getattr(comparison, kept)
            assert ours.keys() == theirs.keys()
            for name in ours:
                np.testing.assert_array_equal(ours[name], theirs[name])
        assert loaded.delta_histogram("a").counts.tolist() == comparison.delta_histogram("a").counts.tolist()
        np.testing.assert_array_equal(loaded.base.singular_values("a"), comparison.base.singular_values("a"))

    @pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": "weightscope-comparison", "version": 99}',
                                         '{"format": "weightscope-comparison", "version": 1}'])  # fmt: skip
    def test_other_files_are_refused(self, tmp_path: Path, content: str) -> None:
        path = tmp_path / "x.json"
        path.write_text(content)
        with pytest.raises(wsw.WeightScopeError):
            wsw.load_comparison(path)
        with pytest.raises(wsw.WeightScopeError, match="There is no comparison file"):
            wsw.load_comparison(tmp_path / "missing.json")

    def test_questions_about_what_is_not_there(self, comparison: wsw.ComparisonResults) -> None:
        for ask in (comparison.delta_singular_values, comparison.delta_histogram):
            with pytest.raises(wsw.WeightScopeError, match="which is identical"):
                ask("b")
        for ask in (comparison.status, comparison.pending, comparison.class_changes, comparison.__getitem__):
            with pytest.raises(wsw.WeightScopeError, match="in neither model"):
                ask("nowhere")

    def test_thresholds_are_of_both_sides(self, comparison: wsw.ComparisonResults) -> None:
        comparison.thresholds = wsw.Thresholds(sqnr_db=(60, 50))
        assert comparison.base.thresholds == comparison.tuned.thresholds == wsw.Thresholds(sqnr_db=(60, 50))

    def test_classes_that_were_crossed(self) -> None:
        base = torch.diag(torch.tensor([1.0, 0.5]))
        tuned = torch.diag(torch.tensor([1.0, 1e-7]))
        comparison = compared({"a.weight": base}, {"a.weight": tuned})
        assert comparison.class_changes("a")["condition_number"] == ("safe", "very high")
        worst = comparison.worsened()[0]
        assert (worst.layer, worst.metric, worst.from_class, worst.to_class) == (
            *("a", "condition_number", "safe", "very high"),
        )
        assert (worst.before, worst.after) == pytest.approx((2.0, 1e7), rel=1e-3)
        assert compared({"a.weight": tuned}, {"a.weight": base}).worsened() == []  # better is not worse

    def test_ranks_of_the_change(self) -> None:
        draw = torch.Generator().manual_seed(0)
        base = torch.randn(40, 30, generator=draw)
        tuned = base + torch.randn(40, 3, generator=draw) @ torch.randn(3, 30, generator=draw)
        name = "model.layers.0.mlp.up_proj"
        ranks = compared({f"{name}.weight": base}, {f"{name}.weight": tuned}).lora_ranks(0.9999)
        assert dict(ranks) == {name: 3}
        assert ranks.targets == (name,)


class TestRunning:
    def test_a_cancelled_comparison_keeps_what_was_computed(self) -> None:
        from weightscope_widget.comparison import ComparisonRun
        from weightscope_widget.scanning.options import run_options

        base = {f"layers.{i}.mlp.up_proj.weight": torch.randn(8, 6) for i in range(5)}
        run = ComparisonRun(
            base, {name: tensor + 1 for name, tensor in base.items()}, run_options(vectors=True, workers=1)
        )
        steps = run.steps()
        next(steps)
        run.cancel()
        list(steps)
        assert 1 <= len(run.results) < 5
        assert run.progress.state == "cancelled"
        assert not run.results.complete

    def test_cheap_first_comes_to_the_same(self) -> None:
        from weightscope_widget.comparison import ComparisonRun
        from weightscope_widget.scanning.options import run_options

        base, tuned = pair((30, 20), 1)
        left = {"a.weight": base, "b.bias": base[0].clone(), "c.weight": base.clone()}
        right = {"a.weight": tuned, "b.bias": tuned[0].clone(), "c.weight": base.clone()}
        run = ComparisonRun(left, right, run_options(vectors=True), cheap_first=True)
        for _ in run.steps():
            pass
        whole = compared(left, right)
        assert run.progress.state == "done"
        assert run.results.complete
        pd.testing.assert_frame_equal(run.results.to_frame()[list(whole.to_frame().columns)], whole.to_frame())

    def test_a_layer_jumps_the_queue(self) -> None:
        from weightscope_widget.comparison import ComparisonRun
        from weightscope_widget.scanning.options import run_options

        base = {f"layers.{i}.mlp.up_proj.weight": torch.randn(8, 6) for i in range(5)}
        run = ComparisonRun(
            base, {name: tensor + 1 for name, tensor in base.items()}, run_options(vectors=True, workers=1)
        )
        run.prioritize("layers.3.mlp.up_proj")
        run.prioritize("nowhere")
        assert next(run.steps()).name == "layers.3.mlp.up_proj"

    def test_processes_compare_alike(self, tmp_path: Path) -> None:
        from concurrent.futures import ProcessPoolExecutor

        base, tuned = pair((30, 20), 1)
        for name, tensor in (("base", base), ("tuned", tuned)):
            save_file({"a.weight": tensor}, tmp_path / f"{name}.safetensors")
        files = tmp_path / "base.safetensors", tmp_path / "tuned.safetensors"
        with ProcessPoolExecutor(1) as pool:
            away = compared(*files, executor=pool)
        assert away["a"] == compared(*files)["a"]
