"""A notebook open in JupyterLab, driven through the application's own commands."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page

Cell = dict[str, Any]
"""A cell as a notebook file has it."""


class Notebook:
    """The notebook that is in front on a page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @classmethod
    def at(cls, page: Page, url: str) -> Notebook:
        """Go to the address of a notebook."""
        notebook = cls(page)
        page.goto(url)
        notebook.wait_until_ready()
        return notebook

    def wait_until_ready(self) -> None:
        """Wait for the notebook and its kernel."""
        self.page.wait_for_function("window.jupyterapp?.shell.currentWidget?.content?.model")
        self.page.evaluate(
            """async () => {
                const { shell } = window.jupyterapp;
                shell.collapseLeft();
                await shell.currentWidget.context.ready;
                await shell.currentWidget.sessionContext.ready;
            }"""
        )

    def run_all(self) -> None:
        """Run every cell; returns when the last one has finished."""
        self.command("notebook:run-all-cells")

    def command(self, name: str, **arguments: object) -> None:
        """Execute a command of the application and wait for it."""
        self.page.evaluate(
            "async ([name, args]) => { await window.jupyterapp.commands.execute(name, args) }", [name, arguments]
        )

    def change_theme(self, name: str) -> None:
        """Change the application's theme and wait until what it covers the page with meanwhile is gone."""
        self.command("apputils:change-theme", theme=name)
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")

    def run(self, code: str) -> str:
        """Run code in a new last cell; return what it printed or its value's text."""
        outputs = self.page.evaluate(
            """async (code) => {
                const { commands, shell } = window.jupyterapp;
                const notebook = shell.currentWidget.content;
                notebook.activeCellIndex = notebook.widgets.length - 1;
                await commands.execute("notebook:insert-cell-below");
                const cell = notebook.activeCell;
                cell.model.sharedModel.setSource(code);
                await commands.execute("notebook:run-cell");
                return cell.model.outputs.toJSON();
            }""",
            code,
        )
        errors = [output["evalue"] for output in outputs if output["output_type"] == "error"]
        assert not errors, errors
        texts = [output.get("text") or output["data"].get("text/plain", "") for output in outputs]
        return "".join("".join(text) for text in texts).strip()

    def outputs(self) -> list[dict[str, Any]]:
        """Return what all cells put out, in order, as a notebook file has it."""
        found: list[dict[str, Any]] = self.page.evaluate(
            """() => window.jupyterapp.shell.currentWidget.content.widgets.flatMap(
                (cell) => (cell.model.type === "code" ? cell.model.outputs.toJSON() : []))"""
        )
        return found

    def dashboard(self, *, finished: bool = True) -> Locator:
        """Return the dashboard, in view; by default once its scan has ended."""
        dashboard = self.page.locator(".wsw-dashboard")
        dashboard.wait_for()
        if finished:
            dashboard.locator(".wsw-progress").wait_for(state="detached")
        dashboard.scroll_into_view_if_needed()
        return dashboard

    def shut_down(self) -> None:
        """End the kernel."""
        self.page.evaluate("async () => { await window.jupyterapp.shell.currentWidget.sessionContext.shutdown() }")
