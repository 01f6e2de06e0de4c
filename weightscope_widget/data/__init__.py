"""Rules and sentences that Python and the page share, each written once, as JSON."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["LANGUAGES", "read"]

_TEXTS = sorted(file.name.removesuffix(".json") for file in (files(__name__) / "text").iterdir())

LANGUAGES = ("en", *(language for language in _TEXTS if language != "en"))
"""The languages that have a file in ``text``, English first."""


@cache
def read(name: str) -> dict[str, Any]:
    """Return a file of this folder, such as ``"rules"`` or ``"text/en"``; shared, so not to be changed."""
    content: dict[str, Any] = json.loads((files(__name__) / f"{name}.json").read_text(encoding="utf-8"))
    return content
