"""One notebook that many tests use in turn, with its window and its kernel: each puts cells of its own into it."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.browser.notebook import Cell, Notebook

# What a test made goes with it: its widgets, and with them their scans; then its names.
CLEAR = "import ipywidgets; ipywidgets.Widget.close_all(); get_ipython().run_line_magic('reset', '-f')"


class Desk:
    """A notebook at an address.

    It stays open: JupyterLab gives widgets a subshell per connection to a kernel, and connections that come and go on
    one kernel now and then take each other's away ("Unknown subshell_id").
    """

    def __init__(self, page: Page, url: str) -> None:
        self._notebook = Notebook.at(page, url)
        self.page = page

    def put(self, cells: list[Cell]) -> Notebook:
        """Put cells in place of what there is."""
        self.page.evaluate(
            """(cells) => {
                const { sharedModel } = window.jupyterapp.shell.currentWidget.content.model;
                sharedModel.transact(() => {
                    sharedModel.deleteCellRange(0, sharedModel.cells.length);
                    sharedModel.insertCells(0, cells);
                });
            }""",
            cells,
        )
        return self._notebook

    def clear(self) -> None:
        """Take away what the cells left in the kernel."""
        self._notebook.run(CLEAR)
