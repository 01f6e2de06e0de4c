"""The report's folder: every file there, opened, and holding what the results hold."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import weightscope_widget as wsw
from tests.python.support.figure_cases import HOSTILE, model, reference, results
from weightscope_widget.errors import ReportError
from weightscope_widget.scanning.results import ScanResults

pytestmark = pytest.mark.slow

__all__ = ["results"]  # a fixture

SUMMARIES = [
    *("results.json", "metrics.csv", "dashboard.html"),
    *("condition_heatmap.png", "quantization_risk.png", "rank_efficiency.png", "health_dashboard.png"),
]


def below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> wsw.Report:
    return wsw.save_report(
        wsw.scan(model(), progress=False), tmp_path_factory.mktemp("report") / "new" / "folder", top=3
    )


def test_every_file_is_there(report: wsw.Report) -> None:
    names = [path.relative_to(report.folder).as_posix() for path in report.files]
    assert names[:7] == SUMMARIES
    assert set(names) == below(report.folder)
    # The three riskiest: NaN weights have a distribution and no singular values.
    assert names[7:] == [
        "layer_details/h2.mlp.c_fc_distribution.png",
        "layer_details/h1.attn.c_proj_distribution.png",
        "layer_details/h1.attn.c_proj_singular_values.png",
        "layer_details/h2.attn.c_proj_distribution.png",
        "layer_details/h2.attn.c_proj_singular_values.png",
    ]
    assert report.notes == ("'h.2.mlp.c_fc' has no singular values to draw.",)


def test_pictures_are_pictures(report: wsw.Report) -> None:
    for path in report.files:
        if path.suffix == ".png":
            with Image.open(path) as image:
                pixels = np.asarray(image.convert("L"))
            assert pixels.shape[1] == 1500
            assert 0.01 < (pixels < 128).mean() < 0.9, path  # something is drawn, on a light ground


def test_numbers_are_the_results(report: wsw.Report, results: ScanResults) -> None:
    loaded = wsw.load_results(report.folder / "results.json")
    pd.testing.assert_frame_equal(loaded.to_frame(), results.to_frame())
    table = pd.read_csv(report.folder / "metrics.csv", index_col="name", keep_default_na=False, na_values=[""])
    frame = results.to_frame()
    assert list(table.index) == list(frame.index)
    assert list(table.columns) == list(frame.columns)
    assert table.loc["wte", "shape"] == "90×24"
    for column in frame.columns:
        if frame[column].dtype.kind == "f":
            np.testing.assert_array_equal(table[column].astype(float), frame[column])
    assert "the disk is gone" in table.loc["h.2.attn.broken", "error"]


def test_names_that_a_spreadsheet_would_run_are_text(tmp_path: Path) -> None:
    scanned = wsw.scan({"=HYPERLINK(1).weight": torch.eye(3), "+1.weight": torch.eye(2)}, progress=False)
    report = wsw.save_report(scanned, tmp_path, top=0)
    lines = (report.folder / "metrics.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[0] for line in lines] == ["name", "'=HYPERLINK(1)", "'+1"]


def test_the_page_is_the_dashboard_of_these_results(report: wsw.Report) -> None:
    page = (report.folder / "dashboard.html").read_text(encoding="utf-8")
    assert "<title>every kind – WeightScope</title>" in page
    assert 'id="data"' in page


HOSTILE_NAMES = [
    *("../../etc/passwd", "/srv/x", "CON", "a" * 300, "a" * 299 + "b", "层.归一", "A", "a", "...", HOSTILE, "x\ny"),
    *("层" * 120, "层" * 119 + "归"),
]


@pytest.mark.filterwarnings("ignore:constrained_layout")  # labels of forty wide characters leave no room beside them
def test_names_of_layers_lead_nowhere(tmp_path: Path) -> None:
    state = {f"{name}.weight": torch.eye(4) + 0.1 * index for index, name in enumerate(HOSTILE_NAMES)}
    folder = tmp_path / "report"
    report = wsw.save_report(wsw.scan(state, progress=False), folder, top=100)
    files = [path for path in report.files if path.parent.name == "layer_details"]
    assert len(files) == 2 * len(HOSTILE_NAMES)
    assert len({path.name.casefold() for path in files}) == len(files)
    assert all(path.resolve().parent == (folder / "layer_details").resolve() for path in files)
    assert all(len(path.name.encode()) < 120 for path in files)
    assert below(tmp_path) == {f"report/{name}" for name in below(folder)}
    assert any("层.归一" in path.name for path in files)


def test_layers_that_were_asked_for(results: ScanResults, tmp_path: Path) -> None:
    report = wsw.save_report(results, tmp_path, layers=["wte"])
    assert [path.name for path in report.files[7:]] == ["wte_distribution.png", "wte_singular_values.png"]
    with pytest.raises(wsw.WeightScopeError, match="nowhere"):
        wsw.save_report(results, tmp_path / "b", layers=["nowhere"])
    assert not (tmp_path / "b").exists()


def test_an_earlier_report_is_replaced_and_other_files_stay(results: ScanResults, tmp_path: Path) -> None:
    others = {"mine.txt", "layer_details/notes.txt", "layer_details/mine/a_distribution.png", "b_distribution.png"}
    for name in others:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("mine")
    (tmp_path / "results.json").write_text("old")
    wsw.save_report(results, tmp_path, layers=["wte", "h.0.mlp.c_fc"])
    wsw.save_report(results, tmp_path, layers=["wte"])
    assert json.loads((tmp_path / "results.json").read_text())["model"] == "every kind"
    details = {"layer_details/wte_distribution.png", "layer_details/wte_singular_values.png"}
    assert below(tmp_path) == {*SUMMARIES, *details, *others}
    assert {(tmp_path / name).read_text() for name in others} == {"mine"}


def test_a_figure_that_fails_leaves_no_earlier_one(results: ScanResults, tmp_path: Path) -> None:
    wsw.save_report(results, tmp_path, top=0)
    scanned = wsw.scan({"a.weight": torch.eye(4)}, methods=["basic_stats", "quantization"], progress=False)
    with pytest.raises(ReportError):
        wsw.save_report(scanned, tmp_path, top=0)
    assert below(tmp_path) == set(SUMMARIES) - {"condition_heatmap.png", "rank_efficiency.png"}


def test_what_nobody_foresaw_of_one_file_does_not_lose_the_rest(tmp_path: Path) -> None:
    class Odd(ScanResults):
        def singular_values(self, name: str) -> np.ndarray:
            raise ZeroDivisionError("odd")

    scanned = wsw.scan({"a.weight": torch.eye(4), "b.weight": torch.eye(3)}, progress=False)
    scanned.__class__ = Odd
    with pytest.raises(ReportError, match=r"went wrong \(ZeroDivisionError: odd\)\.$") as caught:
        wsw.save_report(scanned, tmp_path)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert below(tmp_path) == {*SUMMARIES, "layer_details/a_distribution.png", "layer_details/b_distribution.png"}


def test_a_model_is_scanned_with_the_schemes(tmp_path: Path) -> None:
    report = wsw.save_report({"a.weight": torch.eye(4)}, tmp_path, top=1)
    assert "schemes" in wsw.load_results(report.folder / "results.json").methods
    assert "layer_details/a_distribution.png" in below(tmp_path)


def test_a_training_checkpoint_is_a_model(tmp_path: Path) -> None:
    report = wsw.save_report({"state_dict": {"a.weight": torch.eye(4)}}, tmp_path, top=0)
    assert list(wsw.load_results(report.folder / "results.json")) == ["a"]


def test_a_results_file_is_results(results: ScanResults, tmp_path: Path) -> None:
    results.save(tmp_path / "r.json")
    for path in (tmp_path / "r.json", str(tmp_path / "r.json")):
        report = wsw.save_report(path, tmp_path / "out", top=0)
        assert list(wsw.load_results(report.folder / "results.json")) == list(results)
    with pytest.raises(wsw.WeightScopeError, match="There is no results file"):
        wsw.save_report(tmp_path / "gone.json", tmp_path / "b")


def test_plain_dicts_that_are_no_results(tmp_path: Path) -> None:
    with pytest.raises(wsw.WeightScopeError, match=r"'x' for spectral\.condition_number"):
        wsw.save_report({"a": {"spectral": {"condition_number": "x"}}}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_without_risks_a_note_says_why_no_layer_is_shown(tmp_path: Path) -> None:
    scanned = wsw.scan({"a.weight": torch.eye(4)}, methods="quantization", progress=False)
    with pytest.raises(ReportError) as caught:
        wsw.save_report(scanned, tmp_path)
    (note,) = caught.value.report.notes
    assert note.startswith("No layer has a risk to rank it by, which takes the methods spectral and quantization")


def test_the_reference_s_numbers(tmp_path: Path) -> None:
    report = wsw.save_report(reference(), tmp_path)
    assert below(tmp_path) == set(SUMMARIES)
    assert "hold no histograms and no spectra" in report.notes[0]


def test_what_cannot_be_drawn_does_not_lose_the_rest(tmp_path: Path) -> None:
    scanned = wsw.scan({"a.weight": torch.eye(4)}, methods=["basic_stats", "quantization"], progress=False)
    with pytest.raises(ReportError, match=r"lacks 2 of its files: condition_heatmap\.png") as caught:
        wsw.save_report(scanned, tmp_path, top=0)
    missing = {"condition_heatmap.png", "rank_efficiency.png"}
    assert below(tmp_path) == set(SUMMARIES) - missing
    assert {path.name for path in caught.value.report.files} == set(SUMMARIES) - missing


def test_without_matplotlib_the_numbers_and_the_page_are_there(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import torch, weightscope_widget as wsw\n"
        "try: wsw.save_report({'a.weight': torch.eye(4)}, sys.argv[1])\n"
        "except wsw.WeightScopeError as error: print(error)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    assert ran.stdout.count('pip install "weightscope-widget[images]"') == 1
    assert below(tmp_path) == {"results.json", "metrics.csv", "dashboard.html"}


@pytest.mark.parametrize("top", [-1, True, 1.5, "3"])
def test_top_is_a_count(results: ScanResults, tmp_path: Path, top: Any) -> None:
    with pytest.raises(wsw.WeightScopeError, match="top is"):
        wsw.save_report(results, tmp_path, top=top)


@pytest.mark.parametrize("layers", [5, [5], [["wte"]]])
def test_layers_are_names(results: ScanResults, tmp_path: Path, layers: Any) -> None:
    with pytest.raises(wsw.WeightScopeError, match=r"^layers has .+; give the names of layers\.$"):
        wsw.save_report(results, tmp_path, layers=layers)


@pytest.mark.parametrize("folder", [None, 5, b"bytes", "a\0b"])
def test_a_folder_is_a_path(results: ScanResults, folder: Any) -> None:
    with pytest.raises(wsw.WeightScopeError, match=r"[Ff]older .+; (give the path of a folder|choose another)\.$"):
        wsw.save_report(results, folder)


def test_a_folder_that_cannot_be(results: ScanResults, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(wsw.WeightScopeError, match="cannot be made"):
        wsw.save_report(results, tmp_path / "file")
