"""The few colours, each with one meaning; the page has the same in `js/src/theme/palette.ts`."""

from __future__ import annotations

from typing import Literal

__all__ = ["CLASS_COLOURS", "DIVERGING", "FAMILY_COLOURS", "GRADE_COLOURS", "PALETTES", "SERIES", "Colour", "Scheme"]

Scheme = Literal["light", "dark"]

# fmt: off
Colour = Literal[
    "red", "orange", "yellow", "green", "blue",
    "attention", "mlp", "embedding", "other",
    "ink", "muted", "line", "ground",
    "series0", "series1", "series2", "series3", "series4", "series5",
]
# fmt: on
"""What a colour means; `PALETTES` says how it looks."""

_LIGHT: dict[Colour, str] = {
    "red": "#d62728",
    "orange": "#ff7f0e",
    "yellow": "#ffdd57",
    "green": "#2ca02c",
    "blue": "#1f77b4",
    "attention": "#1f77b4",
    "mlp": "#9467bd",
    "embedding": "#8c564b",
    "other": "#7f7f7f",
    "ink": "#1c1e21",
    "muted": "#5f6670",
    "line": "#dfe2e6",
    "ground": "#ffffff",
    "series0": "#1f77b4",
    "series1": "#d95f02",
    "series2": "#2ca02c",
    "series3": "#9467bd",
    "series4": "#8c564b",
    "series5": "#c51b7d",
}

# The same hues, with contrast on a dark ground.
_DARK: dict[Colour, str] = {
    "red": "#ff6b6b",
    "orange": "#ff9f45",
    "yellow": "#ffe17a",
    "green": "#5fc95f",
    "blue": "#5aa9e6",
    "attention": "#5aa9e6",
    "mlp": "#b995e0",
    "embedding": "#c98f80",
    "other": "#a6a6a6",
    "ink": "#e8eaed",
    "muted": "#a2a9b3",
    "line": "#3a3f46",
    "ground": "#15171a",
    "series0": "#5aa9e6",
    "series1": "#ff9f45",
    "series2": "#5fc95f",
    "series3": "#b995e0",
    "series4": "#c98f80",
    "series5": "#f28ac2",
}

PALETTES: dict[Scheme, dict[Colour, str]] = {"light": _LIGHT, "dark": _DARK}

SERIES: tuple[Colour, ...] = ("series0", "series1", "series2", "series3", "series4", "series5")
"""Layers drawn over each other, in this order."""

FAMILY_COLOURS: dict[str, Colour] = {"attention": "attention", "mlp": "mlp", "embedding": "embedding", "other": "other"}

GRADE_COLOURS: dict[str, Colour] = {"Excellent": "green", "Good": "yellow", "Warning": "orange", "Critical": "red"}

CLASS_COLOURS: dict[str, dict[str, Colour]] = {
    "condition_number": {"safe": "green", "attention": "yellow", "high": "orange", "very high": "red"},
    "sqnr_db": {"safe": "green", "medium": "yellow", "high": "red"},
    "extreme_outlier_percentage": {
        "friendly": "green",
        "needs a strategy": "yellow",
        "high": "orange",
        "very high": "red",
    },
    "stable_rank_percentage": {
        "very high": "red",
        "high": "orange",
        "medium": "yellow",
        "low": "green",
        "already efficient": "blue",
    },
}
"""The colour of each class of `assessment.CLASSES`."""

DIVERGING: dict[Scheme, tuple[str, str, str]] = {
    "light": ("#1f77b4", "#ffffff", "#d62728"),
    "dark": ("#5aa9e6", "#15171a", "#ff6b6b"),
}
"""From negative through zero, which is the ground's colour, to positive."""
