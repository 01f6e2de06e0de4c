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
        The figure as data.
    theme : {"auto", "light", "dark"}
        ``"auto"`` follows the notebook.

    Attributes
    ----------
    selected : str or None
        Name of the highlighted layer; a click sets it.  Link it to a dashboard's with
        ``ipywidgets.link((dash, "selected"), (figure, "selected"))``; a layer that is not drawn highlights nothing.
    charts : dict of str to bqplot.Figure
        The charts; their ``marks``, ``axes`` and scales can be changed.
    content : Content
        The figure as data.

    Raises
    ------
    InvalidArgumentError
        If the theme is another.
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
        self._scales: list[bqplot.Scale] = []
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
        # The scales of a pie are on no axis, and may be on no mark.
        self._parts = tuple({part.model_id: part for part in (*_parts_of(self), *self._scales)}.values())
        retire_previous(self)

    def _chart(self, chart: Chart, height: int, share: float) -> ipywidgets.Widget:
        scales = scales_of(chart)
        self._scales += scales.values()
        drawn = [(mark, draw_mark(mark, chart, scales)) for mark in chart.marks]
        marks = [one for _, several in drawn for one in several]
        figure = bqplot.Figure(
            marks=marks,
            axes=_axes(chart, scales),
            fig_margin=_margins(chart),
            padding_x=0,
            padding_y=0,
            # Panning would move axes of categories and bins without their marks.
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
        """Close the figure and all its widgets: charts, marks, axes, scales, texts."""
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
                return  # set by this figure
            chosen = change["new"]
            # With a key held down several can be chosen; take the last.
            self.selected = None if chosen is None or len(chosen) == 0 else layers[int(chosen[-1])]

        drawn.observe(clicked, "selected")

    @traitlets.observe("selected")
    def _highlight(self, change: dict[str, Any]) -> None:
        self._highlighting = True
        try:
            for drawn, layers in self._clickable:
                wanted = [layers.index(change["new"])] if change["new"] in layers else None
                current = None if drawn.selected is None else [int(index) for index in drawn.selected]
                # A layer that is not drawn dims nothing; an unchanged selection is not sent again.
                if current != wanted:
                    drawn.selected = wanted
        finally:
            self._highlighting = False


def _parts_of(widget: ipywidgets.Widget) -> list[ipywidgets.Widget]:
    """Return all widgets inside one."""
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
    """Return title, legend and note as markup, with all text escaped."""
    keys = [*chart.keys]
    for mark in chart.marks:
        if isinstance(mark, Slices):
            keys += map(Key, mark.labels, mark.colours)
    parts = [f"<b>{html.escape(chart.title)}</b>"] if chart.title else []
    parts += [
        f'<span class="wsw-key wsw-{key.shape}" style="--key: {css_colour(key.colour)}">{html.escape(key.label)}</span>'
        for key in keys
    ]
    parts += [_colour_bar(mark) for mark in chart.marks if isinstance(mark, Cells)]
    if chart.note:
        parts.append(f"<i>{html.escape(chart.note)}</i>")
    return f'<div class="wsw-sub">{"".join(parts)}</div>' if parts else ""


def _colour_bar(mark: Cells) -> str:
    low, high = format_number(-mark.limit), format_number(mark.limit)
    return f'<span>{html.escape(mark.legend)}: {low}<span class="wsw-colours"></span>{high}</span>'


def _axes(chart: Chart, scales: dict[str, bqplot.Scale]) -> list[bqplot.Axis]:
    return [] if chart.bare else [_axis(chart.x, scales["x"], "bottom"), _axis(chart.y, scales["y"], "left")]


def _axis(axis: Axis, scale: bqplot.Scale, side: str) -> bqplot.Axis:
    places = axis.place([tick.value for tick in axis.ticks])
    options: dict[str, Any] = {
        "tick_values": places,
        "tick_labels": {
            _as_javascript(place): tick.label for place, tick in zip(places.tolist(), axis.ticks, strict=True)
        },
        "grid_lines": "solid",
    }
    if axis.kind == "category":
        options = {"tick_values": [axis.categories[int(tick.value)] for tick in axis.ticks], "grid_lines": "none"}
        if side == "bottom":
            # Turned labels end at their tick.
            options |= {"tick_rotate": -60, "tick_style": {"text-anchor": "end", "translate": "-12px -3px"}}
    return bqplot.Axis(
        scale=scale,
        side=side,
        label=axis.label,
        label_offset=_label_offset(axis, side),
        grid_color=css_colour("line"),
        **options,
    )


def _label_offset(axis: Axis, side: str) -> str:
    if side == "bottom":
        return f"{_turned_height(axis) + 24}px" if axis.kind == "category" else "30px"
    return f"{_widest(axis) + 16}px"


def _margins(chart: Chart) -> dict[str, int]:
    if chart.bare:
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
    """Return a finite number as JavaScript writes it: bqplot's page looks up labels of ticks by it.

    Both languages write the shortest digits that round-trip, but JavaScript uses an exponent only below 10⁻⁶ and from
    10²¹ on, without a leading zero.
    """
    if value == 0 or 1e-6 <= abs(value) < 1e21:
        return np.format_float_positional(value + 0.0, trim="-")
    mantissa, _, exponent = np.format_float_scientific(value, trim="-").partition("e")
    return f"{mantissa}e{int(exponent):+d}"
