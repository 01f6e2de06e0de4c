"""The lessons: each runs in JupyterLab from top to bottom without an error, and its interactive cells are driven."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, expect

from tests.browser.board import Board
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


def python_says(notebook: Notebook, code: str, expected: str) -> None:
    """Wait until code gives what is expected."""
    Board(notebook.page, notebook.page.locator("body"), notebook).python_says(code, expected)


def cell_with(notebook: Notebook, words: str) -> Locator:
    """Return the code cell that has these words in its source or output, in view."""
    cell = notebook.page.locator(".jp-CodeCell", has_text=words).first
    cell.scroll_into_view_if_needed()
    return cell


def slide(cell: Locator, label: str, key: str = "ArrowRight") -> None:
    """Move a slider with the keyboard, by default one step up; its label says which."""
    cell.locator(".widget-hslider", has_text=label).locator(".noUi-handle").press(key)


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_is_kept_without_outputs(name: str) -> None:
    book = nbformat.read(LESSONS / f"{name}.ipynb", 4)
    assert [cell.outputs for cell in book.cells if cell.cell_type == "code" and cell.outputs] == []
    assert [cell.execution_count for cell in book.cells if cell.cell_type == "code" and cell.execution_count] == []
    # It begins with what it is about, and asks at least one question with a hidden answer.
    assert book.cells[0].source.startswith("# ")
    assert any("<details>" in cell.source for cell in book.cells)


METRICS = (
    "mean std min max l2_norm zeros_percentage "
    "max_singular_value min_singular_value condition_number stable_rank effective_rank total_rank top_singular_values "
    "singular_value_ratio outlier_percentage extreme_outlier_percentage outlier_count extreme_outlier_count abs_max "
    "quantization_scale quantization_mse quantization_mae cosine_similarity sqnr_db dynamic_range sparsity_levels "
    "threshold_0.0 threshold_1e-6 threshold_1e-4 threshold_1e-2 structured_sparsity dead_rows dead_rows_percentage "
    "dead_columns dead_columns_percentage magnitude_percentiles mean_abs_weight median_abs_weight"
)
"""What the user's document names in its sections 2 to 5."""


@pytest.mark.parametrize(
    ("name", "chance", "limits"),
    [
        ("02-reading-every-chart", "**By chance**", "**Limits**"),
        ("02-reading-every-chart.zh", "**随机基线**", "**局限**"),
    ],
    ids=["en", "zh"],
)
def test_every_section_of_the_charts_has_its_baseline_and_its_limits(name: str, chance: str, limits: str) -> None:
    cells = nbformat.read(LESSONS / f"{name}.ipynb", 4).cells
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    *sections, game = re.split(r"^## ", prose, flags=re.MULTILINE)[1:]
    assert len(sections) == 15
    assert [section.splitlines()[0] for section in sections if chance not in section or limits not in section] == []
    assert chance not in game
    assert [metric for metric in METRICS.split() if f"`{metric}`" not in prose] == []
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    charts = ("condition_number_heatmap", "quantization_risk_matrix", "rank_efficiency", "model_health_dashboard")
    for chart in (*charts, "weight_distribution", "singular_values"):
        assert f"wsw.plot_{chart}(" in code, chart


def test_both_languages_of_a_lesson_run_the_same() -> None:
    for name in ("01-quickstart", "02-reading-every-chart"):
        books = [nbformat.read(LESSONS / f"{name}{language}.ipynb", 4) for language in ("", ".zh")]
        english, chinese = ([cell.cell_type for cell in book.cells] for book in books)
        assert english == chinese, name


