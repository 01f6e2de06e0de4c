"""What kind of change separates two models.  Rules of thumb, with the numbers they rest on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from weightscope_widget.formats import format_count, format_number, format_percentage

if TYPE_CHECKING:
    from weightscope_widget.comparison.results import ComparisonResults

__all__ = ["Pattern", "pattern_of"]

# Beyond these a change is called by the name beside it.
_SHARED = 0.5  # of the parameters, below which the models are of different architectures
_RETRAINED = 1.0  # relative change: nothing of the base need be left
_LOW_RANK = 0.25  # of the total rank, which the 99 % rank of nearly every change stays below
_NEARLY_EVERY = 0.9
_TARGETED = 0.5  # of the parameters, below which only parts were touched


@dataclass(frozen=True)
class Pattern:
    """What kind of change it is.

    Attributes
    ----------
    name : str
        ``"identical"``, ``"low-rank"`` (as a merged LoRA), ``"targeted"``, ``"full fine-tune"``, ``"retrained"`` or
        ``"different architecture"``.
    sentence : str
        The same with its reason, in English.
    evidence : dict of str to float
        ``tensors``, ``changed_tensors``, ``unmatched_tensors``; ``changed_parameters_percentage`` (of the matched ones,
        in tensors that changed); ``relative_change`` (of all changed weights together); ``delta_rank_99_percentage``
        (median over the changed matrices, of the total rank); ``broken_tensors`` (with NaN or infinite weights).
    """

    name: str
    sentence: str
    evidence: Mapping[str, float] = field(default_factory=dict)


def pattern_of(comparison: ComparisonResults) -> Pattern | None:
    """Return what kind of change separates the two models; None where that cannot be said (yet)."""
    if not len(comparison):
        return None
    members = {member for info in comparison.layers.values() for member in info.members}
    names = [name for name in comparison if name not in members]  # a stack speaks for its matrices
    size = {name: comparison.layers[name].parameters or 0 for name in names}
    matched = [name for name in names if comparison.status(name) in ("identical", "changed", "reshaped")]
    changed = [name for name in matched if comparison.status(name) != "identical"]
    if not changed and (not comparison.complete or any(comparison.status(name) is None for name in names)):
        return None  # what is still to come, or failed, may have changed
    unmatched = [name for name in names if comparison.status(name) in ("only_in_base", "only_in_tuned")]
    every, shared = sum(size.values()), sum(size[name] for name in matched)
    touched = sum(size[name] for name in changed) / shared if shared else math.nan
    broken = [
        name
        for name in changed
        if math.isnan(comparison.metric(name, "delta_rank_99")) and _is_matrix(comparison, name)
    ]
    change = _together(comparison, changed)
    shares = _rank_shares(comparison, changed)
    rank = float(np.median(shares)) if shares else math.nan
    evidence = {
        "tensors": len(names),
        "changed_tensors": len(changed),
        "unmatched_tensors": len(unmatched),
        "changed_parameters_percentage": 100 * touched,
        "relative_change": change,
        "delta_rank_99_percentage": 100 * rank,
        "broken_tensors": len([name for name in broken if comparison.delta_spectra.get(name) is not None]),
    }
    name = _name(changed, unmatched, shared / every if every else 0.0, touched, change, shares)
    return Pattern(name, _sentence(name, evidence), evidence)


def _name(
    changed: list[str], unmatched: list[str], shared: float, touched: float, change: float, shares: list[float]
) -> str:
    if shared < _SHARED:
        return "different architecture"
    if not changed:
        return "targeted" if unmatched else "identical"
    if shares and np.mean([share <= _LOW_RANK for share in shares]) >= _NEARLY_EVERY:
        return "low-rank"
    if not change < _RETRAINED:  # NaN too: nothing finite is left to compare
        return "retrained"
    return "targeted" if touched < _TARGETED else "full fine-tune"


def _is_matrix(comparison: ComparisonResults, name: str) -> bool:
    shape = comparison.layers[name].shape
    return shape is not None and len(shape) >= 2


def _together(comparison: ComparisonResults, changed: list[str]) -> float:
    """Return ‖ΔW‖/‖W‖ of all changed tensors as one vector; inf where some became NaN or infinite."""
    delta = base = 0.0
    for name in changed:
        if "l2_distance" not in comparison[name]["comparison"]:
            continue  # of another shape altogether
        distance, relative = comparison.metric(name, "l2_distance"), comparison.metric(name, "relative_change")
        if math.isnan(distance):
            return math.inf
        delta += distance**2
        base += (distance / relative) ** 2 if relative and math.isfinite(relative) else 0.0
    return math.sqrt(delta / base) if base else math.inf if delta else 0.0


def _rank_shares(comparison: ComparisonResults, changed: list[str]) -> list[float]:
    shares = []
    for name in changed:
        rank, total = comparison.metric(name, "delta_rank_99"), comparison.metric(name, "delta_total_rank")
        if rank > 0 and total > 1:
            shares.append(rank / total)
    return shares


def _sentence(name: str, evidence: Mapping[str, float]) -> str:
    touched = (
        f"{format_count(evidence['changed_tensors'])} of {format_count(evidence['tensors'])} tensors changed, with "
        f"{format_percentage(evidence['changed_parameters_percentage'])} of the shared weights"
    )
    size = f"by {format_number(evidence['relative_change'])} of their norm"
    rank = format_percentage(evidence["delta_rank_99_percentage"])
    broken = evidence["broken_tensors"]
    lost = f" {format_count(broken)} tensors hold NaN or infinite weights." if broken else ""
    unmatched = evidence["unmatched_tensors"]
    alone = f" {format_count(unmatched)} tensors are in one model only." if unmatched else ""
    told = {
        "identical": "The models are identical, to the last weight.",
        "different architecture": "The models share less than half of their weights: different architectures.",
        "low-rank": f"A low-rank change, as a merged LoRA makes: {touched}, {size}; 99 % of a change's energy is in "
        f"{rank} of the rank (median).",
        "targeted": f"A targeted change: {touched}, {size}.",
        "full fine-tune": f"A full fine-tune: {touched}, {size}; 99 % of a change's energy takes {rank} of the rank "
        "(median).",
        "retrained": f"Retrained, or diverged: {touched}, and these are as far from the base as the base is large.",
    }
    return told[name] + alone + lost
