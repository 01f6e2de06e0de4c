"""The simulated quantization schemes, and the error of each."""

from weightscope_widget.analyzers.schemes.catalogue import SCHEMES, Scheme
from weightscope_widget.analyzers.schemes.rounding import analyze_schemes

__all__ = ["SCHEMES", "Scheme", "analyze_schemes"]
