"""WeightScope Widget: look inside a neural network's weights, without data and without a forward pass."""

from importlib.metadata import version as _version

from weightscope_widget.assessment import Thresholds
from weightscope_widget.cache import clear_cache
from weightscope_widget.dashboard import Dashboard, show
from weightscope_widget.errors import WeightScopeError
from weightscope_widget.results import ScanResults
from weightscope_widget.results_file import load_results
from weightscope_widget.scope import Scope, scan
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
    "Dashboard",
    "ScanResults",
    "Scope",
    "Thresholds",
    "WeightScopeError",
    "clear_cache",
    "load_results",
    "plot_condition_number_heatmap",
    "plot_model_health_dashboard",
    "plot_quantization_risk_matrix",
    "plot_rank_efficiency",
    "plot_singular_values",
    "plot_weight_distribution",
    "plot_weight_heatmap",
    "scan",
    "show",
]
