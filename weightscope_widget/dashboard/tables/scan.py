"""The layers' numbers as columns of float64, the form in which they travel to the browser."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Any

import numpy as np

from weightscope_widget.layers.layer import LayerInfo
from weightscope_widget.layers.naming import short_labels
from weightscope_widget.scanning.results import ScanResults, flatten

__all__ = ["Columns", "MetricTable", "Stage", "catalog", "catalog_of"]


class Stage(IntEnum):
    """How far a layer is."""

    WAITING = 0
    PARTIAL = 1
    DONE = 2
    FAILED = 3


def catalog(results: ScanResults) -> dict[str, Any]:
    """Return what is known of a model before anything is measured: names, places, shapes; strings in columns.

    Everything in it is text or a small whole number, so JSON carries it.
    """
    return catalog_of(results.model, results.methods, list(results.layers.values()), results.skipped)


def catalog_of(
    model: str, methods: Sequence[str], layers: Sequence[LayerInfo], skipped: Mapping[str, str]
) -> dict[str, Any]:
    """Return the same of layers, whatever results they are of."""
    labels = short_labels(layer.name for layer in layers)
    placements = [layer.placement for layer in layers]
    return {
        "model": model,
        "methods": list(methods),
        "names": [layer.name for layer in layers],
        "labels": [labels[layer.name] for layer in layers],
        "kinds": [placement.kind for placement in placements],
        "families": [placement.family for placement in placements],
        "stacks": [placement.stack or "" for placement in placements],
        "shapes": ["" if layer.shape is None else " × ".join(map(str, layer.shape)) for layer in layers],
        "dtypes": [layer.dtype or "" for layer in layers],
        "stacked": [row for row, layer in enumerate(layers) if layer.members],
        "not_linear": [row for row, layer in enumerate(layers) if layer.linear is False],
        "aliases": {layer.name: list(layer.aliases) for layer in layers if layer.aliases},
        "skipped": dict(skipped),
    }


class Columns:
    """A float64 matrix with a row per layer and a column per number; NaN where a value does not exist.

    Parameters
    ----------
    layers : mapping of str to LayerInfo
        The rows.
    """

    def __init__(self, layers: Mapping[str, LayerInfo]) -> None:
        self._row = {name: row for row, name in enumerate(layers)}
        self._columns: dict[str, np.ndarray] = {}
        self.errors: dict[str, str] = {}
        for name, layer in layers.items():
            self.set(name, "block", layer.placement.block)
            self.set(name, "parameters", layer.parameters)
            self.set(name, "stage", Stage.WAITING)

    def set(self, name: str, column: str, value: float | None) -> None:
        """Note one number of a layer."""
        if column not in self._columns:
            self._columns[column] = np.full(len(self._row), math.nan)
        if value is not None:
            self._columns[column][self._row[name]] = value

    @property
    def columns(self) -> list[str]:
        """Names of the columns: ``block``, ``parameters``, ``stage``, ``section.metric``, ``baseline.metric``."""
        return list(self._columns)

    def to_bytes(self) -> bytes:
        """Return the columns one after the other, each (layers,) little-endian float64."""
        return self.bytes_of(self._columns)

    def bytes_of(self, columns: Iterable[str]) -> bytes:
        """Return some columns; NaN throughout where there is none of a name."""
        missing = np.full(len(self._row), math.nan)
        return np.stack([self._columns.get(column, missing) for column in columns]).astype("<f8").tobytes()


class MetricTable(Columns):
    """The numbers of a scan, kept up to date as results arrive.

    Whether a value that is NaN does not exist or is not known yet, the column ``stage`` says.

    Parameters
    ----------
    results : ScanResults
        Where the numbers are.
    layers : mapping of str to LayerInfo, optional
        The rows, where there are more than the results' own.
    """

    def __init__(self, results: ScanResults, layers: Mapping[str, LayerInfo] | None = None) -> None:
        super().__init__(results.layers if layers is None else layers)
        self._results = results
        for name in results:
            self.update(name)

    def update(self, name: str) -> None:
        """Copy the numbers of a layer, which may have become more."""
        sections = self._results[name]
        for column, value in flatten(sections).items():
            self.set(name, column, value)
        for metric, value in (self._results.baseline(name) or {}).items():
            self.set(name, f"baseline.{metric}", value)
        if "error" in sections:
            self.errors[name] = sections["error"]
        self.set(name, "stage", self._stage(name, sections))

    def _stage(self, name: str, sections: Mapping[str, Any]) -> Stage:
        if "error" in sections:
            return Stage.FAILED
        return Stage.PARTIAL if self._results.pending(name) else Stage.DONE
