"""Reading numbers back off what the page has drawn: axes from their tick labels, values from the shapes."""

from __future__ import annotations

import re

import numpy as np
from playwright.sync_api import Locator

SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
MULTIPLES = {"k": 1e3, "M": 1e6}


def number(text: str) -> float:
    """Return the number that a label shows: 1,234 · −0.5 · 4k · 2×10⁻⁵ · 10⁻³."""
    text = text.replace("−", "-").replace(",", "").strip()
    power = re.fullmatch(r"(?:([-\d.]+)×)?10([⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+)", text)
    if power:
        return float(power[1] or 1) * 10.0 ** int(power[2].translate(SUPERSCRIPTS))
    return float(text.rstrip("kM")) * MULTIPLES.get(text[-1], 1)


class Axis:
    """A drawn axis, known only by where its labels stand.

    `transform` is what makes it linear: the identity, or log10.
    """

    def __init__(self, svg: Locator, direction: str, transform: np.ufunc | None = None) -> None:
        index, attribute = (0, "translate(") if direction == "x" else (1, "translate(")
        ticks = svg.locator("g.wsw-axes > g").evaluate_all(
            "groups => groups.map(g => [g.getAttribute('transform'), g.querySelector('text').textContent,"
            " g.querySelector('line').getAttribute('class')])"
        )
        wanted = "wsw-tick" if direction == "x" else "wsw-grid"
        places, labels = [], []
        for place, label, kind in ticks:
            if kind == wanted:
                places.append(float(place.removeprefix(attribute).rstrip(")").split(",")[index]))
                labels.append(number(label))
        assert len(places) >= 2, f"an axis needs two labels to be read, and has {labels}"
        self.inverse = (lambda values: values) if transform is None else (lambda values: 10.0**values)
        values = np.array(labels) if transform is None else transform(np.array(labels))
        self.slope, self.offset = np.polyfit(places, values, 1)
        # Labels that do not lie on their own axis would make everything read off it meaningless.
        assert np.allclose(self.slope * np.array(places) + self.offset, values, atol=abs(self.slope) * 0.5)

    def at(self, place: float | np.ndarray) -> np.ndarray:
        """Return the values at pixels."""
        return self.inverse(self.slope * np.asarray(place, dtype=float) + self.offset)

    @property
    def pixel(self) -> float:
        """Return the size of a pixel, in the axis' linear unit."""
        return abs(self.slope)


def histogram_heights(svg: Locator) -> np.ndarray:
    """Return the y pixel of every bin's top."""
    path = svg.locator("path.wsw-bars").get_attribute("d") or ""
    return np.array([float(y) for y in re.findall(r"V([-\d.]+)H", path)])


def line_points(svg: Locator) -> np.ndarray:
    """Return the (x, y) pixels of the spectrum's line."""
    path = svg.locator("path.wsw-line").get_attribute("d") or ""
    return np.array([[float(part) for part in pair.split(",")] for pair in path.removeprefix("M").split("L")])


def bar_tops(svg: Locator) -> np.ndarray:
    """Return the y pixel of each bar's top."""
    return np.array(svg.locator("rect.wsw-bar").evaluate_all("bars => bars.map(bar => +bar.getAttribute('y'))"))
