"""The sentence of a pattern, in any language of the page."""

from __future__ import annotations

import math
from collections.abc import Mapping

from weightscope_widget._shared.messages import render, say

__all__ = ["sentence_of"]

_FEW = 25  # percent of the rank, as in `pattern`
_MOST = 50  # percent of the changed weights

_ASIDES = ("unmatched", "unlike", "resized", "recoded", "failed", "broken")


def sentence_of(name: str, evidence: Mapping[str, float], language: str = "en") -> str:
    """Return what a pattern says, by its name and the evidence that `Pattern` describes, without its NaN or with."""
    asides = [
        render(f"change.pattern.asides.{kind}_tensors", language, count=count)
        for kind in _ASIDES
        if (count := evidence.get(f"{kind}_tensors", 0)) > 0
    ]
    head = render(f"change.pattern.heads.{name}", language, reason=_reason(name, evidence, language))
    return ("" if language == "zh" else " ").join([head, *asides])


def _reason(name: str, evidence: Mapping[str, float], language: str) -> str:
    if name == "different architecture":
        return say("change.pattern.lessThanHalf", language)
    if not evidence["changed_tensors"]:
        return say("change.pattern.same" if name == "identical" else "change.pattern.sharedSame", language)
    touched = say(
        "change.pattern.touched",
        language,
        changed=evidence["changed_tensors"],
        total=evidence["tensors"],
        share=evidence["changed_parameters_percentage"],
    )
    if name == "retrained":
        return touched if evidence["broken_tensors"] else say("change.pattern.far", language, touched=touched)
    by = say("change.pattern.by", language, touched=touched, relative_change=evidence["relative_change"])
    return by + _rank(name, evidence, language)


def _rank(name: str, evidence: Mapping[str, float], language: str) -> str:
    rank = evidence.get("delta_rank_99_percentage", math.nan)
    if name == "low-rank" and rank <= _FEW:
        return say("change.pattern.held", language, share=rank)
    if name == "low-rank":
        return say("change.pattern.above", language, share=evidence["delta_numerical_rank_percentage"])
    if evidence.get("unresolved_percentage", math.nan) >= _MOST:
        return say("change.pattern.lost", language)
    said = ""
    if name == "full fine-tune" and not math.isnan(rank):
        said = say("change.pattern.takes", language, share=rank)
    if count := evidence["low_rank_tensors"]:
        said += say("change.pattern.low", language, count=count, share=evidence["low_rank_percentage"])
    return said
