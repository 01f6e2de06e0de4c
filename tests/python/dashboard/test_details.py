"""What a notebook saved with its widgets keeps of single layers, read as `js/src/wire/kept.ts` does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tests.python.support.watched import Show, finished, gate, matrices, wire
from weightscope_widget.dashboard import board


def kept_arrays(kept: dict[str, Any]) -> list[np.ndarray]:
    return [
        np.frombuffer(kept["data"], f"<{place['type']}", place["length"], place["offset"]) for place in kept["arrays"]
    ]


def test_all_layers_are_kept_once_the_scan_has_ended(show: Show) -> None:
    models = matrices(3) | {"large.weight": torch.full((8, 9), 1e300, dtype=torch.float64).tril()}
    with gate() as held:
        dash = show(held.before(models, "l1"))
        held.wait()
        assert wire(dash).state["_kept"] == {}
    results = finished(dash).results
    kept = wire(dash).state["_kept"]
    arrays = kept_arrays(kept)
    assert list(kept["layers"]) == list(results)
    for name, layer in kept["layers"].items():
        histogram = results.histogram(name)
        assert (layer["histogram"]["low"], layer["histogram"]["high"]) == (histogram.low, histogram.high)
        assert arrays[layer["histogram"]["counts"]].tolist() == histogram.counts.tolist()
        assert arrays[layer["spectrum"]] == pytest.approx(results.singular_values(name), rel=1e-7)


def test_results_are_kept_from_the_start(show: Show) -> None:
    results = finished(show(matrices(2))).results
    assert list(wire(show(results)).state["_kept"]["layers"]) == ["l0", "l1"]


def test_no_more_is_kept_than_a_notebook_should_hold(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    results = finished(show(matrices(5))).results
    whole = wire(show(results)).state["_kept"]
    monkeypatch.setattr(board, "_MOST_KEPT", len(whole["data"]) // 2)
    some = wire(show(results)).state["_kept"]
    assert list(some["layers"]) == ["l0", "l1", "l2"]
    assert len(some["data"]) < len(whole["data"])


def test_a_cancelled_scan_keeps_what_there_is(show: Show) -> None:
    with gate() as held:
        dash = show(held.before(matrices(3), "l1"), "basic_stats", workers=1)
        held.wait()
        dash.cancel()
    finished(dash)
    layers = wire(dash).state["_kept"]["layers"]
    assert [layers[name]["histogram"] is not None for name in ("l0", "l1", "l2")] == [True, True, False]
    assert all(layer["spectrum"] is None for layer in layers.values())
