"""A real JupyterLab in a real Chromium; where there is no browser, these tests say so."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from playwright.sync_api import Browser, Page, expect, sync_playwright  # noqa: E402

from tests.browser.lab import Lab, running_lab  # noqa: E402
from tests.browser.notebook import Notebook  # noqa: E402

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


# What is awaited comes when it comes: several browsers and kernels may share two cores.
expect.set_options(timeout=20_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is required here and was not found; install Debian's package 'chromium'.")
        pytest.skip("No Chromium was found, so the dashboard was not tried in a browser; install 'chromium' to do so.")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("home")) as lab:
        yield lab


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails its test on any error that the dashboard's module throws."""
    context = browser.new_context(viewport={"width": 1400, "height": 1300}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(60_000)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: message.type == "error" and problems.append(message.text))
    yield page
    context.close()
    ours = [problem for problem in problems if "blob:" in problem or "anywidget" in problem or "wsw" in problem]
    assert not ours, ours


OpenNotebook = Callable[..., Notebook]


@pytest.fixture
def open_notebook(lab: Lab, page: Page, request: pytest.FixtureRequest) -> Iterator[OpenNotebook]:
    """Open a notebook made of cells, or a copy of one of the project's; its kernel ends with the test."""
    opened: list[Notebook] = []

    def open_(*cells: str, copy_of: Path | None = None) -> Notebook:
        path = lab.root / f"{request.node.name.replace('[', '-').replace(']', '')}-{len(opened)}.ipynb"
        if copy_of is not None:
            shutil.copy(copy_of, path)
        else:
            book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
            book.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
            nbformat.write(book, path)
        notebook = Notebook(page, lab.notebook(path.name))
        opened.append(notebook)
        return notebook

    yield open_
    for notebook in opened:
        notebook.shut_down()
