"""A lesson as a web page: one file, no network, its dashboard alive and its figures there."""

from __future__ import annotations

import runpy
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, expect

LESSONS = Path(__file__).parents[2] / "notebooks"
LAYER = "transformer.h.1.mlp.c_proj"


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    render = runpy.run_path(str(LESSONS / "render.py"))["render"]
    return Path(render(LESSONS / "02-reading-every-chart.ipynb", tmp_path_factory.mktemp("html")))


def test_a_lesson_is_a_page_that_needs_no_network(browser: Browser, rendered: Path) -> None:
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(rendered.as_uri())
    expect(page).to_have_title("Reading every chart – WeightScope")
    # Six figures and what the sliders showed; the answers are hidden until somebody asks.
    expect(page.locator("img[src^='data:image/svg']")).to_have_count(7)
    expect(page.get_by_text("128 × 128: κ of 20 random matrices")).to_be_visible()
    answer = page.locator("details", has_text="Six: the values above the cliff.")
    expect(answer).not_to_have_attribute("open", "")
    answer.get_by_text("Answer", exact=True).click()
    expect(answer).to_have_attribute("open", "")
    dashboard = page.frame_locator("iframe").locator(".wsw-dashboard")
    dashboard.get_by_role("searchbox").fill(LAYER)
    dashboard.get_by_role("grid").get_by_title(LAYER, exact=True).click()
    expect(dashboard.locator(".wsw-singular-values .wsw-aside")).to_have_text("h1.mlp.c_proj")
    assert not [url for url in asked if url.startswith("http")]
    page.close()


EVERY_OUTPUT = """
import ipywidgets, matplotlib.pyplot as plt, numpy as np, pandas as pd, torch, weightscope_widget as wsw
draw = torch.Generator().manual_seed(0)
base = {f"h.{block}.mlp.c_fc.weight": torch.randn(24, 16, generator=draw) for block in range(2)}
tuned = {name: weight + 0.01 * torch.ones(24, 1) @ torch.ones(1, 16) for name, weight in base.items()}
---
def look(times):
    display(pd.DataFrame({"times": [times]}))
    plt.plot([0, times]); plt.show()
    display(wsw.plot_weight_distribution(times * base["h.0.mlp.c_fc.weight"]))
    print(f"{times} times")

slider = ipywidgets.IntSlider(3, 0, 9, description="how often")
ipywidgets.VBox([slider, ipywidgets.interactive_output(look, {"times": slider})])
---
wsw.show_diff(base, tuned)
---
wsw.show_evolution({"before": base, "after": tuned})
---
print("<b>no markup</b>"); pd.DataFrame({"<i>": ["<script>window.hacked = 1</script>"]})
"""


def test_every_kind_of_output_is_on_the_page(browser: Browser, tmp_path: Path) -> None:
    cells = [
        nbformat.v4.new_markdown_cell("# Every kind"),
        *map(nbformat.v4.new_code_cell, EVERY_OUTPUT.strip().split("\n---\n")),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "every.ipynb")
    page = browser.new_page()
    render = runpy.run_path(str(LESSONS / "render.py"))["render"]
    page.goto(Path(render(tmp_path / "every.ipynb", tmp_path)).as_uri())
    # A slider as it stands, with all that it showed.
    expect(page.locator(".control", has_text="how often")).to_have_text("how often 3")
    expect(page.locator("table").first).to_contain_text("times")
    expect(page.locator("img[src^='data:image/png']")).to_have_count(1)
    expect(page.locator("img[src^='data:image/svg']")).to_have_count(1)
    expect(page.get_by_text("3 times", exact=True)).to_be_visible()
    diff, evolution = (page.frame_locator("iframe").nth(index).locator(".wsw-dashboard") for index in range(2))
    expect(diff.locator(".wsw-pattern")).to_contain_text("low-rank")
    expect(evolution.get_by_role("slider", name="Checkpoint")).to_have_value("1")
    expect(page.get_by_text("<b>no markup</b>", exact=True)).to_be_visible()
    assert page.evaluate("window.hacked") is None
    page.close()


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_the_readme_is_a_page_that_leads_to_the_lessons(browser: Browser, tmp_path: Path, name: str) -> None:
    render_readme = runpy.run_path(str(LESSONS / "render.py"))["render_readme"]
    page = browser.new_page()
    page.goto(render_readme(LESSONS.parent / name, tmp_path).as_uri())
    picture = page.get_by_role("img").first
    assert picture.evaluate("(element) => element.naturalWidth") > 600
    links = page.locator("a[href$='.html']").evaluate_all("(all) => all.map((each) => each.getAttribute('href'))")
    pages = {f"{path.stem}.html" for path in [*LESSONS.glob("*.ipynb"), *LESSONS.parent.glob("README*.md")]}
    assert set(links) == pages - {f"{Path(name).stem}.html"}
    others = page.locator("a").evaluate_all("(all) => all.map((each) => each.getAttribute('href'))")
    for link in set(others) - pages:
        assert link.startswith(("https://", "#")) or (tmp_path / link).is_file(), link
    page.close()
