"""A model over its checkpoints: in natural order, each scanned, each change against NumPy."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

import weightscope_widget as wsw

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
        ("{", "does not hold what evolution.save"),
        ('{"format": "weightscope-evolution", "version": 9}', "a later version"),
        ('{"format": "weightscope-evolution", "version": 1, "checkpoints": []}', "follow the checkpoints again"),
        ('{"format": "weightscope-comparison", "version": 1}', "is no evolution"),
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
    from weightscope_widget.checkpoints import start_evolution

    run = start_evolution({f"step {step}": state(step) for step in STEPS}, cache=False)
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
    from weightscope_widget.checkpoints import start_evolution

    run = start_evolution({f"step {step}": state(step) for step in STEPS}, workers=1)
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
