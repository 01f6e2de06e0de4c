"""What to do about one layer: training, INT8, compression.

The rules are rules of thumb; each first asks whether a random matrix of the same shape would score alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from weightscope_widget._shared.messages import render, say
from weightscope_widget.analyzers.numerics.energy import energy_rank
from weightscope_widget.assessment import classify

if TYPE_CHECKING:
    from weightscope_widget.assessment import Thresholds
    from weightscope_widget.layers.layer import LayerInfo
    from weightscope_widget.scanning.results import ScanResults

__all__ = ["Advice", "advise", "layer_advice", "layer_facts"]

# Of Gaussian square matrices about one in 20 has a κ of more than ten times the baseline: P(κ > t) ≈ 2n/t (Edelman
# 1988).  Other shapes scatter less, and their baseline is far below any threshold.
_LIKE_RANDOM_CONDITION = 10
# Half of the signal's power: a larger loss comes from outliers, not from the format.
_LIKE_RANDOM_DB = 3
_LIKE_RANDOM_RANK = 0.8
_GAUSSIAN_DB = 38.76  # of a large matrix, for an unknown shape
_ENERGY = 0.9

_FACTS = {
    "basic_stats": ("nan_count", "inf_count"),
    "spectral": ("condition_number", "stable_rank_percentage", "total_rank"),
    "quantization": ("sqnr_db", "extreme_outlier_percentage"),
    "schemes": ("int8_tensor_sqnr_db", "int8_channel_sqnr_db"),
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


def layer_advice(results: ScanResults, name: str) -> list[Advice]:
    """Return what to do about one layer (see `ScanResults.advice`)."""
    facts = layer_facts(results, name)
    return advise(results.layers[name], facts, results.thresholds)


def layer_facts(results: ScanResults, name: str) -> dict[str, float]:
    """Return the numbers of a layer that advice depends on, without those that are NaN.

    Beside the evidence (see `Advice`): ``finite`` and ``failed``, 0 or 1.
    """
    sections, info = results[name], results.layers[name]
    facts = {
        f"{section}.{metric}": float(sections[section][metric])
        for section, metrics in _FACTS.items()
        if section in sections
        for metric in metrics
        if metric in sections[section]
    }
    facts |= {f"baseline.{metric}": value for metric, value in (results.baseline(name) or {}).items()}
    total, spectrum = facts.get("spectral.total_rank"), results.spectra.get(name)
    rank = None if spectrum is None or info.members else energy_rank(spectrum, _ENERGY)
    if rank is not None and total and info.parameters is not None:
        # Two factors of rank k hold k·(m + n) weights instead of m·n.
        even = info.parameters / (total + info.parameters / total)
        facts |= {"rank_90": rank, "break_even_rank": even, "saved_percentage": 100 * (1 - rank / even)}
    known = {fact: value for fact, value in facts.items() if not math.isnan(value)}
    return known | {"finite": results.is_finite(name), "failed": "error" in sections}


def advise(info: LayerInfo, facts: Mapping[str, float], thresholds: Thresholds) -> list[Advice]:
    """Return what to do about a layer of which `layer_facts` are known."""
    if not facts["finite"]:
        return [Advice("training", "repair_weights", _known(facts, "basic_stats.nan_count", "basic_stats.inf_count"))]
    if facts["failed"]:
        return [Advice("training", "scan_again")]
    found = (_training(facts, thresholds), _int8(info, facts, thresholds), _compression(info, facts, thresholds))
    return [advice for advice in found if advice is not None]


def _known(facts: Mapping[str, float], *names: str) -> dict[str, float]:
    return {name: facts[name] for name in names if name in facts}


def _training(facts: Mapping[str, float], thresholds: Thresholds) -> Advice | None:
    value = facts.get("spectral.condition_number")
    found = classify("condition_number", value, thresholds)
    if value is None or found is None:
        return None
    if found == "safe":
        action = "train_as_usual"
    elif value <= _LIKE_RANDOM_CONDITION * facts.get("baseline.condition_number", math.nan):
        action = "like_random"
    else:
        action = _ACTION_OF_CLASS[found]
    return Advice("training", action, _known(facts, "spectral.condition_number", "baseline.condition_number"))


def _int8(info: LayerInfo, facts: Mapping[str, float], thresholds: Thresholds) -> Advice | None:
    tensor = facts.get("quantization.sqnr_db", facts.get("schemes.int8_tensor_sqnr_db"))
    channel = facts.get("schemes.int8_channel_sqnr_db")
    if tensor is None:
        return None
    safe, risky = thresholds.sqnr_db
    expected = facts.get("baseline.sqnr_db", _GAUSSIAN_DB) - _LIKE_RANDOM_DB
    fine = tensor > safe or (tensor >= risky and tensor >= expected)
    outliers = facts.get("quantization.extreme_outlier_percentage", 0)
    placement = info.placement
    if placement.family == "embedding" or placement.kind in ("router", "rel_pos"):
        action = "leave_as_is"
    elif fine and outliers <= thresholds.extreme_outlier_percentage[1]:
        action = "int8_per_tensor"
    elif channel is None:
        action = "try_per_channel"
    else:
        action = "int8_per_channel" if channel >= risky else "keep_16bit"
    beside = ("baseline.sqnr_db", "schemes.int8_channel_sqnr_db", "quantization.extreme_outlier_percentage")
    return Advice("int8", action, {"quantization.sqnr_db": tensor} | _known(facts, *beside))


def _compression(info: LayerInfo, facts: Mapping[str, float], thresholds: Thresholds) -> Advice | None:
    percentage = facts.get("spectral.stable_rank_percentage")
    if info.members or percentage is None:
        return None
    if percentage >= thresholds.stable_rank_percentage[1]:
        action = "leave_rank"
    elif percentage >= _LIKE_RANDOM_RANK * facts.get("baseline.stable_rank_percentage", math.nan):
        action = "rank_like_random"
    elif "rank_90" in facts and facts["rank_90"] >= facts["break_even_rank"]:
        action = "adapter_only"
    else:
        action = "low_rank"
    names = ("spectral.stable_rank_percentage", "baseline.stable_rank_percentage")
    return Advice("compression", action, _known(facts, *names, "rank_90", "break_even_rank", "saved_percentage"))
