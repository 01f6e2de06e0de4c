"""The unit of work of a scan: one layer read and measured, by whichever thread, process or machine is told to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from weightscope_widget.analyzers import ELEMENTWISE, METHODS, SPECTRAL, Weights
from weightscope_widget.analyzers.distribution import histogram
from weightscope_widget.analyzers.measured import Measured
from weightscope_widget.engine.threads import one_thread
from weightscope_widget.errors import TensorReadError
from weightscope_widget.sources import Layer

__all__ = ["FAILURES", "Request", "failure", "measure", "measure_weights"]

FAILURES = (TensorReadError, RuntimeError, ValueError, TypeError, ArithmeticError, MemoryError, OSError)
"""What may keep one layer from being measured, and says nothing of the others."""


@dataclass(frozen=True)
class Request:
    """What to measure; small and picklable wherever the layer's loader is, which says where its weights are.

    Attributes
    ----------
    layer : Layer
        What to read.
    methods : tuple of str
        Names of the analyzers.
    top_k : int
        How many singular values to list.
    spectra : tuple of (ndarray or None)
        For a stack, the singular values of its matrices where they are known already; may be empty.
    ticket : str
        Another one each time, so that an executor that remembers what it was asked for (Dask) does not give an old
        answer.
    """

    layer: Layer
    methods: tuple[str, ...]
    top_k: int
    spectra: tuple[np.ndarray | None, ...] = ()
    ticket: str = ""

    @property
    def name(self) -> str:
        """The layer's name."""
        return self.layer.name

    def perform(self) -> Measured:
        """Read the layer and measure it."""
        return measure(self)

    def failed(self, sentence: str) -> Measured:
        """Return what there is of a layer that was given up."""
        return Measured({"error": sentence})


def measure(request: Request) -> Measured:
    """Read a layer and measure it on one thread; what keeps that layer from being measured is said in the result."""
    try:
        with one_thread():
            return measure_weights(request.name, _read(request), request.methods, request.top_k)
    except FAILURES as error:
        return request.failed(failure("analysis", request.name, error))


def measure_weights(name: str, weights: Weights, methods: Sequence[str], top_k: int) -> Measured:
    """Measure weights that were read, one analyzer after the other; what was computed before a failure is kept."""
    sections: dict[str, Any] = {}
    try:
        for method in methods:
            sections[method] = METHODS[method](weights, top_k)
        return Measured(
            sections,
            weights.singular_values if set(methods) & set(SPECTRAL) else None,
            histogram(weights) if set(methods) & set(ELEMENTWISE) else None,
        )
    except FAILURES as error:
        return Measured(sections | {"error": failure("analysis", name, error)})


def failure(what: str, name: str, error: BaseException) -> str:
    """Return what kept a layer from being measured as a sentence."""
    if isinstance(error, TensorReadError):
        return str(error)
    detail = f"{type(error).__name__}: {str(error).strip()}".split("\n")[0]
    return f"The {what} of {name!r} failed ({detail}); the others go on."


def _read(request: Request) -> Weights:
    layer = request.layer
    tensor = layer.load()
    if tensor.is_meta:
        raise TensorReadError(f"{layer.name!r} is on the meta device and has no weights; load them first.")
    # Of a product, the factors tell the spectrum far more cheaply, and its zeros exactly.
    factors = layer.factors if set(request.methods) & set(SPECTRAL) else None
    return Weights(
        tensor,
        transposed=layer.transposed,
        stack=layer.is_stack,
        spectra=request.spectra,
        factors=None if factors is None else factors(),
    )
