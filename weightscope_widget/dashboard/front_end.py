"""The built front end: a module for each kind of dashboard, carried by the package."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from weightscope_widget.errors import FrontEndMissingError

__all__ = ["front_end_source"]


@cache
def front_end_source(module: str = "index") -> str:
    """Return the source of a front-end module: ``"index"`` draws scans, ``"diff"`` comparisons.

    Raises
    ------
    FrontEndMissingError
        Where this installation lacks it.
    """
    # As text, not as a path: anywidget watches paths, and the watcher would keep every closed dashboard alive.
    bundle = files("weightscope_widget") / "static" / f"{module}.js"
    if not bundle.is_file():
        raise FrontEndMissingError(
            f"This installation of weightscope-widget lacks its front end (static/{module}.js); "
            "reinstall it with 'pip install --force-reinstall weightscope-widget', "
            "or in a checkout run 'npm ci && npm run build'."
        )
    return bundle.read_text(encoding="utf-8")
