"""A model over its checkpoints: in natural order, each scanned, each change against NumPy."""

from __future__ import annotations

import json
import math
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

import weightscope_widget as wsw
from tests.python.support.watched import PATIENCE, Reads, gate
from weightscope_widget.analyzers.numerics.difference import relative_change
from weightscope_widget.checkpoints import EvolutionRun
from weightscope_widget.scanning.options import RunOptions, run_options
from weightscope_widget.sources import Layer, Source

STEPS = [1, 2, 10, 100]
LAYER = "layers.0.mlp.up_proj"


def state(step: int) -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(4)
    base, path = torch.randn(12, 9, generator=draw), torch.randn(12, 9, generator=draw)
    still = torch.randn(5, 5, generator=draw)
    return {
        f"{LAYER}.weight": base + 0.01 * step * path,
        "layers.0.mlp.still.weight": still,
        "norm.weight": still[0] * step,
    }


def evolved(checkpoints: Any, **options: Any) -> wsw.EvolutionResults:
    return wsw.evolution(checkpoints, progress=False, **options)


@pytest.fixture(scope="module")
def result() -> wsw.EvolutionResults:
    return evolved({f"step {step}": state(step) for step in STEPS})


def test_every_checkpoint_is_its_scan(result: wsw.EvolutionResults) -> None:
    assert list(result) == [f"step {step}" for step in STEPS]
    for step in STEPS:
        scanned = wsw.scan(state(step), progress=False)
        assert dict(result[f"step {step}"]) == dict(scanned)


def test_changes_since_the_first_and_the_previous(result: wsw.EvolutionResults) -> None:
    tensors = [state(step)[f"{LAYER}.weight"].double().numpy() for step in STEPS]
    for index, step in enumerate(STEPS):
        for since, other in (("first", tensors[0]), ("previous", tensors[max(index - 1, 0)])):
            expected = np.linalg.norm(tensors[index] - other) / np.linalg.norm(other)
            assert result.relative_change(f"step {step}", LAYER, since) == pytest.approx(expected, rel=1e-6)
            assert result.relative_change(f"step {step}", "layers.0.mlp.still", since) == 0


def test_series_and_table(result: wsw.EvolutionResults) -> None:
    frame = result.to_frame()
    assert list(frame.index.names) == ["checkpoint", "name"]
    assert len(frame) == 2 * len(STEPS)
    for metric in ("spectral.condition_number", "risk", "relative_change_to_first", "relative_change_to_previous"):
        expected = frame.xs(LAYER, level="name")[metric].to_numpy()
        np.testing.assert_array_equal(result.series(LAYER, metric), expected)
    assert (np.diff(result.series(LAYER, "relative_change_to_first")) > 0).all()
    assert np.isnan(result.series(LAYER, "spectral.nonsense")).all()


def test_a_folder_in_natural_order(result: wsw.EvolutionResults, tmp_path: Path) -> None:
    for step in reversed(STEPS):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        save_file(state(step), folder / "model.safetensors")
    (tmp_path / "runs").mkdir()  # no model: passed over
    (tmp_path / "trainer_state.json").write_text("{}")
    (tmp_path / ".hidden.safetensors").write_bytes(b"")
    found = evolved(tmp_path)
    assert list(found) == [f"checkpoint-{step}" for step in STEPS]
    ours, theirs = found.to_frame(), result.to_frame()
    for step in STEPS:  # a file has its tensors in an order of its own
        there = theirs.loc[f"step {step}"].sort_index()
        pd.testing.assert_frame_equal(ours.loc[f"checkpoint-{step}"].sort_index(), there)


def test_files_in_a_folder(tmp_path: Path) -> None:
    for step in (20, 3):
        save_file(state(step), tmp_path / f"step{step}.safetensors")
    assert list(evolved(str(tmp_path))) == ["step3.safetensors", "step20.safetensors"]
    (tmp_path / "step4.safetensors").write_bytes(b"broken")
    with pytest.raises(wsw.WeightScopeError, match=r"step4\.safetensors"):
        evolved(tmp_path)


