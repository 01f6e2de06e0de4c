"""What travels of an evolution: a table for each checkpoint, figures of any layer at any of them, and the page."""

from __future__ import annotations

import base64
import gzip
import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import comm
import numpy as np
import pytest
import torch

import weightscope_widget as wsw
from tests.python.support.watched import PATIENCE, Wire, gate, threads_end, wire

DRAW = torch.Generator().manual_seed(2)
MATRICES = {f"h.{i}.mlp.c_fc.weight": torch.randn(20, 12, generator=DRAW) for i in range(2)}
PATH = torch.randn(20, 12, generator=DRAW)
LATE, MOVED = "h.2.mlp.c_fc", "h.1.mlp.c_fc"


def state(step: int) -> dict[str, torch.Tensor]:
    found = MATRICES | {f"{MOVED}.weight": MATRICES[f"{MOVED}.weight"] + 0.1 * step * PATH}
    if step > 0:
        found[f"{LATE}.weight"] = torch.full((3, 3), float("nan")) if step == 5 else torch.eye(3)
    return found


CHECKPOINTS = {f"step {step}": state(step) for step in (0, 1, 5)}


@pytest.fixture
def show_evolution(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(comm, "create_comm", Wire)
    shown: list[wsw.EvolutionDashboard] = []

    def showing(*args: Any, **options: Any) -> wsw.EvolutionDashboard:
        shown.append(wsw.show_evolution(*args, **options))
        return shown[-1]

    yield showing
    for dash in shown:
        dash.close()
    shown.clear()
    threads_end()


def finished(dash: wsw.EvolutionDashboard) -> wsw.EvolutionDashboard:
    assert dash.wait(PATIENCE)
    return dash


def test_every_checkpoint_has_a_table_of_the_same_shape(show_evolution: Any) -> None:
    dash = finished(show_evolution(CHECKPOINTS))
    sent = wire(dash).state
    names, table = sent["_catalog"]["names"], sent["_table"]
    assert names == ["h.0.mlp.c_fc", MOVED, LATE]
    assert [each["name"] for each in table["checkpoints"]] == list(CHECKPOINTS)
    assert table["progress"]["state"] == "done"
    values = np.frombuffer(table["data"], "<f8").reshape(3, len(table["columns"]), len(names))
    columns = table["columns"]
    frame = dash.results.to_frame()
    for step, checkpoint in enumerate(CHECKPOINTS):
        for metric in ("spectral.condition_number", "basic_stats.std", "relative_change_to_first"):
            expected = [frame[metric].get((checkpoint, name), np.nan) for name in names]
            np.testing.assert_array_equal(values[step, columns.index(metric)], expected)
    # What a checkpoint lacks is neither to come nor failed.
    assert values[0, columns.index("stage")].tolist() == [2, 2, 2]
    # The change is that of the textbook.
    first = MATRICES[f"{MOVED}.weight"].double().numpy()
    expected = [np.linalg.norm(0.1 * step * PATH.double().numpy()) / np.linalg.norm(first) for step in (0, 1, 5)]
    np.testing.assert_allclose(values[:, columns.index("relative_change_to_first"), 1], expected, rtol=1e-6)


def test_the_checkpoint_is_read_and_set_and_refused(show_evolution: Any) -> None:
    dash = finished(show_evolution(CHECKPOINTS))
    assert dash.checkpoint == wire(dash).state["checkpoint"] == "step 5"
    dash.checkpoint = "step 1"
    assert wire(dash).state["checkpoint"] == "step 1"
    with pytest.raises(wsw.WeightScopeError, match="'step 7' is no checkpoint of these"):
        dash.checkpoint = "step 7"
    assert dash.checkpoint == "step 1"


def test_figures_are_those_of_the_checkpoint_asked_for(show_evolution: Any) -> None:
    dash = finished(show_evolution(CHECKPOINTS))
    keys = [f"0/{MOVED}", f"2/{MOVED}", f"0/{LATE}", f"2/{LATE}"]
    ((reply, buffers),) = wire(dash).tell({"type": "request", "id": 1, "method": "details", "keys": keys})
    layers = reply["result"]["layers"]
    assert [layer["key"] for layer in layers] == keys
    for layer, checkpoint in zip(layers[:2], ("step 0", "step 5"), strict=True):
        spectrum = np.linalg.svd(CHECKPOINTS[checkpoint][f"{MOVED}.weight"].double().numpy(), compute_uv=False)
        np.testing.assert_allclose(np.frombuffer(buffers[layer["spectrum"]], "<f8"), spectrum, rtol=1e-6)
    assert [layer["spectrum"] for layer in layers[2:]] == [None, None]
    for wrong in ("9/a", "a", "x/a", ""):
        ((reply, _),) = wire(dash).tell({"type": "request", "id": 2, "method": "details", "keys": [wrong]})
        assert reply["error"]


def test_the_saved_page_has_every_layer_at_every_checkpoint(show_evolution: Any, tmp_path: Path) -> None:
    dash = finished(show_evolution(CHECKPOINTS))
    dash.checkpoint = "step 1"
    dash.save_html(tmp_path / "evolution.html")
    (packed,) = re.findall(r'id="data">([^<]+)<', (tmp_path / "evolution.html").read_text())
    data = gzip.decompress(base64.b64decode(packed))
    (length,) = struct.unpack("<I", data[:4])
    document = json.loads(data[4 : 4 + length])
    assert document["state"]["checkpoint"] == "step 1"
    assert sorted(document["details"]) == sorted(
        f"{step}/{name}" for step, scan in enumerate(dash.results.values()) for name in scan.layers
    )


def test_results_are_drawn_as_they_are_and_thresholds_hold_at_every_checkpoint(show_evolution: Any) -> None:
    evolution = wsw.evolution(CHECKPOINTS, progress=False)
    dash = show_evolution(evolution, thresholds=wsw.Thresholds(condition_number=(1, 2, 3)))
    assert dash.results is evolution
    assert dash.wait(0)
    for scan in evolution.values():
        assert scan.classes(MOVED)["condition_number"] == "very high"
    dash.thresholds = wsw.Thresholds()
    assert {scan.thresholds for scan in evolution.values()} == {wsw.Thresholds()}


def test_a_run_is_cancelled_and_a_selected_layer_jumps_the_queue(show_evolution: Any) -> None:
    with gate() as first, gate() as second, gate() as late:
        held = {
            "step 0": first.before(second.before(CHECKPOINTS["step 0"], MOVED), "h.0.mlp.c_fc"),
            "step 1": late.before(CHECKPOINTS["step 1"], LATE),
        }
        dash = show_evolution(CHECKPOINTS | held, workers=1)
        first.wait()
        dash.selected = LATE
        first.opened.set()
        late.wait()
        assert not second.reached.is_set()
        dash.cancel()
        late.opened.set()
        finished(dash)
    assert wire(dash).state["_table"]["progress"]["state"] == "cancelled"


def test_arguments_that_are_wrong(show_evolution: Any) -> None:
    with pytest.raises(wsw.WeightScopeError, match="There is one checkpoint"):
        show_evolution({"one": {"a.weight": torch.eye(2)}})
    with pytest.raises(wsw.WeightScopeError, match="theme is 'blue'"):
        show_evolution(CHECKPOINTS, theme="blue")
