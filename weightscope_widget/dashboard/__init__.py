"""The linked dashboards: widgets, and what travels between them and the page."""

from weightscope_widget.dashboard.diff import DiffDashboard, show_diff
from weightscope_widget.dashboard.evolution import EvolutionDashboard, show_evolution
from weightscope_widget.dashboard.widget import Dashboard, show

__all__ = ["Dashboard", "DiffDashboard", "EvolutionDashboard", "show", "show_diff", "show_evolution"]
