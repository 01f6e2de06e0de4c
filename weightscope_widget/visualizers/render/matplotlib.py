"""Figures as image files, drawn with matplotlib, an optional extra."""

from __future__ import annotations

import io
import os
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from weightscope_widget._shared.atomic_write import write_whole
from weightscope_widget._shared.optional import library
from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.visualizers.chart import (
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
from weightscope_widget.visualizers.palette import PALETTES, Colour, Scheme

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["SUFFIXES", "draw_figure", "write_image"]

SUFFIXES = (".png", ".svg", ".pdf")

_WIDTH = 1000  # pixels
_DPI = 100
_SHARPNESS = 1.5
_HEAD, _LINE = 46, 15  # pixels of the title, and of each line of notes
_NOTE_CHARACTERS = 165
Colours: TypeAlias = dict[Colour, str]

_PURPOSE = "Drawing an image file"
_FILES = {"pdf.fonttype": 42, "svg.hashsalt": "weightscope"}  # letters stay letters; the same figure, the same names
_DIVERGING: tuple[Colour, ...] = ("blue", "ground", "red")
_ALIGN = {"start": "left", "middle": "center", "end": "right"}


def write_image(content: Content, path: str | os.PathLike[str], scheme: Scheme = "light") -> None:
    """Draw a figure to a file, atomically.

    Parameters
    ----------
    content : Content
    path : path-like
        Ends in ``.png``, ``.svg`` or ``.pdf``; an existing file is replaced.
    scheme : {"light", "dark"}

    Raises
    ------
    InvalidArgumentError
        If the suffix is another, or the file cannot be written.
    MissingLibraryError
        If matplotlib is not installed.
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
    """Return a matplotlib figure without a window; raises MissingLibraryError if matplotlib is not installed."""
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
        # A dollar sign in a name starts no formula.
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
                _draw(figure.add_subplot(inner[column]), chart, colours)
    return figure


def _all_words(content: Content) -> str:
    words = [content.title, *content.notes]
    for chart in content.charts.values():
        words += [chart.title, chart.note, *(key.label for key in chart.keys)]
        for axis in (chart.x, chart.y):
            words += [axis.label, *(tick.label for tick in axis.ticks)]
        for mark in chart.marks:
            if isinstance(mark, Texts):
                words += mark.words
            elif isinstance(mark, Slices):
                words += [*mark.labels, mark.unit]
            elif isinstance(mark, Rule | Band):
                words.append(mark.label)
            elif isinstance(mark, Cells):
                words.append(mark.legend)
    return "".join(words)


def _draw(axes: Any, chart: Chart, colours: Colours) -> None:
    if not chart.bare:
        _prepare(axes, chart, colours)
    for mark in chart.marks:
        _DRAW[type(mark)](axes, mark, chart, colours)
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
        # A wide legend would narrow the chart; the title leaves room for its height.
        legend.set_in_layout(False)
    words = "   ".join(filter(None, (chart.title, chart.note)))
    if words or above:
        axes.set_title(words or " ", loc="left", fontsize=10, color=colours["ink"], pad=24 if above and words else 8)


def _prepare(axes: Any, chart: Chart, colours: Colours) -> None:
    x, y = chart.x, chart.y
    for axis, set_scale, set_limits, set_ticks in (
        (x, axes.set_xscale, axes.set_xlim, axes.set_xticks),
        (y, axes.set_yscale, axes.set_ylim, axes.set_yticks),
    ):
        if axis.kind == "log":
            set_scale("log")
        set_limits(*(axis.ends[::-1] if axis is y and chart.downwards else axis.ends))
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


def _bars(axes: Any, mark: Bars, chart: Chart, colours: Colours) -> None:
    places = np.arange(len(mark.values))
    shades = [colours[each] for each in mark.colours]
    draw = axes.barh if chart.across else axes.bar
    draw(places, np.nan_to_num(mark.values), 0.8, color=shades)


def _bins(axes: Any, mark: Bins, chart: Chart, colours: Colours) -> None:
    edges = chart.x.place(mark.edges)
    shades = [colours[each] for each in mark.colours]
    axes.bar(
        edges[:-1],
        np.maximum(mark.counts - chart.y.low, 0),
        np.diff(edges),
        chart.y.low,
        align="edge",
        color=shades,
        edgecolor=colours["ground"],
        linewidth=0.5 if mark.separate else 0,
    )


def _points(axes: Any, mark: Points, chart: Chart, colours: Colours) -> None:
    shades = [colours[each] for each in mark.colours]
    x, y = chart.x.place(mark.x), chart.y.place(mark.y)
    if mark.shape == "tick":
        marker = "|" if chart.across else "_"
        size = _tick_size(axes, chart)
        # Over a rim of the ground's colour, to be seen on a bar and beside it.
        axes.scatter(x, y, size, colours["ground"], marker=marker, linewidths=3.2)
        axes.scatter(x, y, size, shades, marker=marker, linewidths=1.4)
    elif mark.shape == "ring":
        axes.scatter(x, y, 95, "none", edgecolors=shades, linewidths=1.8, zorder=3, clip_on=False)
    else:
        # Whole at the end of an axis, too.
        style = {"edgecolors": colours["ground"], "linewidths": 0.6, "alpha": 0.9, "clip_on": False}
        axes.scatter(x, y, 34, shades, zorder=3, **style)


def _tick_size(axes: Any, chart: Chart) -> float:
    """Return the area of a tick that is as long as a bar is wide, in square points."""
    bars = chart.y if chart.across else chart.x
    box = axes.get_position()
    width, height = axes.figure.get_size_inches()
    length = 72 * (height * box.height if chart.across else width * box.width) / max(1, len(bars.categories))
    return float(min(12.0, max(3.0, 0.8 * length)) ** 2)


def _line(axes: Any, mark: Line, chart: Chart, colours: Colours) -> None:
    colour = colours[mark.colour]
    x, y = chart.x.place(mark.x), chart.y.place(mark.y)
    if len(x) == len(y) + 1:
        axes.stairs(y, x, baseline=None, color=colour, linewidth=1.3)
        return
    style, width = "--" if mark.dashed else "-", 0.6 if mark.thin else 1.3
    axes.plot(x, y, style, color=colour, linewidth=width, marker="o" if mark.hints else None, markersize=4)


def _rule(axes: Any, mark: Rule, chart: Chart, colours: Colours) -> None:
    colour = colours[mark.colour]
    across = mark.axis == "y"
    value = float(chart.along(mark).place(mark.value))
    (axes.axhline if across else axes.axvline)(value, color=colour, linewidth=1.0, linestyle="--", zorder=2)
    if mark.label:
        end = 0 if mark.low else 1
        offset = (2 if mark.low else -2, 2) if across else (2, 2 if mark.low else -1)
        style = {"ha": "right" if across and not mark.low else "left", "va": "bottom" if across or mark.low else "top"}
        at = (end, value) if across else (value, end)
        _annotate(axes, mark, at, offset, **style, fontsize=7.5, color=colours["muted"])


def _annotate(axes: Any, mark: Rule | Band, at: tuple[float, float], offset: tuple[int, int], **style: Any) -> None:
    coordinates = ("axes fraction", "data") if mark.axis == "y" else ("data", "axes fraction")
    axes.annotate(mark.label, at, xycoords=coordinates, xytext=offset, textcoords="offset points", **style)


def _band(axes: Any, mark: Band, chart: Chart, colours: Colours) -> None:
    colour = colours[mark.colour]
    low, high = chart.along(mark).place([mark.low, mark.high])
    (axes.axhspan if mark.axis == "y" else axes.axvspan)(low, high, color=colour, alpha=0.08, linewidth=0, zorder=0)
    if mark.label:
        corner = (1, low) if mark.axis == "y" else (high, 0)
        style = {"ha": "right", "va": "bottom", "fontsize": 8, "color": colour}
        _annotate(axes, mark, corner, (-4, 4), **style)


def _texts(axes: Any, mark: Texts, chart: Chart, colours: Colours) -> None:
    for x, y, word in zip(chart.x.place(mark.x), chart.y.place(mark.y), mark.words, strict=True):
        style = {"ha": _ALIGN[mark.align], "va": "center", "fontsize": 8, "color": colours[mark.colour]}
        axes.text(x, y, word, clip_on=True, zorder=4, **style)


def _slices(axes: Any, mark: Slices, _chart: Chart, colours: Colours) -> None:
    shades = [colours[each] for each in mark.colours]
    wedges, _ = axes.pie(
        mark.counts,
        colors=shades,
        startangle=90,
        counterclock=False,
        radius=1.1,
        wedgeprops={"width": 0.45, "edgecolor": colours["ground"], "linewidth": 1},
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
        labelcolor=colours["ink"],
    )


def _cells(axes: Any, mark: Cells, _chart: Chart, colours: Colours) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    shades = LinearSegmentedColormap.from_list("weights", [colours[each] for each in _DIVERGING]).with_extremes(
        bad=colours["line"]
    )
    values: FloatArray = np.ma.masked_invalid(mark.values)
    mesh = axes.pcolormesh(
        mark.x_edges, mark.y_edges, values, cmap=shades, vmin=-mark.limit, vmax=mark.limit, rasterized=True
    )
    axes.grid(visible=False)
    bar = axes.figure.colorbar(mesh, ax=axes, shrink=0.9, pad=0.02)
    bar.set_label(mark.legend, color=colours["muted"])
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
