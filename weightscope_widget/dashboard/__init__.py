"""The linked dashboard: a widget, and what travels between it and the page."""

from weightscope_widget.dashboard.widget import Dashboard, show

__all__ = ["Dashboard", "show"]
