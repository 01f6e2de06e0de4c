"""What the page says of quantization plans and LoRA ranks: keys of messages with arguments, and code to copy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from weightscope_widget.analyzers.schemes.catalogue import SCHEMES
from weightscope_widget.assessment import Thresholds
from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.recommendations import lora_ranks, quantization_plan
from weightscope_widget.recommendations.quantization_plan import default_minimum
from weightscope_widget.scanning.results import ScanResults

__all__ = ["all_plans", "plan_answer", "ranks_answer"]

_MAXIMUM_RANK = 64  # of a small adapter


def plan_answer(results: ScanResults, scheme: str, thresholds: Thresholds) -> dict[str, Any]:
    """Return ``said``, a list of [key, arguments], and ``bitsandbytes`` and ``llm_compressor``, code or None."""
    if scheme not in SCHEMES:
        raise InvalidArgumentError(f"{scheme!r} is not a scheme; those that are: {', '.join(SCHEMES)}.")
    try:
        plan = quantization_plan(results, scheme, default_minimum(scheme, thresholds))
    except InvalidArgumentError:  # not measured
        plan = None
    if plan is None or not (plan.quantized or plan.keep):
        return {"said": [["plans.no_schemes", {}]], "bitsandbytes": None, "llm_compressor": None}
    total = len(plan.quantized) + len(plan.keep)
    said: list[Any] = [
        ["plans.planned", {"quantized": len(plan.quantized), "total": total, "minimum": plan.minimum_sqnr_db}]
    ]
    if plan.bytes_before is not None and plan.bytes_after is not None:
        said.append(["plans.sizes", {"before": plan.bytes_before, "after": plan.bytes_after}])
    return {
        "said": said,
        "bitsandbytes": _code(plan.bitsandbytes_code),
        "llm_compressor": _code(plan.llm_compressor_recipe),
    }


def ranks_answer(results: ScanResults, energy: float) -> dict[str, Any]:
    """Return ``said``, a list of [key, arguments], and ``peft``, code or None."""
    try:
        ranks = lora_ranks(results, energy, _MAXIMUM_RANK)
    except InvalidArgumentError:
        return {"said": [["plans.no_spectra", {}]], "peft": None}
    if not ranks.targets:
        return {"said": [["plans.no_targets", {}]], "peft": None}
    told = {"targets": len(ranks.targets), "energy": 100 * energy, "maximum": _MAXIMUM_RANK}
    return {"said": [["plans.ranks", told]], "peft": ranks.peft_code()}


def all_plans(results: ScanResults, energy: float) -> dict[str, dict[str, Any]]:
    """Return the answers for every scheme, by its name, and for ``"ranks"``."""
    plans = {scheme: plan_answer(results, scheme, results.thresholds) for scheme in SCHEMES}
    return {**plans, "ranks": ranks_answer(results, energy)}


def _code(make: Callable[[], str]) -> str | None:
    try:
        return make()
    except InvalidArgumentError:  # the tool does not have the scheme
        return None
