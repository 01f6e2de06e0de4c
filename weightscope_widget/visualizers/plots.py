"""The functions a person calls: each returns a live figure of what its content says, and writes it to a file too."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.visualizers.chart import Content
from weightscope_widget.visualizers.content.condition_number import condition_number_content
from weightscope_widget.visualizers.content.model_health import model_health_content
from weightscope_widget.visualizers.content.quantization_risk import quantization_risk_content
from weightscope_widget.visualizers.content.rank_efficiency import rank_efficiency_content
from weightscope_widget.visualizers.content.singular_values import singular_values_content
from weightscope_widget.visualizers.content.weight_distribution import weight_distribution_content
from weightscope_widget.visualizers.content.weight_heatmap import Pooling, weight_heatmap_content
from weightscope_widget.visualizers.given import as_results
from weightscope_widget.visualizers.render.style import Theme

if TYPE_CHECKING:
    from weightscope_widget.visualizers.render.bqplot import LiveFigure

__all__ = [
    "plot_condition_number_heatmap",
    "plot_model_health_dashboard",
    "plot_quantization_risk_matrix",
    "plot_rank_efficiency",
    "plot_singular_values",
    "plot_weight_distribution",
    "plot_weight_heatmap",
]


def plot_condition_number_heatmap(
    results: ScanResults | Mapping[str, Any] | str | os.PathLike[str],
    *,
    top: int | None = None,
    title: str | None = None,
    output_path: str | os.PathLike[str] | None = None,
    theme: Theme = "auto",
) -> LiveFigure:
    """Draw log₁₀ κ of every layer as bars, the worst first, coloured by class.

    An infinite κ reaches the end of the axis and says so; a layer without one (failed, or weights that are not finite)
    comes first, with the reason in place of a bar.  Short lines show what a random matrix of each shape would score.

    Parameters
    ----------
    results : ScanResults, mapping or path-like
        What `scan` returned, plain dicts of its shape, or the path of a results file, the reference's JSON included.
    top : int, optional
        How many of the worst layers to draw; by default all, at most 500.
    title : str, optional
        Instead of the usual one.
    output_path : path-like, optional
        Write the figure to this file too: ``.png``, ``.svg`` or ``.pdf`` (needs the extra ``images``).
    theme : {"auto", "light", "dark"}
        ``"auto"`` follows the notebook; a file is then light.

    Returns
    -------
    LiveFigure
        A widget: its ``selected`` is the layer that was clicked and can be linked to a dashboard's, its ``charts`` are
        bqplot figures.

    Raises
    ------
    WeightScopeError
        One of its kinds, where an argument is wrong or there is nothing to draw.
    """
    return _figure(condition_number_content(as_results(results), top), title, output_path, theme)


def plot_quantization_risk_matrix(
    results: ScanResults | Mapping[str, Any] | str | os.PathLike[str],
    *,
    title: str | None = None,
    output_path: str | os.PathLike[str] | None = None,
    theme: Theme = "auto",
) -> LiveFigure:
    """Draw extreme outliers against the SQNR of per-tensor INT8, coloured by family; the 12 riskiest are named.

    Parameters
    ----------
    results : ScanResults, mapping or path-like
        What `scan` returned, plain dicts of its shape, or the path of a results file, the reference's JSON included.
    title : str, optional
        Instead of the usual one.
    output_path : path-like, optional
        Write the figure to this file too: ``.png``, ``.svg`` or ``.pdf`` (needs the extra ``images``).
    theme : {"auto", "light", "dark"}
        ``"auto"`` follows the notebook; a file is then light.

    Returns
    -------
    LiveFigure
        A widget: its ``selected`` is the layer that was clicked and can be linked to a dashboard's, its ``charts`` are
        bqplot figures.

    Raises
    ------
    WeightScopeError
        One of its kinds, where an argument is wrong or there is nothing to draw.
    """
    return _figure(quantization_risk_content(as_results(results)), title, output_path, theme)


def plot_rank_efficiency(
    results: ScanResults | Mapping[str, Any] | str | os.PathLike[str],
    *,
    title: str | None = None,
    output_path: str | os.PathLike[str] | None = None,
    theme: Theme = "auto",
) -> LiveFigure:
    """Draw stable rank as a share of total rank per layer, one against the other, and the compression potential.

    Parameters
    ----------
    results : ScanResults, mapping or path-like
        What `scan` returned, plain dicts of its shape, or the path of a results file, the reference's JSON included.
    title : str, optional
        Instead of the usual one.
    output_path : path-like, optional
        Write the figure to this file too: ``.png``, ``.svg`` or ``.pdf`` (needs the extra ``images``).
    theme : {"auto", "light", "dark"}
        ``"auto"`` follows the notebook; a file is then light.

    Returns
    -------
    LiveFigure
        A widget: its ``selected`` is the layer that was clicked and can be linked to a dashboard's, its ``charts`` are
        bqplot figures.

    Raises
    ------
    WeightScopeError
        One of its kinds, where an argument is wrong or there is nothing to draw.
    """
    return _figure(rank_efficiency_content(as_results(results)), title, output_path, theme)


def plot_model_health_dashboard(
    results: ScanResults | Mapping[str, Any] | str | os.PathLike[str],
    *,
    title: str | None = None,
    output_path: str | os.PathLike[str] | None = None,
    theme: Theme = "auto",
) -> LiveFigure:
    """Draw five distributions over the layers, the grades, and the ten layers most at risk.

    Parameters
    ----------
    results : ScanResults, mapping or path-like
        What `scan` returned, plain dicts of its shape, or the path of a results file, the reference's JSON included.
    title : str, optional
        Instead of the usual one.
    output_path : path-like, optional
        Write the figure to this file too: ``.png``, ``.svg`` or ``.pdf`` (needs the extra ``images``).
    theme : {"auto", "light", "dark"}
        ``"auto"`` follows the notebook; a file is then light.

    Returns
    -------
    LiveFigure
        A widget: its ``selected`` is the layer that was clicked and can be linked to a dashboard's, its ``charts`` are
        bqplot figures.

    Raises
    ------
    WeightScopeError
        One of its kinds, where an argument is wrong or there is nothing to draw.
    """
    return _figure(model_health_content(as_results(results)), title, output_path, theme)


def plot_weight_distribution(
    weights: Any,
    results: ScanResults | Mapping[str, Any] | str | os.PathLike[str] | None = None,
    *,
    title: str | None = None,
    output_path: str | os.PathLike[str] | None = None,
    theme: Theme = "auto",
) -> LiveFigure:
    """Draw the histogram of a tensor's entries, with linear and with logarithmic counts.

    Parameters
    ----------
    weights : tensor, ndarray, nn.Module or str, or up to six of these
        One floating tensor (of a module its ``weight``), or a layer's name where `results` are given; several, in a
        sequence or a mapping of labels, are drawn over each other.
    results : ScanResults, mapping or path-like, optional
        What the names are of.
    title : str, optional
        Instead of the usual one.
    output_path : path-like, optional
        Write the figure to this file too: ``.png``, ``.svg`` or ``.pdf`` (needs the extra ``images``).
    theme : {"auto", "light", "dark"}
        ``"auto"`` follows the notebook; a file is then light.

    Returns
    -------
    LiveFigure
        A widget: its ``selected`` is the layer that was clicked and can be linked to a dashboard's, its ``charts`` are
        bqplot figures.

    Raises
    ------
    WeightScopeError
        One of its kinds, where an argument is wrong or there is nothing to draw.
    """
    found = None if results is None else as_results(results)
    return _figure(weight_distribution_content(weights, found), title, output_path, theme)


def plot_singular_values(
    weights: Any,
    results: ScanResults | Mapping[str, Any] | str | os.PathLike[str] | None = None,
    *,
    top_k: int = 10,
    title: str | None = None,
    output_path: str | os.PathLike[str] | None = None,
    theme: Theme = "auto",
) -> LiveFigure:
    """Draw a matrix's largest singular values on a linear axis, and all of them on a logarithmic one.

    Parameters
    ----------
    weights : tensor, ndarray, nn.Module or str, or up to six of these
        One floating tensor (of a module its ``weight``), or a layer's name where `results` are given; several, in a
        sequence or a mapping of labels, are drawn over each other.
    results : ScanResults, mapping or path-like, optional
        What the names are of.
    top_k : int
        How many of the largest to draw on the linear axis.
    title : str, optional
        Instead of the usual one.
    output_path : path-like, optional
        Write the figure to this file too: ``.png``, ``.svg`` or ``.pdf`` (needs the extra ``images``).
    theme : {"auto", "light", "dark"}
        ``"auto"`` follows the notebook; a file is then light.

    Returns
    -------
    LiveFigure
        A widget: its ``selected`` is the layer that was clicked and can be linked to a dashboard's, its ``charts`` are
        bqplot figures.

    Raises
    ------
    WeightScopeError
        One of its kinds, where an argument is wrong or there is nothing to draw.
    """
    found = None if results is None else as_results(results)
    return _figure(singular_values_content(weights, found, top_k), title, output_path, theme)


def plot_weight_heatmap(
    weights: Any,
    *,
    pooling: Pooling = "mean",
    transposed: bool | None = None,
    title: str | None = None,
    output_path: str | os.PathLike[str] | None = None,
    theme: Theme = "auto",
) -> LiveFigure:
    """Draw a matrix as a heatmap, its colours centred on zero.

    A large matrix is drawn in blocks of nearly equal size, at most 160 along each side; no weight is skipped.

    Parameters
    ----------
    weights : tensor, ndarray or nn.Module
        Two dimensions or more, taken as the matrix (first, product of the rest).
    pooling : {"mean", "max"}
        What a block shows: the mean of its weights, or the one that is largest in magnitude, with its sign.
    transposed : bool, optional
        Whether the tensor is stored (in, out), as transformers' ``Conv1D`` does; a module says it by itself.
    title : str, optional
        Instead of the usual one.
    output_path : path-like, optional
        Write the figure to this file too: ``.png``, ``.svg`` or ``.pdf`` (needs the extra ``images``).
    theme : {"auto", "light", "dark"}
        ``"auto"`` follows the notebook; a file is then light.

    Returns
    -------
    LiveFigure
        A widget: its ``selected`` is the layer that was clicked and can be linked to a dashboard's, its ``charts`` are
        bqplot figures.

    Raises
    ------
    WeightScopeError
        One of its kinds, where an argument is wrong or there is nothing to draw.
    """
    return _figure(weight_heatmap_content(weights, pooling, transposed), title, output_path, theme)


def _figure(
    content: Content, title: str | None, output_path: str | os.PathLike[str] | None, theme: Theme
) -> LiveFigure:
    # Here, so that a script which only scans imports no plotting library.
    from weightscope_widget.visualizers.render.bqplot import LiveFigure

    if title is not None:
        if not isinstance(title, str):
            raise InvalidArgumentError(f"title is of type {type(title).__name__}; give words.")
        content = replace(content, title=title)
    figure = LiveFigure(content, theme)
    if output_path is not None:
        from weightscope_widget.visualizers.render.matplotlib import write_image

        write_image(content, output_path, "dark" if theme == "dark" else "light")
    return figure
