"""The keys of all messages, made by ``make_keys``."""

from typing import Literal, TypeAlias

__all__ = ["MessageKey"]

# fmt: off
MessageKey: TypeAlias = Literal[
    "layers", "tensors", "advice.panel.title", "advice.panel.rule_of_thumb", "advice.panel.layer",
    "advice.panel.choose", "advice.panel.none_for_layer", "advice.panel.model", "advice.panel.none_for_model",
    "advice.panel.as_saved", "advice.topics.training", "advice.topics.int8", "advice.topics.compression",
    "advice.pressing", "advice.with_layers", "advice.matrices", "advice.layer.training.repair_weights",
    "advice.layer.training.scan_again", "advice.layer.training.train_as_usual", "advice.layer.training.like_random",
    "advice.layer.training.watch", "advice.layer.training.lower_learning_rate", "advice.layer.training.keep_fp32",
    "advice.layer.int8.leave_as_is", "advice.layer.int8.int8_per_tensor", "advice.layer.int8.int8_per_channel",
    "advice.layer.int8.try_per_channel", "advice.layer.int8.keep_16bit", "advice.layer.compression.leave_rank",
    "advice.layer.compression.rank_like_random", "advice.layer.compression.adapter_only",
    "advice.layer.compression.low_rank", "advice.layer.compression.low_rank_unmeasured",
    "advice.model.training.repair_weights", "advice.model.training.scan_again", "advice.model.training.train_as_usual",
    "advice.model.training.train_as_usual_like_random", "advice.model.training.lower_learning_rate",
    "advice.model.training.keep_fp32", "advice.model.training.keep_fp32_and_more", "advice.model.training.start_with",
    "advice.model.int8.int8_per_tensor", "advice.model.int8.int8_per_tensor_all", "advice.model.int8.int8_per_channel",
    "advice.model.int8.int8_per_channel_all", "advice.model.int8.try_per_channel", "advice.model.int8.keep_16bit",
    "advice.model.compression.leave_rank", "advice.model.compression.low_rank",
    "advice.model.compression.low_rank_unmeasured", "advice.evidence.training.spectral.condition_number",
    "advice.evidence.training.baseline.condition_number", "advice.evidence.training.basic_stats.nan_count",
    "advice.evidence.training.basic_stats.inf_count", "advice.evidence.int8.quantization.sqnr_db",
    "advice.evidence.int8.quantization.extreme_outlier_percentage", "advice.evidence.int8.baseline.sqnr_db",
    "advice.evidence.int8.schemes.int8_channel_sqnr_db", "advice.evidence.compression.spectral.stable_rank_percentage",
    "advice.evidence.compression.baseline.stable_rank_percentage", "advice.evidence.compression.rank_90",
    "advice.evidence.compression.break_even_rank", "plans.keep.requested", "plans.keep.embedding", "plans.keep.head",
    "plans.keep.router", "plans.keep.not_linear", "plans.keep.failed", "plans.keep.not_finite", "plans.keep.uneven",
    "plans.keep.not_measured", "plans.keep.below", "plans.keep.same_module", "plans.no_rank.failed",
    "plans.no_rank.not_measured", "plans.no_rank.zero", "plans.no_rank.not_finite", "plans.no_rank.member",
    "plans.no_rank.stack", "plans.no_rank.vector", "plans.no_rank.router", "plans.no_rank.embedding",
    "plans.no_rank.not_linear", "plans.report.counts", "plans.report.mean", "plans.report.sizes", "plans.title",
    "plans.scheme", "plans.planned", "plans.sizes", "plans.no_schemes", "plans.lacks_bitsandbytes",
    "plans.lacks_llm_compressor", "plans.ranks", "plans.no_targets", "plans.no_spectra", "plans.computing",
    "plans.no_answer", "plans.outdated", "plans.copy.bitsandbytes", "plans.copy.llm_compressor", "plans.copy.peft",
    "plans.copied", "plans.not_copied", "lessons.clue.outliers", "lessons.clue.ill_conditioned",
    "lessons.clue.low_rank", "lessons.clue.dead_outputs", "lessons.clue.pruned", "lessons.hint.outliers",
    "lessons.hint.ill_conditioned", "lessons.hint.low_rank", "lessons.hint.dead_outputs", "lessons.hint.pruned",
    "lessons.game.check", "lessons.game.hint", "lessons.game.score", "lessons.game.none", "lessons.game.wrong",
    "lessons.game.right", "lessons.game.won",
]
