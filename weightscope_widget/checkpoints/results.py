"""The results of an evolution: scans of checkpoints, and the changes between them."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from weightscope_widget._shared.html_card import facts_of, html_card, most_changed
from weightscope_widget._shared.messages import say
from weightscope_widget.assessment import Thresholds
from weightscope_widget.errors import InvalidArgumentError, UnknownLayerError
from weightscope_widget.layers.layer import LayerInfo
from weightscope_widget.scanning.results import ScanResults, flatten

__all__ = ["RELATIVE_TO", "EvolutionResults"]

RELATIVE_TO = ("first", "previous")


class EvolutionResults(Mapping[str, ScanResults]):
    """Results of an evolution: ``evolution[checkpoint]`` is its `ScanResults`, in the checkpoints' order.

    Layers have the names of the first checkpoint that has them: ``layers.0.q`` keeps that name if a later checkpoint
    calls it ``module.layers.0.q``.

    Attributes
    ----------
    model : str
        The first and the last checkpoint.
    names : tuple of str
        The checkpoints.
    """

    def __init__(self, scans: Mapping[str, ScanResults]) -> None:
        self._scans = dict(scans)
        self.names = tuple(scans)
        self.model = f"{self.names[0]} → {self.names[-1]}"
        self._layers: dict[str, LayerInfo] = {}
        for scan in reversed(self._scans.values()):
            self._layers = {**scan.layers, **self._layers, **scan.layers}
        self._changes: dict[tuple[str, str, str], float] = {}

    @property
    def layers(self) -> Mapping[str, LayerInfo]:
        """The first checkpoint's layers, then those that came later, each as where it is first."""
        return MappingProxyType(self._layers)

    def __getitem__(self, name: str) -> ScanResults:
        if name not in self._scans:
            raise UnknownLayerError(f"{name!r} is no checkpoint of these; list(evolution) names them.")
        return self._scans[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        return f"<EvolutionResults of {len(self)} checkpoints, {self.model}: {len(self.layers)} layers>"

    def _repr_html_(self) -> str:
        facts = facts_of(checkpoints=len(self), layers=len(self._layers), left_out=len(self.skipped))
        changes = {name: self.relative_change(self.names[-1], name) for name in self._layers}
        title = say("summary.evolution", model=self.model)
        return html_card(title, [], facts, *most_changed(changes), "wsw.show_evolution(evolution)")

    @property
    def complete(self) -> bool:
        """Whether every checkpoint was measured."""
        return all(scan.complete for scan in self._scans.values())

    @property
    def methods(self) -> tuple[str, ...]:
        """The analyzers that every checkpoint was measured with."""
        return self[self.names[0]].methods

    @property
    def skipped(self) -> dict[str, str]:
        """Tensors left out of some checkpoint, with the reason."""
        return {name: why for scan in reversed(self._scans.values()) for name, why in scan.skipped.items()}

    @property
    def thresholds(self) -> Thresholds:
        """For grades and classes at every checkpoint; may be replaced at any time."""
        return self[self.names[0]].thresholds

    @thresholds.setter
    def thresholds(self, thresholds: Thresholds) -> None:
        for scan in self._scans.values():
            scan.thresholds = thresholds

    def pending(self, name: str) -> bool:
        """Return whether more is to come of a layer at some checkpoint."""
        self._check_layer(name)
        return any(name in scan.layers and scan.pending(name) for scan in self._scans.values())

    def _check_layer(self, name: str) -> None:
        if name not in self._layers:
            raise UnknownLayerError(f"{name!r} is in none of these checkpoints; evolution.layers names them.")

    @property
    def changes(self) -> list[tuple[str, str, str, float]]:
        """The changes noted: checkpoint, layer, since ``"first"`` or ``"previous"``, and ‖ΔW‖/‖W‖."""
        return [(*key, change) for key, change in list(self._changes.items())]

    def add_change(self, checkpoint: str, layer: str, relative_to: str, change: float) -> None:
        """Note ‖ΔW‖/‖W‖ of a layer since the first or the previous checkpoint."""
        self._changes[checkpoint, layer, relative_to] = change

    def relative_change(self, checkpoint: str, layer: str, relative_to: str = "first") -> float:
        """Return ‖ΔW‖/‖W‖ of a layer, Frobenius, since another checkpoint.

        0 where nothing changed, and for the first checkpoint; NaN where one of the two lacks the layer, or it has
        another shape.

        Parameters
        ----------
        checkpoint, layer : str
            Which.
        relative_to : {"first", "previous"}
            Since which checkpoint.

        Raises
        ------
        InvalidArgumentError, UnknownLayerError
            If an argument is none of these.
        """
        if relative_to not in RELATIVE_TO:
            raise InvalidArgumentError(f"relative_to is {relative_to!r}; choose 'first' or 'previous'.")
        scan = self[checkpoint]
        self._check_layer(layer)
        if checkpoint == self.names[0]:
            return 0.0 if layer in scan.layers else math.nan
        return self._changes.get((checkpoint, layer, relative_to), math.nan)

    def series(self, layer: str, metric: str) -> np.ndarray:
        """Return one number of a layer over the checkpoints.

        Parameters
        ----------
        layer : str
            Which.
        metric : str
            ``section.metric`` as the columns of `to_frame` have it, ``"risk"``, ``"relative_change_to_first"`` or
            ``"relative_change_to_previous"``.

        Returns
        -------
        ndarray
            (checkpoints,), float64; NaN where it does not exist.
        """
        if metric.startswith("relative_change_to_"):
            since = metric.removeprefix("relative_change_to_")
            return np.array([self.relative_change(name, layer, since) for name in self.names])
        values = []
        for scan in self._scans.values():
            if layer not in scan:
                values.append(math.nan)
            elif metric == "risk":
                values.append(scan.risk(layer))
            else:
                values.append(flatten(scan[layer]).get(metric, math.nan))
        return np.array(values, dtype=np.float64)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per checkpoint and layer, in their order (index: ``checkpoint``, ``name``).

        Columns: those of `ScanResults.to_frame`, with ``relative_change_to_first`` and ``relative_change_to_previous``
        before the scalars.
        """
        frames = []
        for name, scan in self._scans.items():
            frame = scan.to_frame()
            at = list(frame.columns).index("risk") + 1 if "risk" in frame.columns else 0
            for offset, since in enumerate(RELATIVE_TO):
                changes = [self.relative_change(name, layer, since) for layer in frame.index]
                frame.insert(at + offset, f"relative_change_to_{since}", np.array(changes, dtype=np.float64))
            frames.append(frame)
        return pd.concat(frames, keys=self.names, names=["checkpoint", "name"])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to a JSON file that `load_evolution` reads back exactly.

        Raises
        ------
        InvalidArgumentError
            If it cannot be written.
        """
        from weightscope_widget.checkpoints.file import EVOLUTION

        EVOLUTION.save(self, path)
