"""What to do about one layer: training, INT8, compression.

The rules are rules of thumb; each first asks whether a random matrix of the same shape would score alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from weightscope_widget._shared.messages import render, say
from weightscope_widget.analyzers.numerics.energy import energy_rank
from weightscope_widget.analyzers.schemes.catalogue import SCHEMES
from weightscope_widget.assessment import Thresholds, classify
from weightscope_widget.scanning.results import ScanResults, flatten

__all__ = ["Advice", "LayerFacts", "advise", "layer_advice"]

# Of Gaussian square matrices about one in 20 has a κ of more than ten times the baseline: P(κ > t) ≈ 2n/t (Edelman
# 1988).  Other shapes scatter less, and their baseline is far below any threshold.
_LIKE_RANDOM_CONDITION = 10
# Half of the signal's power: a larger loss comes from outliers, not from the format.
_LIKE_RANDOM_DB = 3
_LIKE_RANDOM_RANK = 0.8
_GAUSSIAN_DB = SCHEMES["int8_tensor"].gaussian_sqnr_db  # for an unknown shape
_ENERGY = 0.9

_EVIDENCE = {
    "repair": ("basic_stats.nan_count", "basic_stats.inf_count"),
    "training": ("spectral.condition_number", "baseline.condition_number"),
    "int8": (
        "quantization.sqnr_db",
        "baseline.sqnr_db",
        "schemes.int8_channel_sqnr_db",
        "quantization.extreme_outlier_percentage",
    ),
    "compression": (
        "spectral.stable_rank_percentage",
        "baseline.stable_rank_percentage",
        "rank_90",
        "break_even_rank",
        "saved_percentage",
    ),
}

_ACTION_OF_CLASS = {"attention": "watch", "high": "lower_learning_rate", "very high": "keep_fp32"}


@dataclass(frozen=True)
class Advice:
    """One thing to do, and the numbers that support it.

    Attributes
    ----------
    topic : {"training", "int8", "compression"}
        What it is about.
    action : str
        What to do, as a stable word: ``"keep_fp32"``, ``"int8_per_channel"``, ``"low_rank"``, …
    evidence : dict of str to float
        For a layer the numbers by their names in the results (``section.metric``, ``baseline.metric``), and
        ``rank_90`` (the rank that keeps 90 % of Σσ²), ``break_even_rank`` (at which two factors are as large as the
        matrix) and ``saved_percentage`` (of the layer's weights, 0–100); for a model counts of layers.
    layers : tuple of str
        For a model the layers concerned, the most pressing first, at most five.
    """

    topic: str
    action: str
    evidence: Mapping[str, float] = field(default_factory=dict)
    layers: tuple[str, ...] = ()

    @property
    def variant(self) -> str:
        """Name of the message among those of the topic: the action, or a variant for the evidence at hand."""
        evidence, action = self.evidence, self.action
        if action == "low_rank" and "saved_percentage" not in evidence:
            return "low_rank_unmeasured"
        if action in ("int8_per_tensor", "int8_per_channel") and evidence.get("count") == 0:
            return f"{action}_all"
        if action == "train_as_usual" and evidence.get("like_random"):
            return "train_as_usual_like_random"
        if action == "keep_fp32" and evidence.get("lower_learning_rate"):
            return "keep_fp32_and_more"
        return action

    @property
    def sentence(self) -> str:
        """What to do and why, in English."""
        return self.sentence_in("en")

    def sentence_in(self, language: str) -> str:
        """Return what to do and why in ``"en"`` or ``"zh"``."""
        scope = "model" if "total" in self.evidence else "layer"
        said = render(f"advice.{scope}.{self.topic}.{self.variant}", language, **self.evidence)
        if not self.layers:
            return said
        return say("advice.with_layers", language, sentence=said, layers=", ".join(map(repr, self.layers)))

    def __str__(self) -> str:
        return self.sentence


class LayerFacts:
    """What advice for a layer depends on, except the thresholds: its numbers by the names that evidence has."""

    def __init__(self, results: ScanResults, name: str) -> None:
        sections, spectrum = results[name], results.spectra.get(name)
        self.info = results.layers[name]
        self.finite, self.failed = results.is_finite(name), "error" in sections
        numbers = flatten(sections)
        numbers |= {f"baseline.{metric}": value for metric, value in (results.baseline(name) or {}).items()}
        numbers.setdefault("quantization.sqnr_db", numbers.get("schemes.int8_tensor_sqnr_db", math.nan))
        rank = None if spectrum is None or self.info.members else energy_rank(spectrum, _ENERGY)
        if spectrum is not None and rank is not None and self.info.parameters is not None:
            # Two factors of rank k hold k·(m + n) weights instead of m·n.
            even = self.info.parameters / (len(spectrum) + self.info.parameters / len(spectrum))
            numbers |= {"rank_90": rank, "break_even_rank": even, "saved_percentage": 100 * (1 - rank / even)}
        self.evidence = {
            topic: {number: float(numbers[number]) for number in shown if not math.isnan(numbers.get(number, math.nan))}
            for topic, shown in _EVIDENCE.items()
        }
        self.numbers = {number: value for of_topic in self.evidence.values() for number, value in of_topic.items()}


def layer_advice(results: ScanResults, name: str) -> list[Advice]:
    """Return what to do about one layer (see `ScanResults.advice`)."""
    return advise(LayerFacts(results, name), results.thresholds)


def advise(facts: LayerFacts, thresholds: Thresholds) -> list[Advice]:
    """Return what to do about a layer."""
    if not facts.finite:
        return [Advice("training", "repair_weights", facts.evidence["repair"])]
    if facts.failed:
        return [Advice("training", "scan_again")]
    actions = {
        "training": _training(facts.numbers, thresholds),
        "int8": _int8(facts, thresholds),
        "compression": _compression(facts, thresholds),
    }
    return [Advice(topic, action, facts.evidence[topic]) for topic, action in actions.items() if action is not None]


def _training(numbers: Mapping[str, float], thresholds: Thresholds) -> str | None:
    value = numbers.get("spectral.condition_number")
    found = classify("condition_number", value, thresholds)
    if value is None or found is None:
        return None
    if found == "safe":
        return "train_as_usual"
    if value <= _LIKE_RANDOM_CONDITION * numbers.get("baseline.condition_number", math.nan):
        return "like_random"
    return _ACTION_OF_CLASS[found]


def _int8(facts: LayerFacts, thresholds: Thresholds) -> str | None:
    numbers, placement = facts.numbers, facts.info.placement
    tensor, channel = numbers.get("quantization.sqnr_db"), numbers.get("schemes.int8_channel_sqnr_db")
    if tensor is None:
        return None
    if placement.is_embedding or placement.is_router:
        return "leave_as_is"
    safe, risky = thresholds.sqnr_db
    expected = numbers.get("baseline.sqnr_db", _GAUSSIAN_DB) - _LIKE_RANDOM_DB
    outliers = numbers.get("quantization.extreme_outlier_percentage", 0)
    if (tensor > safe or tensor >= max(risky, expected)) and outliers <= thresholds.extreme_outlier_percentage[1]:
        return "int8_per_tensor"
    if channel is None:
        return "try_per_channel"
    return "int8_per_channel" if channel >= risky else "keep_16bit"


def _compression(facts: LayerFacts, thresholds: Thresholds) -> str | None:
    numbers = facts.numbers
    percentage = numbers.get("spectral.stable_rank_percentage")
    if facts.info.members or percentage is None:
        return None
    if percentage >= thresholds.stable_rank_percentage[1]:
        return "leave_rank"
    if percentage >= _LIKE_RANDOM_RANK * numbers.get("baseline.stable_rank_percentage", math.nan):
        return "rank_like_random"
    if "rank_90" in numbers and numbers["rank_90"] >= numbers["break_even_rank"]:
        return "adapter_only"
    return "low_rank"
