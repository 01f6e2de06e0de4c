"""Figures as image files, drawn with matplotlib, an optional extra."""

from __future__ import annotations

import io
import os
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from weightscope_widget._shared.atomic_write import write_whole
from weightscope_widget._shared.optional import library
from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.visualizers.chart import (
    Axis,
    Band,
    Bars,
    Bins,
    Cells,
    Chart,
    Content,
    FloatArray,
    Key,
    Line,
    Mark,
    Points,
    Rule,
    Slices,
    Texts,
)
from weightscope_widget.visualizers.palette import DIVERGING, PALETTES, Colour, Scheme

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["SUFFIXES", "draw_figure", "write_image"]

SUFFIXES = (".png", ".svg", ".pdf")

_WIDTH = 1000  # pixels
_DPI = 100
_SHARPNESS = 1.5
_HEAD, _LINE = 46, 15  # pixels of the title, and of each line of notes
_NOTE_CHARACTERS = 165
_PURPOSE = "Drawing an image file"
_FILES = {"pdf.fonttype": 42, "svg.hashsalt": "weightscope"}  # letters stay letters; the same figure, the same names
_ALIGN = {"start": "left", "middle": "center", "end": "right"}


def write_image(content: Content, path: str | os.PathLike[str], scheme: Scheme = "light") -> None:
    """Draw a figure into a file, whole or not at all.

    Parameters
    ----------
    content : Content
        What to draw.
    path : path-like
        Ends in ``.png``, ``.svg`` or ``.pdf``, which says the kind; an older file is replaced.
    scheme : {"light", "dark"}
        The colours.

    Raises
    ------
    InvalidArgumentError
        Where the suffix is another, or the file cannot be written.
    MissingLibraryError
        Where matplotlib is not installed.
    """
    path = Path(path).expanduser()
    kind = path.suffix.lower()
    if kind not in SUFFIXES:
        raise InvalidArgumentError(f"{str(path)!r} does not end in {', '.join(SUFFIXES)}; choose one of these.")
    metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(kind, {})  # the same figure, the same file
    figure, buffer = draw_figure(content, scheme), io.BytesIO()
    with library("matplotlib", "images", _PURPOSE).rc_context(_FILES):
        figure.savefig(buffer, format=kind.removeprefix("."), dpi=_SHARPNESS * _DPI, metadata=metadata)
    try:
        write_whole(path, buffer.getvalue())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidArgumentError(f"{str(path)!r} cannot be written ({reason}); choose another path.") from error


def draw_figure(content: Content, scheme: Scheme = "light") -> Figure:
    """Return a figure drawn with matplotlib, which belongs to no window.

    Raises
    ------
    MissingLibraryError
        Where matplotlib is not installed.
    """
    matplotlib = library("matplotlib", "images", _PURPOSE)
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    from weightscope_widget.visualizers.render.fonts import families_for, title_font

    colours = PALETTES[scheme]
    notes = [line for note in content.notes for line in textwrap.wrap(note, _NOTE_CHARACTERS, subsequent_indent="   ")]
    height = _HEAD + sum(content.heights) + _LINE * len(notes)
    style = {
        "font.family": families_for(_all_words(content)),
        "font.size": 9.0,
        # Names are what they are: a dollar sign in one is no formula.
        "text.parse_math": False,
        "text.color": colours["ink"],
        "axes.edgecolor": colours["muted"],
        "axes.facecolor": colours["ground"],
        "axes.labelcolor": colours["muted"],
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.unicode_minus": True,
        "xtick.color": colours["muted"],
        "ytick.color": colours["muted"],
        "figure.facecolor": colours["ground"],
    }
    with matplotlib.rc_context(style):
        figure = Figure(
            figsize=(_WIDTH / _DPI, height / _DPI),
            dpi=_DPI,
            layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.08, hspace=0.04, wspace=0.04),
        )
        figure.suptitle(
            content.title, x=0.01, ha="left", fontsize=13, color=colours["ink"], **title_font(content.title)
        )
        if notes:
            figure.supxlabel("\n".join(notes), x=0.01, ha="left", fontsize=8, color=colours["muted"])
        grid = figure.add_gridspec(len(content.rows), 1, height_ratios=content.heights)
        for row, charts in enumerate(content.rows):
            inner = grid[row].subgridspec(1, len(charts), width_ratios=content.shares(row))
            for column, chart in enumerate(charts):
                _draw(figure.add_subplot(inner[column]), chart, scheme)
    return figure


def _all_words(content: Content) -> str:
    words = [content.title, *content.notes]
    for chart in content.charts.values():
        words += [chart.title, chart.note, *(key.label for key in chart.keys)]
        words += [tick.label for axis in (chart.x, chart.y) if axis is not None for tick in axis.ticks]
        words += [axis.label for axis in (chart.x, chart.y) if axis is not None]
        words += [word for mark in chart.marks if isinstance(mark, Texts) for word in mark.words]
        words += [mark.label for mark in chart.marks if isinstance(mark, Rule | Band)]
        words += [word for mark in chart.marks if isinstance(mark, Slices) for word in mark.labels]
    return "".join(words)


