"""The sentence of a pattern, in English.

The page says the same: `js/src/text/diff/pattern.ts`, held to it by `tests/fixtures/pattern_cases.json`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from weightscope_widget._shared.formats import format_count, format_number, format_percentage

__all__ = ["sentence_of"]

_HEADS = {
    "identical": "The models are identical:",
    "low-rank": "A low-rank change, as a merged LoRA makes:",
    "targeted": "A targeted change:",
    "full fine-tune": "A full fine-tune:",
    "retrained": "Retrained, or diverged:",
    "different architecture": "Different architectures:",
}

_FEW = 25  # per cent of the rank, as in `pattern`
_MOST = 50  # per cent of the changed weights

# What besides the changed tensors there is: of one, and of several.
_ASIDES = {
    "unmatched_tensors": ("is in one model only", "are in one model only"),
    "unlike_tensors": ("has shapes with nothing in common", "have shapes with nothing in common"),
    "resized_tensors": ("was only resized", "were only resized"),
    "recoded_tensors": ("differs in bits alone, not in value", "differ in bits alone, not in value"),
    "failed_tensors": ("could not be compared", "could not be compared"),
    "broken_tensors": ("holds NaN or infinite weights", "hold NaN or infinite weights"),
}


def sentence_of(name: str, evidence: Mapping[str, float]) -> str:
    """Return what a pattern says, by its name and the evidence that `Pattern` describes, without its NaN or with."""
    asides = [
        f" {_tensors(evidence[key])} {one if evidence[key] == 1 else many}."
        for key, (one, many) in _ASIDES.items()
        if evidence.get(key, 0) > 0
    ]
    return f"{_HEADS[name]} {_reason(name, evidence)}." + "".join(asides)


def _reason(name: str, evidence: Mapping[str, float]) -> str:
    if name == "different architecture":
        return "they share less than half of their weights"
    if not evidence["changed_tensors"]:
        return "every weight is the same" if name == "identical" else "every shared weight is the same"
    touched = (
        f"{format_count(evidence['changed_tensors'])} of {_tensors(evidence['tensors'])} changed, with "
        f"{format_percentage(evidence['changed_parameters_percentage'])} of the shared weights"
    )
    if name == "retrained":
        far = ", and these are as far from the base as the base is large"
        return touched if evidence["broken_tensors"] else touched + far
    size = f", by {format_number(evidence['relative_change'])} of their norm"
    return touched + size + _rank(name, evidence)


def _rank(name: str, evidence: Mapping[str, float]) -> str:
    rank = evidence.get("delta_rank_99_percentage", math.nan)
    held = format_percentage(rank)
    if name == "low-rank" and rank <= _FEW:
        return f"; 99 % of the energy of a change is in {held} of the rank (median)"
    if name == "low-rank":
        above = format_percentage(evidence["delta_numerical_rank_percentage"])
        return f"; what of a change rises above rounding is in {above} of the rank (median)"
    if evidence.get("unresolved_percentage", math.nan) >= _MOST:
        return "; most of it is no larger than rounding to the storage type, so its rank cannot be told"
    said = ""
    if name == "full fine-tune" and not math.isnan(rank):
        said = f"; 99 % of the energy of a change takes {held} of the rank (median)"
    if evidence["low_rank_tensors"]:
        share = format_percentage(evidence["low_rank_percentage"])
        said += f"; of {_tensors(evidence['low_rank_tensors'])}, with {share} of the changed weights, it is low-rank"
    return said


def _tensors(count: float) -> str:
    return f"{format_count(count)} {'tensor' if count == 1 else 'tensors'}"
