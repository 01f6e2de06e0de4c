"""The lessons: each runs in JupyterLab from top to bottom without an error, and its interactive cells are driven."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import OpenNotebook
from tests.browser.notebook import Notebook

LESSONS = Path(__file__).parents[2] / "notebooks"
NAMES = sorted(path.stem for path in LESSONS.glob("*.ipynb"))


def opened(open_notebook: OpenNotebook, name: str) -> Notebook:
    notebook = open_notebook(copy_of=LESSONS / f"{name}.ipynb")
    notebook.run_all()
    problems = [output for output in notebook.outputs() if output["output_type"] == "error"]
    assert not problems, problems
    return notebook


def said(notebook: Notebook) -> str:
    """Return all that the cells printed."""
    texts = (output["text"] for output in notebook.outputs() if output["output_type"] == "stream")
    return "".join("".join(text) for text in texts)


def cell_with(notebook: Notebook, words: str) -> Locator:
    """Return the code cell that has these words in its source or output, in view."""
    cell = notebook.page.locator(".jp-CodeCell", has_text=words).first
    cell.scroll_into_view_if_needed()
    return cell


def slide(cell: Locator, label: str, key: str = "ArrowRight") -> None:
    """Move a slider one step with the keyboard, as its label names it."""
    cell.locator(".widget-hslider", has_text=label).locator(".noUi-handle").press(key)


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_is_kept_without_outputs(name: str) -> None:
    book = nbformat.read(LESSONS / f"{name}.ipynb", 4)
    assert [cell.outputs for cell in book.cells if cell.cell_type == "code" and cell.outputs] == []
    assert [cell.execution_count for cell in book.cells if cell.cell_type == "code" and cell.execution_count] == []
    # It begins with what it is about, and asks at least one question with a hidden answer.
    assert book.cells[0].source.startswith("# ")
    assert any("<details>" in cell.source for cell in book.cells)


def test_the_quickstart_in_chinese(open_notebook: OpenNotebook) -> None:
    notebook = opened(open_notebook, "01-quickstart.zh")
    dashboard = notebook.dashboard()
    expect(dashboard).to_have_attribute("lang", "zh")
    dashboard.get_by_role("searchbox").fill("layer.2.output.dense")
    dashboard.get_by_role("grid").get_by_title("encoder.layer.2.output.dense", exact=True).click()
    assert (
        notebook.run("dash.selected, figure.selected")
        == "('encoder.layer.2.output.dense', 'encoder.layer.2.output.dense')"
    )


@pytest.mark.parametrize(
    ("name", "rows", "wrong", "right"),
    [
        ("02-reading-every-chart", "rows", "it is not", "1 of 5 found"),
        ("02-reading-every-chart.zh", "行", "再看看", "已找到 1 / 5"),
    ],
    ids=["en", "zh"],
)
def test_every_chart_and_the_game(open_notebook: OpenNotebook, name: str, rows: str, wrong: str, right: str) -> None:
    notebook = opened(open_notebook, name)
    chance = cell_with(notebook, "np.linalg.cond")
    expect(chance).to_contain_text("128 × 128")
    slide(chance, rows)
    expect(chance).to_contain_text("144 × 128")
    game = (
        notebook.page.locator(".jp-OutputArea-output", has_text="INT8").filter(has=notebook.page.locator("button")).last
    )
    dashboard = notebook.dashboard()
    for layer, words in (("transformer.wte", wrong), ("transformer.h.1.mlp.c_proj", right)):
        dashboard.get_by_role("searchbox").fill(layer)
        dashboard.get_by_role("grid").get_by_title(layer, exact=True).click()
        game = notebook.page.locator(".jp-CodeCell", has_text="wsw.FaultGame")
        game.get_by_role("button").first.click()
        expect(game).to_contain_text(words)
    assert notebook.run("game.found") == "['outliers']"


def test_outliers_and_what_int8_costs_a_real_model(open_notebook: OpenNotebook) -> None:
    notebook = opened(open_notebook, "03-outliers-and-int8")
    planted = cell_with(notebook, "def with_outliers")
    table = planted.locator("table").first
    before = table.inner_text()
    slide(planted, "how large")
    expect(table).not_to_have_text(before)
    # The measured claim: the plan is closer to the original than naive INT8, and larger.
    found = re.search(r"comes (\d+) times as close as naive INT8, at ([\d.]+) times its size", said(notebook))
    assert found is not None
    assert float(found[1]) > 5
    assert float(found[2]) > 1
    off = dict(re.findall(r"^(.+): [\d.]+ MB, embeddings off by ([\d.]+)", said(notebook), re.MULTILINE))
    assert float(off["naive"]) > float(off["the plan, per tensor"]) > float(off["the plan, per channel"])
    assert float(off["everything, per channel"]) < float(off["naive"])
    schemes = notebook.dashboard().locator(".wsw-schemes")
    schemes.get_by_role("radio", name="INT8 per channel").click()
    assert notebook.run("dash._view['scheme']") == "'int8_channel'"


def test_a_truncation_by_slider(open_notebook: OpenNotebook) -> None:
    notebook = opened(open_notebook, "04-rank-compression-lora")
    cell = cell_with(notebook, "def truncate")
    expect(cell).to_contain_text("numbers stored: 73,728 instead of 147,456")
    slide(cell, "rank")
    expect(cell).to_contain_text("numbers stored: 74,496 instead of 147,456")
    line = notebook.dashboard().locator(".wsw-energy [role=slider]").first
    rank = int(line.get_attribute("aria-valuenow") or 0)
    line.press("ArrowLeft")
    expect(line).to_have_attribute("aria-valuenow", str(rank - 1))


def test_a_fine_tune_is_made_told_apart_and_played(open_notebook: OpenNotebook) -> None:
    notebook = opened(open_notebook, "05-what-fine-tuning-changed")
    assert notebook.run("broken.wait(60), evolution.wait(60)") == "(True, True)"
    assert notebook.run("[found.pattern.name for found in comparisons.values()]") == "['low-rank', 'full fine-tune']"
    assert notebook.run("rows[0]['loss on the new task'] > rows[-1]['loss on the new task']") == "True"
    diff = notebook.page.locator(".wsw-dashboard:has(.wsw-pattern)").first
    diff.scroll_into_view_if_needed()
    expect(diff.locator(".wsw-truncation")).to_have_attribute("data-rank", re.compile(r"^[1-4]$"))
    steps = notebook.page.locator(".wsw-dashboard:has(.wsw-steps)").first
    steps.scroll_into_view_if_needed()
    steps.get_by_role("slider", name="Checkpoint").fill("2")
    for _ in range(50):
        if notebook.run("evolution.checkpoint") == "'step 20'":
            break
    else:
        raise AssertionError("Python did not hear of the slider")
    # The run that went wrong is farther from where it began than the one that did not, already at the first checkpoint.
    ruined = "broken.results.relative_change('step 10', 'transformer.h.0.mlp.c_fc')"
    sound = "evolution.results.relative_change('step 60', 'transformer.h.0.mlp.c_fc')"
    assert notebook.run(f"{ruined} > 2 * {sound}") == "True"


def test_solving_in_low_precision(open_notebook: OpenNotebook) -> None:
    notebook = opened(open_notebook, "06-condition-and-precision")
    cell = cell_with(notebook, "def errors")
    table = cell.locator("table").first
    before = table.inner_text()
    slide(cell, "log₁₀")
    expect(table).not_to_have_text(before)
    # Solving loses κ · u; multiplying does not care.
    assert notebook.run("bool(errors(1e6).loc['fp16', 'solving, error of x'] > 1)") == "True"
    assert notebook.run("bool(errors(1e6)['multiplying, error of Wx'].max() < 0.01)") == "True"
