"""One window of JupyterLab and one kernel for many tests: each opens a notebook there, and clears it away."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.browser.lab import Lab
from tests.browser.notebook import Notebook

# What a test made goes with it: its widgets, and with them their scans; then its names.
CLEAR = "import ipywidgets; ipywidgets.Widget.close_all(); get_ipython().run_line_magic('reset', '-f')"


class Desk:
    """A window in which JupyterLab has been loaded, and the kernel of every notebook that is opened in it."""

    def __init__(self, page: Page, lab: Lab) -> None:
        self.page = page
        page.goto(lab.empty())
        page.wait_for_function("window.jupyterapp?.restored")
        self._kernel: str = page.evaluate(
            """async () => {
                const { restored, serviceManager } = window.jupyterapp;
                await restored;
                const connection = await serviceManager.kernels.startNew({ name: "python3" });
                connection.dispose(); // widgets speak to the first connection there is: a notebook's
                return connection.id;
            }"""
        )

    def open(self, path: str) -> Notebook:
        """Open a notebook of the server's root folder."""
        self.page.evaluate(
            """async ([path, id]) => {
                await window.jupyterapp.commands.execute(
                    "docmanager:open", { path, factory: "Notebook", kernel: { id } }
                );
            }""",
            [path, self._kernel],
        )
        notebook = Notebook(self.page)
        notebook.wait_until_ready()
        return notebook

    def clear(self, notebook: Notebook) -> None:
        """Take away a notebook and all that it left in the kernel; nothing asks whether to save."""
        notebook.run(CLEAR)
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.dispose()")
