"""The tensors that figures of single layers accept: torch, NumPy, a module, a layer's name, or several of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn.parameter import is_lazy

from weightscope_widget._shared.messages import say
from weightscope_widget.analyzers.numerics.histogram import Histogram, histogram
from weightscope_widget.analyzers.weights import Weights
from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.layers.chart_labels import LONGEST_LABEL, chart_labels, unique_labels
from weightscope_widget.layers.naming import short_labels
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.scanning.values import sections_of

__all__ = ["Series", "as_tensor", "series_of"]

_MOST_SERIES = 6


@dataclass(frozen=True)
class Series:
    """One tensor to draw: its weights, or a layer of results.

    Attributes
    ----------
    label : str
        Unique in its figure.
    language : str
        Of notes on it.
    source : Weights or (ScanResults, str)
        The weights, or the results and the name of the layer.
    """

    label: str
    language: str
    source: Weights | tuple[ScanResults, str]

    @property
    def weights(self) -> Weights | None:
        """The weights, if given."""
        return self.source if isinstance(self.source, Weights) else None

    @property
    def stats(self) -> dict[str, Any]:
        """The section ``basic_stats`` of the results; empty without results."""
        if isinstance(self.source, Weights):
            return {}
        stats: dict[str, Any] = sections_of(*self.source).get("basic_stats", {})
        return stats

    @property
    def histogram(self) -> Histogram | None:
        """The histogram of the finite entries; None if there are none."""
        if isinstance(self.source, Weights):
            return histogram(self.source.entries)
        results, layer = self.source
        return results.histogram(layer)

    @property
    def singular_values(self) -> np.ndarray:
        """All singular values, float64, descending; NaN if weights are not finite.

        Raises
        ------
        InvalidArgumentError
            If the tensor has fewer than two dimensions.
        """
        if isinstance(self.source, Weights):
            shape = self.source.shape
            if len(shape) < 2:
                raise InvalidArgumentError(
                    f"{self.label} has the shape {shape}; singular values need two dimensions or more."
                )
            return self.source.singular_values
        results, layer = self.source
        return results.singular_values(layer)

    @property
    def listed(self) -> np.ndarray | None:
        """The largest singular values, float64, descending, if results list these and hold no whole spectrum."""
        if isinstance(self.source, Weights) or self.source[1] in self.source[0].spectra:
            return None
        values = sections_of(*self.source).get("spectral", {}).get("top_singular_values")
        return np.array(values, dtype=np.float64) if values else None

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The shape as stored; None if a results file does not say."""
        if isinstance(self.source, Weights):
            return self.source.shape
        results, layer = self.source
        return results.layers[layer].shape


def as_tensor(given: Any) -> torch.Tensor:
    """Return the tensor of an array, a module or a tensor.

    Parameters
    ----------
    given : torch.Tensor, ndarray or nn.Module
        Floating, with at least one entry; of a module its ``weight``.

    Raises
    ------
    InvalidArgumentError
        If it is none of these, not floating, not dense, empty, not initialized, or on the meta device.
    """
    if isinstance(given, str):
        raise InvalidArgumentError(
            f"weights is the name {given!r}; this figure needs the weights themselves: a tensor, an array or a module."
        )
    found = given.weight if isinstance(given, torch.nn.Module) and hasattr(given, "weight") else given
    if isinstance(found, np.ndarray) and found.dtype.kind == "f":
        # float128 and big-endian arrays have no counterpart in torch.
        wide = found.astype(np.float64 if found.itemsize > 4 else np.float32, copy=False)
        found = torch.from_numpy(np.array(wide, order="C"))
    if not isinstance(found, torch.Tensor):
        raise InvalidArgumentError(
            f"weights is of type {type(given).__name__}; give a floating tensor or array, or a module with a weight."
        )
    if is_lazy(found):
        raise InvalidArgumentError("weights is not initialized yet; run the model once, then draw it.")
    if not found.is_floating_point():
        raise InvalidArgumentError(f"weights is of {str(found.dtype).removeprefix('torch.')}; give floating weights.")
    if found.is_meta:
        raise InvalidArgumentError("weights is on the meta device, which has shapes but no weights; load them first.")
    if found.is_nested or found.layout != torch.strided:
        layout = str(found.layout).removeprefix("torch.")
        raise InvalidArgumentError(f"weights is not a dense tensor (layout {layout}); give weights.to_dense().")
    if found.numel() == 0:
        raise InvalidArgumentError(
            f"weights has the shape {tuple(found.shape)} and no entries; there is nothing to draw."
        )
    return found.detach()


def series_of(weights: Any, results: ScanResults | None, language: str = "en") -> list[Series]:
    """Return the tensors to draw, one or several.

    Parameters
    ----------
    weights : tensor, str, sequence or mapping
        One tensor (as `as_tensor` takes it), one layer's name, several of these, or a mapping of labels to them.
    results : ScanResults, optional
        For layers given by name.
    language : {"en", "zh"}
        Of labels.

    Raises
    ------
    InvalidArgumentError
        If there are none or more than six, or a name comes without results.
    UnknownLayerError
        If a name is not in the results.
    """
    known = {} if results is None else chart_labels(results.layers)
    if isinstance(weights, Mapping):
        given, labels = list(weights.values()), [_label(str(label)) for label in weights]
    elif isinstance(weights, Sequence) and not isinstance(weights, str):
        given, labels = list(weights), []
        for number, one in enumerate(given, 1):
            label = known.get(one) if isinstance(one, str) else None
            labels.append(label or say("figures.tensor", language, number=number))
    else:
        label = known.get(weights) if isinstance(weights, str) else None
        given, labels = [weights], [label or say("figures.the_tensor", language)]
    if not 1 <= len(given) <= _MOST_SERIES:
        raise InvalidArgumentError(f"weights holds {len(given)} tensors; give one to {_MOST_SERIES}.")
    return [
        Series(label, language, _source(one, results)) for label, one in zip(unique_labels(labels), given, strict=True)
    ]


def _label(label: str) -> str:
    """Return a label as given; a long parameter name is abbreviated like a layer's."""
    return label if len(label) <= LONGEST_LABEL or " " in label else short_labels([label])[label]


def _source(given: Any, results: ScanResults | None) -> Weights | tuple[ScanResults, str]:
    if not isinstance(given, str):
        return Weights(as_tensor(given))
    if results is None:
        raise InvalidArgumentError(f"weights is the name {given!r}; give the results that it is a layer of, too.")
    if given not in results.layers:
        results[given]  # raises, with the closest name
    return results, given
