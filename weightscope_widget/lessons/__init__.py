"""For lessons: a small model with planted faults, and a game of finding them."""

from weightscope_widget.lessons.demo_model import DemoModel, demo_model
from weightscope_widget.lessons.fault_game import FaultGame

__all__ = ["DemoModel", "FaultGame", "demo_model"]
