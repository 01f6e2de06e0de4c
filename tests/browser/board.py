"""The dashboard on a page, wherever that is: in JupyterLab with its kernel, or in a saved file without one."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import FloatRect, Locator, Page, expect

from tests.browser.notebook import Notebook


class Board:
    """One dashboard.

    Attributes
    ----------
    root : Locator
        All of it.
    notebook : Notebook or None
        What it is in; None for a saved file.
    """

    def __init__(self, page: Page, root: Locator, notebook: Notebook | None) -> None:
        self.page, self.root, self.notebook = page, root, notebook

    def panel(self, name: str) -> Locator:
        """Return a panel, in view."""
        panel = self.root.get_by_role("region", name=name, exact=True).first
        panel.scroll_into_view_if_needed()
        return panel

    def surface(self, panel: Locator) -> tuple[Locator, FloatRect]:
        """Return what takes the pointer in a chart, in view, and where that is."""
        surface = panel.locator(".wsw-surface").first
        surface.scroll_into_view_if_needed()
        box = surface.bounding_box()
        assert box is not None
        return surface, box

    def drag(self, start: tuple[float, float], *stops: tuple[float, float]) -> None:
        """Press at one place of the page, move over others, release."""
        self.page.mouse.move(*start)
        self.page.mouse.down()
        for stop in stops:
            self.page.mouse.move(*stop, steps=5)
        self.page.mouse.up()

    def row(self, name: str) -> Locator:
        """Return a layer's row of the table, brought into view by the search."""
        self.search(name)
        return self.root.get_by_role("grid").get_by_title(name, exact=True)

    def search(self, words: str) -> None:
        """Type into the search field."""
        self.root.get_by_role("searchbox").fill(words)

    def select(self, name: str) -> None:
        """Select a layer by its row, with nothing narrowed before and after."""
        self.row(name).click()
        self.search("")
        expect(self.root.locator(".wsw-distribution .wsw-aside")).not_to_be_empty()

    def left(self) -> int:
        """Return how many layers the table says are left."""
        aside = self.root.locator(".wsw-table .wsw-aside")
        expect(aside).to_have_text(re.compile(r"\d"))
        words = aside.inner_text().replace(",", "").split()
        return int(words[0])

    def python(self, code: str) -> str | None:
        """Run code where there is a kernel, and return what it said."""
        return None if self.notebook is None else self.notebook.run(code)

    def python_says(self, code: str, expected: str) -> None:
        """Wait until code gives what is expected: what the page sets is on its way for a moment."""
        said = None
        for _ in range(100):
            if (said := self.python(code)) == expected:
                return
        raise AssertionError(f"{code} is {said}, not {expected}")

    def saves(self, press: Callable[[], None]) -> tuple[str, bytes]:
        """Do what saves a file; return the name it suggests and its contents."""
        with self.page.expect_download() as download:
            press()
        return download.value.suggested_filename, download.value.path().read_bytes()
