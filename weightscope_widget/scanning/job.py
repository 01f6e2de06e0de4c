"""The job of a scan: read one layer and analyze it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from weightscope_widget.analyzers import ELEMENTWISE, SPECTRAL, Weights
from weightscope_widget.analyzers.measured import Measured, measure
from weightscope_widget.engine.job import Job, bytes_needed, sides
from weightscope_widget.errors import TensorReadError
from weightscope_widget.layers.layer import Layer

__all__ = ["ScanJob"]

_SECONDS_PER_ENTRY = 12e-9
_SECONDS_PER_ENTRY_OF_SCHEMES = 20e-9
_SECONDS_PER_FLOP = 1e-11


@dataclass(frozen=True, eq=False)
class ScanJob(Job[Measured]):
    """Some analyzers on one layer, with the tensor read once.

    Attributes
    ----------
    layer : Layer
        Read by `perform`.
    methods : tuple of str
        Names of the analyzers.
    top_k : int
        How many singular values to list.
    spectra : tuple of (ndarray or None)
        For a stack, the singular values of its matrices where they are known already; may be empty.
    """

    layer: Layer
    methods: tuple[str, ...]
    top_k: int = 10
    spectra: tuple[np.ndarray | None, ...] = ()

    @property
    def name(self) -> str:
        """The layer's name."""
        return self.layer.name

    @property
    def cost(self) -> float:
        """Nominal seconds."""
        entries = self.layer.parameters
        cost = entries * _SECONDS_PER_ENTRY if set(self.methods) & set(ELEMENTWISE) else 0.0
        if "schemes" in self.methods:
            cost += entries * _SECONDS_PER_ENTRY_OF_SCHEMES
        if set(self.methods) & set(SPECTRAL) and not self.layer.is_stack:
            m, n = sides(self.layer)
            cost += (2 * m * n**2 + 4 / 3 * n**3) * _SECONDS_PER_FLOP
        return cost

    @property
    def memory(self) -> int:
        """Bytes needed at most, estimated."""
        return bytes_needed(self.layer, self.methods)

    @property
    def follows(self) -> bool:
        """A stack comes after its matrices, whose spectra make up its own."""
        return self.layer.is_stack

    def perform(self) -> Measured:
        """Read the layer and analyze it."""
        layer = self.layer
        tensor = layer.load()
        if tensor.is_meta:
            raise TensorReadError(f"{layer.name!r} is on the meta device and has no weights; load them first.")
        # Of a product, the factors tell the spectrum far more cheaply, and its zeros exactly.
        factors = layer.factors if set(self.methods) & set(SPECTRAL) else None
        weights = Weights(
            tensor,
            transposed=layer.transposed,
            stack=layer.is_stack,
            spectra=self.spectra,
            factors=None if factors is None else factors(),
        )
        return measure(layer.name, weights, self.methods, self.top_k)

    def failed(self, sentence: str, traceback: str = "") -> Measured:
        """Return the outcome of a job that failed or was given up."""
        return Measured({"error": sentence}, traceback=traceback)
