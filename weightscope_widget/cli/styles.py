"""The palette's colours as a terminal has them."""

from __future__ import annotations

from weightscope_widget.visualizers.palette import Colour

__all__ = ["STYLES"]

STYLES: dict[Colour, str] = {
    "green": "green",
    "yellow": "yellow",
    "orange": "dark_orange",
    "red": "red",
    "blue": "blue",
}
