"""Figures in a notebook, drawn with bqplot: tooltips, and a click that selects a layer."""

from __future__ import annotations

import html
from typing import Any
from unicodedata import east_asian_width

import bqplot
import ipywidgets
import numpy as np
import traitlets

from weightscope_widget._shared.cell_rerun import retire_previous
from weightscope_widget._shared.formats import format_number
from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.visualizers.chart import Axis, Bars, Cells, Chart, Content, Key, Points, Slices
from weightscope_widget.visualizers.render.bqplot_marks import draw_mark, scales_of
from weightscope_widget.visualizers.render.style import STYLE, Theme, css_colour

__all__ = ["LiveFigure"]

_CHARACTER, _WIDE_CHARACTER = 6.4, 11.0  # pixels of a tick's type
_LONGEST_LABEL = 280


class LiveFigure(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets carries no types
    """A figure in a notebook: one bqplot figure or several, with a title, legends and notes.

    Parameters
    ----------
    content : Content
        What to draw.
    theme : {"auto", "light", "dark"}
        ``"auto"`` follows the notebook.

    Attributes
    ----------
    selected : str or None
        Name of the layer that is highlighted; a click sets it.  Link it to a dashboard's with
        ``ipywidgets.link((dash, "selected"), (figure, "selected"))``: a layer that this figure does not draw is then
        highlighted nowhere in it.
    charts : dict of str to bqplot.Figure
        The charts, with their ``marks``, ``axes`` and scales, to be changed as one likes.
    content : Content
        What is drawn, as data.

    Raises
    ------
    InvalidArgumentError
        Where the theme is another.
    """

    selected = traitlets.Unicode(None, allow_none=True)

    _highlighting = False
    _parts: tuple[ipywidgets.Widget, ...] = ()

    def __init__(self, content: Content, theme: Theme = "auto") -> None:
        if theme not in ("auto", "light", "dark"):
            raise InvalidArgumentError(f"theme is {theme!r}; choose 'auto', 'light' or 'dark'.")
        self.content = content
        self.charts: dict[str, bqplot.Figure] = {}
        # A mark that can be clicked, and the layer of each of its elements.
        self._clickable: list[tuple[bqplot.Mark, tuple[str, ...]]] = []
        rows = [
            ipywidgets.HBox(
                [self._chart(chart, height, share) for chart, share in zip(charts, content.shares(index), strict=True)],
                layout={"flex_flow": "row wrap", "width": "100%", "overflow": "hidden"},
            )
            for index, (charts, height) in enumerate(zip(content.rows, content.heights, strict=True))
        ]
        super().__init__(
            [
                ipywidgets.HTML(f'{STYLE}<div class="wsw-head">{html.escape(content.title)}</div>'),
                *rows,
                ipywidgets.HTML("".join(f'<div class="wsw-notes">{html.escape(note)}</div>' for note in content.notes)),
            ]
        )
        self.add_class("wsw-figure")
        if theme != "auto":
            self.add_class(f"wsw-{theme}")
        self._parts = tuple(_parts_of(self))
        retire_previous(self)

    def _chart(self, chart: Chart, height: int, share: float) -> ipywidgets.Widget:
        scales = scales_of(chart)
        drawn = [(mark, draw_mark(mark, chart, scales)) for mark in chart.marks]
        marks = [one for _, several in drawn for one in several]
        figure = bqplot.Figure(
            marks=marks,
            axes=_axes(chart, scales),
            fig_margin=_margins(chart),
            padding_x=0,
            padding_y=0,
            # Of categories and bins only the axes would move, not what lies on them.
            display_toolbar=False,
            layout={"width": "100%", "height": f"{height}px"},
        )
        self.charts[chart.name] = figure
        heading = _heading(chart)
        box = ipywidgets.VBox(
            [*([ipywidgets.HTML(heading)] if heading else []), figure],
            layout={"flex": f"{10 * share:.2f} 1 {round(900 * share)}px", "min_width": "280px", "overflow": "hidden"},
        )
        for mark, several in drawn:
            if isinstance(mark, Bars | Points) and mark.layers:
                self._make_clickable(several[0], mark.layers)
                box.add_class("wsw-clickable")
        return box

    def close(self) -> None:
        """Close the figure with everything that it was made of: charts, marks, axes, scales, words."""
        super().close()
        for part in self._parts:
            part.close()

    # Selecting

    def _make_clickable(self, drawn: bqplot.Mark, layers: tuple[str, ...]) -> None:
        drawn.interactions = {"click": "select", "hover": "tooltip"}
        drawn.selected_style = {"stroke": css_colour("ink"), "stroke-width": "2px", "opacity": "1"}
        drawn.unselected_style = {"opacity": "0.45"}
        self._clickable.append((drawn, layers))

        def clicked(change: dict[str, Any]) -> None:
            if self._highlighting:
                return  # it was this figure that set it
            chosen = change["new"]
            # Several can be chosen with a key held down; the last is the one meant.
            self.selected = None if chosen is None or len(chosen) == 0 else layers[int(chosen[-1])]

        drawn.observe(clicked, "selected")

    @traitlets.observe("selected")
    def _highlight(self, change: dict[str, Any]) -> None:
        self._highlighting = True
        try:
            for drawn, layers in self._clickable:
                wanted = [layers.index(change["new"])] if change["new"] in layers else None
                current = None if drawn.selected is None else [int(index) for index in drawn.selected]
                # A layer that is not drawn here dims nothing; telling a mark what it says already would echo.
                if current != wanted:
                    drawn.selected = wanted
        finally:
            self._highlighting = False


def _parts_of(widget: ipywidgets.Widget) -> list[ipywidgets.Widget]:
    """Return all widgets that one is made of, without itself."""
    found: dict[str, ipywidgets.Widget] = {}
    waiting: list[Any] = [getattr(widget, name) for name in widget.keys]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list | tuple):
            waiting.extend(value)
        elif isinstance(value, ipywidgets.Widget) and value.model_id not in found:
            found[value.model_id] = value
            waiting.extend(getattr(value, name) for name in value.keys)
    return list(found.values())


