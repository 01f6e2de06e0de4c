"""What a figure shows, as data: axes, marks, labels, lines, order and words, before anything is drawn.

`live` draws it with bqplot and `image` with matplotlib; neither decides anything but how.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from weightscope_widget.visualizers.palette import Colour

__all__ = [
    "Axis",
    "Band",
    "Bars",
    "Bins",
    "Cells",
    "Chart",
    "Content",
    "FloatArray",
    "Key",
    "Line",
    "Mark",
    "Points",
    "Rule",
    "Slices",
    "Texts",
    "Tick",
]

FloatArray = npt.NDArray[np.float64]

_SYMLOG_UNIT = 0.01
"""Where a symlog axis turns from linear to logarithmic; the page's has the same."""

_MOST_SEPARATE = 60
"""With more bins than this, they are a pixel or two wide: gaps between them would be most of what is seen."""


@dataclass(frozen=True)
class Tick:
    """A value of an axis and what is written there."""

    value: float
    label: str


@dataclass(frozen=True)
class Axis:
    """One axis of a chart.

    Attributes
    ----------
    label : str
        Its title, with the unit.
    low, high : float
        Its ends, in the unit of the values.
    kind : {"linear", "log", "symlog", "category"}
        ``"symlog"`` is linear near zero and logarithmic beyond, for percentages of which many are zero; values are
        taken to its places by `place`.  A category's value is its index.
    ticks : tuple of Tick
        What is written along it.
    categories : tuple of str
        What stands on a category axis, first to last; a vertical one begins at the top.
    """

    label: str
    low: float = 0.0
    high: float = 1.0
    kind: Literal["linear", "log", "symlog", "category"] = "linear"
    ticks: tuple[Tick, ...] = ()
    categories: tuple[str, ...] = ()

    def place(self, values: float | Sequence[float] | FloatArray) -> FloatArray:
        """Return where values lie on an axis drawn linearly (symlog), or the values themselves."""
        array = np.asarray(values, dtype=np.float64)
        return np.sign(array) * np.log1p(np.abs(array) / _SYMLOG_UNIT) if self.kind == "symlog" else array

    def unplace(self, places: float | Sequence[float] | FloatArray) -> FloatArray:
        """Undo `place`."""
        array = np.asarray(places, dtype=np.float64)
        return np.sign(array) * np.expm1(np.abs(array)) * _SYMLOG_UNIT if self.kind == "symlog" else array


@dataclass(frozen=True)
class Bars:
    """One bar per category; across where the categories are on the vertical axis.

    Attributes
    ----------
    values : ndarray
        (categories,): where each bar ends; NaN draws none.
    colours : tuple of Colour
        One per bar.
    layers : tuple of str
        The layer that each bar is of, which a click selects; empty where bars are of no layer.
    hints : tuple of str
        What a tooltip says of each bar: the number itself, also where the bar ends with the axis.
    """

    values: FloatArray
    colours: tuple[Colour, ...]
    layers: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bins:
    """A histogram of equal bins.

    Attributes
    ----------
    edges : ndarray
        (bins + 1,), on a symlog axis equal in its places.
    counts : ndarray
        (bins,).
    colours : tuple of Colour
        One per bin, or one for all.
    hints : tuple of str
        What a tooltip says of each bin.
    """

    edges: FloatArray
    counts: FloatArray
    colours: tuple[Colour, ...]
    hints: tuple[str, ...] = ()

    @property
    def separate(self) -> bool:
        """Whether each bin is seen by itself, rather than the outline of all."""
        return len(self.counts) <= _MOST_SEPARATE


@dataclass(frozen=True)
class Points:
    """Marks at places.

    Attributes
    ----------
    x, y : ndarray
        (points,); on a category axis the index.
    colours : tuple of Colour
        One per point, or one for all.
    layers : tuple of str
        The layer that each is of, which a click selects; may be empty.
    hints : tuple of str
        What a tooltip says of each.
    shape : {"circle", "tick", "ring"}
        A tick is a short line across the direction of bars, for a value to compare a bar with; a ring goes around a
        circle, for what lies under it.
    """

    x: FloatArray
    y: FloatArray
    colours: tuple[Colour, ...]
    layers: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    shape: Literal["circle", "tick", "ring"] = "circle"


@dataclass(frozen=True)
class Line:
    """A line through points, or a step for each bin where ``x`` has one more than ``y``.

    Attributes
    ----------
    x, y : ndarray
        (points,), or (bins + 1,) and (bins,).
    name : str
        What a tooltip calls it.
    hints : tuple of str
        What a tooltip says of each point; a line that has them is drawn with a dot at each.
    dashed, thin : bool
        Drawn in dashes; as a hairline, for what leads from one thing to another.
    """

    x: FloatArray
    y: FloatArray
    colour: Colour
    name: str = ""
    hints: tuple[str, ...] = ()
    dashed: bool = False
    thin: bool = False


