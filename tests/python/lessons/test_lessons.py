"""The model of the lessons: what is planted is there by NumPy's measure, nothing else is; the game of finding it."""

from __future__ import annotations

from collections.abc import Iterator

import comm
import numpy as np
import pytest
import torch

import weightscope_widget as wsw
from tests.python.support.watched import Wire, threads_end

MODEL = wsw.demo_model()
MATRICES = {
    name.removesuffix(".weight"): tensor.detach().double().numpy()
    for name, tensor in MODEL.named_parameters()
    if tensor.ndim == 2
}


def singular_values(matrix: np.ndarray) -> np.ndarray:
    return np.linalg.svd(matrix, compute_uv=False)


def far_share(matrix: np.ndarray) -> float:
    low, high = np.quantile(matrix, [0.25, 0.75])
    return float(np.mean((matrix < low - 3 * (high - low)) | (matrix > high + 3 * (high - low))))


def stable_share(matrix: np.ndarray) -> float:
    values = singular_values(matrix)
    return float((values**2).sum() / values[0] ** 2 / len(values))


MEASURES = {
    "outliers": far_share,
    "ill_conditioned": lambda matrix: singular_values(matrix)[0] / singular_values(matrix)[-1],
    "low_rank": lambda matrix: -stable_share(matrix),
    "dead_outputs": lambda matrix: float((matrix == 0).all(axis=0).mean()),  # stored (in, out)
    "pruned": lambda matrix: float((matrix == 0).mean()),
}


@pytest.mark.parametrize("fault", MEASURES)
def test_each_fault_is_where_it_is_said_to_be_and_stands_out(fault: str) -> None:
    scores = {name: MEASURES[fault](matrix) for name, matrix in MATRICES.items()}
    first, second = sorted(scores, key=lambda name: scores[name])[:-3:-1]
    assert first == MODEL.faults[fault]
    assert abs(scores[first] - scores[second]) > 0.5 * max(abs(scores[first]), abs(scores[second]))


def test_the_scan_sees_them() -> None:
    results = wsw.scan(MODEL, progress=False)
    frame = results.to_frame()
    assert frame["quantization.extreme_outlier_percentage"].idxmax() == MODEL.faults["outliers"]
    assert results.classes(MODEL.faults["ill_conditioned"])["condition_number"] == "very high"
    assert frame["sparsity.dead_rows"].to_dict()[MODEL.faults["dead_outputs"]] == 38
    assert (frame["sparsity.dead_rows"] > 0).sum() == 1
    assert frame["basic_stats.zeros_percentage"].idxmax() == MODEL.faults["pruned"]
    sound = wsw.scan(wsw.demo_model(faults=False), progress=False)
    assert {sound.grade(name) for name in sound} == {"Excellent"}
    assert wsw.demo_model(faults=False).faults == {}


def test_it_is_the_same_each_time_and_leaves_the_random_numbers_alone() -> None:
    torch.manual_seed(7)
    before = torch.get_rng_state()
    again = wsw.demo_model()
    assert torch.equal(torch.get_rng_state(), before)
    for (name, one), (_, other) in zip(MODEL.named_parameters(), again.named_parameters(), strict=True):
        assert torch.equal(one, other), name


@pytest.mark.slow
def test_it_is_a_language_model_that_learns() -> None:
    model = wsw.demo_model(faults=False)
    tokens = torch.arange(32).repeat(4, 2)[:, :48]  # what comes next is what came before, plus one
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    losses = []
    for _ in range(12):
        logits = model(tokens[:, :-1])
        assert logits.shape == (4, 47, 512)
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
    # A token sees none that comes after it.
    changed = tokens[:, :-1].clone()
    changed[:, 40] = 500
    with torch.no_grad():
        torch.testing.assert_close(model(changed)[:, :40], model(tokens[:, :-1])[:, :40])


@pytest.fixture
def dash(monkeypatch: pytest.MonkeyPatch) -> Iterator[wsw.Dashboard]:
    monkeypatch.setattr(comm, "create_comm", Wire)
    shown = wsw.show(wsw.scan(MODEL, progress=False))
    yield shown
    shown.close()
    threads_end()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_game_is_won_by_selecting_every_fault(dash: wsw.Dashboard, language: str) -> None:
    game = wsw.FaultGame(dash, MODEL.faults, language)
    clue, (check, hint, score), reply = game.children[0], game.children[1].children, game.children[2]
    check.click()
    assert reply.value in ("Select a layer in the dashboard first.", "请先在面板中选择一层。")
    dash.selected = "transformer.wte"
    check.click()
    assert "transformer.wte" in reply.value
    assert game.found == []
    asked = set()
    while game.fault is not None:
        asked.add(clue.value)
        hint.click()
        assert reply.value not in asked
        dash.selected = MODEL.faults[game.fault]
        check.click()
    assert game.found == list(MODEL.faults)
    assert len(asked) == 5
    assert "5" in score.value
    assert check.disabled
    check.click()  # a click that was under way changes nothing
    assert game.found == list(MODEL.faults)


def test_a_game_of_nothing_is_none(dash: wsw.Dashboard) -> None:
    with pytest.raises(wsw.WeightScopeError, match="faults names nothing"):
        wsw.FaultGame(dash, {})
    with pytest.raises(wsw.WeightScopeError, match="'rust'"):
        wsw.FaultGame(dash, {"rust": "transformer.wte"})
    with pytest.raises(wsw.WeightScopeError, match="language is 'fr'"):
        wsw.FaultGame(dash, MODEL.faults, "fr")
