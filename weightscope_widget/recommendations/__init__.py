"""From numbers to action: advice, plans, ranks and adapters, each with its evidence."""

from weightscope_widget.recommendations.extract_lora import ExtractedLora, extract_lora
from weightscope_widget.recommendations.layer_advice import Advice, layer_advice
from weightscope_widget.recommendations.lora_ranks import LoraRanks, lora_ranks
from weightscope_widget.recommendations.model_advice import model_advice
from weightscope_widget.recommendations.quantization_plan import QuantizationPlan, quantization_plan

__all__ = [
    "Advice",
    "ExtractedLora",
    "LoraRanks",
    "QuantizationPlan",
    "extract_lora",
    "layer_advice",
    "lora_ranks",
    "model_advice",
    "quantization_plan",
]
