"""Single figures: what each shows, as data, and its drawing in a notebook (bqplot) or to a file (matplotlib)."""

from weightscope_widget.visualizers.content.condition_number import condition_number_content
from weightscope_widget.visualizers.content.model_health import model_health_content
from weightscope_widget.visualizers.content.quantization_risk import quantization_risk_content
from weightscope_widget.visualizers.content.rank_efficiency import rank_efficiency_content
from weightscope_widget.visualizers.content.singular_values import singular_values_content
from weightscope_widget.visualizers.content.weight_distribution import weight_distribution_content
from weightscope_widget.visualizers.content.weight_heatmap import weight_heatmap_content
from weightscope_widget.visualizers.plots import (
    plot_condition_number_heatmap,
    plot_model_health_dashboard,
    plot_quantization_risk_matrix,
    plot_rank_efficiency,
    plot_singular_values,
    plot_weight_distribution,
    plot_weight_heatmap,
)

__all__ = [
    "condition_number_content",
    "model_health_content",
    "plot_condition_number_heatmap",
    "plot_model_health_dashboard",
    "plot_quantization_risk_matrix",
    "plot_rank_efficiency",
    "plot_singular_values",
    "plot_weight_distribution",
    "plot_weight_heatmap",
    "quantization_risk_content",
    "rank_efficiency_content",
    "singular_values_content",
    "weight_distribution_content",
    "weight_heatmap_content",
]
