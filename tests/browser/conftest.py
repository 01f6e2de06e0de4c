"""A real JupyterLab in a real Chromium; where there is no browser, these tests say so."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from playwright.sync_api import Browser, ConsoleMessage, Error, Page, expect, sync_playwright  # noqa: E402

from tests.browser.desk import Desk  # noqa: E402
from tests.browser.lab import Lab, running_lab  # noqa: E402
from tests.browser.notebook import Cell, Notebook  # noqa: E402

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


def new_page(browser: Browser) -> Page:
    context = browser.new_context(viewport={"width": 1400, "height": 1300}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(60_000)
    return page


@contextmanager
def without_errors(page: Page) -> Iterator[None]:
    """Fail on any error that the dashboard's module throws in the block."""
    problems: list[str] = []

    def thrown(error: Error) -> None:
        problems.append(str(error))

    def logged(message: ConsoleMessage) -> None:
        if message.type == "error":
            problems.append(message.text)

    page.on("pageerror", thrown)
    page.on("console", logged)
    yield
    page.remove_listener("pageerror", thrown)
    page.remove_listener("console", logged)
    ours = [problem for problem in problems if "blob:" in problem or "anywidget" in problem or "wsw" in problem]
    assert not ours, ours


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails its test on any error that the dashboard's module throws."""
    page = new_page(browser)
    with without_errors(page):
        yield page
        page.context.close()


@pytest.fixture
def offline(browser: Browser) -> Iterator[Page]:
    """A page without a network that fails its test where it asks for one, or its policy is broken."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, reduced_motion="reduce")
    context.set_offline(True)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: message.type in ("error", "warning") and problems.append(message.text))
    page.on("request", lambda asked: asked.url.startswith(("file:", "blob:", "data:")) or problems.append(asked.url))
    yield page
    context.close()
    assert problems == []


OpenNotebook = Callable[..., Notebook]


def cells_of(sources: tuple[str, ...], copy_of: Path | None) -> list[Cell]:
    if copy_of is None:
        return [nbformat.v4.new_code_cell(source) for source in sources]
    return list(nbformat.read(copy_of, 4).cells)


def written(lab: Lab, name: str, cells: list[Cell]) -> str:
    """Write a notebook where the server has it; return its address."""
    path = lab.root / f"{name.replace('[', '-').replace(']', '')}-{secrets.token_hex(2)}.ipynb"
    book = nbformat.v4.new_notebook(cells=cells)
    book.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(book, path)
    return lab.notebook(path.name)


@pytest.fixture
def open_notebook(lab: Lab, page: Page, request: pytest.FixtureRequest) -> Iterator[OpenNotebook]:
    """Open a notebook in a window and with a kernel of its own, which ends with the test."""
    opened: list[Notebook] = []

    def open_(*cells: str, copy_of: Path | None = None) -> Notebook:
        opened.append(Notebook.at(page, written(lab, request.node.name, cells_of(cells, copy_of))))
        return opened[-1]

    yield open_
    for notebook in opened:
        notebook.shut_down()


@pytest.fixture(scope="session")
def desk(browser: Browser, lab: Lab) -> Iterator[Desk]:
    page = new_page(browser)
    yield Desk(page, written(lab, "desk", []))
    page.context.close()


@pytest.fixture
def open_shared(desk: Desk) -> Iterator[OpenNotebook]:
    """Open a notebook in the window and with the kernel that tests share: seconds sooner."""
    with without_errors(desk.page):
        yield lambda *cells, copy_of=None: desk.put(cells_of(cells, copy_of))
        desk.clear()
