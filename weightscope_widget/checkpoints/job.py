"""The job of an evolution besides scans: follow one layer through all checkpoints, reading each tensor once."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from weightscope_widget.analyzers import ELEMENTWISE
from weightscope_widget.analyzers.measured import FAILURES, traceback_of
from weightscope_widget.analyzers.numerics.difference import relative_change
from weightscope_widget.engine.job import Job, bytes_needed
from weightscope_widget.layers.layer import Layer

__all__ = ["Changes", "ChangesJob"]

_SECONDS_PER_ENTRY = 20e-9


@dataclass(frozen=True)
class Changes:
    """‖ΔW‖/‖W‖ (Frobenius) of a layer.

    Attributes
    ----------
    values : dict of (int, str) to float
        By the checkpoint's place, from 0, and the other checkpoint: ``"first"`` or ``"previous"``.
    traceback : str
        Of the errors, for the log.
    """

    values: dict[tuple[int, str], float]
    traceback: str = ""


@dataclass(frozen=True, eq=False)
class ChangesJob(Job[Changes]):
    """One layer through all checkpoints; at most three of its tensors are in memory.

    Attributes
    ----------
    key : str
        Name of the layer in the results.
    layers : tuple of (Layer or None)
        The layer at each checkpoint, None where that has none.
    """

    key: str
    layers: tuple[Layer | None, ...]

    @property
    def name(self) -> str:
        """The layer's name."""
        return self.key

    @property
    def cost(self) -> float:
        """Nominal seconds."""
        return _SECONDS_PER_ENTRY * 2 * sum(layer.parameters for layer in self.layers if layer is not None)

    @property
    def memory(self) -> int:
        """Bytes needed at most, estimated: the first and the previous tensor stay, of at most 8 bytes an entry."""
        layers = [layer for layer in self.layers if layer is not None]
        return max(bytes_needed(layer, ELEMENTWISE) + 2 * 8 * layer.parameters for layer in layers)

    def perform(self) -> Changes:
        """Read the layer at each checkpoint; a tensor that cannot be read has no change, and its scan says why."""
        values: dict[tuple[int, str], float] = {}
        errors: list[str] = []
        first: torch.Tensor | None = None
        previous: torch.Tensor | None = None
        for place, layer in enumerate(self.layers):
            tensor: torch.Tensor | None = None
            try:
                tensor = None if layer is None else layer.load().detach().cpu()
                for since, other in (("first", first), ("previous", previous)):
                    if other is None or tensor is None or other.shape != tensor.shape:
                        continue
                    repeated = place == 1 and since == "previous"
                    values[place, since] = values[place, "first"] if repeated else relative_change(other, tensor)
            except FAILURES as error:
                errors.append(traceback_of(error))
            first, previous = tensor if place == 0 else first, tensor
        return Changes(values, "\n".join(errors))

    def failed(self, sentence: str, traceback: str = "") -> Changes:
        """Return the outcome of a job that was given up."""
        return Changes({}, traceback or sentence)