class TestTrainerFolder:
    """What transformers' Trainer leaves: checkpoints, the final model beside them, what a resumed training needs."""

    @staticmethod
    def save(step: int, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        save_file(state(step), folder / "model.safetensors")
        torch.save(SimpleNamespace(learning_rate=1e-3), folder / "training_args.bin")
        moments = {"step": torch.tensor(3.0), "exp_avg": torch.ones(2, 2), "exp_avg_sq": torch.ones(2, 2)}
        torch.save({"state": {0: moments}, "param_groups": [{"lr": 1e-3, "params": [0]}]}, folder / "optimizer.pt")
        for name in ("scheduler.pt", "rng_state.pth", "rng_state_1.pth", "scaler.pt", "optimizer.bin"):
            torch.save({"state": torch.ones(3, 3)}, folder / name)

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        for step in STEPS[:-1]:
            self.save(step, tmp_path / f"checkpoint-{step}")
        self.save(STEPS[-1], tmp_path)
        (tmp_path / "runs").mkdir()
        return tmp_path

    def test_the_final_model_is_the_last_checkpoint(self, folder: Path, result: wsw.EvolutionResults) -> None:
        found = evolved(folder)
        assert list(found) == [*(f"checkpoint-{step}" for step in STEPS[:-1]), "final"]
        expected = result.series(LAYER, "relative_change_to_previous")
        np.testing.assert_array_equal(found.series(LAYER, "relative_change_to_previous"), expected)

    def test_a_checkpoint_called_final_keeps_its_name(self, folder: Path) -> None:
        self.save(7, folder / "final")
        assert list(evolved(folder)) == [*(f"checkpoint-{step}" for step in STEPS[:-1]), "final", "."]

    def test_a_broken_checkpoint_is_told_of(self, folder: Path) -> None:
        path = folder / "checkpoint-2" / "model.safetensors"
        path.write_bytes(path.read_bytes()[:50])
        with pytest.raises(wsw.WeightScopeError, match="checkpoint-2"):
            evolved(folder)

    def test_a_final_model_in_shards_is_one_checkpoint(self, folder: Path) -> None:
        (folder / "model.safetensors").unlink()
        weights, where = state(STEPS[-1]), {}
        for number, (name, tensor) in enumerate(weights.items(), 1):
            where[name] = f"model-{number:05}-of-{len(weights):05}.safetensors"
            save_file({name: tensor}, folder / where[name])
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": where}))
        found = evolved(folder)
        assert list(found)[-2:] == ["checkpoint-10", "final"]
        assert sorted(found["final"]) == sorted(found["checkpoint-10"])

    def test_a_folder_that_is_one_model_is_told_so(self, tmp_path: Path) -> None:
        self.save(1, tmp_path)
        with pytest.raises(wsw.WeightScopeError, match="holds one model and no checkpoints beside it"):
            evolved(tmp_path)


def test_a_folder_named_with_a_digit_that_is_no_decimal(tmp_path: Path) -> None:
    for name in ("m²-2", "m²-10"):
        save_file(state(1), tmp_path / f"{name}.safetensors")
    assert list(evolved(tmp_path)) == ["m²-2.safetensors", "m²-10.safetensors"]


class TestNames:
    """A layer is one row through all checkpoints, whatever wrappers its name has there."""

    def test_later_names_are_the_first_ones(self, result: wsw.EvolutionResults, tmp_path: Path) -> None:
        wrapped = {
            f"step {step}": {f"{wrapper}{name}": tensor for name, tensor in state(step).items()}
            for step, wrapper in zip(STEPS, ("", "module.", "_orig_mod.", ""), strict=True)
        }
        found = evolved(wrapped)
        assert list(found.layers) == list(result.layers)
        pd.testing.assert_frame_equal(found.to_frame(), result.to_frame())
        found.save(tmp_path / "evolution.json")
        pd.testing.assert_frame_equal(wsw.load_evolution(tmp_path / "evolution.json").to_frame(), result.to_frame())

    def test_the_first_may_be_the_wrapped_one(self) -> None:
        found = evolved({"x": {"module.a.weight": torch.eye(3)}, "y": {"a.weight": 3 * torch.eye(3)}})
        assert list(found.layers) == list(found["y"]) == ["module.a"]
        assert found.series("module.a", "relative_change_to_first").tolist() == [0, 2]
        assert found.series("module.a", "basic_stats.max").tolist() == [1, 3]

    def test_a_head_that_was_tied_is_followed_on(self) -> None:
        shared = torch.eye(3)
        tied = {"wte.weight": shared, "lm_head.weight": shared}
        apart = {"wte.weight": torch.eye(3), "lm_head.weight": 2 * torch.eye(3)}
        found = evolved({"x": tied, "y": apart, "z": {name: 4 * tensor for name, tensor in apart.items()}})
        assert list(found.layers) == ["wte", "lm_head"]
        assert found.series("lm_head", "relative_change_to_first")[1:].tolist() == [1, 7]
        assert found.series("lm_head", "relative_change_to_previous")[1:].tolist() == pytest.approx([1, 3])
        assert found.series("wte", "relative_change_to_first").tolist() == pytest.approx([0, 0, 3])


@pytest.mark.parametrize("hostile", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_the_change_of_what_is_finite(hostile: float, dtype: torch.dtype) -> None:
    draw = torch.Generator().manual_seed(3)
    base = torch.randn(700, 900, generator=draw).to(dtype)  # more than a chunk
    tuned = base + (0.1 * torch.randn(700, 900, generator=draw)).to(dtype)
    a, b = (each.double().numpy().copy() for each in (base, tuned))
    base[5, 7], tuned[600, 1] = hostile, hostile
    a[5, 7] = b[5, 7] = a[600, 1] = b[600, 1] = 0
    assert relative_change(base, tuned) == pytest.approx(np.linalg.norm(b - a) / np.linalg.norm(a), rel=1e-12)
    assert relative_change(base, base.clone()) == 0
    assert math.isnan(relative_change(base, torch.full_like(base, math.nan)))


def test_the_change_of_doubles_whose_squares_are_none() -> None:
    assert relative_change(1e200 * torch.eye(3).double(), 3e200 * torch.eye(3).double()) == pytest.approx(2)
    assert relative_change(torch.zeros(2, 2), torch.eye(2)) == math.inf


class TestRunning:
    def test_each_checkpoint_is_read_once_for_its_scan_and_once_for_its_changes(self) -> None:
        reads = {f"step {step}": Reads(state(step)) for step in STEPS}
        found = evolved({name: each.source for name, each in reads.items()}, workers=1)
        for each in reads.values():
            assert sorted(each.names) == sorted(2 * list(found.layers))

    def test_layers_are_followed_side_by_side(self) -> None:
        """Two workers: each waits for the other's layer to be read, which one alone never sees."""
        meeting = threading.Barrier(2)

        def load() -> torch.Tensor:
            meeting.wait(PATIENCE)
            return torch.eye(3)

        first = Source("x", tuple(Layer(name, (3, 3), "float32", load) for name in "ab"))
        run = EvolutionRun(
            {"x": first, "y": {f"{name}.weight": 2 * torch.eye(3) for name in "ab"}}, run_options(workers=2)
        )
        assert len(list(run.steps())) == 6
        assert [run.results.relative_change("y", name) for name in "ab"] == [1, 1]

    def test_a_dashboard_has_the_last_checkpoint_to_draw_first(self) -> None:
        run = EvolutionRun(
            {f"step {step}": state(step) for step in STEPS}, run_options(workers=1, cache=False), cheap_first=True
        )
        steps = run.steps()
        last = run.results["step 100"]
        for _ in run.results.layers:
            next(steps)
        assert all("basic_stats" in last[name] and last.pending(name) for name in run.results.layers)
        for _ in run.results.layers:
            next(steps)
        assert all(run.results.relative_change("step 2", name) >= 0 for name in run.results.layers)
        assert not any(len(run.results[f"step {step}"]) for step in STEPS[:-1])
        assert len(list(steps)) > 0
        assert run.results.complete
        whole = evolved({f"step {step}": state(step) for step in STEPS}, cache=False)
        pd.testing.assert_frame_equal(run.results.to_frame(), whole.to_frame())

    def test_a_layer_jumps_the_queue_at_every_checkpoint(self) -> None:
        run = EvolutionRun(
            {f"step {step}": state(step) for step in STEPS}, run_options(workers=1, cache=False), cheap_first=True
        )
        asked = list(run.results.layers)[-1]
        run.prioritize(asked)
        run.prioritize("nowhere")
        steps = run.steps()
        # Both halves of the last checkpoint's scan, the changes, and the scans of the others.
        assert {next(steps).name for _ in range(3 + len(STEPS) - 1)} == {asked}
        assert not run.results.pending(asked)
        assert not run.results.complete

    def test_memory_is_shared_by_all_checkpoints(self) -> None:
        """Of tasks that need more than there is, one is done at a time."""
        with gate() as held:
            first = held.before(state(1), *(name.removesuffix(".weight") for name in state(1)))
            run = EvolutionRun({"x": first, "y": first}, RunOptions(("basic_stats",), workers=4, memory=1))
            worker = threading.Thread(target=lambda: list(run.steps()), daemon=True)
            worker.start()
            held.wait()
            assert len(run._budget._held) == 1
            held.opened.set()
            worker.join(PATIENCE)
        assert run.progress.state == "done"

    def test_what_was_measured_is_remembered(self, tmp_path: Path) -> None:
        for step in STEPS:
            save_file(state(step), tmp_path / f"step{step}.safetensors")
        whole = evolved(tmp_path, cache=tmp_path / "cache")
        run = EvolutionRun(tmp_path, run_options(cache=tmp_path / "cache"))
        assert run.results.complete
        assert [type(step).__name__ for step in run.steps()] == ["ChangesJob"] * len(run.results.layers)
        pd.testing.assert_frame_equal(run.results.to_frame(), whole.to_frame())

    def test_a_tensor_that_cannot_be_read_is_said_once_and_the_others_go_on(self) -> None:
        def broken() -> torch.Tensor:
            raise OSError("the disk is gone")

        second = Source(
            "y", (Layer("a", (3, 3), "float32", broken), Layer("b", (3, 3), "float32", lambda: torch.ones(3, 3)))
        )
        plain = {"a.weight": torch.eye(3), "b.weight": 2 * torch.ones(3, 3)}
        found = evolved({"x": plain, "y": second, "z": {name: 2 * tensor for name, tensor in plain.items()}})
        assert "the disk is gone" in found["y"]["a"]["error"]
        np.testing.assert_array_equal(found.series("a", "relative_change_to_first"), [0, math.nan, 1])
        np.testing.assert_array_equal(found.series("a", "relative_change_to_previous"), [0, math.nan, math.nan])
        np.testing.assert_array_equal(found.series("b", "relative_change_to_previous"), [0, 0.5, 3])


def test_layers_that_come_go_and_grow() -> None:
    first = {"a.weight": torch.eye(3), "b.weight": torch.eye(4)}
    second = {"a.weight": torch.ones(5, 3), "c.weight": torch.eye(2)}
    found = evolved({"x": first, "y": second})
    assert list(found.layers) == ["a", "b", "c"]
    assert math.isnan(found.relative_change("y", "a"))  # another shape
    assert math.isnan(found.relative_change("y", "b"))
    assert math.isnan(found.relative_change("x", "c"))
    assert np.isnan(found.series("c", "basic_stats.mean")).tolist() == [True, False]


def test_saved_and_loaded_it_is_the_same(result: wsw.EvolutionResults, tmp_path: Path) -> None:
    result.save(tmp_path / "evolution.json")
    loaded = wsw.load_evolution(tmp_path / "evolution.json")
    assert list(loaded) == list(result)
    assert {name: dict(loaded[name]) for name in loaded} == {name: dict(result[name]) for name in result}
    pd.testing.assert_frame_equal(loaded.to_frame(), result.to_frame())
    for name in result:
        np.testing.assert_array_equal(loaded[name].singular_values(LAYER), result[name].singular_values(LAYER))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("[]", "is no evolution; give a file that evolution.save"),
        ("{", "is not a JSON file"),
        ('{"format": "weightscope-evolution", "version": 9}', "a later version"),
        ('{"format": "weightscope-evolution", "version": 1, "checkpoints": []}', "follow the checkpoints again"),
        ('{"format": "weightscope-comparison", "version": 1}', r"holds a comparison; open it with load_comparison\(\)"),
    ],
)
def test_files_that_hold_something_else(content: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "evolution.json"
    path.write_text(content)
    with pytest.raises(wsw.WeightScopeError, match=sentence):
        wsw.load_evolution(path)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(wsw.WeightScopeError, match="There is no evolution file at"):
        wsw.load_evolution("/nowhere.json")


def test_progress_ends_with_the_run() -> None:
    run = EvolutionRun({f"step {step}": state(step) for step in STEPS}, run_options(cache=False))
    assert (run.progress.state, run.progress.done, run.progress.fraction) == ("running", 0, 0)
    shares = []
    for _ in run.steps():
        shares.append(run.progress.fraction)
        assert run.progress.seconds_left is None or run.progress.seconds_left >= 0
    assert shares == sorted(shares)
    assert (run.progress.state, run.progress.done, run.progress.fraction) == ("done", run.progress.total, 1)


def test_vectors_are_followed_where_asked_for() -> None:
    found = evolved({f"step {step}": state(step) for step in (1, 2)}, vectors=True)
    assert found.relative_change("step 2", "norm") == pytest.approx(1)


def test_cancelled_it_keeps_what_was_computed() -> None:
    run = EvolutionRun({f"step {step}": state(step) for step in STEPS}, run_options(workers=1))
    steps = run.steps()
    next(steps)
    run.cancel()
    list(steps)
    assert run.progress.state == "cancelled"
    assert run.results.relative_change("step 2", LAYER) > 0
    assert not run.results.complete


@pytest.mark.parametrize(
    ("checkpoints", "options", "sentence"),
    [
        ({"one": {"a.weight": torch.eye(2)}}, {}, "There is one checkpoint"),
        ({}, {}, "There are no checkpoints"),
        (3, {}, "checkpoints is of type int"),
        ("/nowhere", {}, "There is no folder of checkpoints"),
        ({"a": {"a.weight": torch.eye(2)}, "b": "/nowhere"}, {}, "There is nothing at"),
        ({"a": {"a.weight": torch.eye(2)}, "b": {"a.weight": torch.eye(2)}}, {"workers": 0}, "workers is 0"),
    ],
)
def test_wrong_arguments(checkpoints: Any, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(wsw.WeightScopeError, match=sentence):
        evolved(checkpoints, **options)


def test_questions_about_what_is_not_there(result: wsw.EvolutionResults) -> None:
    with pytest.raises(wsw.WeightScopeError, match="is no checkpoint"):
        result["step 7"]
    with pytest.raises(wsw.WeightScopeError, match="in none of these checkpoints"):
        result.relative_change("step 2", "nowhere")
    with pytest.raises(wsw.WeightScopeError, match="relative_to is 'last'"):
        result.relative_change("step 2", LAYER, "last")
