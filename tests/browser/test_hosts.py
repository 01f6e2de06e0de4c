"""Every host that the README calls tested: the dashboard is drawn, a click updates it, and Python hears of it."""

from __future__ import annotations

import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Page, expect

import weightscope_widget as wsw
from tests.browser.conftest import OpenNotebook
from tests.browser.server import free_port, own_folders, running

LAYER = "transformer.h.3.mlp.c_fc"
SHOW = """
import ipywidgets, weightscope_widget as wsw
dash = wsw.show(wsw.demo_model(), cache=False)
dash.wait(60)
dash
"""
LINKED = """
figure = wsw.plot_quantization_risk_matrix(dash.results)
ipywidgets.link((dash, "selected"), (figure, "selected"))
said = ipywidgets.Label("Python: nothing yet")
dash.observe(lambda change: setattr(said, "value", f"Python: {change['new']}"), "selected")
ipywidgets.VBox([figure, said])
"""
AGAIN = """
import marimo
app = marimo.App()

@app.cell
def _():
    import marimo as mo
    import weightscope_widget as wsw
    made = []
    again = mo.ui.button(label="again", value=0, on_click=lambda value: value + 1)
    again
    return again, made, mo, wsw

@app.cell
def _(again, made, mo, wsw):
    dash = wsw.show(wsw.demo_model(), cache=False)
    made.append(dash)
    view = mo.ui.anywidget(dash)
    mo.vstack([view, mo.md(f"Run {again.value}: {sum(each.comm is not None for each in made)} open")])
    return (view,)

@app.cell
def _(mo, view):
    mo.md(f"Selected: {view.value['selected']}")
    return

if __name__ == "__main__":
    app.run()
"""
MARIMO = """
import marimo
app = marimo.App()

@app.cell
def _():
    import marimo as mo
    import weightscope_widget as wsw
    dash = wsw.show(wsw.demo_model(), cache=False)
    dash.wait(60)
    view = mo.ui.anywidget(dash)
    view
    return dash, mo, view, wsw

@app.cell
def _(dash, mo, view):
    mo.md(f"Python: {view.value['selected']}, {dash.selected}")
    return

@app.cell
def _(dash, wsw):
    wsw.plot_quantization_risk_matrix(dash.results)
    return

if __name__ == "__main__":
    app.run()
"""


@pytest.fixture(scope="module")
def spectrum() -> list[float]:
    return list(wsw.scan(wsw.demo_model(), progress=False).singular_values(LAYER))


def notebook_file(folder: Path) -> Path:
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in (SHOW, LINKED)])
    book.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(book, folder / "host.ipynb")
    return folder / "host.ipynb"


def explored(page: Page, spectrum: list[float], *, said: str = f"Python: {LAYER}") -> None:
    """Click a layer of the table as a person does, and see what follows in the page and in Python."""
    dashboard = page.locator(".wsw-dashboard").first
    dashboard.get_by_role("searchbox").fill(LAYER)
    dashboard.get_by_role("grid").get_by_title(LAYER, exact=True).click()
    expect(dashboard.locator(".wsw-distribution .wsw-aside")).to_have_text("h3.mlp.c_fc")
    figure = dashboard.locator(".wsw-singular-values figure")
    # Four digits of σ₁, which only the kernel knew.
    known = f"Singular values of h3.mlp.c_fc: 128, from {spectrum[0]:.3f} down to"
    expect(figure).to_have_attribute("aria-label", re.compile(re.escape(known)))
    expect(page.get_by_text(said).first).to_be_visible()


def clicked(page: Page) -> None:
    """Click a mark of the bqplot figure, and see the dashboard and Python follow."""
    marks = page.locator(".wsw-figure path.dot")
    expect(marks.nth(25)).to_be_attached()  # there are 26 layers
    mark = marks.last
    mark.scroll_into_view_if_needed()
    mark.click()
    expect(page.get_by_text(re.compile(r"^Python: transformer\.")).first).not_to_have_text(f"Python: {LAYER}")
    chosen = page.get_by_text(re.compile(r"^Python: transformer\.")).first.inner_text().removeprefix("Python: ")
    row = page.locator(f".wsw-dashboard .wsw-row[title='{chosen}']").first
    page.locator(".wsw-dashboard").first.get_by_role("searchbox").fill(chosen)
    expect(row).to_have_attribute("aria-selected", "true")


