"""Terminal styles of classes and grades."""

from __future__ import annotations

from weightscope_widget.visualizers.palette import CLASS_COLOURS, GRADE_COLOURS, Colour

__all__ = ["class_style", "grade_style"]

_STYLES: dict[Colour, str] = {
    "green": "green",
    "yellow": "yellow",
    "orange": "dark_orange",
    "red": "red",
    "blue": "blue",
}


def class_style(metric: str, name: str | None) -> str:
    """Return the style of a class of a metric."""
    return "" if name is None else _STYLES[CLASS_COLOURS[metric][name]]


def grade_style(grade: str | None) -> str:
    """Return the style of a grade."""
    return "" if grade is None else _STYLES[GRADE_COLOURS[grade]]
