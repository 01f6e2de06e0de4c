"""From numbers to action: what to do about a layer and about a model, on which evidence."""

from weightscope_widget.advice.decisions import Advice, layer_advice
from weightscope_widget.advice.model import model_advice

__all__ = ["Advice", "layer_advice", "model_advice"]
