"""A lesson as a web page: one file, no network, its dashboard alive and its figures there."""

from __future__ import annotations

import runpy
from pathlib import Path

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


def test_the_readme_is_a_page_that_leads_to_the_lessons(browser: Browser, tmp_path: Path) -> None:
    render_readme = runpy.run_path(str(LESSONS / "render.py"))["render_readme"]
    page = browser.new_page()
    page.goto(render_readme(LESSONS.parent / "README.md", tmp_path).as_uri())
    picture = page.get_by_role("img").first
    assert picture.evaluate("(element) => element.naturalWidth") > 600
    links = page.locator("a[href$='.html']").evaluate_all("(all) => all.map((each) => each.getAttribute('href'))")
    assert {f"{path.stem}.html" for path in LESSONS.glob("*.ipynb")} <= set(links)
    page.close()
