"""What travels of a comparison: the tuned side as of a scan, base and change beside it, the pattern, and the page."""

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
from tests.python.support.watched import PATIENCE, Wire, threads_end, wire

BASE = {f"h.{i}.mlp.c_fc.weight": torch.randn(20, 12, generator=torch.Generator().manual_seed(i)) for i in range(3)}
TUNED = {name: tensor.clone() for name, tensor in BASE.items()}
TUNED["h.1.mlp.c_fc.weight"] += torch.outer(torch.ones(20), torch.linspace(-1, 1, 12))
TUNED["h.2.mlp.c_fc.weight"][0, 0] = float("nan")
NEW = {"h.3.mlp.c_fc.weight": torch.eye(4)}
CHANGED = "h.1.mlp.c_fc"


@pytest.fixture
def show_diff(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(comm, "create_comm", Wire)
    shown: list[wsw.DiffDashboard] = []

    def showing(*args: Any, **options: Any) -> wsw.DiffDashboard:
        shown.append(wsw.show_diff(*args, **options))
        return shown[-1]

    yield showing
    for dash in shown:
        dash.close()
    shown.clear()
    threads_end()


def table_of(dash: wsw.DiffDashboard) -> dict[str, np.ndarray]:
    table = wire(dash).state["_table"]
    rows = len(wire(dash).state["_catalog"]["names"])
    columns = np.frombuffer(table["data"], "<f8").reshape(-1, rows)
    return dict(zip(table["columns"], columns, strict=True))


def test_the_table_is_the_comparison(show_diff: Any) -> None:
    dash = show_diff(BASE, TUNED | NEW)
    assert dash.wait(PATIENCE)
    frame = wsw.compare(BASE, TUNED | NEW, progress=False).to_frame()
    catalog, table = wire(dash).state["_catalog"], table_of(dash)
    assert catalog["names"] == list(frame.index)
    assert catalog["model"] == "state dict → state dict"
    statuses = [catalog["statuses"][int(code)] for code in table["comparison.status"]]
    assert statuses == list(frame["status"])
    for metric in ("relative_change", "delta_rank_99", "subspace_overlap", "changed_percentage"):
        np.testing.assert_array_equal(table[f"comparison.{metric}"], frame[metric])
    for metric in ("spectral.condition_number", "quantization.sqnr_db", "basic_stats.mean"):
        np.testing.assert_array_equal(table[metric], frame[f"{metric}.tuned"])
        np.testing.assert_array_equal(table[f"base.{metric}"], frame[f"{metric}.base"])
    assert (table["stage"] == 2).all()


def test_the_pattern_travels_in_every_language(show_diff: Any) -> None:
    dash = show_diff(BASE, {name: tensor.clone() for name, tensor in BASE.items()})
    dash.wait(PATIENCE)
    pattern = wire(dash).state["_table"]["pattern"]
    assert pattern == {
        "en": "The models are identical: every weight is the same.",
        "zh": "两个模型完全相同：每个权重都相同。",
    }


def test_details_are_of_base_tuned_and_change(show_diff: Any) -> None:
    dash = show_diff(BASE, TUNED)
    dash.wait(PATIENCE)
    asked = {"type": "request", "id": 1, "method": "details", "keys": [CHANGED, "h.0.mlp.c_fc"]}
    ((reply, buffers),) = wire(dash).tell(asked)
    layer, same = reply["result"]["layers"]

    def array(index: int) -> np.ndarray:
        return np.frombuffer(buffers[index], "<f8")

    results = dash.results
    np.testing.assert_array_equal(array(layer["spectrum"]), results.tuned.singular_values(CHANGED))
    np.testing.assert_array_equal(array(layer["base"]["spectrum"]), results.base.singular_values(CHANGED))
    np.testing.assert_array_equal(array(layer["delta"]["spectrum"]), results.delta_singular_values(CHANGED))
    histogram = results.delta_histogram(CHANGED)
    np.testing.assert_array_equal(array(layer["delta"]["histogram"]["counts"]), histogram.counts)
    size = layer["overlap"]["size"]
    np.testing.assert_array_equal(array(layer["overlap"]["cells"]).reshape(size, size), results.overlaps[CHANGED])
    np.testing.assert_array_equal(array(layer["nearest"]), results.nearest[CHANGED])
    assert same["delta"] == {"histogram": None, "spectrum": None}
    assert same["overlap"] is None


def test_the_saved_page_has_all_of_it(show_diff: Any, tmp_path: Path) -> None:
    dash = show_diff(BASE, TUNED)
    dash.wait(PATIENCE)
    dash.selected = CHANGED
    dash.save_html(tmp_path / "diff.html")
    page = (tmp_path / "diff.html").read_text()
    assert "state dict → state dict – WeightScope" in page
    (packed,) = re.findall(r'id="data">([^<]+)<', page)
    data = gzip.decompress(base64.b64decode(packed))
    (length,) = struct.unpack("<I", data[:4])
    document = json.loads(data[4 : 4 + length])
    assert document["state"]["selected"] == CHANGED
    assert document["state"]["_table"]["pattern"]["en"] == dash.results.pattern.sentence
    spectrum = document["arrays"][document["details"][CHANGED]["delta"]["spectrum"]]
    kind = np.dtype(f"<{spectrum['type']}")
    kept = np.frombuffer(data, kind, spectrum["length"], 4 + length + spectrum["offset"])
    np.testing.assert_allclose(kept, dash.results.delta_singular_values(CHANGED), rtol=1e-6, atol=1e-12)


def test_results_are_drawn_as_they_are(show_diff: Any) -> None:
    comparison = wsw.compare(BASE, TUNED, progress=False)
    dash = show_diff(comparison, thresholds=wsw.Thresholds(sqnr_db=(50, 45)))
    assert dash.results is comparison
    assert dash.wait(0)
    assert comparison.base.thresholds.sqnr_db == (50, 45)
    assert wire(dash).state["_view"] == {"mapMetric": "comparison.relative_change"}


def test_arguments_that_are_wrong(show_diff: Any) -> None:
    with pytest.raises(wsw.WeightScopeError, match="tuned is missing"):
        show_diff(BASE)
    with pytest.raises(wsw.WeightScopeError, match="There is nothing at"):
        show_diff(BASE, "/nowhere")
    with pytest.raises(wsw.WeightScopeError, match="theme is 'blue'"):
        show_diff(BASE, TUNED, theme="blue")
