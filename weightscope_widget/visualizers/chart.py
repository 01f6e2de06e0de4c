"""A figure as data: charts with axes, marks and legends, before anything is drawn.

`render.bqplot` and `render.matplotlib` draw it; neither decides anything but how.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
"""Where a symlog axis turns from linear to logarithmic; the page has the same."""

_MOST_SEPARATE = 60
"""With more bins than this, they are a pixel or two wide, and gaps between them would dominate."""


@dataclass(frozen=True)
class Tick:
    """A labelled value of an axis."""

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
        ``"symlog"`` is linear near zero and logarithmic beyond, for percentages of which many are zero; `place` maps
        values to positions.  A category's value is its index.
    ticks : tuple of Tick
        Labelled values.
    categories : tuple of str
        Names on a category axis, first to last; a vertical one begins at the top.
    """

    label: str
    low: float = 0.0
    high: float = 1.0
    kind: Literal["linear", "log", "symlog", "category"] = "linear"
    ticks: tuple[Tick, ...] = ()
    categories: tuple[str, ...] = ()

    def place(self, values: float | Sequence[float] | FloatArray) -> FloatArray:
        """Return positions on a symlog axis drawn linearly; on other axes, the values themselves."""
        array = np.asarray(values, dtype=np.float64)
        return np.sign(array) * np.log1p(np.abs(array) / _SYMLOG_UNIT) if self.kind == "symlog" else array

    def unplace(self, places: float | Sequence[float] | FloatArray) -> FloatArray:
        """Undo `place`."""
        array = np.asarray(places, dtype=np.float64)
        return np.sign(array) * np.expm1(np.abs(array)) * _SYMLOG_UNIT if self.kind == "symlog" else array

    @property
    def ends(self) -> tuple[float, float]:
        """Positions of `low` and `high`."""
        low, high = self.place([self.low, self.high]).tolist()
        return low, high


# Marks. `colours` has one colour per element, or one for all; `layers` the layer that a click on each element selects,
# and `hints` its tooltip; both may be empty.


@dataclass(frozen=True)
class Bars:
    """One bar per category, up to ``values`` (categories,); NaN draws none.  Horizontal on a vertical category axis."""

    values: FloatArray
    colours: tuple[Colour, ...]
    layers: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bins:
    """A histogram: ``edges`` (bins + 1,), on a symlog axis equally spaced in position, and ``counts`` (bins,)."""

    edges: FloatArray
    counts: FloatArray
    colours: tuple[Colour, ...]
    hints: tuple[str, ...] = ()

    @property
    def separate(self) -> bool:
        """Whether bins are drawn apart, rather than as one outline."""
        return len(self.counts) <= _MOST_SEPARATE


@dataclass(frozen=True)
class Points:
    """Symbols at ``x`` and ``y`` (points,); on a category axis the index.

    A ``"tick"`` is a short line across bars, a value to compare a bar with; a ``"ring"`` goes around a circle and marks
    one that lies under it.
    """

    x: FloatArray
    y: FloatArray
    colours: tuple[Colour, ...]
    layers: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    shape: Literal["circle", "tick", "ring"] = "circle"


@dataclass(frozen=True)
class Line:
    """A line through points, or steps where ``x`` (bins + 1,) has one more than ``y`` (bins,).

    ``name`` is its tooltip; a line with ``hints``, one per point, has a dot at each. ``thin`` is a hairline.
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

    Its label is at the right or upper end; with ``low`` at the other end, for charts that begin at the top.
    """

    axis: Literal["x", "y"]
    value: float
    colour: Colour
    label: str = ""
    low: bool = False


@dataclass(frozen=True)
class Band:
    """A tinted region from `low` to `high` of one axis, with a label in its lower right corner."""

    axis: Literal["x", "y"]
    low: float
    high: float
    colour: Colour
    label: str = ""


@dataclass(frozen=True)
class Texts:
    """Words at ``x`` and ``y``; ``align`` says which end of each is there."""

    x: FloatArray
    y: FloatArray
    words: tuple[str, ...]
    colour: Colour = "ink"
    align: Literal["start", "middle", "end"] = "start"


@dataclass(frozen=True)
class Slices:
    """A pie with its legend beside it, in a chart without axes; ``unit`` names the total in the middle."""

    labels: tuple[str, ...]
    counts: tuple[int, ...]
    colours: tuple[Colour, ...]
    unit: str = "layers"

    @property
    def centre(self) -> tuple[str, str]:
        """Two lines in the middle."""
        return f"{sum(self.counts):,}", self.unit


@dataclass(frozen=True)
class Cells:
    """A heatmap of ``values`` (rows, columns), first row at the top; NaN cells are left empty.

    Colours go from -limit to limit, which is above 0. Edges, (columns + 1,) and (rows + 1,), ascend.
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
        Its key in `Content.charts` and ``figure.charts``.
    title : str
        May be empty where the figure's title suffices.
    x, y : Axis
        Not drawn for a pie.
    marks : tuple
        Drawn in this order, each over those before.
    keys : tuple of Key
        The legend.
    note : str
        Follows the title.
    legend : {"above", "inside"}
        In a row above the chart, or in its upper right corner, which its curves leave free.
    """

    name: str
    title: str
    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    keys: tuple[Key, ...] = ()
    note: str = ""
    legend: Literal["above", "inside"] = "above"

    @property
    def bare(self) -> bool:
        """Whether the chart is a pie, without axes."""
        return any(isinstance(mark, Slices) for mark in self.marks)

    @property
    def across(self) -> bool:
        """Whether bars are horizontal: their categories are on the vertical axis."""
        return self.y.kind == "category"

    @property
    def downwards(self) -> bool:
        """Whether the vertical axis begins at the top, as for categories and the rows of a matrix."""
        return self.across or any(isinstance(mark, Cells) for mark in self.marks)

    def along(self, mark: Rule | Band) -> Axis:
        """Return the axis that a rule or a band has its values on."""
        return self.y if mark.axis == "y" else self.x


@dataclass(frozen=True)
class Content:
    """A figure.

    Attributes
    ----------
    title : str
        With the name of the model or layer.
    rows : tuple of tuple of Chart
        Charts side by side, row by row.
    heights : tuple of int
        The height of each row, in pixels where the figure is 1,000 wide.
    widths : tuple of tuple of float
        The share of the width that each chart has, in the same order; empty for equal ones.
    notes : tuple of str
        Sentences below.
    """

    title: str
    rows: tuple[tuple[Chart, ...], ...]
    heights: tuple[int, ...]
    widths: tuple[tuple[float, ...], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def charts(self) -> dict[str, Chart]:
        """The charts by name."""
        return {chart.name: chart for row in self.rows for chart in row}

    def shares(self, row: int) -> tuple[float, ...]:
        """Return the share of the width that each chart of a row has; they sum to 1."""
        widths = self.widths[row] if self.widths else (1.0,) * len(self.rows[row])
        return tuple(width / sum(widths) for width in widths)
