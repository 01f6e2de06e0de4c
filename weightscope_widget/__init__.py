"""WeightScope Widget: look inside a neural network's weights, without data and without a forward pass."""

import logging as _logging
from importlib import import_module as _import_module
from importlib.metadata import version as _version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weightscope_widget import errors
    from weightscope_widget.assessment import Thresholds
    from weightscope_widget.cache.store import clear_cache
    from weightscope_widget.checkpoints import EvolutionResults, evolution, load, load_evolution
    from weightscope_widget.comparison import ComparisonResults, compare, load_comparison
    from weightscope_widget.dashboard import (
        Dashboard,
        DiffDashboard,
        EvolutionDashboard,
        show,
        show_diff,
        show_evolution,
    )
    from weightscope_widget.errors import WeightScopeError
    from weightscope_widget.layers.layer import LayerInfo, Source
    from weightscope_widget.lessons.demo_model import DemoModel, demo_model
    from weightscope_widget.lessons.fault_game import FaultGame
    from weightscope_widget.recommendations import Advice, LoraRanks, QuantizationPlan
    from weightscope_widget.recommendations.extract_lora import ExtractedLora, extract_lora
    from weightscope_widget.report import Report, save_report
    from weightscope_widget.scanning.entry import scan
    from weightscope_widget.scanning.file import load_results
    from weightscope_widget.scanning.results import ScanResults
    from weightscope_widget.scope import Scope
    from weightscope_widget.visualizers import (
        plot_condition_number_heatmap,
        plot_model_health_dashboard,
        plot_quantization_risk_matrix,
        plot_rank_efficiency,
        plot_singular_values,
        plot_weight_distribution,
        plot_weight_heatmap,
    )

__version__ = _version("weightscope-widget")

_logging.getLogger(__name__).addHandler(_logging.NullHandler())

__all__ = [
    "Advice",
    "ComparisonResults",
    "Dashboard",
    "DemoModel",
    "DiffDashboard",
    "EvolutionDashboard",
    "EvolutionResults",
    "ExtractedLora",
    "FaultGame",
    "LayerInfo",
    "LoraRanks",
    "QuantizationPlan",
    "Report",
    "ScanResults",
    "Scope",
    "Source",
    "Thresholds",
    "WeightScopeError",
    "clear_cache",
    "compare",
    "demo_model",
    "errors",
    "evolution",
    "extract_lora",
    "load",
    "load_comparison",
    "load_evolution",
    "load_results",
    "plot_condition_number_heatmap",
    "plot_model_health_dashboard",
    "plot_quantization_risk_matrix",
    "plot_rank_efficiency",
    "plot_singular_values",
    "plot_weight_distribution",
    "plot_weight_heatmap",
    "save_report",
    "scan",
    "show",
    "show_diff",
    "show_evolution",
]

# Imported on first use: `wsw --help` does not wait for torch.
_MODULES = {
    "assessment": ("Thresholds",),
    "cache.store": ("clear_cache",),
    "checkpoints": ("EvolutionResults", "evolution", "load", "load_evolution"),
    "comparison": ("ComparisonResults", "compare", "load_comparison"),
    "dashboard": ("Dashboard", "DiffDashboard", "EvolutionDashboard", "show", "show_diff", "show_evolution"),
    "errors": ("WeightScopeError",),
    "layers.layer": ("LayerInfo", "Source"),
    "lessons": ("DemoModel", "FaultGame", "demo_model"),
    "recommendations": ("Advice", "ExtractedLora", "LoraRanks", "QuantizationPlan", "extract_lora"),
    "report": ("Report", "save_report"),
    "scanning.entry": ("scan",),
    "scanning.file": ("load_results",),
    "scanning.results": ("ScanResults",),
    "scope": ("Scope",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "errors":
        return _import_module(f"{__name__}.errors")
    value: object = getattr(_import_module(f"{__name__}.{_MODULE_OF.get(name, 'visualizers')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
