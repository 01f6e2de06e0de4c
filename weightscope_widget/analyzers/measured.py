"""The numbers of one layer, and the sentence that stands in their place where it could not be analyzed."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from weightscope_widget.analyzers import ELEMENTWISE, METHODS, SPECTRAL, Weights
from weightscope_widget.analyzers.distribution import Histogram, histogram
from weightscope_widget.errors import TensorReadError

__all__ = ["FAILURES", "Measured", "failure", "measure", "traceback_of"]

FAILURES = (TensorReadError, RuntimeError, ValueError, TypeError, ArithmeticError, MemoryError, OSError)
"""Errors that may keep one layer from being analyzed and say nothing of the others."""


@dataclass(frozen=True)
class Measured:
    """The numbers of one layer.

    Attributes
    ----------
    sections : mapping
        The results by section, and ``error`` (a sentence) where an analyzer failed.
    spectrum : ndarray or None
        All singular values, where they were asked for.
    histogram : Histogram or None
        Of the entries, where an elementwise method was asked for.
    traceback : str
        Of the error, for the log.
    """

    sections: Mapping[str, Any] = field(default_factory=dict)
    spectrum: np.ndarray | None = None
    histogram: Histogram | None = None
    traceback: str = ""


def measure(name: str, weights: Weights, methods: Sequence[str], top_k: int) -> Measured:
    """Run analyzers on weights, one after the other; what was computed before one fails is kept."""
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
        return Measured(sections | {"error": failure("analysis", name, error)}, traceback=traceback_of(error))


def failure(what: str, name: str, error: BaseException) -> str:
    """Return the sentence for a layer whose analysis or comparison failed."""
    if isinstance(error, TensorReadError):
        return str(error)
    detail = f"{type(error).__name__}: {str(error).strip()}".split("\n")[0]
    return f"The {what} of {name!r} failed ({detail}); the others go on."


def traceback_of(error: BaseException) -> str:
    """Return the traceback as text, which can be sent from another process."""
    return "".join(traceback.format_exception(error))
