"""What to do about a model as a whole, from the advice for its layers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from weightscope_widget.recommendations.layer_advice import Advice, layer_advice
from weightscope_widget.scanning.results import ScanResults

__all__ = ["model_advice"]

_NAMED = 5
_FIRST = 3
_FEW = 0.05  # of the layers may be exceptions before a scheme for all of them is another one

Found = dict[str, Advice]  # by layer


def model_advice(results: ScanResults, of_layers: Mapping[str, Sequence[Advice]] | None = None) -> list[Advice]:
    """Return what to do about the model (see `ScanResults.advice`).

    Parameters
    ----------
    results : ScanResults
        Of the model.
    of_layers : mapping of str to sequence of Advice, optional
        The advice for the layers, if it is known already.
    """
    if of_layers is None:
        of_layers = {name: layer_advice(results, name) for name in results}
    by_topic: dict[str, Found] = {"training": {}, "int8": {}, "compression": {}}
    for name, found in of_layers.items():
        info = results.layers[name]
        # The single matrices of a stack of experts speak for it.
        if info.members or (info.shape is not None and len(info.shape) < 2):
            continue
        for advice in found:
            by_topic[advice.topic][name] = advice
    return [
        *_training(by_topic["training"]),
        *_first(results, of_layers),
        *_int8(by_topic["int8"]),
        *_compression(results, by_topic["compression"]),
    ]


def _with(found: Found, *actions: str) -> list[str]:
    return [name for name, advice in found.items() if advice.action in actions]


def _worst(names: Sequence[str], key: Callable[[str], float], count: int = _NAMED) -> tuple[str, ...]:
    return tuple(sorted(names, key=key, reverse=True)[:count])


def _training(found: Found) -> list[Advice]:
    broken, failed = _with(found, "repair_weights"), _with(found, "scan_again")
    advice = [
        Advice("training", action, {"count": len(names), "total": len(found)}, tuple(names[:_NAMED]))
        for action, names in (("repair_weights", broken), ("scan_again", failed))
        if names
    ]
    judged = len(found) - len(broken) - len(failed)
    if not judged:
        return advice
    counts = {
        action: len(_with(found, action)) for action in ("keep_fp32", "lower_learning_rate", "watch", "like_random")
    }
    action = next((one for one in ("keep_fp32", "lower_learning_rate") if counts[one]), "train_as_usual")
    pressing = _worst(
        _with(found, "keep_fp32", "lower_learning_rate"),
        lambda name: found[name].evidence["spectral.condition_number"],
    )
    return [*advice, Advice("training", action, {**counts, "total": judged}, pressing)]


def _first(results: ScanResults, names: Iterable[str]) -> list[Advice]:
    """Return where to look first: the layers of the highest risk."""
    risks = {
        name: risk for name in names if not results.layers[name].members and 0 < (risk := results.risk(name)) < math.inf
    }
    if len(risks) <= _FIRST:
        return []
    first = _worst(list(risks), risks.__getitem__, _FIRST)
    share = 100 * sum(risks[name] for name in first) / sum(risks.values())
    return [Advice("training", "start_with", {"risk_percentage": share, "total": len(risks)}, first)]


def _int8(found: Found) -> list[Advice]:
    judged = [name for name in found if found[name].action != "leave_as_is"]
    if not judged:
        return []
    others = [name for name in judged if found[name].action != "int8_per_tensor"]
    lost = [name for name in others if found[name].action == "keep_16bit"]
    if len(others) <= _FEW * len(judged):
        action, exceptions = "int8_per_tensor", others
    elif _with(found, "try_per_channel"):
        action, exceptions = "try_per_channel", others
    else:
        action, exceptions = ("keep_16bit" if len(lost) > len(judged) / 2 else "int8_per_channel"), lost
    worst = _worst(exceptions, lambda name: -found[name].evidence["quantization.sqnr_db"])
    return [Advice("int8", action, {"count": len(exceptions), "total": len(judged)}, worst)]


def _compression(results: ScanResults, found: Found) -> list[Advice]:
    if not found:
        return []
    low = _with(found, "low_rank")
    evidence = {"count": float(len(low)), "total": float(len(found))}
    if not low:
        evidence["rank_like_random"] = len(_with(found, "rank_like_random"))
        return [Advice("compression", "leave_rank", evidence)]
    sizes = {name: results.layers[name].parameters or 0 for name in found}
    saved = {name: sizes[name] * found[name].evidence.get("saved_percentage", 0) for name in low}
    known = any("saved_percentage" in found[name].evidence for name in low)
    if known:
        evidence["saved_percentage"] = sum(saved.values()) / sum(sizes.values())
    worst = _worst(
        low, saved.__getitem__ if known else lambda name: -found[name].evidence["spectral.stable_rank_percentage"]
    )
    return [Advice("compression", "low_rank", evidence, worst)]
