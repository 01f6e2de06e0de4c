"""The public functions: each draws one figure as a widget, and writes it to a file if asked to."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from weightscope_widget.data import LANGUAGES
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

Results: TypeAlias = ScanResults | Mapping[str, Any] | str | os.PathLike[str]

_PARTS = {
    "results": """results : ScanResults, mapping or path-like
        Results of `scan`, plain dicts of the same shape, or the path of a results file, including the reference's
        JSON.""",
    "weights": """weights : tensor, ndarray, nn.Module or str, or up to six of these
        One floating tensor (of a module its ``weight``), or a layer's name with `results`; several, in a sequence or
        a mapping of labels, are drawn over each other.
    results : ScanResults, mapping or path-like, optional
        For layers given by name.""",
    "options": """title : str, optional
        Replaces the default title.
    output_path : path-like, optional
        Also write the figure to this file: ``.png``, ``.svg`` or ``.pdf`` (needs the extra ``images``).
    theme : {"auto", "light", "dark"}
        ``"auto"`` follows the notebook; a file is then light.
    language : {"en", "zh"}
        Language of titles, legends, tooltips and notes.

    Returns
    -------
    LiveFigure
        A widget: its ``selected`` is the layer last clicked, which can be linked to a dashboard's; its ``charts`` are
        bqplot figures.

    Raises
    ------
    WeightScopeError
        If an argument is wrong or there is nothing to draw.""",
}

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _documented(function: _Function) -> _Function:
    """Insert the parameters that the figures share."""
    for name, text in _PARTS.items():
        function.__doc__ = (function.__doc__ or "").replace(f"{{{name}}}", text)
    return function


@_documented
def plot_condition_number_heatmap(
    results: Results,
    *,
    top: int | None = None,
    title: str | None = None,
    output_path: str | os.PathLike[str] | None = None,
    theme: Theme = "auto",
    language: str = "en",
) -> LiveFigure:
    """Draw log₁₀ κ of every layer as bars, the worst first, coloured by class.

    A bar of infinite κ ends with the axis and is labelled. Layers without κ (failed, or not finite) come first, with
    the reason in place of a bar. Short lines mark κ of a random matrix of the same shape.

    Parameters
    ----------
    {results}
    top : int, optional
        Number of the worst layers to draw; by default all, at most 500.
    {options}
    """
    return _figure(partial(condition_number_content, as_results(results), top), title, output_path, theme, language)


@_documented
def plot_quantization_risk_matrix(
    results: Results,
    *,
    title: str | None = None,
    output_path: str | os.PathLike[str] | None = None,
    theme: Theme = "auto",
    language: str = "en",
) -> LiveFigure:
    """Draw extreme outliers against the SQNR of per-tensor INT8, coloured by family; the 12 riskiest are named.

    Parameters
    ----------
    {results}
    {options}
    """
    return _figure(partial(quantization_risk_content, as_results(results)), title, output_path, theme, language)


@_documented
def plot_rank_efficiency(
    results: Results,
    *,
    title: str | None = None,
    output_path: str | os.PathLike[str] | None = None,
    theme: Theme = "auto",
    language: str = "en",
) -> LiveFigure:
    """Draw stable rank as a share of total rank per layer, one against the other, and the compression potential.

    Parameters
    ----------
    {results}
    {options}
    """
    return _figure(partial(rank_efficiency_content, as_results(results)), title, output_path, theme, language)


@_documented
def plot_model_health_dashboard(
    results: Results,
    *,
    title: str | None = None,
    output_path: str | os.PathLike[str] | None = None,
    theme: Theme = "auto",
    language: str = "en",
) -> LiveFigure:
    """Draw five distributions over the layers, the grades, and the ten layers most at risk.

    Parameters
    ----------
    {results}
    {options}
    """
    return _figure(partial(model_health_content, as_results(results)), title, output_path, theme, language)


@_documented
def plot_weight_distribution(
    weights: Any,
    results: Results | None = None,
    *,
    title: str | None = None,
    output_path: str | os.PathLike[str] | None = None,
    theme: Theme = "auto",
    language: str = "en",
) -> LiveFigure:
    """Draw the histogram of a tensor's entries, with linear and with logarithmic counts.

    Parameters
    ----------
    {weights}
    {options}
    """
    return _figure(
        partial(weight_distribution_content, weights, _optional(results)), title, output_path, theme, language
    )


@_documented
def plot_singular_values(
    weights: Any,
    results: Results | None = None,
    *,
    top_k: int = 10,
    title: str | None = None,
    output_path: str | os.PathLike[str] | None = None,
    theme: Theme = "auto",
    language: str = "en",
) -> LiveFigure:
    """Draw a matrix's largest singular values on a linear axis, and all of them on a logarithmic one.

    Parameters
    ----------
    {weights}
    top_k : int
        Number of values on the linear axis.
    {options}
    """
    return _figure(
        partial(singular_values_content, weights, _optional(results), top_k), title, output_path, theme, language
    )


@_documented
def plot_weight_heatmap(
    weights: Any,
    *,
    pooling: Pooling = "mean",
    transposed: bool | None = None,
    title: str | None = None,
    output_path: str | os.PathLike[str] | None = None,
    theme: Theme = "auto",
    language: str = "en",
) -> LiveFigure:
    """Draw a matrix as a heatmap, its colours centred on zero.

    A large matrix is drawn in blocks of nearly equal size, at most 160 along each side; no weight is skipped.

    Parameters
    ----------
    weights : tensor, ndarray or nn.Module
        Two dimensions or more, taken as the matrix (first, product of the rest).
    pooling : {"mean", "max"}
        The value of a block: the mean of its weights, or the one that is largest in magnitude, with its sign.
    transposed : bool, optional
        Whether the tensor is stored (in, out), as in transformers' ``Conv1D``; read off a module.
    {options}
    """
    return _figure(partial(weight_heatmap_content, weights, pooling, transposed), title, output_path, theme, language)


def _optional(results: Results | None) -> ScanResults | None:
    return None if results is None else as_results(results)


def _figure(
    content_in: Callable[..., Content],
    title: str | None,
    output_path: str | os.PathLike[str] | None,
    theme: Theme,
    language: str,
) -> LiveFigure:
    # Imported here so that scanning imports no plotting library.
    from weightscope_widget.visualizers.render.bqplot import LiveFigure

    if title is not None and not isinstance(title, str):
        raise InvalidArgumentError(f"title is of type {type(title).__name__}; give words.")
    if language not in LANGUAGES:
        raise InvalidArgumentError(f"language is {language!r}; choose {' or '.join(map(repr, LANGUAGES))}.")
    content = content_in(language=language)
    if title is not None:
        content = replace(content, title=title)
    figure = LiveFigure(content, theme)
    if output_path is not None:
        from weightscope_widget.visualizers.render.matplotlib import write_image

        write_image(content, output_path, "dark" if theme == "dark" else "light")
    return figure
