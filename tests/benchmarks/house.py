"""How many of the package's modules one tensor passes on its way from a file to the page.

Modules count whose functions are called between the call of `show` and the last table sent; importing one does not.
Details and plans follow the table; they are made of the results.
"""

from __future__ import annotations

import sys
import tempfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from safetensors.torch import save_file

import weightscope_widget as wsw

PACKAGE = "weightscope_widget"


class Passed:
    """A profiler hook for all threads: the package's modules, in the order of their first call.

    Attributes
    ----------
    modules : dict of str to str
        Module (without the package's name) to the function that was called first.
    """

    def __init__(self) -> None:
        self.modules: dict[str, str] = {}
        self.ended = False

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if self.ended:
            return
        # Bodies of modules and classes run when they are imported.
        if event != "call" or code.co_name == "<module>" or not code.co_flags & 1:  # CO_OPTIMIZED: a function's code
            return
        package, _, module = frame.f_globals.get("__name__", "").partition(".")
        if package == PACKAGE and not _importing(frame):
            self.modules.setdefault(module, code.co_name)

    def __enter__(self) -> Passed:
        threading.setprofile(self)
        sys.setprofile(self)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]  # which takes it off again


def _importing(frame: FrameType | None) -> bool:
    """Return whether a function is called by the body of one of the package's modules, as decorators and tables are."""
    while frame is not None:
        if frame.f_code.co_name == "<module>" and frame.f_globals.get("__name__", "").partition(".")[0] == PACKAGE:
            return True
        frame = frame.f_back
    return False


def _end_when_done(found: Passed, change: Any) -> None:
    found.ended = found.ended or change["new"]["progress"]["state"] == "done"


def passed() -> dict[str, str]:
    """Return the modules that one 2-D weight in a safetensors file passes, and the first function called in each."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.safetensors")
        save_file({"h.0.mlp.up_proj.weight": torch.diag(torch.arange(1.0, 33.0)[:24])[:, :16].contiguous()}, path)
        show = wsw.show
        with Passed() as found:
            dash = show(path, cache=False)
            dash.observe(partial(_end_when_done, found), "_table")
            dash.wait()
        dash.close()
    return found.modules


def measure(runs: int = 1) -> Iterator[dict[str, object]]:
    """Yield the number of modules, then each of them in order."""
    del runs  # it is the same each time
    modules = passed()
    yield {"modules": len(modules)}
    for number, (module, function) in enumerate(modules.items(), 1):
        yield {"": f"{number:2}", "module": module, "first": function}
