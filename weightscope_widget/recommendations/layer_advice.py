"""What to do about one layer: training, INT8, compression.

`advice.ts` decides alike; `tests/fixtures/advice_cases.json` holds both to it.  All rules are rules of thumb,
and each asks first whether chance alone would not have given the number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from weightscope_widget.analyzers.numerics.energy import energy_rank
from weightscope_widget.assessment import classify
from weightscope_widget.recommendations.sentences import sentence

if TYPE_CHECKING:
    from weightscope_widget.scanning.results import ScanResults

__all__ = ["Advice", "layer_advice"]

# Of Gaussian square matrices about one in 20 has a κ of more than ten times the baseline: P(κ > t) ≈ 2n/t (Edelman
# 1988).  Other shapes scatter less, and their baseline is far below any threshold.
_LIKE_RANDOM_CONDITION = 10
# Half of the signal's power: beyond it outliers, not the format, are what the error comes from.
_LIKE_RANDOM_DB = 3
_LIKE_RANDOM_RANK = 0.8
_GAUSSIAN_DB = 38.76  # of a large matrix, where the shape is unknown
_ENERGY = 0.9


@dataclass(frozen=True)
class Advice:
    """One thing to do, and the numbers it rests on.

    Attributes
    ----------
    topic : {"training", "int8", "compression"}
        The question it answers.
    action : str
        What to do, as a stable word: ``"keep_fp32"``, ``"int8_per_channel"``, ``"low_rank"``, …
    evidence : dict of str to float
        The numbers by their names in the results (``section.metric``, ``baseline.metric``), or for a model counts.
    layers : tuple of str
        For a model, the layers meant, the most pressing first, at most five.
    """

    topic: str
    action: str
    evidence: Mapping[str, float] = field(default_factory=dict)
    layers: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What to do and why, in English."""
        return sentence(self.topic, self.action, self.evidence, self.layers)

    def __str__(self) -> str:
        return self.sentence


def layer_advice(results: ScanResults, name: str) -> list[Advice]:
    """Return what to do about one layer (see `ScanResults.advice`)."""
    sections = results[name]
    figures = _figures(results, name)
    if not results.is_finite(name):
        return [Advice("training", "repair_weights", _known(figures, "basic_stats.nan_count", "basic_stats.inf_count"))]
    if "error" in sections:
        return [Advice("training", "scan_again")]
    found = (_training(results, figures), _int8(results, name, figures), _compression(results, name, figures))
    return [advice for advice in found if advice is not None]


def _figures(results: ScanResults, name: str) -> dict[str, float]:
    from weightscope_widget.scanning.results import flatten

    baseline = results.baseline(name) or {}
    return flatten(results[name]) | {f"baseline.{metric}": value for metric, value in baseline.items()}


def _known(figures: Mapping[str, float], *names: str) -> dict[str, float]:
    return {name: float(figures[name]) for name in names if not math.isnan(figures.get(name, math.nan))}


def _training(results: ScanResults, figures: Mapping[str, float]) -> Advice | None:
    value = figures.get("spectral.condition_number", math.nan)
    found = classify("condition_number", value, results.thresholds)
    if found is None:
        return None
    by_chance = _LIKE_RANDOM_CONDITION * figures.get("baseline.condition_number", math.nan)
    if found == "safe":
        action = "train_as_usual"
    elif value <= by_chance:
        action = "like_random"
    else:
        action = {"attention": "watch", "high": "lower_learning_rate", "very high": "keep_fp32"}[found]
    return Advice("training", action, _known(figures, "spectral.condition_number", "baseline.condition_number"))


def _int8(results: ScanResults, name: str, figures: Mapping[str, float]) -> Advice | None:
    tensor = figures.get("quantization.sqnr_db", figures.get("schemes.int8_tensor_sqnr_db", math.nan))
    channel = figures.get("schemes.int8_channel_sqnr_db", math.nan)
    outliers = figures.get("quantization.extreme_outlier_percentage", math.nan)
    if math.isnan(tensor):
        return None
    safe, risky = results.thresholds.sqnr_db
    placement = results.layers[name].placement
    expected = figures.get("baseline.sqnr_db", _GAUSSIAN_DB) - _LIKE_RANDOM_DB
    fine = tensor > safe or (tensor >= risky and tensor >= expected)
    if placement.family == "embedding" or placement.kind in ("router", "rel_pos"):
        action = "leave_as_is"
    elif fine and not outliers > results.thresholds.extreme_outlier_percentage[1]:
        action = "int8_per_tensor"
    elif math.isnan(channel):
        action = "try_per_channel"
    else:
        action = "int8_per_channel" if channel >= risky else "keep_16bit"
    evidence = {"quantization.sqnr_db": tensor} | _known(
        figures, "baseline.sqnr_db", "schemes.int8_channel_sqnr_db", "quantization.extreme_outlier_percentage"
    )
    return Advice("int8", action, evidence)


def _compression(results: ScanResults, name: str, figures: Mapping[str, float]) -> Advice | None:
    info = results.layers[name]
    total = figures.get("spectral.total_rank", math.nan)
    percentage = figures.get("spectral.stable_rank_percentage", math.nan)
    if info.members or math.isnan(total) or math.isnan(percentage):
        return None
    baseline = figures.get("baseline.stable_rank_percentage", math.nan)
    evidence = {"spectral.stable_rank_percentage": percentage} | _known(figures, "baseline.stable_rank_percentage")
    spectrum = results.spectra.get(name)
    rank = None if spectrum is None else energy_rank(spectrum, _ENERGY)
    if rank is not None and info.parameters is not None:
        # Two factors of rank k hold k·(m + n) weights instead of m·n.
        even = info.parameters / (total + info.parameters / total)
        evidence |= {"rank_90": float(rank), "break_even_rank": even}
    if percentage >= results.thresholds.stable_rank_percentage[1]:
        action = "leave_rank"
    elif percentage >= _LIKE_RANDOM_RANK * baseline:
        action = "rank_like_random"
    elif "rank_90" in evidence and evidence["rank_90"] >= evidence["break_even_rank"]:
        action = "adapter_only"
    else:
        action = "low_rank"
    return Advice("compression", action, evidence)
