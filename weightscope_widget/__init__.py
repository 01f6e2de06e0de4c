"""WeightScope Widget: look inside a neural network's weights, without data and without a forward pass."""

from importlib import import_module as _import_module
from importlib.metadata import version as _version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weightscope_widget.assessment import Thresholds
    from weightscope_widget.cache.store import clear_cache
    from weightscope_widget.checkpoints import EvolutionResults, evolution, load_evolution
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
    from weightscope_widget.lessons.demo_model import DemoModel, demo_model
    from weightscope_widget.lessons.fault_game import FaultGame
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

__all__ = [
    "ComparisonResults",
    "Dashboard",
    "DemoModel",
    "DiffDashboard",
    "EvolutionDashboard",
    "EvolutionResults",
    "ExtractedLora",
    "FaultGame",
    "Report",
    "ScanResults",
    "Scope",
    "Thresholds",
    "WeightScopeError",
    "clear_cache",
    "compare",
    "demo_model",
    "evolution",
    "extract_lora",
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

# Each name is imported when it is first asked for, so that `wsw --help` need not wait for torch.
_WHERE = {
    "ComparisonResults": "comparison",
    "Dashboard": "dashboard",
    "DemoModel": "lessons",
    "DiffDashboard": "dashboard",
    "EvolutionDashboard": "dashboard",
    "EvolutionResults": "checkpoints",
    "ExtractedLora": "recommendations",
    "FaultGame": "lessons",
    "Report": "report",
    "ScanResults": "scanning.results",
    "Scope": "scope",
    "Thresholds": "assessment",
    "WeightScopeError": "errors",
    "clear_cache": "cache.store",
    "compare": "comparison",
    "demo_model": "lessons",
    "evolution": "checkpoints",
    "extract_lora": "recommendations",
    "load_comparison": "comparison",
    "load_evolution": "checkpoints",
    "load_results": "scanning.file",
    "save_report": "report",
    "scan": "scanning.entry",
    "show": "dashboard",
    "show_diff": "dashboard",
    "show_evolution": "dashboard",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = _WHERE.get(name, "visualizers")
    value: object = getattr(_import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
