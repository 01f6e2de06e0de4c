"""For lessons: a small model with planted faults, and a game of finding them."""

from weightscope_widget.lessons.fault_game import FaultGame
from weightscope_widget.lessons.demo_model import DemoModel, demo_model

__all__ = ["DemoModel", "FaultGame", "demo_model"]
