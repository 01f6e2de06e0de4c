"""The built front end: one module for every kind of dashboard, carried by the package."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from weightscope_widget.errors import FrontEndMissingError

__all__ = ["front_end_source"]


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
