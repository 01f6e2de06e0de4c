"""The tensors that figures of single layers accept: torch, NumPy, a module, a layer's name, or several of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn.parameter import is_lazy

from weightscope_widget.analyzers.numerics.histogram import Histogram, histogram
from weightscope_widget.analyzers.weights import Weights
from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.layers.naming import short_labels
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.visualizers.layers import LONGEST_LABEL, labels_of, unique_labels

__all__ = ["Series", "as_tensor", "series_of"]

_MOST_SERIES = 6


@dataclass(frozen=True)
class Series:
    """One tensor to draw, from which either the weights or what a scan found of them is at hand.

    Attributes
    ----------
    label : str
        What to call it; no other of the figure has the same.
    layer : str or None
        The layer that it is, in `results`.
    """

    label: str
    layer: str | None = None
    weights: Weights | None = None
    results: ScanResults | None = None

    @property
    def histogram(self) -> Histogram | None:
        """The histogram of the finite entries; None where there are none."""
        if self.weights is not None:
            return histogram(self.weights.entries)
        assert self.results is not None
        assert self.layer is not None
        return self.results.histogram(self.layer)

    @property
    def singular_values(self) -> np.ndarray:
        """All singular values, float64, descending; NaN where weights are not finite.

        Raises
        ------
        InvalidArgumentError
            Where the tensor has fewer than two dimensions.
        """
        if self.weights is not None:
            if len(self.weights.shape) < 2:
                raise InvalidArgumentError(
                    f"{self.label} has the shape {self.weights.shape}; singular values need two dimensions or more."
                )
            return self.weights.singular_values
        assert self.results is not None
        assert self.layer is not None
        return self.results.singular_values(self.layer)

    @property
    def listed(self) -> np.ndarray | None:
        """The largest singular values, float64, descending, where results list these and hold no whole spectrum."""
        if self.results is None or self.layer is None or self.layer in self.results.spectra:
            return None
        values = (
            self.results[self.layer].get("spectral", {}).get("top_singular_values")
            if self.layer in self.results
            else None
        )
        return np.array(values, dtype=np.float64) if values else None

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The shape as stored, None where a results file does not say."""
        if self.weights is not None:
            return self.weights.shape
        assert self.results is not None
        assert self.layer is not None
        return self.results.layers[self.layer].shape


def as_tensor(given: Any) -> torch.Tensor:
    """Return a tensor of weights, whatever it was given as.

    Parameters
    ----------
    given : torch.Tensor, ndarray or nn.Module
        Floating, with at least one entry; of a module its ``weight``.

    Raises
    ------
    InvalidArgumentError
        Where it is none of these, not floating, not dense, empty, not initialized, or on the meta device.
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


def series_of(weights: Any, results: ScanResults | None) -> list[Series]:
    """Return what to draw, one or several.

    Parameters
    ----------
    weights : tensor, str, sequence or mapping
        One tensor (as `as_tensor` takes it), one layer's name, several of these, or a mapping of labels to them.
    results : ScanResults, optional
        What the names are of.

    Raises
    ------
    InvalidArgumentError
        Where there are none or more than six, or a name comes without results.
    UnknownLayerError
        Where a name is not in the results.
    """
    if isinstance(weights, Mapping):
        given, labels = list(weights.values()), [_label(str(label)) for label in weights]
    elif isinstance(weights, Sequence) and not isinstance(weights, str):
        given = list(weights)
        labels = [_name_or(f"tensor {index}", one, results) for index, one in enumerate(given, 1)]
    else:
        given, labels = [weights], [_name_or("the tensor", weights, results)]
    if not 1 <= len(given) <= _MOST_SERIES:
        raise InvalidArgumentError(f"weights holds {len(given)} tensors; give one to {_MOST_SERIES}.")
    return [_one(label, one, results) for label, one in zip(unique_labels(labels), given, strict=True)]


def _label(label: str) -> str:
    """Return a label as given, but a parameter's name that is too long as a layer's label."""
    return label if len(label) <= LONGEST_LABEL or " " in label else short_labels([label])[label]


def _name_or(otherwise: str, given: Any, results: ScanResults | None) -> str:
    """Return the label of a layer that is given by its name, and else another."""
    if results is None or not isinstance(given, str):
        return otherwise
    return labels_of(results).get(given, otherwise)


def _one(label: str, given: Any, results: ScanResults | None) -> Series:
    if not isinstance(given, str):
        return Series(label, weights=Weights(as_tensor(given)))
    if results is None:
        raise InvalidArgumentError(f"weights is the name {given!r}; give the results that it is a layer of, too.")
    # Asking says what is wrong with a name that is not here; a layer still to be measured is here.
    if given not in results.layers:
        results[given]
    return Series(label, given, results=results)
