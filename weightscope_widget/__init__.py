"""WeightScope Widget: look inside a neural network's weights, without data and without a forward pass."""

from importlib.metadata import version as _version

from weightscope_widget.assessment import Thresholds
from weightscope_widget.cache import clear_cache
from weightscope_widget.dashboard import Dashboard, show
from weightscope_widget.errors import WeightScopeError
from weightscope_widget.results import ScanResults
from weightscope_widget.results_file import load_results
from weightscope_widget.scope import Scope, scan

__version__ = _version("weightscope-widget")

__all__ = [
    "Dashboard",
    "ScanResults",
    "Scope",
    "Thresholds",
    "WeightScopeError",
    "clear_cache",
    "load_results",
    "scan",
    "show",
]
