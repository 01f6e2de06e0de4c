"""What a notebook's cell made before goes when the cell is run again: nobody sees it any more."""

from __future__ import annotations

import sys
import threading
import weakref
from typing import Protocol

__all__ = ["retire_previous"]


class _Closable(Protocol):
    def close(self) -> None: ...


_lock = threading.Lock()
# By cell: the run at hand, and what was made in it.
_made: dict[str, tuple[str, weakref.WeakSet[_Closable]]] = {}


def _in_jupyter() -> tuple[str, str] | None:
    """Return which cell is being run, and which of its runs this is; None where the host does not say."""
    try:
        from IPython import get_ipython

        parent = get_ipython().kernel.get_parent("shell")
        return str(parent["metadata"]["cellId"]), str(parent["header"]["msg_id"])
    except (ImportError, AttributeError, KeyError, TypeError):
        return None


def _in_marimo() -> tuple[str, str] | None:
    """Return the same; marimo has no public name for it, so another version may not say."""
    if "marimo" not in sys.modules:
        return None
    try:
        from marimo._messaging.context import RUN_ID_CTX
        from marimo._runtime.context import get_context

        # Several people who open one app share a process, and its cells have the same names for all of them.
        session, run = get_context(), RUN_ID_CTX.get()
        cell = session.execution_context
        return None if cell is None or run is None else (f"{id(session)} {cell.cell_id}", str(run))
    except Exception:  # whatever changed there: what was made stays, as it does without this
        return None


def retire_previous(made: _Closable) -> None:
    """Note what is made in this run of this cell, and close what earlier runs of the cell made.

    Without it every run would leave a widget behind, with all that it holds, and a scan that goes on for nobody.
    """
    found = _in_jupyter() or _in_marimo()
    if found is None:
        return
    cell, run = found
    with _lock:
        latest, company = _made.get(cell, ("", weakref.WeakSet[_Closable]()))
        earlier = [] if latest == run else list(company)
        _made[cell] = (run, company if latest == run else weakref.WeakSet[_Closable]())
        _made[cell][1].add(made)
    for each in earlier:
        each.close()
