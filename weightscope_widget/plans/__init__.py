"""Plans made of a scan's figures, in the form that the tools people already run take."""

from weightscope_widget.plans.lora import LoraRanks, lora_ranks
from weightscope_widget.plans.quantization import QuantizationPlan, quantization_plan

__all__ = ["LoraRanks", "QuantizationPlan", "lora_ranks", "quantization_plan"]