def effective_ranks(*strengths: float) -> list[int]:
    """Return how many singular values of noise and four strong directions are above 1 % of the largest, by NumPy."""
    draw = torch.Generator().manual_seed(1)
    noise = torch.randn(128, 512, generator=draw)
    signal = torch.randn(128, 4, generator=draw) @ torch.randn(4, 512, generator=draw)
    spectra = [np.linalg.svd((noise + strength * signal).double(), compute_uv=False) for strength in strengths]
    return [int((values > 0.01 * values[0]).sum()) for values in spectra]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_quickstart(open_notebook: OpenNotebook, language: str) -> None:
    notebook = opened(open_notebook, "01-quickstart" if language == "en" else "01-quickstart.zh")
    dashboard = notebook.dashboard()
    expect(dashboard).to_have_attribute("lang", language)
    dashboard.get_by_role("searchbox").fill("layer.2.output.dense")
    dashboard.get_by_role("grid").get_by_title("encoder.layer.2.output.dense", exact=True).click()
    chosen = "encoder.layer.2.output.dense"
    python_says(notebook, "dash.selected, figure.selected", f"('{chosen}', '{chosen}')")
    # The figure is linked both ways.
    notebook.run("figure.selected = 'encoder.layer.0.output.dense'")
    expect(dashboard.locator(".wsw-row[aria-selected=true]")).to_have_count(0)  # the search leaves it out
    dashboard.get_by_role("searchbox").fill("")
    expect(dashboard.locator(".wsw-row[aria-selected=true]")).to_have_attribute("title", "encoder.layer.0.output.dense")


@pytest.mark.parametrize(
    ("name", "rows", "directions", "wrong", "right"),
    [
        ("02-reading-every-chart", "rows", "4 directions", "Not transformer.wte", "1 of 5 found"),
        ("02-reading-every-chart.zh", "行", "四个方向", "请再试一次", "已找到 1"),
    ],
    ids=["en", "zh"],
)
def test_every_chart_and_the_game(
    open_notebook: OpenNotebook, name: str, rows: str, directions: str, wrong: str, right: str
) -> None:
    notebook = opened(open_notebook, name)
    chance = cell_with(notebook, "np.linalg.cond")
    expect(chance).to_contain_text("128 × 128")
    slide(chance, rows)
    expect(chance).to_contain_text("144 × 128")
    # The lesson says: the stable rank falls at once, the effective rank late, and then to four.
    ranks = cell_with(notebook, "def ranks")
    none, some, ten, many = effective_ranks(0, 4, 10, 20)
    assert (none, some, ten, many) == (128, 128, 26, 4)
    for key, stable, effective in (("Home", "55.1", none), ("End", "3.3", many)):
        slide(ranks, directions, key)
        expect(ranks).to_contain_text(re.compile(rf"stable_rank\s+{stable}\s+effective_rank\s+{effective}\.0"))
    dashboard = notebook.dashboard()
    game = cell_with(notebook, "wsw.FaultGame")
    for layer, words in (("transformer.wte", wrong), ("transformer.h.1.mlp.c_proj", right)):
        dashboard.get_by_role("searchbox").fill(layer)
        dashboard.get_by_role("grid").get_by_title(layer, exact=True).click()
        python_says(notebook, "dash.selected", repr(layer))
        game.get_by_role("button").first.click()
        expect(game).to_contain_text(words)
    python_says(notebook, "game.found", "['outliers']")
    # What the lesson says of the grades.
    grades = "sorted(results.grade(layer) for layer in model.faults.values())"
    python_says(notebook, grades, str(["Excellent"] * 4 + ["Good"]))


def test_outliers_and_what_int8_costs_a_real_model(open_notebook: OpenNotebook) -> None:
    notebook = opened(open_notebook, "03-outliers-and-int8")
    planted = cell_with(notebook, "def with_outliers")
    table = planted.locator("table").first
    for slider, key in (("how large", "ArrowRight"), ("how many", "End")):
        before = table.inner_text()
        slide(planted, slider, key)
        expect(table).not_to_have_text(before)
    # What the lesson claims of the measured versions, whatever the figures are.
    for claim in (
        # The plan is closer than naive INT8, and larger.
        "turned[naive] > 5 * turned[full] and size[full] > 1.5 * size[naive]",
        # Its outlier matrices earn that, its embedding tables do not.
        "len(outliers) == 8 and turned[lean] < 0.3 * turned[naive] and turned[kept] > 0.95 * turned[naive]",
        "size[lean] - size[naive] < 0.5 * (size[kept] - size[naive])",
        # A scale for each channel beats both plans per tensor, in size and in degrees.
        "size['everything, per channel'] < size[lean] and turned['everything, per channel'] < turned[full]",
        # Only the naive versions change neighbours; the measure can move.
        "(measured['same nearest neighbour'] < 48).tolist() == [False, False, True, True] + 5 * [False]",
    ):
        assert notebook.run(f"bool({claim})") == "True", claim
    schemes = notebook.dashboard().locator(".wsw-schemes")
    schemes.get_by_role("radio", name="INT8 per channel").click()
    python_says(notebook, "dash._view['scheme']", "'int8_channel'")


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
    # Where 90 % of the energy is, the model is not; what it takes, no longer pays; the ceiling binds.
    for claim in ("asked < 0.45 and survived.loc[0.4, 'mean cosine'] < 0.9", "enough > 0.5", "0 < capped.sum() < 30"):
        assert notebook.run(f"bool({claim})") == "True", claim


