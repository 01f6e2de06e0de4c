"""Close widgets that a notebook cell created on its previous run."""

from __future__ import annotations

import sys
import threading
import weakref
from typing import Protocol

__all__ = ["retire_previous"]


class _Closable(Protocol):
    def close(self) -> None: ...


_lock = threading.Lock()
# By cell: its current run, and the widgets created in it.
_made: dict[str, tuple[str, weakref.WeakSet[_Closable]]] = {}


def _in_jupyter() -> tuple[str, str] | None:
    """Return the ids of the current cell and of its current run; None outside Jupyter."""
    try:
        from IPython import get_ipython

        parent = get_ipython().kernel.get_parent("shell")
        return str(parent["metadata"]["cellId"]), str(parent["header"]["msg_id"])
    except (ImportError, AttributeError, KeyError, TypeError):
        return None


def _in_marimo() -> tuple[str, str] | None:
    """Return the same in marimo, whose API for it is private and may change; None outside marimo."""
    if "marimo" not in sys.modules:
        return None
    try:
        from marimo._messaging.context import RUN_ID_CTX
        from marimo._runtime.context import get_context

        # Users of one app share a process, in which its cells have the same names.
        session, run = get_context(), RUN_ID_CTX.get()
        cell = session.execution_context
        return None if cell is None or run is None else (f"{id(session)} {cell.cell_id}", str(run))
    except Exception:  # marimo has changed: widgets stay open
        return None


def retire_previous(made: _Closable) -> None:
    """Register a widget created in the current cell, and close those that earlier runs of the cell created.

    Otherwise every run would leave a widget, its data and a running scan behind.
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
