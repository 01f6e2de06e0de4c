"""The single figures in JupyterLab: seen, clicked, linked with the dashboard both ways, in both themes."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.board import Board
from tests.browser.conftest import OpenNotebook
from weightscope_widget.visualizers.palette import PALETTES
from weightscope_widget.visualizers.render.style import STYLE

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
POINTS = "[mark for mark in figure.content.charts['risk'].marks if type(mark).__name__ == 'Points'][-1]"
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


def circles(figure: Locator) -> list[Locator]:
    """Return the nine points of the risk figure, in its order; a ring around one that another hides comes before."""
    dots = figure.locator("path.dot")
    expect(dots).to_have_count(10)
    return dots.all()[1:]


def tooltip(page: Page) -> Locator:
    """Return the tooltip that is seen."""
    return page.locator(".bqplot_mark_tooltip").filter(visible=True)


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
    circles(risk)
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
    circles(figure)[8].click()
    layer = notebook.run(f"{POINTS}.layers[8]")
    says(notebook, "dash.selected", layer)
    dashboard = notebook.dashboard()
    expect(dashboard.locator(".wsw-distribution .wsw-aside")).to_contain_text(
        layer.strip("'").removeprefix("transformer.").replace("h.", "h", 1)
    )
    # And back: a click in the dashboard's table.
    board = Board(notebook.page, dashboard, notebook)
    board.row("transformer.h.1.mlp.c_fc").click()
    says(notebook, "figure.selected", "'transformer.h.1.mlp.c_fc'")
    index = int(notebook.run(f"{POINTS}.layers.index(figure.selected)"))
    chosen = circles(figure)[index]
    chosen.scroll_into_view_if_needed()
    expect(chosen).to_have_css("stroke-width", "2px")


def test_a_tooltip_names_the_layer_and_its_numbers(open_shared: OpenNotebook) -> None:
    notebook = open_shared(MODEL, "figure = wsw.plot_quantization_risk_matrix(results)\nfigure")
    notebook.run_all()
    (figure,) = figures(notebook.page, 1)
    circles(figure)[8].hover()
    expected = notebook.run(f"print({POINTS}.hints[8])")
    expect(tooltip(notebook.page)).to_have_text(expected)


def test_tooltips_of_bars_say_what_is_infinite(open_shared: OpenNotebook) -> None:
    notebook = open_shared(
        MODEL,
        "state['transformer.h.1.attn.c_proj.weight'][:, 0] = state['transformer.h.1.attn.c_proj.weight'][:, 1]\n"
        "results = wsw.scan(state, progress=False)",
        "figure = wsw.plot_condition_number_heatmap(results)\nfigure",
        "health = wsw.plot_model_health_dashboard(results)\nhealth",
    )
    notebook.run_all()
    condition, health = figures(notebook.page, 2)
    bar = condition.locator("rect.bar").first
    bar.hover()
    expect(tooltip(notebook.page)).to_have_text("h1.attn.c_proj: κ = ∞")
    expect(bar).to_have_css("cursor", "pointer")
    # The last bin of the first histogram has it, and is no layer to be clicked.
    bar = health.locator(".bqplot.figure").first.locator("rect.bar").last
    bar.hover()
    expect(tooltip(notebook.page)).to_have_text(re.compile("^1 layer.* at ∞$"))
    expect(bar).to_have_css("cursor", "default")


def test_bins_lie_between_their_edges(open_shared: OpenNotebook) -> None:
    notebook = open_shared(MODEL, "figure = wsw.plot_model_health_dashboard(results)\nfigure")
    notebook.run_all()
    (figure,) = figures(notebook.page, 1)
    rank = figure.locator(".bqplot.figure").nth(2)  # twenty bins from 0 to 100
    expect(rank.locator("rect.bar")).to_have_count(20)
    ticks = dict(
        rank.locator(".tick").evaluate_all(
            "ticks => ticks.map(t => [t.textContent, t.querySelector('line').getBoundingClientRect().x])"
        )
    )
    bars = rank.locator("rect.bar").evaluate_all(
        "bars => bars.map(b => b.getBoundingClientRect()).map(b => [b.left, b.right])"
    )
    edges = np.linspace(ticks["20"] - (ticks["100"] - ticks["20"]) / 4, ticks["100"], 21)
    assert np.array(bars)[:, 0] == pytest.approx(edges[:-1], abs=1.5)
    assert np.array(bars)[:, 1] == pytest.approx(edges[1:], abs=1.5)


def test_a_figure_that_is_closed_goes_away(open_shared: OpenNotebook) -> None:
    notebook = open_shared(MODEL, "figure = wsw.plot_rank_efficiency(results)\nfigure")
    notebook.run_all()
    figures(notebook.page, 1)
    notebook.run("figure.close()")
    expect(notebook.page.locator(".wsw-figure")).to_have_count(0)


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
    notebook.change_theme("JupyterLab Dark")
    expect(follows.locator("rect.bar").first).not_to_have_css("fill", light[follows])
    expect(stays.locator("rect.bar").first).to_have_css("fill", light[stays])
    notebook.change_theme("JupyterLab Light")


def cells_of(figure: Locator) -> np.ndarray:
    """Return the colours of a heatmap of one row and three columns: (3, 3), red, green, blue."""
    with Image.open(io.BytesIO(figure.locator("image.heatmap").screenshot())) as image:
        pixels = np.asarray(image.convert("RGB"), dtype=int)
    height, width, _ = pixels.shape
    return pixels[height // 2, [width // 6, width // 2, 5 * width // 6]]


def test_a_heatmap_follows_the_notebook_s_theme(open_shared: OpenNotebook) -> None:
    notebook = open_shared(
        "import numpy as np, weightscope_widget as wsw\nmatrix = np.array([[-1.0, 0.0, 1.0]])",
        *(f"wsw.plot_weight_heatmap(matrix, theme={theme!r})" for theme in ("auto", "light", "dark")),
    )
    notebook.run_all()
    follows, light, dark = figures(notebook.page, 3)
    for figure in (follows, light, dark):
        expect(figure.locator("image.heatmap")).to_have_attribute("href", re.compile("^data:image/png"))
    assert np.abs(cells_of(follows) - [[0x1F, 0x77, 0xB4], [255, 255, 255], [0xD6, 0x27, 0x28]]).max() <= 2
    notebook.change_theme("JupyterLab Dark")
    expect(follows.locator("image.heatmap")).not_to_have_css("filter", "none")
    # Zero is as dark as the page, and what was blue and red still is.
    negative, zero, positive = cells_of(follows)
    assert zero.max() < 32
    assert np.abs(negative - [0x5A, 0xA9, 0xE6]).max() < 40
    assert np.abs(positive - [0xFF, 0x6B, 0x6B]).max() < 40
    assert np.abs(cells_of(dark) - cells_of(follows)).max() <= 2
    assert cells_of(light)[1].min() >= 253
    notebook.change_theme("JupyterLab Light")


@pytest.mark.parametrize(
    ("body", "prefers", "scheme"),
    [
        ("", "light", "light"),
        ("", "dark", "dark"),
        ('data-jp-theme-light="true"', "dark", "light"),
        ('data-jp-theme-light="false"', "light", "dark"),
        ('class="vscode-dark"', "light", "dark"),
        ('class="vscode-light"', "dark", "light"),
        ('class="vscode-high-contrast"', "light", "dark"),
        ('class="vscode-high-contrast vscode-high-contrast-light"', "dark", "light"),
    ],
)
def test_the_theme_is_what_the_page_or_the_browser_says(page: Page, body: str, prefers: str, scheme: str) -> None:
    page.emulate_media(color_scheme=prefers)  # type: ignore[arg-type]
    page.set_content(f'<body {body}>{STYLE}<div class="wsw-figure"></div></body>')
    ground = page.locator(".wsw-figure").evaluate("it => getComputedStyle(it).getPropertyValue('--wsw-ground')")
    assert ground == PALETTES[scheme]["ground"]  # type: ignore[index]
