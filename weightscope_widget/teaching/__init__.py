"""For lessons: a small model with planted faults, and a game of finding them."""

from weightscope_widget.teaching.game import FaultGame
from weightscope_widget.teaching.model import DemoModel, demo_model

__all__ = ["DemoModel", "FaultGame", "demo_model"]
