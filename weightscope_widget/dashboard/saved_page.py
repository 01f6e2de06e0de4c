"""A dashboard as one HTML file that needs neither kernel nor network."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import os
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from weightscope_widget._shared.atomic_write import whole_file
from weightscope_widget.dashboard.details import Details, PackedArrays
from weightscope_widget.errors import InvalidArgumentError

__all__ = ["saved_page", "write_page"]

_START = """
const unpack = (id) => {
  const bytes = Uint8Array.from(atob(document.getElementById(id).textContent), (byte) => byte.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")));
};
const root = document.getElementById("dashboard");
try {
  const source = new Blob([await unpack("module").text()], { type: "text/javascript" });
  const module = await import(URL.createObjectURL(source));
  module.openSaved(root, module.readSaved(await unpack("data").arrayBuffer()));
} catch (error) {
  root.textContent = `This page cannot be shown by this browser (${error}).`;
}
"""

# Nothing may be fetched, and no script runs but the one that starts the page and the module that it makes of what is in
# the page, whatever names are in it too.
_DIGEST = base64.b64encode(hashlib.sha256(_START.encode()).digest()).decode()
_POLICY = f"default-src 'none'; script-src 'sha256-{_DIGEST}' blob:; style-src 'unsafe-inline'; img-src blob: data:"

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="weightscope-widget">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 16px; font-family: system-ui, sans-serif; }}
</style>
</head>
<body>
<main id="dashboard"></main>
<noscript>This page draws with JavaScript, which is off in this browser.</noscript>
<script type="application/octet-stream" id="module">{module}</script>
<script type="application/octet-stream" id="data">{data}</script>
<script type="module">{start}</script>
</body>
</html>
"""


def saved_page(module: str, state: Mapping[str, Any], title: str, keys: Sequence[str], details: Details) -> str:
    """Return the text of a page.

    Parameters
    ----------
    module : str
        Source of the front end.
    state : mapping
        The traits that the page reads, as they travel; the ``data`` of ``_table`` and ``_advice`` as bytes.
    title : str
        What the page is of.
    keys : sequence of str
        What `details` can be asked for.
    details : callable
        Says what the panels of single layers draw; `PackedArrays` says how exactly it is kept.
    """
    return _PAGE.format(
        policy=_POLICY,
        start=_START,
        title=html.escape(f"{title} – WeightScope"),
        module=_packed(module.encode()),
        data=_packed(_data(state, keys, details)),
    )


def write_page(path: str | os.PathLike[str], page: str) -> None:
    """Write a page to a file, whole or not at all.

    Raises
    ------
    InvalidArgumentError
        Where it cannot be written.
    """
    try:
        with whole_file(path) as file:
            file.write(page)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidArgumentError(f"{os.fspath(path)!r} cannot be written ({reason}); choose another path.") from error


def _packed(content: bytes) -> str:
    # No date in it: the same dashboard gives the same file.
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def _data(state: Mapping[str, Any], keys: Sequence[str], details: Details) -> bytes:
    """Return the length of a JSON text, the text, and the arrays that it names; js/src/wire/saved.ts reads it."""
    arrays = PackedArrays()
    table = state["_table"]
    progress = table["progress"]
    if progress["state"] == "running":  # nobody is there to go on with it
        progress = progress | {"state": "cancelled", "seconds_left": None}

    def packed(columns: Mapping[str, Any]) -> dict[str, Any]:
        return {**columns, "data": arrays.put_as(np.frombuffer(columns["data"], "<f8"), "f8")}

    tables = {"_table": packed(table) | {"progress": progress}, "_advice": packed(state["_advice"])}
    document = {
        "state": {**state, **tables},
        "details": {layer["key"]: layer for layer in details(keys, arrays.put)},
        "arrays": arrays.places,
    }
    text = json.dumps(document, allow_nan=False).encode("utf-8", errors="surrogatepass")
    return struct.pack("<I", len(text)) + text + bytes(arrays.data)
