"""What every dashboard is: a widget with the same traits and messages, whatever results it draws."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from typing import Any, Generic, TypeVar

import anywidget
import numpy as np
import traitlets

from weightscope_widget._shared.cell_rerun import retire_previous
from weightscope_widget.assessment import Thresholds
from weightscope_widget.dashboard.details import kept_details
from weightscope_widget.dashboard.plans import all_plans, plan_answer, ranks_answer
from weightscope_widget.dashboard.protocols import Put, Results, Table
from weightscope_widget.dashboard.saved_page import saved_page, write_page
from weightscope_widget.dashboard.tables.advice import AdviceTable
from weightscope_widget.data import LANGUAGES, read
from weightscope_widget.engine.background import BackgroundScan
from weightscope_widget.engine.runner import Progress, Run
from weightscope_widget.errors import FrontEndMissingError, InvalidArgumentError, UnknownLayerError
from weightscope_widget.scanning.results import ScanResults

__all__ = ["Board", "RefusedError", "front_end_source"]


_MOST_COMPARED = 6

# What a notebook that is saved with its widgets may hold of single layers; some hundred layers of a large model.
_MOST_KEPT = 2_000_000

_MOST_PLANS = 8  # answers kept: every scheme, and the ranks

# What a page without a kernel needs of the widget.
_PAGE_TRAITS = (
    *("selected", "compared", "selection", "checkpoint", "thresholds", "height", "theme", "language"),
    *("_board", "_texts", "_catalog", "_table", "_advice", "_plans", "_view"),
)


# Groups of messages that the page never shows.
_NOT_ON_THE_PAGE = ("figures", "report", "cli")

_Results = TypeVar("_Results", bound=Results)


def _collector(buffers: list[bytes]) -> Put:
    """Return what puts arrays among the buffers of a message, as little-endian float64."""

    def put(array: np.ndarray) -> int:
        buffers.append(np.ascontiguousarray(array, dtype="<f8").tobytes())
        return len(buffers) - 1

    return put


class _NoSuchLayerError(UnknownLayerError, traitlets.TraitError):
    """Of the kind for which traitlets takes a refused value back."""


class RefusedError(InvalidArgumentError, traitlets.TraitError):
    """A value of a trait that is refused for another reason."""


def _to_json(thresholds: Thresholds, _widget: object) -> dict[str, list[float]]:
    return {metric: list(levels) for metric, levels in asdict(thresholds).items()}


def _from_json(levels: dict[str, list[float]], _widget: object) -> Thresholds:
    try:
        return Thresholds(**{metric: tuple(some) for metric, some in levels.items()})
    except (InvalidArgumentError, TypeError, ValueError, AttributeError) as error:
        raise RefusedError(str(error)) from error


class Board(anywidget.AnyWidget, Generic[_Results]):
    """A linked dashboard of some results; subclasses say which numbers travel to the page.

    In a notebook that names its cells, running a cell again closes the dashboards that it made before.

    Parameters
    ----------
    results : Results
        What to draw, complete or being filled by `run`.
    run : Run, optional
        What fills them; started here, in the background.
    height : int, str or None
        Pixels, a CSS length, or None for as high as the contents.
    theme : {"auto", "light", "dark"}
        ``"auto"`` follows the notebook.
    language : {"auto", "en", "zh"}
        English or Chinese; ``"auto"`` follows the browser.
    """

    _esm = traitlets.Unicode().tag(sync=True)

    # What a person may read and set.
    selected = traitlets.Unicode(None, allow_none=True).tag(sync=True)
    """Name of the selected layer, or None.  Two-way: set it and the page follows, click and it changes."""

    compared = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """Names of the layers drawn beside each other, at most six.  Two-way.  The selected layer is one of them: a list
    without it selects its first layer, and a selected layer outside the list replaces the list."""

    selection = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """Names of the layers that the filters leave, empty where nothing narrows.  Two-way: set it and the page shows only
    these, as one filter in place of all others; set it to ``[]`` and all filters go."""

    thresholds = traitlets.Instance(Thresholds).tag(sync=True, to_json=_to_json, from_json=_from_json)
    """Where the classes begin, a `Thresholds`.  Two-way: set it, or drag a line; grades of `results` follow."""

    height = traitlets.Union([traitlets.Int(), traitlets.Unicode()], default_value=None, allow_none=True).tag(sync=True)
    theme = traitlets.Enum(["auto", "light", "dark"], default_value="auto").tag(sync=True)
    language = traitlets.Enum(["auto", *LANGUAGES], default_value="auto").tag(sync=True)

    # Read by the page only.  State, not messages: a reloaded page draws what a live kernel knows.
    _board = traitlets.Enum(["scan", "diff", "evolution"], default_value="scan").tag(sync=True)
    """Which dashboard the front end draws."""
    _texts = traitlets.Dict().tag(sync=True)
    """The page's messages by language: both where `language` is ``"auto"``."""

    _catalog = traitlets.Dict().tag(sync=True)
    _table = traitlets.Dict().tag(sync=True)

    # Advice for each layer and for the model, and the last answers about plans, by what was asked.
    _advice = traitlets.Dict().tag(sync=True)
    _plans = traitlets.Dict().tag(sync=True)

    # What single layers draw, once all is measured: a notebook saved with its widgets is then whole without a kernel.
    _kept = traitlets.Dict().tag(sync=True)

    # What only the page writes: how it is arranged, remembered with the notebook.
    _view = traitlets.Dict().tag(sync=True)

    # Here too, because a dashboard whose arguments were refused is closed like any other.
    _background: BackgroundScan | None = None
    _adviser: threading.Thread | None = None
    _open = False

    def __init__(
        self,
        results: _Results,
        run: Run[Any, Any] | None = None,
        *,
        height: int | str | None = None,
        theme: str = "auto",
        language: str = "auto",
    ) -> None:
        # Handlers of messages may run on another thread than the scan's reports and the user's cell.
        self._state_lock = threading.RLock()
        self._results = results
        self._metrics = self._table_of(results)
        self._advice_lock = threading.Lock()
        self._advice_tables = [AdviceTable(scan, results.layers) for scan in self._scans_of(results)]
        self._background = None if run is None else BackgroundScan(run, self._report)
        if theme not in ("auto", "light", "dark"):
            raise InvalidArgumentError(f"theme is {theme!r}; choose 'auto', 'light' or 'dark'.")
        if language not in ("auto", *LANGUAGES):
            raise InvalidArgumentError(f"language is {language!r}; choose 'auto', 'en' or 'zh'.")
        if isinstance(height, bool) or not (height is None or isinstance(height, int | str)):
            raise InvalidArgumentError(
                f"height is {height!r}; give pixels as an int, a CSS length such as '80vh', or None."
            )
        super().__init__(
            _esm=front_end_source(),
            _catalog=self._catalog_of(results),
            thresholds=results.thresholds,
            _table=self._encode(_progress_of(results) if run is None else run.progress),
            _kept=self._keep() if run is None else {},
            _texts=_texts_of(language),
            height=height,
            theme=theme,
            language=language,
        )
        self.on_msg(self._on_message)
        retire_previous(self)
        self._open = True
        if self._background is None:
            self._advise_soon(plans=True)
        else:
            self._background.start()

    def __repr__(self) -> str:
        progress = self._table.get("progress")
        if progress is None:  # its arguments were refused
            return f"<{type(self).__name__}>"
        done = "" if progress["state"] == "done" else f"{progress['done']} of "
        state = {"done": "", "running": ", running"}.get(progress["state"], f", {progress['state']}")
        return f"<{type(self).__name__} of {self._results.model}: {done}{progress['total']} layers{state}>"

    # What subclasses say

    def _table_of(self, results: _Results) -> Table:
        raise NotImplementedError

    def _catalog_of(self, results: _Results) -> dict[str, Any]:
        raise NotImplementedError

    def _scans_of(self, results: _Results) -> list[ScanResults]:
        """Return the scans that advice is about."""
        raise NotImplementedError

    def _scan_shown(self) -> int:
        """Return the place of the scan that is drawn among `_scans_of`."""
        return 0

    def _details_of(self, keys: Sequence[str], put: Put) -> list[dict[str, Any]]:
        """Return what the panels of single layers draw; `put` takes an array and says by which number it is known."""
        raise NotImplementedError

    def _detail_keys(self) -> list[str]:
        """Return all that `_details_of` can be asked for: usually the layers' names."""
        return list(self._results.layers)

    @property
    def results(self) -> _Results:
        """The results drawn; the same object that the function without a screen returns, filled while it runs."""
        return self._results

    def cancel(self) -> None:
        """Stop the scan after the layers at hand; what was computed is kept."""
        if self._background is not None:
            self._background.cancel()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the scan has ended, at most `timeout` seconds.

        Returns
        -------
        bool
            Whether it has ended.
        """
        ended = self._background is None or self._background.join(timeout)
        if timeout is None and self._adviser is not None:
            self._adviser.join()
        return ended

    def save_html(self, path: str | os.PathLike[str]) -> None:
        """Write the dashboard to one HTML file that works from disk, without a kernel and without a network.

        What the file shows is what the dashboard shows now: layers still to come are missing in it, filters are not.
        Every interaction works that needs no new numbers.

        Parameters
        ----------
        path : path-like
            Where to; an older file is replaced.

        Raises
        ------
        InvalidArgumentError
            Where it cannot be written.
        """
        write_page(path, self._page())

    def _page(self) -> str:
        self._advise()
        self._plan_all()
        with self._state_lock:
            state = self.get_state([name for name in self.keys if name in _PAGE_TRAITS])
        return saved_page(front_end_source(), state, self._results.model, self._detail_keys(), self._details_of)

    def close(self) -> None:
        """Stop the scan and take the dashboard off the page; `results` stays."""
        self.cancel()
        if self.comm is not None:
            with self._state_lock:  # not in the middle of a report
                super().close()
                self.layout.close()  # a widget of its own, which nothing else ends

    # From the person

    @traitlets.validate("selected")
    def _check_selected(self, proposal: dict[str, Any]) -> str | None:
        name: str | None = proposal["value"]
        if name is not None:
            self._check_names([name])
        return name

    @traitlets.validate("compared")
    def _check_compared(self, proposal: dict[str, Any]) -> list[str]:
        names: list[str] = list(dict.fromkeys(proposal["value"]))
        self._check_names(names)
        if len(names) > _MOST_COMPARED:
            raise RefusedError(f"{len(names)} layers are too many to compare; choose at most {_MOST_COMPARED}.")
        return names

    @traitlets.validate("selection")
    def _check_selection(self, proposal: dict[str, Any]) -> list[str]:
        names = set(proposal["value"])
        self._check_names(proposal["value"])
        return [name for name in self._results.layers if name in names]

    def _check_names(self, names: Sequence[str]) -> None:
        for name in names:
            if name not in self._results.layers:
                raise _NoSuchLayerError(
                    f"{name!r} is not a layer of {self._results.model}; list(dash.results) names them."
                )

    @traitlets.observe("language")
    def _send_texts(self, change: dict[str, Any]) -> None:
        self._texts = _texts_of(change["new"])

    @traitlets.observe("thresholds")
    def _judge_anew(self, change: dict[str, Any]) -> None:
        self._results.thresholds = change["new"]
        if self._open:
            self._advise_soon()

    # The selected layer is one of those compared, where any are.  The page shows its own choice meanwhile.

    @traitlets.observe("compared")
    def _select_among(self, change: dict[str, Any]) -> None:
        if change["new"] and self.selected not in change["new"]:
            self.selected = change["new"][0]

    @traitlets.observe("selected")
    def _compare_with(self, change: dict[str, Any]) -> None:
        name = change["new"]
        if name is None:
            self.compared = []
        elif name not in self.compared:
            self.compared = [name]

    @traitlets.observe("selected")
    def _jump_the_queue(self, change: dict[str, Any]) -> None:
        if self._background is not None and change["new"] is not None:
            self._background.prioritize(change["new"])

    # From the page

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take state from the page (called by ipywidgets)."""
        with self._state_lock:
            try:
                super().set_state(sync_data)
            except (_NoSuchLayerError, RefusedError):
                self.send_state([key for key in sync_data if self.has_trait(key)])  # the page shows what it was refused
                raise

    def _on_message(self, _widget: Board[Any], message: Any, _buffers: list[bytes]) -> None:
        """Answer a request; every request gets exactly one reply, an error included."""
        if not isinstance(message, dict) or message.get("type") != "request":
            return
        reply: dict[str, Any] = {"type": "reply", "id": message.get("id")}
        buffers: list[bytes] = []
        try:
            if message.get("method") == "details":
                reply["result"] = {"layers": self._details_of(message["keys"], _collector(buffers))}
            elif message.get("method") == "page":
                reply["result"], buffers = {}, [self._page().encode()]
            elif message.get("method") == "plan":
                self._plan(message["key"], message["energy"], message["thresholds"])
                reply["result"] = {}
            elif message.get("method") == "cancel":
                self.cancel()
                reply["result"] = {}
            else:
                reply["error"] = "This kernel does not know the request; the front end may be of another version."
        except Exception as error:  # whatever it was, the page must not wait for ever
            reply["error"] = str(error)
        self.send(reply, buffers)

    # From the scan, on its reporting thread, which alone touches the table

    def _report(self, changed: Sequence[str], progress: Progress) -> int:
        for name in changed:
            self._metrics.update(name)
        table = self._encode(progress)
        # One plain assignment is one message; batching from this thread would race with the user's own.
        with self._state_lock:
            self._table = table
            if progress.state != "running":
                self._kept = self._keep()
        sent = len(table["data"]) + self._advise(changed)
        if progress.state != "running":
            self._plan_all()
        return sent

    # Advice and plans

    def _advise(self, changed: Sequence[str] | None = None) -> int:
        """Send advice, with the new numbers of `changed`, by default of all layers; return the number of bytes."""
        with self._advice_lock:
            for table in self._advice_tables:
                table.update(changed)
            data = b"".join(table.to_bytes() for table in self._advice_tables)
            models = [table.model() for table in self._advice_tables]
            with self._state_lock:
                self._advice = {"columns": list(AdviceTable.columns), "data": data, "models": models}
        return len(data)

    def _advise_soon(self, *, plans: bool = False) -> None:
        """Send advice from a thread of its own, so that no cell and no message waits."""

        def work() -> None:
            self._advise(())
            if plans:
                self._plan_all()

        self._adviser = threading.Thread(target=work, name="weightscope-advice", daemon=True)
        self._adviser.start()

    def _plan(self, key: str, energy: float, thresholds: dict[str, list[float]]) -> None:
        """Put a plan in ``_plans``; `key` is the place of the scan, a slash, and a scheme or ``ranks``."""
        place, subject = key.split("/")
        scan = self._advice_tables[int(place)].results
        if subject == "ranks":
            answer = ranks_answer(scan, energy)
        else:
            answer = plan_answer(scan, subject, _from_json(thresholds, self))
        with self._state_lock:
            others = [(other, known) for other, known in self._plans.items() if other != key]
            self._plans = dict([*others, (key, answer)][-_MOST_PLANS:])

    def _plan_all(self) -> None:
        place = self._scan_shown()
        plans = all_plans(self._advice_tables[place].results, self._view.get("energy", 0.9))
        with self._state_lock:
            self._plans = {f"{place}/{subject}": answer for subject, answer in plans.items()}

    def _keep(self) -> dict[str, Any]:
        return kept_details(self._detail_keys(), self._details_of, _MOST_KEPT)

    def _encode(self, progress: Progress) -> dict[str, Any]:
        return {
            "columns": self._metrics.columns,
            "data": self._metrics.to_bytes(),
            "errors": dict(self._metrics.errors),
            "progress": asdict(progress),
            **self._besides(),
        }

    def _besides(self) -> dict[str, Any]:
        """Return what is known of all layers together, as JSON has it; it travels with the table."""
        return {}


def _texts_of(language: str) -> dict[str, Any]:
    return {
        each: {group: messages for group, messages in read(f"text/{each}").items() if group not in _NOT_ON_THE_PAGE}
        for each in (LANGUAGES if language == "auto" else (language,))
    }


def _progress_of(results: Results) -> Progress:
    """Return the progress of results that no scan is filling."""
    total = len(results.layers)
    done = sum(not results.pending(name) for name in results.layers)
    return Progress("done" if done == total else "cancelled", done, total, done / total if total else 1.0, None)


@cache
def front_end_source() -> str:
    """Return the source of the front end.

    Raises
    ------
    FrontEndMissingError
        Where this installation lacks it.
    """
    # As text, not as a path: anywidget watches paths, and the watcher would keep every closed dashboard alive.
    bundle = files("weightscope_widget") / "static" / "index.js"
    if not bundle.is_file():
        raise FrontEndMissingError(
            "This installation of weightscope-widget lacks its front end (static/index.js); "
            "reinstall it with 'pip install --force-reinstall weightscope-widget', "
            "or in a checkout run 'npm ci && npm run build'."
        )
    return bundle.read_text(encoding="utf-8")
