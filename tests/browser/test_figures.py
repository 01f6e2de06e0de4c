"""The single figures in JupyterLab: seen, clicked, linked with the dashboard both ways, in both themes."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.browser.board import Board
from tests.browser.conftest import OpenNotebook

MODEL = """
import ipywidgets, numpy as np, torch, weightscope_widget as wsw
from IPython.display import display
draw = np.random.default_rng(8)
state = {}
for block in range(3):
    for kind, shape in {"attn.c_attn": (24, 72), "attn.c_proj": (24, 24), "mlp.c_fc": (24, 96)}.items():
        weight = draw.standard_normal(shape).astype("float32")
        weight[:: 5 + block, ::4] *= 10 * (block + 1)
        state[f"transformer.h.{block}.{kind}.weight"] = torch.from_numpy(weight)
results = wsw.scan(state, progress=False)
"""
LINKED = """
dash = wsw.show(results, height=900)
figure = wsw.plot_quantization_risk_matrix(results)
link = ipywidgets.link((dash, "selected"), (figure, "selected"))
display(figure, dash)
"""
EVERY = """
name = "transformer.h.2.attn.c_proj"
figures = [
    wsw.plot_condition_number_heatmap(results), wsw.plot_quantization_risk_matrix(results),
    wsw.plot_rank_efficiency(results), wsw.plot_model_health_dashboard(results),
    wsw.plot_weight_distribution(name, results), wsw.plot_singular_values(name, results),
    wsw.plot_weight_heatmap(state[name + ".weight"]),
]
display(*figures)
"""


def figures(page: Page, count: int) -> list[Locator]:
    """Return the figures of a page once all are drawn."""
    found = page.locator(".wsw-figure")
    expect(found).to_have_count(count)
    return found.all()


def says(notebook: object, code: str, expected: str) -> None:
    Board(None, None, notebook).python_says(code, expected)  # type: ignore[arg-type]


def test_every_figure_is_seen(open_shared: OpenNotebook) -> None:
    notebook = open_shared(MODEL, EVERY)
    notebook.run_all()
    condition, risk, rank, health, distribution, spectrum, heatmap = figures(notebook.page, 7)
    # One bar per layer, the longest at the top, in the order that Python gave.
    bars = condition.locator(".bargroup rect.bar")
    expect(bars).to_have_count(9)
    boxes = [box for bar in bars.all() if (box := bar.bounding_box()) is not None]
    widths = [box["width"] for box in sorted(boxes, key=lambda box: box["y"])]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > widths[-1] > 0
    labels = condition.locator(".tick text").all_text_contents()
    assert "h2.attn.c_proj" in labels
    expect(risk.locator("path.dot")).to_have_count(9)
    expect(rank.locator(".bargroup rect.bar")).to_have_count(9)
    expect(rank.locator("path.dot")).to_have_count(9)
    # The pies have a width.
    for figure in (rank, health):
        pie = figure.locator("path.slice").first
        box = pie.bounding_box()
        assert box is not None
        assert box["width"] > 60
    # Five histograms of twenty bins, and nine bars of risk.
    expect(health.locator(".bargroup rect.bar")).to_have_count(5 * 20 + 9)
    expect(distribution.locator(".bargroup rect.bar")).to_have_count(2 * 48)
    expect(spectrum.locator("path.dot")).to_have_count(10)
    box = heatmap.locator("image").first.bounding_box()
    assert box is not None
    assert box["width"] > 400


def test_bar_lengths_are_the_values(open_shared: OpenNotebook) -> None:
    notebook = open_shared(MODEL, "figure = wsw.plot_condition_number_heatmap(results)\nfigure")
    notebook.run_all()
    (figure,) = figures(notebook.page, 1)
    bars = figure.locator(".bargroup rect.bar")
    expect(bars).to_have_count(9)
    drawn = [float(bar.get_attribute("width") or 0) for bar in bars.all()]
    values = [
        float(value)
        for value in notebook.run("*figure.charts['condition_number'].marks[0].y.tolist(),").strip("()").split(",")
    ]
    scale = drawn[0] / values[0]
    assert all(abs(width - scale * value) < 0.01 * drawn[0] for width, value in zip(drawn, values, strict=True))


def test_a_click_selects_in_the_dashboard_and_back(open_shared: OpenNotebook) -> None:
    notebook = open_shared(MODEL, LINKED)
    notebook.run_all()
    (figure,) = figures(notebook.page, 1)
    points = figure.locator("path.dot")
    expect(points).to_have_count(9)
    last = points.nth(8)
    last.click()
    layer = notebook.run("figure.content.charts['risk'].marks[3].layers[8]")
    says(notebook, "dash.selected", layer)
    dashboard = notebook.dashboard()
    expect(dashboard.locator(".wsw-distribution .wsw-aside")).to_contain_text(
        layer.strip("'").removeprefix("transformer.").replace("h.", "h", 1)
    )
    # And back: a click in the dashboard's table.
    board = Board(notebook.page, dashboard, notebook)
    board.row("transformer.h.1.mlp.c_fc").click()
    says(notebook, "figure.selected", "'transformer.h.1.mlp.c_fc'")
    index = int(notebook.run("figure.content.charts['risk'].marks[3].layers.index(figure.selected)"))
    chosen = figure.locator("path.dot").nth(index)
    chosen.scroll_into_view_if_needed()
    expect(chosen).to_have_css("stroke-width", "2px")


def test_a_tooltip_names_the_layer_and_its_numbers(open_shared: OpenNotebook) -> None:
    notebook = open_shared(MODEL, "figure = wsw.plot_quantization_risk_matrix(results)\nfigure")
    notebook.run_all()
    (figure,) = figures(notebook.page, 1)
    figure.locator("path.dot").nth(8).hover()
    expected = notebook.run("print(figure.content.charts['risk'].marks[3].hints[8])")
    expect(notebook.page.locator(".bqplot_tooltip_div, .mark_tooltip").filter(has_text=expected).first).to_be_visible()


def test_colours_follow_the_notebook_s_theme(open_shared: OpenNotebook) -> None:
    notebook = open_shared(
        MODEL, "wsw.plot_condition_number_heatmap(results)", "wsw.plot_condition_number_heatmap(results, theme='light')"
    )
    notebook.run_all()
    follows, stays = figures(notebook.page, 2)
    light = {
        figure: figure.locator("rect.bar").first.evaluate("bar => getComputedStyle(bar).fill")
        for figure in (follows, stays)
    }
    notebook.command("apputils:change-theme", theme="JupyterLab Dark")
    expect(follows.locator("rect.bar").first).not_to_have_css("fill", light[follows])
    expect(stays.locator("rect.bar").first).to_have_css("fill", light[stays])
    notebook.command("apputils:change-theme", theme="JupyterLab Light")
