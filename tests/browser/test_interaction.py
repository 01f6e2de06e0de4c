"""What the dashboard does while it is used: scans in the background, keys, themes, widths, reloads."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenNotebook

# A model whose layers can only be read when the test lets them: what happens "during a scan" is then no matter of time.
GATED = """
import threading, torch, weightscope_widget as wsw
from weightscope_widget.sources import Layer, Source
gate, read = threading.Semaphore(0), []
def layer(i):
    name = f"layers.{i}.mlp.up_proj"
    def load():
        gate.acquire(timeout=120)
        read.append(name)
        return torch.randn(24, 16, generator=torch.Generator().manual_seed(i))
    return Layer(name, (24, 16), "float32", load)
dash = wsw.show(Source("gated", tuple(layer(i) for i in range(5))), workers=1)
dash
"""
OPEN = "gate.release(100); dash.wait(60)"

PLAIN = """
import torch, weightscope_widget as wsw
torch.manual_seed(0)
state = {f"model.layers.{i}.self_attn.q_proj.weight": torch.randn(40, 30) * 0.1 for i in range(6)}
state["model.layers.5.<img src=x onerror='window.hacked = 1'>.weight"] = torch.randn(12, 8)
state["model.layers.2.mlp.up_proj.weight"] = torch.full((9, 8), float("nan"))
state["model.layers.3.mlp.up_proj.weight"] = torch.zeros(9, 8)
state["model.layers.4.mlp.up_proj.weight"] = torch.empty(9, 8, device="meta")
dash = wsw.show(state)
dash
"""


def test_other_cells_run_during_a_scan(open_shared: OpenNotebook) -> None:
    notebook = open_shared(GATED)
    notebook.run_all()
    dashboard = notebook.dashboard(finished=False)
    expect(dashboard.get_by_role("progressbar", name="Measuring weights: 0 of 5 layers")).to_be_visible()
    assert notebook.run("6 * 7") == "42"
    assert notebook.run("dash.results.complete") == "False"
    assert notebook.run(OPEN) == "True"
    expect(dashboard.get_by_role("progressbar")).to_have_count(0)
    assert notebook.run("len(dash.results), dash.results.complete") == "(5, True)"


def test_a_clicked_layer_jumps_the_queue(open_shared: OpenNotebook) -> None:
    notebook = open_shared(GATED)
    notebook.run_all()
    dashboard = notebook.dashboard(finished=False)
    dashboard.get_by_role("grid").get_by_title("layers.4.mlp.up_proj").click()
    expect(dashboard.get_by_role("region", name="Weight distribution")).to_contain_text("This layer is next")
    assert notebook.run("dash.selected") == "'layers.4.mlp.up_proj'"
    notebook.run("gate.release(3)")
    # The first layer was being read already; the clicked one follows, its spectrum too, before any other.
    expect(dashboard.locator("svg.wsw-spectrum path.wsw-line")).to_be_visible()
    assert notebook.run("[name.split('.')[1] for name in read]") == "['0', '4', '4']"
    notebook.run(OPEN)


def test_cancel_keeps_what_was_computed(open_shared: OpenNotebook) -> None:
    notebook = open_shared(GATED)
    notebook.run_all()
    dashboard = notebook.dashboard(finished=False)
    notebook.run("gate.release(2)")
    expect(dashboard.get_by_role("progressbar", name="Measuring weights: 2 of 5 layers")).to_be_visible()
    dashboard.get_by_role("button", name="Cancel").click()
    expect(dashboard.get_by_role("button", name="Cancelling…")).to_be_disabled()
    notebook.run(OPEN)
    expect(dashboard.locator(".wsw-progress")).to_contain_text("Scan not finished: 0 of 5 layers")
    assert notebook.run("len(dash.results)") == "3"


def test_arrow_keys_walk_the_layers_wherever_the_focus_is(open_shared: OpenNotebook) -> None:
    notebook = open_shared(PLAIN)
    notebook.run_all()
    dashboard = notebook.dashboard()
    selected = dashboard.locator(".wsw-row[aria-selected=true]")
    rows = [row.get_attribute("title") for row in dashboard.locator(".wsw-row").all()]

    dashboard.locator(".wsw-risk-matrix").get_by_role("application").focus()
    notebook.page.keyboard.press("ArrowRight")
    notebook.page.keyboard.press("ArrowRight")
    expect(selected).to_have_attribute("title", rows[1] or "")
    notebook.page.keyboard.press("End")
    expect(selected).to_have_attribute("title", rows[-1] or "")

    selected.focus()
    notebook.page.keyboard.press("ArrowUp")
    expect(selected).to_have_attribute("title", rows[-2] or "")
    expect(selected).to_be_focused()
    notebook.page.keyboard.press("Escape")
    expect(selected).to_have_count(0)
    # The notebook itself did not take any of these keys.
    assert notebook.page.evaluate("window.jupyterapp.shell.currentWidget.content.widgets.length") == 1


def test_names_from_a_checkpoint_stay_text(open_shared: OpenNotebook) -> None:
    notebook = open_shared(PLAIN)
    notebook.run_all()
    dashboard = notebook.dashboard()
    dashboard.get_by_role("searchbox").fill("onerror")
    dashboard.locator(".wsw-row").click()
    expect(dashboard.locator(".wsw-full-name")).to_contain_text("<img src=x")
    assert dashboard.locator("img").count() == 0
    assert notebook.page.evaluate("window.hacked") is None


def test_a_layer_without_numbers_says_why(open_shared: OpenNotebook) -> None:
    notebook = open_shared(PLAIN)
    notebook.run_all()
    dashboard = notebook.dashboard()
    cases = [
        ("model.layers.2.mlp.up_proj", "NaN or infinite values have no singular values", "Critical"),
        ("model.layers.3.mlp.up_proj", "8 values at zero not drawn", "—"),
        ("model.layers.4.mlp.up_proj", "analysis of this layer failed", "Failed"),
    ]
    for layer, singular_values, grade in cases:
        notebook.run(f"dash.selected = {layer!r}")
        expect(dashboard.get_by_role("region", name="Singular values")).to_contain_text(singular_values)
        expect(dashboard.locator(".wsw-row[aria-selected=true] [data-column=grade]")).to_have_text(grade)
    expect(dashboard.get_by_role("alert")).to_contain_text("meta device")


def test_it_follows_the_theme(open_shared: OpenNotebook) -> None:
    notebook = open_shared(PLAIN)
    notebook.run_all()
    dashboard = notebook.dashboard()
    expect(dashboard).to_have_css("background-color", "rgb(255, 255, 255)")
    notebook.change_theme("JupyterLab Dark")
    expect(dashboard).to_have_attribute("data-scheme", "dark")
    expect(dashboard).to_have_css("background-color", "rgb(21, 23, 26)")
    notebook.change_theme("JupyterLab Light")
    expect(dashboard).to_have_attribute("data-scheme", "light")


# Parts that reach beyond the dashboard, and how far the table must be scrolled sideways.
STICKING_OUT = """(element) => {
    const { right } = element.getBoundingClientRect();
    const parts = [...element.querySelectorAll("*")].filter(
        // What the browser passes over, being out of sight, is laid out when it comes into view.
        (part) => !part.closest(".wsw-hidden, .wsw-chips") && part.checkVisibility({ contentVisibilityAuto: true }),
    );
    const grid = element.querySelector(".wsw-grid-scroller");
    const beyond = parts.filter((part) => part.getBoundingClientRect().right > right + 1);
    return [beyond.map((part) => part.className || part.tagName), grid.scrollWidth - grid.clientWidth];
}"""


def test_nothing_sticks_out_at_any_width(open_shared: OpenNotebook) -> None:
    notebook = open_shared(PLAIN)
    notebook.run_all()
    dashboard = notebook.dashboard()
    notebook.run("dash.selected = 'model.layers.1.self_attn.q_proj'")
    for width in (480, 600, 720, 959, 960, 1220, 1479, 1480, 1600):
        dashboard.evaluate("(element, width) => { element.parentElement.style.width = `${width}px` }", width)
        expect(dashboard).to_have_css("width", f"{width}px")
        expect(dashboard.locator("svg.wsw-spectrum path.wsw-line")).to_be_visible()
        for panel in dashboard.locator(".wsw-panel").all():
            panel.scroll_into_view_if_needed()
            expect(panel.get_by_role("heading").first).to_be_visible()
            assert dashboard.evaluate(STICKING_OUT) == [[], 0], width


def test_a_reloaded_page_draws_what_the_kernel_knows(open_notebook: OpenNotebook, page: Page) -> None:
    notebook = open_notebook(PLAIN)
    notebook.run_all()
    notebook.dashboard()
    notebook.run("dash.selected = 'model.layers.1.self_attn.q_proj'")
    notebook.command("docmanager:save")
    page.reload()
    notebook.wait_until_ready()
    dashboard = notebook.dashboard()
    expect(dashboard.locator(".wsw-row[aria-selected=true]")).to_have_attribute(
        "title", "model.layers.1.self_attn.q_proj"
    )
    expect(dashboard.locator("svg.wsw-spectrum path.wsw-line")).to_be_visible()
