"""The analyzers by name, and the numbers that they give of one layer."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from weightscope_widget.analyzers.basic import analyze_basic_stats
from weightscope_widget.analyzers.numerics.histogram import Histogram, histogram
from weightscope_widget.analyzers.quantization import analyze_quantization_sensitivity
from weightscope_widget.analyzers.schemes import analyze_schemes
from weightscope_widget.analyzers.sparsity import analyze_sparsity
from weightscope_widget.analyzers.spectral import analyze_spectral
from weightscope_widget.analyzers.weights import Weights
from weightscope_widget.errors import TensorReadError, UnknownMethodError

__all__ = [
    "ELEMENTWISE",
    "FAILURES",
    "METHODS",
    "SPECTRAL",
    "Measured",
    "failure",
    "measure",
    "resolve_methods",
    "traceback_of",
]

# A new analyzer is one function and one line here; `top_k` is the only option any of them takes.
METHODS: dict[str, Callable[[Weights, int], dict[str, Any]]] = {
    "basic_stats": lambda weights, _: analyze_basic_stats(weights),
    "spectral": analyze_spectral,
    "quantization": lambda weights, _: analyze_quantization_sensitivity(weights),
    "sparsity": lambda weights, _: analyze_sparsity(weights),
    "schemes": lambda weights, _: analyze_schemes(weights),
}
"""The analyzers by the name of their section in the results, in the document's order, those beyond it last."""

SPECTRAL = ("spectral",)
"""Methods that need a factorization: a hundred times the cost of the others, and matrices only."""

ELEMENTWISE = ("basic_stats", "quantization", "sparsity")
"""Methods that one pass over the entries answers."""


def resolve_methods(methods: str | Iterable[str]) -> tuple[str, ...]:
    """Return the names of the chosen analyzers, in the order of `METHODS`.

    Parameters
    ----------
    methods : str or iterable of str
        Any of ``"basic_stats"``, ``"spectral"``, ``"quantization"``, ``"sparsity"`` and ``"schemes"``, or ``"all"``.

    Raises
    ------
    UnknownMethodError
        If a name is unknown, or none is given.
    """
    choices = ", ".join(METHODS)
    if not isinstance(methods, Iterable):
        raise UnknownMethodError(f"methods is {methods!r}; choose from {choices}, or 'all'.")
    wanted = [methods] if isinstance(methods, str) else list(methods)
    unknown = sorted({str(each) for each in wanted if not isinstance(each, str) or each not in {*METHODS, "all"}})
    if unknown:
        raise UnknownMethodError(f"methods has {', '.join(map(repr, unknown))}; choose from {choices}, or 'all'.")
    if not wanted:
        raise UnknownMethodError(f"methods is empty; choose from {choices}, or 'all'.")
    return tuple(name for name in METHODS if name in wanted or "all" in wanted)


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
            histogram(weights.entries) if set(methods) & set(ELEMENTWISE) else None,
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