def test_a_fine_tune_is_made_told_apart_and_played(open_notebook: OpenNotebook) -> None:
    notebook = opened(open_notebook, "05-what-fine-tuning-changed")
    assert notebook.run("[found.pattern.name for found in comparisons.values()]") == "['low-rank', 'full fine-tune']"
    for claim in (
        # Both learned the task, gently; the adapter read back does the better, the more it keeps.
        "max(new_loss(lora), new_loss(full)) < 0.4 * np.log(97)",
        "max(moved(found).max() for found in comparisons.values()) < 0.8",
        "rows[0]['loss on the new task'] > rows[-1]['loss on the new task']",
        # The run that went wrong, as its hidden answer has it.
        "ruined['step 10, ruined'].min() > 5 and ruined['step 60, sound'].max() < 1",
        "ruined['step 10, ruined'].idxmax().endswith('attn.c_proj')",
        "ruined['step 10, ruined'].idxmin() == 'transformer.wte'",
    ):
        assert notebook.run(f"bool({claim})") == "True", claim
    assert notebook.run("verdict.name") == "'retrained'"
    diff = notebook.page.locator(".wsw-dashboard:has(.wsw-pattern)").first
    diff.scroll_into_view_if_needed()
    expect(diff.locator(".wsw-truncation")).to_have_attribute("data-rank", re.compile(r"^[1-4]$"))
    steps = notebook.page.locator(".wsw-dashboard:has(.wsw-steps)").first
    steps.scroll_into_view_if_needed()
    steps.get_by_role("slider", name="Checkpoint").fill("2")
    python_says(notebook, "evolution.checkpoint", "'step 20'")
    steps.get_by_role("button", name="Play the checkpoints").click()
    expect(steps.get_by_role("button", name="Pause")).to_be_visible()
    expect(steps.locator(".wsw-step-name")).to_contain_text("7 of 7")
    expect(steps.get_by_role("button", name="Play the checkpoints")).to_be_visible()
    python_says(notebook, "evolution.checkpoint", "'step 60'")


def test_solving_in_low_precision(open_notebook: OpenNotebook) -> None:
    notebook = opened(open_notebook, "06-condition-and-precision")
    cell = cell_with(notebook, "def errors")
    table = cell.locator("table").first
    before = table.inner_text()
    slide(cell, "log₁₀")
    expect(table).not_to_have_text(before)
    for claim in (
        # Solving loses κ · u; multiplying does not care.
        "errors(1e6).loc['fp16', 'solving, error of x'] > 1",
        "errors(1e6)['multiplying, error of Wx'].max() < 0.01",
        # Arithmetic in fp16 loses more than storage in it, and all at a κ that fp32 bears.
        "(solves['fp16 throughout'] > solves['fp16, stored only']).all()",
        "solves.loc['κ = 10,000', 'fp16 throughout'] > 0.3 and solves.loc['κ = 10,000', 'fp32 throughout'] < 2e-4",
        # Nearly all of x in the weak directions is enough.
        "0.5 < along(0.999999)['bf16'] < 1 and 0.05 < along(0.999999)['fp16'] < 0.2",
        # A layer's own κ does not slow it; its neighbours' does, by κ².
        "(steps.loc['in the layer that is trained'] == 1).all()",
        "(steps.iloc[1:, 3] / steps.iloc[1:, 2]).between(8, 10).all()",
    ):
        assert notebook.run(f"bool({claim})") == "True", claim
