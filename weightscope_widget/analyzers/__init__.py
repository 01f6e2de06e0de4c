"""Analyzers: pure functions from a tensor to named numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from weightscope_widget.analyzers.basic import analyze_basic_stats
from weightscope_widget.analyzers.quantization import analyze_quantization_sensitivity
from weightscope_widget.analyzers.schemes import SCHEMES, analyze_schemes
from weightscope_widget.analyzers.sparsity import analyze_sparsity
from weightscope_widget.analyzers.spectral import analyze_spectral
from weightscope_widget.analyzers.weights import Weights
from weightscope_widget.errors import UnknownMethodError

__all__ = [
    "ELEMENTWISE",
    "METHODS",
    "SCHEMES",
    "SPECTRAL",
    "Weights",
    "analyze_basic_stats",
    "analyze_quantization_sensitivity",
    "analyze_schemes",
    "analyze_sparsity",
    "analyze_spectral",
    "resolve_methods",
]

# A new analyzer is one function and one line here; `top_k` is the only option.
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