def _draw(axes: Any, chart: Chart, scheme: Scheme) -> None:
    colours = PALETTES[scheme]
    if chart.x is not None and chart.y is not None:
        _prepare(axes, chart.x, chart.y, colours, downwards=chart.downwards)
    for mark in chart.marks:
        _DRAW[type(mark)](axes, mark, chart, scheme)
    above = bool(chart.keys) and chart.legend == "above"
    if chart.keys:
        place: dict[str, Any] = (
            {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "ncols": len(chart.keys), "borderaxespad": 0.2}
            if above
            else {"loc": "upper right"}
        )
        legend = axes.legend(
            handles=[_handle(key, colours) for key in chart.keys],
            frameon=False,
            handlelength=1.2,
            handletextpad=0.5,
            columnspacing=1.4,
            fontsize=8.5,
            labelcolor=colours["ink"],
            **place,
        )
        # A wide one would otherwise narrow the chart; the title makes room for its height.
        legend.set_in_layout(False)
    words = "   ".join(filter(None, (chart.title, chart.note)))
    if words or above:
        axes.set_title(words or " ", loc="left", fontsize=10, color=colours["ink"], pad=24 if above and words else 8)


def _prepare(axes: Any, x: Axis, y: Axis, colours: dict[Colour, str], *, downwards: bool) -> None:
    for axis, set_scale, set_limits, set_ticks in (
        (x, axes.set_xscale, axes.set_xlim, axes.set_xticks),
        (y, axes.set_yscale, axes.set_ylim, axes.set_yticks),
    ):
        if axis.kind == "log":
            set_scale("log")
        low, high = axis.place([axis.low, axis.high])
        set_limits(*((high, low) if axis is y and downwards else (low, high)))
        set_ticks(axis.place([tick.value for tick in axis.ticks]), [tick.label for tick in axis.ticks])
        set_ticks([], minor=True)
    axes.set_xlabel(x.label, fontsize=9)
    axes.set_ylabel(y.label, fontsize=9)
    axes.tick_params(length=3, width=0.6, labelsize=8.5)
    for axis, name in ((x, "x"), (y, "y")):
        if axis.kind == "category":
            axes.tick_params(axis=name, length=0, labelsize=8)
        else:
            axes.grid(axis=name, color=colours["line"], linewidth=0.6)
    axes.set_axisbelow(True)
    if x.kind == "category":
        for label in axes.get_xticklabels():
            label.set(rotation=60 if len(x.ticks) > 12 else 30, ha="right", rotation_mode="anchor")


def _bars(axes: Any, mark: Bars, chart: Chart, scheme: Scheme) -> None:
    places = np.arange(len(mark.values))
    colours = [PALETTES[scheme][colour] for colour in mark.colours]
    draw = axes.barh if chart.across else axes.bar
    draw(places, np.nan_to_num(mark.values), 0.8, color=colours)


def _bins(axes: Any, mark: Bins, chart: Chart, scheme: Scheme) -> None:
    assert chart.x is not None
    assert chart.y is not None
    edges = chart.x.place(mark.edges)
    colours = [PALETTES[scheme][colour] for colour in mark.colours]
    axes.bar(
        edges[:-1],
        np.maximum(mark.counts - chart.y.low, 0),
        np.diff(edges),
        chart.y.low,
        align="edge",
        color=colours,
        edgecolor=PALETTES[scheme]["ground"],
        linewidth=0.5 if mark.separate else 0,
    )


def _points(axes: Any, mark: Points, chart: Chart, scheme: Scheme) -> None:
    assert chart.x is not None
    assert chart.y is not None
    colours = [PALETTES[scheme][colour] for colour in mark.colours]
    x, y = chart.x.place(mark.x), chart.y.place(mark.y)
    if mark.shape == "tick":
        marker = "|" if chart.across else "_"
        size = _tick_size(axes, chart)
        # Over a rim of the ground's colour, to be seen on a bar and beside it.
        axes.scatter(x, y, size, PALETTES[scheme]["ground"], marker=marker, linewidths=3.2)
        axes.scatter(x, y, size, colours, marker=marker, linewidths=1.4)
    elif mark.shape == "ring":
        axes.scatter(x, y, 95, "none", edgecolors=colours, linewidths=1.8, zorder=3, clip_on=False)
    else:
        # Whole at the end of an axis, too.
        style = {"edgecolors": PALETTES[scheme]["ground"], "linewidths": 0.6, "alpha": 0.9, "clip_on": False}
        axes.scatter(x, y, 34, colours, zorder=3, **style)


def _tick_size(axes: Any, chart: Chart) -> float:
    """Return the area of a tick that is as long as a bar is wide, in square points."""
    bars = chart.y if chart.across else chart.x
    assert bars is not None
    box = axes.get_position()
    width, height = axes.figure.get_size_inches()
    length = 72 * (height * box.height if chart.across else width * box.width) / max(1, len(bars.categories))
    return float(min(12.0, max(3.0, 0.8 * length)) ** 2)