def test_jupyterlab(open_notebook: OpenNotebook, spectrum: list[float]) -> None:
    notebook = open_notebook(SHOW, LINKED)
    notebook.run_all()
    explored(notebook.page, spectrum)
    clicked(notebook.page)


# The indicator says idle before there is a kernel, too; then running cells does nothing, or asks which one.
READY = """() => {
    const [name, indicator, status] = [
        ".jp-Toolbar-kernelName", ".jp-Notebook-ExecutionIndicator", ".jp-NotebookKernelStatus-fade",
    ].map((each) => document.querySelector(each));
    return name?.textContent.includes("Python 3") && indicator?.dataset.status === "idle" && status !== null;
}"""


@contextmanager
def notebook7(root: Path, home: Path) -> Iterator[str]:
    token, port = secrets.token_hex(16), free_port()
    command = [
        *(sys.executable, "-m", "notebook", "--no-browser", "--allow-root", f"--ServerApp.root_dir={root}"),
        *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
        f"--IdentityProvider.token={token}",
    ]
    url = f"http://127.0.0.1:{port}"
    with running(command, f"{url}/api", home, own_folders(home)):
        yield f"{url}/notebooks/host.ipynb?token={token}"


def test_notebook_7(page: Page, tmp_path: Path, spectrum: list[float]) -> None:
    notebook_file(tmp_path)
    with notebook7(tmp_path, tmp_path) as address:
        page.goto(address)
        page.wait_for_function(READY)
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        explored(page, spectrum)
        clicked(page)


def test_voila(page: Page, tmp_path: Path, spectrum: list[float]) -> None:
    port = free_port()
    command = [
        *(sys.executable, "-m", "voila", str(notebook_file(tmp_path)), "--no-browser", f"--port={port}"),
        *("--Voila.ip=127.0.0.1", "--Voila.log_level=WARN"),
    ]
    url = f"http://127.0.0.1:{port}"
    with running(command, f"{url}/voila/static/", tmp_path, own_folders(tmp_path)):
        page.goto(url)
        explored(page, spectrum)
        clicked(page)


@contextmanager
def marimo(app: str, home: Path) -> Iterator[str]:
    (home / "host.py").write_text(app)
    port = free_port()
    command = [
        *(sys.executable, "-m", "marimo", "run", str(home / "host.py"), "--headless", "--no-token"),
        *("--host=127.0.0.1", f"--port={port}"),
    ]
    url = f"http://127.0.0.1:{port}"
    with running(command, f"{url}/health", home, {"HOME": str(home)}):
        yield url


def test_marimo(page: Page, tmp_path: Path, spectrum: list[float]) -> None:
    with marimo(MARIMO, tmp_path) as address:
        page.goto(address)
        explored(page, spectrum, said=f"Python: {LAYER}, {LAYER}")
        # What the README says of figures there: marimo draws none, and says so.
        expect(page.get_by_text("Jupyter widgets are not supported in marimo")).to_be_visible()
        expect(page.locator(".bqplot")).to_have_count(0)


def test_a_cell_of_marimo_that_is_run_again_leaves_nothing_behind(browser: Browser, tmp_path: Path) -> None:
    with marimo(AGAIN, tmp_path) as address:
        # Two people look at one app: what one of them does closes nothing of the other's.
        first, second = browser.new_page(), browser.new_page()
        for page in (first, second):
            page.goto(address)
            expect(page.get_by_text("Run 0: 1 open")).to_be_visible()
        for run in (1, 2):
            first.get_by_role("button", name="again").click()
            expect(first.get_by_text(f"Run {run}: 1 open")).to_be_visible()
        expect(first.locator(".wsw-dashboard")).to_have_count(1)
        dashboard = second.locator(".wsw-dashboard")
        dashboard.get_by_role("searchbox").fill(LAYER)
        dashboard.get_by_role("grid").get_by_title(LAYER, exact=True).click()
        expect(second.get_by_text(f"Selected: {LAYER}")).to_be_visible()
        for page in (first, second):
            page.close()
