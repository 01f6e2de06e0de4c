"""The weight heatmap: a matrix in blocks, coloured from negative through zero to positive."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np
from torch import nn
from torch.nn.modules.conv import _ConvTransposeNd

from weightscope_widget._shared.messages import render, say
from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.sources._tensors.records import is_conv1d
from weightscope_widget.visualizers.axes import check_drawable, linear_axis
from weightscope_widget.visualizers.chart import Cells, Chart, Content, FloatArray
from weightscope_widget.visualizers.tensors import as_tensor

__all__ = ["Pooling", "weight_heatmap_content"]

Pooling = Literal["mean", "max"]

_MOST_CELLS = 160  # along either side
_SATURATED = 0.995
_HEIGHT = 460


def weight_heatmap_content(
    weights: Any, pooling: Pooling = "mean", transposed: bool | None = None, *, language: str = "en"
) -> Content:
    """Return the heatmap of a matrix, in at most 160 × 160 blocks of nearly equal size.

    Parameters
    ----------
    weights : tensor, ndarray or nn.Module
        Two dimensions or more, taken as the matrix (first, product of the rest).
    pooling : {"mean", "max"}
        The value of a block: the mean of its weights, or the one that is largest in magnitude, with its sign.
    transposed : bool, optional
        Whether the tensor is stored (in, out), as in transformers' ``Conv1D``; read off a module.
    language : {"en", "zh"}

    Raises
    ------
    InvalidArgumentError
        If the tensor cannot be drawn or `pooling` is something else.
    """
    if pooling not in get_args(Pooling):
        raise InvalidArgumentError(f"pooling is {pooling!r}; choose 'mean' or 'max'.")
    tensor = as_tensor(weights)
    if tensor.dim() < 2:
        raise InvalidArgumentError(
            f"weights has the shape {tuple(tensor.shape)}; a heatmap needs two dimensions or more."
        )
    matrix = tensor.flatten(1)
    rows, columns = matrix.shape
    row_edges, column_edges = _edges(rows), _edges(columns)
    # One band of rows at a time: float64 of a whole embedding would take eight bytes for each of its weights.
    cells = np.array(
        [
            _pooled(matrix[start:stop].double().cpu().numpy(), column_edges, pooling)
            for start, stop in pairwise(row_edges)
        ]
    )
    magnitudes = np.abs(cells[np.isfinite(cells)])
    largest = float(magnitudes.max()) if magnitudes.size else 0.0
    limit = float(np.quantile(magnitudes, _SATURATED)) if magnitudes.size else 0.0
    limit = limit or largest or 1.0
    check_drawable(limit)
    down, across = (
        render(f"figures.weight_heatmap.{each}", language) for each in _names(weights, tensor.dim(), transposed)
    )
    high, wide = -(-rows // (len(row_edges) - 1)), -(-columns // (len(column_edges) - 1))
    whole = (high, wide) == (1, 1)
    legend = render(f"figures.weight_heatmap.{'weight' if whole else pooling}", language)
    mark = Cells(cells, limit, column_edges.astype(np.float64), row_edges.astype(np.float64), legend)
    x, y = linear_axis(across, 0, columns, 8), linear_axis(down, 0, rows, 6)
    size = "figures.weight_heatmap.size" if whole else f"figures.weight_heatmap.size_{pooling}"
    notes = [render(size, language, rows=rows, columns=columns, high=high, wide=wide)]
    if largest > limit:
        notes.append(say("figures.weight_heatmap.limit", language, limit=limit, largest=largest))
    broken = int(np.isnan(cells).sum())
    if broken:
        notes.append(say("figures.weight_heatmap.empty", language, count=broken))
    title = say("figures.weight_heatmap.title", language)
    return Content(title, ((Chart("weights", "", x, y, (mark,)),),), (_HEIGHT,), notes=tuple(notes))


def _names(weights: Any, dimensions: int, transposed: bool | None) -> tuple[str, str]:
    """Return the messages that name rows and columns, as the tensor is stored."""
    if transposed is None:
        if isinstance(weights, nn.Embedding | nn.EmbeddingBag):
            return "row_index", "embedding_dimension"
        if dimensions == 3 and not isinstance(weights, nn.Module):  # of a convolution or a stack of experts
            return "first_index", "other_index"
        transposed = isinstance(weights, _ConvTransposeNd) or (isinstance(weights, nn.Module) and is_conv1d(weights))
    first, second = ("input", "output") if transposed else ("output", "input")
    return first, f"{second}_kernel" if dimensions > 2 else second


def _edges(size: int) -> np.ndarray:
    """Return the edges of the blocks along one side."""
    return np.unique(np.linspace(0, size, min(size, _MOST_CELLS) + 1).round().astype(np.int64))


def _pooled(band: FloatArray, edges: np.ndarray, pooling: Pooling) -> FloatArray:
    """Return one row of cells; NaN where any weight of a block is not finite."""
    starts = edges[:-1]
    if pooling == "max":
        low = np.minimum.reduceat(band.min(axis=0), starts)
        high = np.maximum.reduceat(band.max(axis=0), starts)
        cells = np.where(-low > high, low, high)
    else:
        with np.errstate(invalid="ignore", over="ignore"):
            cells = np.add.reduceat(band.mean(axis=0), starts) / np.diff(edges)
    return np.where(np.isfinite(cells), cells, np.nan)
