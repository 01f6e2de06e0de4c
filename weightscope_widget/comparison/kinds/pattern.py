"""What kind of change separates two models.  Rules of thumb, with the numbers they rest on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from weightscope_widget.comparison.kinds.sentence import sentence_of

if TYPE_CHECKING:
    from weightscope_widget.comparison.results import ComparisonResults

__all__ = ["Pattern", "pattern_of"]

# Beyond these a change is called by the name beside it.
_SHARED = 0.5  # of the parameters, below which the models are of different architectures
_RETRAINED = 1.0  # relative change: nothing of the base need be left
_LOW_RANK = 0.9  # of the changed parameters, in matrices whose change is of low rank
_TARGETED = 0.5  # of the parameters, below which only parts were touched

# The change of a matrix is of low rank where
_FEW = 0.25  # of the total rank hold 99 % of its energy, or, of what rises above rounding,
_MOST = 0.5  # of the energy, so that
_ALL = 0.95  # of it is explained together with the rounding of all other directions
_DENSE = 50.0  # per cent of the entries: a few that rounding moved have little rank, too


@dataclass(frozen=True)
class Pattern:
    """What kind of change it is.

    Attributes
    ----------
    name : str
        ``"identical"``, ``"low-rank"`` (as a merged LoRA), ``"targeted"``, ``"full fine-tune"``, ``"retrained"`` (or
        diverged) or ``"different architecture"``.
    sentence : str
        The same with its reason, in English.
    evidence : dict of str to float
        Counts of tensors: ``tensors`` (all), ``changed_tensors`` (in value), ``unmatched_tensors`` (in one model only),
        ``unlike_tensors`` (of shapes with nothing in common), ``resized_tensors`` (otherwise equal),
        ``recoded_tensors`` (which differ in bits alone), ``failed_tensors`` (of which nothing is known),
        ``broken_tensors`` (changed, with NaN or infinite weights), ``low_rank_tensors`` (whose change is of low rank).
        Shares of parameters, 0–100: ``changed_parameters_percentage`` (of those that both models have),
        ``low_rank_percentage`` and ``unresolved_percentage`` (of the changed ones: in matrices whose change is of low
        rank, or no larger than rounding to the storage type, so that its rank cannot be told).
        ``relative_change``: ‖ΔW‖/‖W‖ of all changed weights together; inf where there are broken ones.
        ``delta_rank_99_percentage``, ``delta_numerical_rank_percentage``: of the total rank, medians over the changed
        matrices.
        NaN where there is no such thing.
    """

    name: str
    sentence: str
    evidence: Mapping[str, float] = field(default_factory=dict)


def pattern_of(comparison: ComparisonResults) -> Pattern | None:
    """Return what kind of change separates the two models; None where that cannot be said (yet)."""
    if not comparison.complete:
        return None
    members = {member for info in comparison.layers.values() for member in info.members}
    kinds = {name: _kind(comparison, name) for name in comparison if name not in members}  # a stack speaks for them

    def of(*wanted: str) -> list[str]:
        return [name for name, kind in kinds.items() if kind in wanted]

    def size(names: Iterable[str]) -> int:
        return sum(comparison.layers[name].parameters or 0 for name in names)

    changed, failed = of("changed", "broken"), of("failed")
    common = of("identical", "recoded", "resized", "changed", "broken")
    known = [name for name in kinds if kinds[name] != "failed"]
    if not known or (failed and not changed):
        return None  # what failed may have changed
    matrices = [name for name in of("changed") if comparison.metric(name, "delta_rank_99") > 0]
    low = [name for name in matrices if _is_low_rank(comparison, name)]
    unresolved = [name for name in matrices if name not in low and _is_lost_in_rounding(comparison, name)]
    # A matrix that could not be factorized has no say.
    ranked = [name for name in changed if name in matrices or not _is_matrix(comparison, name)]
    evidence = {
        "tensors": len(kinds),
        "changed_tensors": len(changed),
        "unmatched_tensors": len(of("unmatched")),
        "unlike_tensors": len(of("unlike")),
        "resized_tensors": len(of("resized")),
        "recoded_tensors": len(of("recoded")),
        "failed_tensors": len(failed),
        "broken_tensors": len(of("broken")),
        "low_rank_tensors": len(low),
        "changed_parameters_percentage": _percentage(size(changed), size(common)),
        "low_rank_percentage": _percentage(size(low), size(ranked)),
        "unresolved_percentage": _percentage(size(unresolved), size(ranked)),
        "relative_change": math.inf if of("broken") else _together(comparison, changed),
        "delta_rank_99_percentage": _median_share(comparison, matrices, "delta_rank_99"),
        "delta_numerical_rank_percentage": _median_share(comparison, matrices, "delta_numerical_rank"),
    }
    shared = size(common) / size(known) if size(known) else 0.0
    name = _name(evidence, shared)
    return Pattern(name, sentence_of(name, evidence), evidence)


def _name(evidence: Mapping[str, float], shared: float) -> str:
    if shared < _SHARED:
        return "different architecture"
    if not evidence["changed_tensors"]:
        others = ("unmatched_tensors", "unlike_tensors", "resized_tensors")
        return "targeted" if any(evidence[key] for key in others) else "identical"
    if evidence["relative_change"] >= _RETRAINED:
        return "retrained"
    if evidence["low_rank_percentage"] >= 100 * _LOW_RANK:
        return "low-rank"
    return "targeted" if evidence["changed_parameters_percentage"] < 100 * _TARGETED else "full fine-tune"


def _kind(comparison: ComparisonResults, name: str) -> str:
    """Return what a tensor counts as."""
    status, change = comparison.status(name), comparison[name]["comparison"]
    if status in ("only_in_base", "only_in_tuned"):
        return "unmatched"
    if status == "identical":
        return "identical"
    if status == "reshaped" and "common_rows" not in change:
        return "unlike"
    if status is None or "relative_change" not in change:
        return "failed"
    if _is_broken(comparison, name):
        return "broken"
    if change["relative_change"] > 0:
        return "changed"
    return "resized" if status == "reshaped" else "recoded"


def _is_broken(comparison: ComparisonResults, name: str) -> bool:
    spectrum = comparison.delta_spectra.get(name)
    if math.isnan(comparison.metric(name, "relative_change")) or (spectrum is not None and np.isnan(spectrum).any()):
        return True
    return not comparison.tuned.is_finite(name)


def _is_matrix(comparison: ComparisonResults, name: str) -> bool:
    shape = comparison.layers[name].shape
    return shape is not None and len(shape) >= 2


def _is_low_rank(comparison: ComparisonResults, name: str) -> bool:
    few = _FEW * comparison.metric(name, "delta_total_rank")
    above = comparison.metric(name, "delta_numerical_rank")
    dense = comparison.metric(name, "changed_percentage") >= _DENSE
    if comparison.metric(name, "delta_rank_99") <= few and (above > 0 or dense):
        return True
    if not 0 < above <= few:
        return False
    energy = np.square(comparison.delta_spectra[name] / comparison.delta_spectra[name][0])
    # Of a stack: nearly, for each matrix has an edge of its own.
    held = float(energy[: int(above)].sum() / energy.sum())
    # Rounding has a share in these directions; what is left of it lives in as many rows and columns fewer.
    rows, columns = _rows_and_columns(comparison, name)
    rest = (1 - above / rows) * (1 - above / columns) * comparison.metric(name, "delta_rounding_percentage") / 100
    return held >= _MOST and held + rest >= _ALL


def _is_lost_in_rounding(comparison: ComparisonResults, name: str) -> bool:
    return (
        comparison.metric(name, "delta_numerical_rank") == 0
        or comparison.metric(name, "delta_rounding_percentage") >= 100
    )


def _rows_and_columns(comparison: ComparisonResults, name: str) -> tuple[int, int]:
    """Return the sides of a changed matrix; those of a stack together."""
    info = comparison.layers[name]
    shape = info.shape or ()
    if info.members:
        return shape[0] * shape[1], shape[0] * shape[2]
    rows = comparison.metric(name, "common_rows")
    return shape[0] if math.isnan(rows) else int(rows), math.prod(shape[1:])


def _together(comparison: ComparisonResults, changed: list[str]) -> float:
    """Return ‖ΔW‖/‖W‖ of all changed tensors as one vector; NaN where there are none."""
    distances = [comparison.metric(name, "l2_distance") for name in changed]
    relative = [comparison.metric(name, "relative_change") for name in changed]
    base = math.hypot(*(distance / each for distance, each in zip(distances, relative, strict=True)))
    return math.hypot(*distances) / base if base else math.inf if changed else math.nan


def _median_share(comparison: ComparisonResults, names: list[str], metric: str) -> float:
    shares = [comparison.metric(name, metric) / comparison.metric(name, "delta_total_rank") for name in names]
    return 100 * float(np.median(shares)) if shares else math.nan


def _percentage(part: float, whole: float) -> float:
    return 100 * part / whole if whole else math.nan
