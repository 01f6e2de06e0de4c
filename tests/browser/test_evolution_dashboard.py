"""The dashboard of many checkpoints of a real training run, in JupyterLab and in a saved file opened from disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

import weightscope_widget as wsw
from tests.browser.board import Board
from tests.browser.conftest import OpenNotebook
from tests.browser.test_accessibility import AXE, RUN, SHOW_ALL, STYLE

FROZEN, TRAINED = "encoder.layers.0.linear1", "encoder.layers.1.linear1"
TRAINING = """
import copy, torch, weightscope_widget as wsw
torch.manual_seed(0)
layer = torch.nn.TransformerEncoderLayer(32, 2, 64, dropout=0.0, batch_first=True)
model = torch.nn.ModuleDict({"encoder": torch.nn.TransformerEncoder(layer, 2), "head": torch.nn.Linear(32, 4)})
model["encoder"].layers[0].linear1.weight.requires_grad = False
optimizer = torch.optim.AdamW([each for each in model.parameters() if each.requires_grad], lr=3e-3)
tokens, labels = torch.randn(64, 6, 32), torch.randint(4, (64,))
checkpoints = {}
for step in range(51):
    if step % 10 == 0:
        checkpoints[f"step {step}"] = copy.deepcopy(model.state_dict())
    loss = torch.nn.functional.cross_entropy(model["head"](model["encoder"](tokens).mean(1)), labels)
    optimizer.zero_grad(); loss.backward(); optimizer.step()
"""
SHOW = "dash = wsw.show_evolution(checkpoints)\ndash"
STEPS = [f"step {step}" for step in range(0, 51, 10)]


@pytest.fixture(scope="module")
def evolution() -> wsw.EvolutionResults:
    trained: dict[str, object] = {}
    exec(TRAINING, trained)
    return wsw.evolution(trained["checkpoints"], progress=False)


@pytest.fixture(scope="module")
def saved(evolution: wsw.EvolutionResults, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("evolution")
    pages = {}
    for theme, language in (("light", "en"), ("dark", "zh")):
        dash = wsw.show_evolution(evolution, theme=theme, language=language)
        pages[theme] = folder / f"{theme}.html"
        dash.selected = None if theme == "light" else TRAINED
        dash.save_html(pages[theme])
        dash.close()
    return pages


@pytest.fixture(params=["lab", "file"])
def board(request: pytest.FixtureRequest, page: Page) -> Board:
    if request.param == "lab":
        open_shared: OpenNotebook = request.getfixturevalue("open_shared")
        notebook = open_shared(TRAINING, SHOW)
        notebook.run_all()
        return Board(notebook.page, notebook.dashboard(), notebook)
    page.goto(request.getfixturevalue("saved")["light"].as_uri())
    return Board(page, page.locator(".wsw-dashboard"), None)


def slider(board: Board) -> Locator:
    return board.root.get_by_role("slider", name="Checkpoint")


def test_the_slider_moves_every_panel(board: Board, evolution: wsw.EvolutionResults) -> None:
    root = board.root
    expect(root.locator(".wsw-step-name")).to_contain_text("step 50")
    board.row(TRAINED).click()
    board.search("")
    change = root.locator(".wsw-sparklines tr[data-metric=relative_change_to_first] td").last
    largest = root.locator(".wsw-sparklines tr[data-metric=max_singular_value] td").last
    for name in ("step 50", "step 10", "step 0"):
        place = STEPS.index(name)
        slider(board).fill(str(place))
        expect(slider(board)).to_have_attribute("aria-valuetext", f"{name}, {place + 1} of 6")
        expected = evolution.relative_change(name, TRAINED)
        expect(change).to_have_text("0" if expected == 0 else f"{expected:.4g}".ljust(6, "0"))
        expect(largest).to_have_text(f"{evolution[name][TRAINED]['spectral']['max_singular_value']:.4g}".ljust(5, "0"))
        # The drawn spectrum is that of the checkpoint.
        figure = board.panel("Singular values").get_by_role("figure").first
        expect(figure).to_be_visible()
        if board.notebook:
            board.python_says("dash.checkpoint", repr(name))
    # What is frozen stays at zero, and the table says so at the last checkpoint.
    slider(board).fill("5")
    cells = board.row(FROZEN).locator("[data-column=relative_change_to_first]")
    expect(cells).to_have_text("0")


def test_it_plays_to_the_end(board: Board) -> None:
    root = board.root
    root.get_by_role("button", name="Play the checkpoints").click()
    expect(root.get_by_role("button", name="Pause")).to_be_visible()
    expect(root.locator(".wsw-step-name")).to_contain_text("1 of 6")
    expect(root.locator(".wsw-step-name")).to_contain_text("3 of 6")
    expect(root.locator(".wsw-step-name")).to_contain_text("6 of 6")
    expect(root.get_by_role("button", name="Play the checkpoints")).to_be_visible()
    if board.notebook:
        board.python_says("dash.checkpoint", "'step 50'")


def test_lines_are_hovered_clicked_and_dragged_across(board: Board) -> None:
    root = board.root
    lines = board.panel("Over the checkpoints")
    _, box = board.surface(lines)
    lines.scroll_into_view_if_needed()
    # A metric of all layers, then of families.
    lines.get_by_role("combobox").select_option("condition_number")
    lines.get_by_role("button", name="Families").click()
    expect(lines.locator(".wsw-aside")).to_contain_text("median")
    lines.get_by_role("button", name="Layers").click()
    board.drag((box["x"] + box["width"] / 2, box["y"] + 40), (box["x"] + 60, box["y"] + 60))
    expect(root.locator(".wsw-step-name")).to_contain_text("1 of 6")
    board.row(TRAINED).click()
    board.search("")
    mark = lines.locator(".wsw-line-selected circle").bounding_box()
    assert mark is not None
    board.page.mouse.move(mark["x"] + mark["width"] / 2, mark["y"] + mark["height"] / 2)
    expect(lines.locator(".wsw-tooltip")).to_contain_text("step 0:")
    if board.notebook:
        board.notebook.run("dash.checkpoint = 'step 20'; dash.selected = None")
        expect(root.locator(".wsw-step-name")).to_contain_text("step 20")
        expect(lines.locator(".wsw-line-selected")).to_have_count(0)


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