def _line(axes: Any, mark: Line, chart: Chart, scheme: Scheme) -> None:
    assert chart.x is not None
    assert chart.y is not None
    colour = PALETTES[scheme][mark.colour]
    x, y = chart.x.place(mark.x), chart.y.place(mark.y)
    if len(x) == len(y) + 1:
        axes.stairs(y, x, baseline=None, color=colour, linewidth=1.3)
        return
    style, width = "--" if mark.dashed else "-", 0.6 if mark.thin else 1.3
    axes.plot(x, y, style, color=colour, linewidth=width, marker="o" if mark.hints else None, markersize=4)


def _rule(axes: Any, mark: Rule, chart: Chart, scheme: Scheme) -> None:
    colour = PALETTES[scheme][mark.colour]
    across = mark.axis == "y"
    axis = chart.y if across else chart.x
    assert axis is not None
    value = float(axis.place(mark.value))
    (axes.axhline if across else axes.axvline)(value, color=colour, linewidth=1.0, linestyle="--", zorder=2)
    if mark.label:
        axes.annotate(
            mark.label,
            (0 if mark.low else 1, value) if across else (value, 0 if mark.low else 1),
            xycoords=("axes fraction", "data") if across else ("data", "axes fraction"),
            xytext=(2 if mark.low else -2, 2) if across else (2, 2 if mark.low else -1),
            textcoords="offset points",
            ha="right" if across and not mark.low else "left",
            va="bottom" if across or mark.low else "top",
            fontsize=7.5,
            color=PALETTES[scheme]["muted"],
        )


def _band(axes: Any, mark: Band, chart: Chart, scheme: Scheme) -> None:
    colour = PALETTES[scheme][mark.colour]
    axis = chart.y if mark.axis == "y" else chart.x
    assert axis is not None
    low, high = axis.place([mark.low, mark.high])
    (axes.axhspan if mark.axis == "y" else axes.axvspan)(low, high, color=colour, alpha=0.08, linewidth=0, zorder=0)
    if mark.label:
        axes.annotate(
            mark.label,
            (1, low) if mark.axis == "y" else (high, 0),
            xycoords=("axes fraction", "data") if mark.axis == "y" else ("data", "axes fraction"),
            xytext=(-4, 4),
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize=8,
            color=colour,
        )


def _texts(axes: Any, mark: Texts, chart: Chart, scheme: Scheme) -> None:
    assert chart.x is not None
    assert chart.y is not None
    places: zip[tuple[float, float, str]] = zip(chart.x.place(mark.x), chart.y.place(mark.y), mark.words, strict=True)
    for x, y, word in places:
        axes.text(
            x,
            y,
            word,
            ha=_ALIGN[mark.align],
            va="center",
            fontsize=8,
            color=PALETTES[scheme][mark.colour],
            clip_on=True,
            zorder=4,
        )


def _slices(axes: Any, mark: Slices, _chart: Chart, scheme: Scheme) -> None:
    colours = [PALETTES[scheme][colour] for colour in mark.colours]
    wedges, _ = axes.pie(
        mark.counts,
        colors=colours,
        startangle=90,
        counterclock=False,
        radius=1.1,
        wedgeprops={"width": 0.45, "edgecolor": PALETTES[scheme]["ground"], "linewidth": 1},
    )
    axes.text(0, 0, "\n".join(mark.centre), ha="center", va="center", fontsize=10)
    axes.legend(
        wedges,
        mark.labels,
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
        frameon=False,
        handlelength=1.0,
        fontsize=9,
        labelcolor=PALETTES[scheme]["ink"],
    )


def _cells(axes: Any, mark: Cells, _chart: Chart, scheme: Scheme) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    shades = LinearSegmentedColormap.from_list("weights", DIVERGING[scheme]).with_extremes(bad=PALETTES[scheme]["line"])
    values: FloatArray = np.ma.masked_invalid(mark.values)
    mesh = axes.pcolormesh(
        mark.x_edges, mark.y_edges, values, cmap=shades, vmin=-mark.limit, vmax=mark.limit, rasterized=True
    )
    axes.grid(visible=False)
    bar = axes.figure.colorbar(mesh, ax=axes, shrink=0.9, pad=0.02)
    bar.set_label(mark.legend, color=PALETTES[scheme]["muted"])
    bar.outline.set_visible(False)


_DRAW: dict[type[Mark], Any] = {
    Bars: _bars,
    Bins: _bins,
    Points: _points,
    Line: _line,
    Rule: _rule,
    Band: _band,
    Texts: _texts,
    Slices: _slices,
    Cells: _cells,
}


def _handle(key: Key, colours: dict[Colour, str]) -> Any:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    colour = colours[key.colour]
    if key.shape == "square":
        return Patch(color=colour, label=key.label)
    styles: dict[str, dict[str, Any]] = {
        "circle": {"marker": "o", "linestyle": "none", "markersize": 6},
        "tick": {"marker": "|", "linestyle": "none", "markersize": 9, "markeredgewidth": 1.2},
        "line": {"linestyle": "-"},
        "dashed": {"linestyle": "--"},
    }
    return Line2D([], [], color=colour, label=key.label, **styles[key.shape])
