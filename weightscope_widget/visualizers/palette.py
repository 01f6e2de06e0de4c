"""The colours of figures, from ``data/rules.json``; each has one meaning, and the dark ones keep the hue."""

from __future__ import annotations

from typing import Any, Literal, cast

from weightscope_widget.data import read

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

SERIES: tuple[Colour, ...] = ("series0", "series1", "series2", "series3", "series4", "series5")
"""Layers drawn over each other, in this order."""

_RULES = read("rules")


def _flat(palette: dict[str, Any]) -> dict[Colour, str]:
    plain = {name: palette[name] for name in ("ink", "muted", "line", "ground")}
    series = zip(SERIES, palette["series"], strict=True)
    return cast(dict[Colour, str], palette["levels"] | palette["families"] | plain | dict(series))


PALETTES: dict[Scheme, dict[Colour, str]] = {scheme: _flat(each) for scheme, each in _RULES["palette"].items()}

FAMILY_COLOURS: dict[str, Colour] = {family: family for family in _RULES["palette"]["light"]["families"]}

GRADE_COLOURS: dict[str, Colour] = {grade["name"]: grade["colour"] for grade in _RULES["grades"]}

CLASS_COLOURS: dict[str, dict[str, Colour]] = {
    metric: dict(zip(each["names"], each["colours"], strict=True)) for metric, each in _RULES["classes"].items()
}
"""The colour of each class of `assessment.CLASSES`."""

DIVERGING: dict[Scheme, tuple[str, str, str]] = {
    scheme: (colours["blue"], colours["ground"], colours["red"]) for scheme, colours in PALETTES.items()
}
"""From negative through zero, which is the ground's colour, to positive."""