def _heading(chart: Chart) -> str:
    """Return title, legend and note as markup, in which every word is text."""
    keys = [*chart.keys, *(key for mark in chart.marks if isinstance(mark, Slices) for key in _slice_keys(mark))]
    parts = [f"<b>{html.escape(chart.title)}</b>"] if chart.title else []
    parts += [
        f'<span class="wsw-key wsw-{key.shape}" style="--key: {css_colour(key.colour)}">{html.escape(key.label)}</span>'
        for key in keys
    ]
    parts += [_colour_bar(mark) for mark in chart.marks if isinstance(mark, Cells)]
    if chart.note:
        parts.append(f"<i>{html.escape(chart.note)}</i>")
    return f'<div class="wsw-sub">{"".join(parts)}</div>' if parts else ""


def _slice_keys(mark: Slices) -> list[Key]:
    return [Key(label, colour) for label, colour in zip(mark.labels, mark.colours, strict=True)]


def _colour_bar(mark: Cells) -> str:
    low, high = format_number(-mark.limit), format_number(mark.limit)
    return f'<span>{html.escape(mark.legend)}: {low}<span class="wsw-colours"></span>{high}</span>'


def _axes(chart: Chart, scales: dict[str, bqplot.Scale]) -> list[bqplot.Axis]:
    axes = []
    for axis, name, side in ((chart.x, "x", "bottom"), (chart.y, "y", "left")):
        if axis is None:
            continue
        categories = axis.kind == "category"
        turned = categories and side == "bottom"
        axes.append(
            bqplot.Axis(
                scale=scales[name],
                side=side,
                label=axis.label,
                label_offset=_label_offset(axis, side),
                tick_values=[axis.categories[int(tick.value)] for tick in axis.ticks]
                if categories
                else axis.place([tick.value for tick in axis.ticks]),
                tick_labels=None
                if categories
                else {
                    _as_javascript(float(place)): tick.label
                    for place, tick in zip(axis.place([tick.value for tick in axis.ticks]), axis.ticks, strict=True)
                },
                grid_lines="none" if categories else "solid",
                grid_color=css_colour("line"),
                tick_rotate=-60 if turned else 0,
                # Turned about their tick, they would begin beside it.
                tick_style={"text-anchor": "end", "translate": "-12px -3px"} if turned else {},
            )
        )
    return axes


def _label_offset(axis: Axis, side: str) -> str:
    if side == "bottom":
        return f"{_turned_height(axis) + 24}px" if axis.kind == "category" else "30px"
    return f"{_widest(axis) + 16}px"


def _margins(chart: Chart) -> dict[str, int]:
    if chart.x is None or chart.y is None:
        return {"top": 4, "bottom": 4, "left": 4, "right": 4}
    below = _turned_height(chart.x) + 8 if chart.x.kind == "category" else 30
    return {
        "top": 10,
        "bottom": below + (16 if chart.x.label else 0),
        "left": _widest(chart.y) + (30 if chart.y.label else 14),
        "right": 16,
    }


def _widest(axis: Axis) -> int:
    return min(_LONGEST_LABEL, round(max((_width(tick.label) for tick in axis.ticks), default=_CHARACTER)))


def _width(word: str) -> float:
    return sum(_WIDE_CHARACTER if east_asian_width(letter) in "WF" else _CHARACTER for letter in word)


def _turned_height(axis: Axis) -> int:
    return round(0.87 * _widest(axis)) + 6


def _as_javascript(value: float) -> str:
    """Return a finite number as the page writes it, under which it looks the tick's label up.

    Both languages write the fewest digits that tell a number from its neighbours, but JavaScript has an exponent only
    below 10⁻⁶ and from 10²¹ on, and no zero before it.
    """
    if value == 0 or 1e-6 <= abs(value) < 1e21:
        return np.format_float_positional(value + 0.0, trim="-")
    mantissa, _, exponent = np.format_float_scientific(value, trim="-").partition("e")
    return f"{mantissa}e{int(exponent):+d}"
