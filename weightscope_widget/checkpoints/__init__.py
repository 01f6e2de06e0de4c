"""A model's weights over its checkpoints."""

from weightscope_widget.checkpoints.entry import evolution
from weightscope_widget.checkpoints.file import load, load_evolution
from weightscope_widget.checkpoints.results import EvolutionResults
from weightscope_widget.checkpoints.run import EvolutionRun

__all__ = ["EvolutionResults", "EvolutionRun", "evolution", "load", "load_evolution"]
