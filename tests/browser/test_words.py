"""What the dashboard says: its languages, and the explanations behind titles."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import OpenNotebook

TWO_LAYERS = """
import torch, weightscope_widget as wsw
torch.manual_seed(0)
dash = wsw.show({f"model.layers.{i}.mlp.up_proj.weight": torch.randn(40, 30) for i in range(2)})
dash
"""

# Where the card lies beyond the window, and whether anything covers it in the middle.
LAID_OUT = """(card) => {
    const { left, top, right, bottom } = card.getBoundingClientRect();
    const on_top = card.getRootNode().elementFromPoint((left + right) / 2, (top + bottom) / 2);
    return [Math.min(left, top, innerWidth - right, innerHeight - bottom) >= 0, card.contains(on_top)];
}"""


def test_a_title_explains_itself_in_a_card_that_nothing_clips(open_shared: OpenNotebook) -> None:
    notebook = open_shared(TWO_LAYERS)
    notebook.run_all()
    dashboard = notebook.dashboard()
    notebook.run("dash.selected = 'model.layers.1.mlp.up_proj'")
    selected = dashboard.locator(".wsw-row[aria-selected=true]")
    expect(selected).to_have_count(1)
    metric = dashboard.locator("[data-metric=condition_number]").get_by_role("button", name="Condition number")
    for button in (dashboard.get_by_role("button", name="About: Quantization risk"), metric):
        button.click()
        card = dashboard.get_by_role("dialog")
        expect(card).to_be_focused()
        expect(card).to_contain_text("When it misleads")
        assert card.evaluate(LAID_OUT) == [True, True]
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 24
    expect(card).to_contain_text("κ = σ₁ / σᵣ")
    notebook.page.keyboard.press("Escape")
    expect(card).to_have_count(0)
    expect(metric).to_be_focused()
    expect(selected).to_have_count(1)  # Escape meant the card, not the selection
    metric.click()
    expect(card).to_have_count(1)
    dashboard.locator(".wsw-model h2").click()
    expect(card).to_have_count(0)


def test_it_speaks_chinese_when_told_to(open_shared: OpenNotebook) -> None:
    notebook = open_shared(TWO_LAYERS)
    notebook.run_all()
    dashboard = notebook.dashboard()
    expect(dashboard).to_have_attribute("lang", "en")
    notebook.run("dash.language = 'zh'")
    expect(dashboard).to_have_attribute("lang", "zh")
    expect(dashboard.get_by_role("region", name="权重分布")).to_be_visible()
    dashboard.get_by_role("button", name="解读：条件数").click()
    expect(dashboard.get_by_role("dialog", name="条件数")).to_contain_text("何时会误导")
    notebook.run("dash.language = 'auto'")
    expect(dashboard).to_have_attribute("lang", "en")
