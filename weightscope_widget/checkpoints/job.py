"""The unit of work of an evolution besides scans: one layer followed through all checkpoints, each read once."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from weightscope_widget.analyzers.numerics.difference import relative_change
from weightscope_widget.engine.threads import one_thread
from weightscope_widget.scanning.job import FAILURES
from weightscope_widget.sources import Layer

__all__ = ["Change", "ChangesRequest"]


@dataclass(frozen=True)
class Change:
    """What separates a layer from itself at another checkpoint.

    Attributes
    ----------
    place : int
        The checkpoint's, from 0.
    since : {"first", "previous"}
        The other checkpoint.
    relative_change : float
        ‖ΔW‖/‖W‖, Frobenius.
    """

    place: int
    since: str
    relative_change: float


@dataclass(frozen=True)
class ChangesRequest:
    """Which layer to follow; at most three of its tensors are in memory.

    Attributes
    ----------
    name : str
        The layer's.
    layers : tuple of (Layer or None)
        The layer at each checkpoint, None where that has none.
    ticket : str
        As that of `Request`.
    """

    name: str
    layers: tuple[Layer | None, ...]
    ticket: str = ""

    def perform(self) -> tuple[Change, ...]:
        """Read the layer at each checkpoint; what cannot be read or compared is left out, the scans say why."""
        changes: list[Change] = []
        first = previous = None
        with one_thread():
            for place, layer in enumerate(self.layers):
                tensor = None if layer is None else _read(layer)
                if place == 0:
                    first = tensor
                since_first = _relative_change(first, tensor)
                since_previous = since_first if place == 1 else _relative_change(previous, tensor)
                if place > 0:
                    both = (("first", since_first), ("previous", since_previous))
                    changes += [Change(place, since, change) for since, change in both if change is not None]
                previous = tensor
        return tuple(changes)

    def failed(self, _sentence: str) -> tuple[Change, ...]:
        """Return what there is of a layer that was given up: nothing."""
        return ()


def _read(layer: Layer) -> torch.Tensor | None:
    try:
        return layer.load().detach().cpu()
    except FAILURES:
        return None


def _relative_change(base: torch.Tensor | None, tuned: torch.Tensor | None) -> float | None:
    if base is None or tuned is None or base.shape != tuned.shape:
        return None
    try:
        return relative_change(base, tuned)
    except FAILURES:
        return None
