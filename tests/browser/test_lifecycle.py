"""What becomes of dashboards as notebooks are used: second views, re-runs, restarts, closed tabs, saved states."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.board import Board
from tests.browser.conftest import OpenNotebook

LAYER = "transformer.h.3.mlp.c_fc"
SHOW = """
import threading, ipywidgets, weightscope_widget as wsw
dash = wsw.show(wsw.demo_model(), cache=False)
dash.wait(60)
dash
"""
# A scan that waits for `opened` before it reads anything.
HELD = """
import threading, ipywidgets, weightscope_widget as wsw
from dataclasses import replace
from weightscope_widget.sources import open_source
opened = threading.Event()
source = open_source(wsw.demo_model())
layers = tuple(replace(each, load=lambda each=each: opened.wait() and each.load()) for each in source.layers)
dash = wsw.show(replace(source, layers=layers))
dash
"""
# All dashboards and figures that are open, and all threads that work.
LEFT = """
from weightscope_widget.dashboard.board import Board
from weightscope_widget.visualizers.render.bqplot import LiveFigure
sum(isinstance(each, (Board, LiveFigure)) for each in ipywidgets.widgets.widget._instances.values()), \
[each.name for each in threading.enumerate() if each.name.startswith("weightscope")]
"""
EVERY_WIDGET = "len(ipywidgets.widgets.widget._instances)"


def choose(dashboard: Locator, name: str) -> None:
    dashboard.get_by_role("searchbox").fill(name)
    dashboard.get_by_role("grid").get_by_title(name, exact=True).click()
    dashboard.get_by_role("searchbox").fill("")


def drawn(dashboard: Locator, label: str) -> None:
    """See what only the kernel knew of a layer."""
    about = re.compile(rf"^Singular values of {re.escape(label)}: 128")
    expect(dashboard.locator(".wsw-singular-values figure")).to_have_attribute("aria-label", about)


def test_two_views_are_one_dashboard(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(SHOW, "dash")
    notebook.run_all()
    expect(notebook.page.locator(".wsw-dashboard")).to_have_count(2)
    first, second = notebook.page.locator(".wsw-dashboard").all()
    choose(first, LAYER)
    drawn(second, "h3.mlp.c_fc")
    # One of them goes; the other stays alive.
    notebook.page.evaluate(
        """() => {
            const notebook = window.jupyterapp.shell.currentWidget.content;
            notebook.activeCellIndex = 0;
            return window.jupyterapp.commands.execute("notebook:clear-cell-output");
        }"""
    )
    expect(notebook.page.locator(".wsw-dashboard")).to_have_count(1)
    rest = notebook.page.locator(".wsw-dashboard")
    choose(rest, "transformer.h.1.mlp.c_proj")
    drawn(rest, "h1.mlp.c_proj")
    assert notebook.run("dash.selected") == "'transformer.h.1.mlp.c_proj'"


def test_a_cell_that_is_run_again_leaves_nothing_behind(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(SHOW, "dash", "wsw.plot_rank_efficiency(dash.results)")
    notebook.run_all()
    widgets = notebook.run(EVERY_WIDGET)
    for _ in range(2):
        notebook.run_all()
    assert notebook.run(LEFT) == "(2, [])"
    assert notebook.run(EVERY_WIDGET) == widgets
    expect(notebook.page.locator(".wsw-dashboard")).to_have_count(2)
    choose(notebook.page.locator(".wsw-dashboard").first, LAYER)
    drawn(notebook.page.locator(".wsw-dashboard").last, "h3.mlp.c_fc")
    # Two that one run makes are both wanted.
    assert notebook.run(
        "one, two = wsw.show(dash.results), wsw.show(dash.results); one.comm is None, two.comm is None"
    ) == ("(False, False)")


def test_no_view_of_what_was_replaced_stays(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(SHOW, "dash")
    notebook.run_all()
    expect(notebook.page.locator(".wsw-dashboard")).to_have_count(2)
    notebook.page.evaluate(
        """() => {
            window.jupyterapp.shell.currentWidget.content.activeCellIndex = 0;
            return window.jupyterapp.commands.execute("notebook:run-cell");
        }"""
    )
    # The view in the second cell was of the dashboard before; only the new one is there.
    expect(notebook.page.locator(".wsw-dashboard")).to_have_count(1)
    choose(notebook.page.locator(".wsw-dashboard"), LAYER)
    Board(notebook.page, notebook.page.locator(".wsw-dashboard"), notebook).python_says("dash.selected", repr(LAYER))


def test_a_scan_of_a_cell_that_is_run_again_goes_on_for_nobody(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(HELD)
    notebook.run_all()
    notebook.run("first = globals().get('first') or (dash, opened)")  # run again with all others, it keeps what it has
    notebook.run_all()
    # What was at hand is let go of; nothing after it is begun.
    assert notebook.run("first[1].set(); first[0].wait(30), first[0].comm is None, dash is first[0]") == (
        "(True, True, False)"
    )
    assert notebook.run("len(first[0].results) < len(first[0].results.layers)") == "True"
    assert notebook.run("dash.close(); opened.set(); dash.wait(30)") == "True"
    assert notebook.run(LEFT) == "(0, [])"


def test_after_a_restart_the_notebook_runs_as_before(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(SHOW)
    notebook.run_all()
    notebook.page.evaluate(
        "async () => { await window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart() }"
    )
    notebook.run_all()
    expect(notebook.page.locator(".wsw-dashboard")).to_have_count(1)
    choose(notebook.page.locator(".wsw-dashboard"), LAYER)
    drawn(notebook.page.locator(".wsw-dashboard"), "h3.mlp.c_fc")
    assert notebook.run(LEFT) == "(1, [])"
    assert notebook.run("dash.selected") == repr(LAYER)


def test_a_closed_tab_leaves_the_dashboard_and_its_scan_to_the_next_one(
    open_notebook: OpenNotebook, page: Page
) -> None:
    notebook = open_notebook(HELD)
    notebook.run_all()
    expect(page.locator(".wsw-progress")).to_be_visible()
    notebook.command("docmanager:save")
    address = page.url
    page.goto("about:blank")
    page.goto(address)
    notebook.wait_until_ready()
    dashboard = page.locator(".wsw-dashboard")
    expect(dashboard.locator(".wsw-progress")).to_be_visible()
    notebook.run("opened.set()")
    expect(dashboard.locator(".wsw-progress")).to_have_count(0)
    choose(dashboard, LAYER)
    drawn(dashboard, "h3.mlp.c_fc")
    assert notebook.run(LEFT) == "(1, [])"


def test_saved_with_its_state_it_is_there_without_the_kernel_that_made_it(
    open_notebook: OpenNotebook, page: Page
) -> None:
    notebook = open_notebook(SHOW)
    notebook.run_all()
    notebook.run(f"dash.selected = {LAYER!r}")
    drawn(page.locator(".wsw-dashboard"), "h3.mlp.c_fc")
    notebook.command("@jupyter-widgets/jupyterlab-manager:saveWidgetState")
    page.evaluate(
        """async () => {
            const { currentWidget } = window.jupyterapp.shell;
            await currentWidget.context.save();
            await currentWidget.sessionContext.shutdown();
        }"""
    )
    page.reload()
    notebook.wait_until_ready()
    dashboard = page.locator(".wsw-dashboard")
    expect(dashboard.locator(".wsw-model h2")).to_have_text("DemoModel")
    expect(dashboard.locator(".wsw-row")).not_to_have_count(0)
    expect(dashboard.locator(".wsw-chips")).to_have_text(re.compile("^Drag across a chart"))
    drawn(dashboard, "h3.mlp.c_fc")
    # Numbers and curves of all layers are in the state.
    choose(dashboard, "transformer.h.1.mlp.c_proj")
    kappa = dashboard.locator(".wsw-metrics tr[data-metric=condition_number] td").first
    expect(kappa).to_have_text("6.276")
    drawn(dashboard, "h1.mlp.c_proj")
    assert notebook.run("'dash' in globals()") == "False"
