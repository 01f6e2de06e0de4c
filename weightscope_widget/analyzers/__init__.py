"""Analyzers: pure functions from a tensor to named numbers."""

from __future__ import annotations

from weightscope_widget.analyzers.basic import analyze_basic_stats
from weightscope_widget.analyzers.measured import ELEMENTWISE, METHODS, SPECTRAL, Measured, measure, resolve_methods
from weightscope_widget.analyzers.quantization import analyze_quantization_sensitivity
from weightscope_widget.analyzers.schemes import SCHEMES, analyze_schemes
from weightscope_widget.analyzers.sparsity import analyze_sparsity
from weightscope_widget.analyzers.spectral import analyze_spectral
from weightscope_widget.analyzers.weights import Weights

__all__ = [
    "ELEMENTWISE",
    "METHODS",
    "SCHEMES",
    "SPECTRAL",
    "Measured",
    "Weights",
    "analyze_basic_stats",
    "analyze_quantization_sensitivity",
    "analyze_schemes",
    "analyze_sparsity",
    "analyze_spectral",
    "measure",
    "resolve_methods",
]
