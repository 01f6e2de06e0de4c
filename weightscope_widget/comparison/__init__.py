"""What separates two models, on their weights: compared pair by pair, kept and named."""

from weightscope_widget.comparison.entry import compare
from weightscope_widget.comparison.file import load_comparison
from weightscope_widget.comparison.kinds.pattern import Pattern
from weightscope_widget.comparison.results import ComparisonResults, Worsening
from weightscope_widget.comparison.run import ComparisonRun

__all__ = [
    "ComparisonResults",
    "ComparisonRun",
    "Pattern",
    "Worsening",
    "compare",
    "load_comparison",
]