@dataclass(frozen=True)
class Rule:
    """A straight line across the chart at a value of one axis.

    Attributes
    ----------
    axis : {"x", "y"}
        The axis of the value.
    value : float
        In its unit.
    label : str
        What is written at its end: the right one, or the upper one.
    low : bool
        The label stands at the lower end instead, for where marks begin at the top.
    """

    axis: Literal["x", "y"]
    value: float
    colour: Colour
    label: str = ""
    low: bool = False


@dataclass(frozen=True)
class Band:
    """A tinted region from `low` to `high` of one axis, with words in its lower right corner."""

    axis: Literal["x", "y"]
    low: float
    high: float
    colour: Colour
    label: str = ""


@dataclass(frozen=True)
class Texts:
    """Words at places, in the unit of the axes; ``align`` says which end of each is there."""

    x: FloatArray
    y: FloatArray
    words: tuple[str, ...]
    colour: Colour = "ink"
    align: Literal["start", "middle", "end"] = "start"


@dataclass(frozen=True)
class Slices:
    """A pie with its legend beside it; a chart of it has no axes.

    Attributes
    ----------
    labels : tuple of str
        With their counts, as they are read.
    unit : str
        What the total in the middle counts.
    """

    labels: tuple[str, ...]
    counts: tuple[int, ...]
    colours: tuple[Colour, ...]
    unit: str = "layers"

    @property
    def centre(self) -> tuple[str, str]:
        """What stands in the middle, in two lines."""
        return f"{sum(self.counts):,}", self.unit


@dataclass(frozen=True)
class Cells:
    """A heatmap.

    Attributes
    ----------
    values : ndarray
        (rows, columns), the first row at the top; NaN cells are left empty.
    limit : float
        Colours go from -limit to limit, white or dark at zero; above 0.
    x_edges, y_edges : ndarray
        (columns + 1,) and (rows + 1,), ascending.
    legend : str
        What the colour is of.
    """

    values: FloatArray
    limit: float
    x_edges: FloatArray
    y_edges: FloatArray
    legend: str


Mark = Bars | Bins | Points | Line | Rule | Band | Texts | Slices | Cells


@dataclass(frozen=True)
class Key:
    """One entry of a legend."""

    label: str
    colour: Colour
    shape: Literal["square", "circle", "line", "dashed", "tick"] = "square"


@dataclass(frozen=True)
class Chart:
    """One chart of a figure.

    Attributes
    ----------
    name : str
        How code finds it: ``figure.charts["risk"]``.
    title : str
        What stands above it; may be empty where the figure's title says it.
    x, y : Axis or None
        None for a pie.
    marks : tuple
        Drawn in this order, each over those before.
    keys : tuple of Key
        The legend.
    legend : {"above", "inside"}
        Where it stands: in a row above the chart, or in its upper right corner, which its curves leave free.
    note : str
        A sentence that follows the title.
    """

    name: str
    title: str
    x: Axis | None
    y: Axis | None
    marks: tuple[Mark, ...]
    keys: tuple[Key, ...] = ()
    note: str = ""
    legend: Literal["above", "inside"] = "above"

    @property
    def across(self) -> bool:
        """Whether bars lie: their categories are on the vertical axis."""
        return self.y is not None and self.y.kind == "category"

    @property
    def downwards(self) -> bool:
        """Whether the vertical axis begins at the top, as categories and the rows of a matrix are read."""
        return self.across or any(isinstance(mark, Cells) for mark in self.marks)


@dataclass(frozen=True)
class Content:
    """A figure.

    Attributes
    ----------
    title : str
        What it shows, of which model.
    rows : tuple of tuple of Chart
        Charts side by side, row by row.
    widths : tuple of tuple of float
        The share of the width that each chart has, in the same order; empty for equal ones.
    heights : tuple of int
        The height of each row, in pixels where the figure is 1,000 wide.
    notes : tuple of str
        Sentences below: what is a rule of thumb, what is not drawn and why.
    """

    title: str
    rows: tuple[tuple[Chart, ...], ...]
    heights: tuple[int, ...]
    widths: tuple[tuple[float, ...], ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def charts(self) -> dict[str, Chart]:
        """The charts by name."""
        return {chart.name: chart for row in self.rows for chart in row}

    def shares(self, row: int) -> tuple[float, ...]:
        """Return the share of the width that each chart of a row has; they sum to 1."""
        widths = self.widths[row] if self.widths else (1.0,) * len(self.rows[row])
        return tuple(width / sum(widths) for width in widths)
