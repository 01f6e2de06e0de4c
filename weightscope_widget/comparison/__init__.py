"""What separates two models, on their weights: compared pair by pair, kept, named, and turned into an adapter."""

from weightscope_widget.comparison.entry import compare, start_comparison
from weightscope_widget.comparison.extract import ExtractedLora, extract_lora
from weightscope_widget.comparison.file import load_comparison
from weightscope_widget.comparison.pattern import Pattern
from weightscope_widget.comparison.results import ComparisonResults, Worsening
from weightscope_widget.comparison.run import ComparisonRun

__all__ = [
    "ComparisonResults",
    "ComparisonRun",
    "ExtractedLora",
    "Pattern",
    "Worsening",
    "compare",
    "extract_lora",
    "load_comparison",
    "start_comparison",
]
