"""Advice in words; the page has its own, in more than one language."""

from __future__ import annotations

from collections.abc import Callable, Mapping

__all__ = ["sentence"]

Evidence = Mapping[str, float]


def sentence(topic: str, action: str, evidence: Evidence, layers: tuple[str, ...]) -> str:
    """Return an advice as English: of a model where it counts layers, of one layer otherwise."""
    if "total" in evidence:
        said = _MODEL[topic, action](evidence)
        return f"{said} Most pressing: {', '.join(map(repr, layers))}." if layers else said
    return _LAYER[topic, action](evidence)


def _kappa(e: Evidence) -> str:
    baseline = e.get("baseline.condition_number")
    chance = "" if baseline is None else f", where chance gives about {baseline:.2g}"
    return f"κ is {e['spectral.condition_number']:.3g}{chance}"


def _db(e: Evidence) -> str:
    channel = e.get("schemes.int8_channel_sqnr_db")
    beside = "" if channel is None else f", {channel:.1f} dB per channel"
    return f"in INT8 it keeps {e['quantization.sqnr_db']:.1f} dB per tensor{beside}"


def _rank(e: Evidence) -> str:
    baseline = e.get("baseline.stable_rank_percentage")
    chance = "" if baseline is None else f", where chance gives about {baseline:.0f} %"
    return f"the stable rank is {e['spectral.stable_rank_percentage']:.1f} % of the full rank{chance}"


def _saves(e: Evidence) -> str:
    if "rank_90" not in e:
        return "its spectrum says at which rank."
    share = 100 * (1 - e["rank_90"] / e["break_even_rank"])
    rank = f"rank {e['rank_90']:.0f} holds 90 % of the energy"
    return f"{rank} and saves {share:.0f} % of the weights; fine-tune afterwards."


def _of(e: Evidence, thing: str = "layers") -> str:
    return f"{e['count']:.0f} of {e['total']:.0f} {thing}"


def _all_but(e: Evidence) -> str:
    return f"all but {_of(e)}" if e["count"] else f"all {e['total']:.0f} layers"


def _more(e: Evidence) -> str:
    count = e["lower_learning_rate"]
    return f" {count:.0f} more should have a lower learning rate." if count else ""


def _would_save(e: Evidence) -> str:
    if "saved_percentage" not in e:
        return ""
    share = f"{e['saved_percentage']:.1f} % of all weights"
    return f"; as two factors with 90 % of the energy they would save {share}, and need fine-tuning"


_LAYER: dict[tuple[str, str], Callable[[Evidence], str]] = {
    ("training", "repair_weights"): lambda e: (
        f"Restore this layer from an earlier checkpoint before anything else: {sum(e.values()):.0f} of its weights are "
        "NaN or infinite."
        if e
        else "Restore this layer from an earlier checkpoint before anything else: it has NaN or infinite weights."
    ),
    ("training", "scan_again"): lambda _: "Its analysis failed, so nothing can be said of it; see its error and scan.",
    ("training", "train_as_usual"): lambda e: f"Train it as usual: {_kappa(e)}.",
    ("training", "like_random"): lambda e: f"Nothing to do: {_kappa(e)}, so the number alone is no alarm.",
    ("training", "watch"): lambda e: f"Keep an eye on it in mixed precision: {_kappa(e)}.",
    ("training", "lower_learning_rate"): lambda e: f"Lower its learning rate and clip gradients: {_kappa(e)}.",
    ("training", "keep_fp32"): lambda e: (
        "Keep it in FP32 (or BF16), lower its learning rate, clip gradients, and check for a missing norm: "
        f"{_kappa(e)}."
    ),
    ("int8", "leave_as_is"): lambda e: f"Leave it in 16 bits, as is common practice for its kind: {_db(e)}.",
    ("int8", "int8_per_tensor"): lambda e: f"INT8 with one scale is fine: {_db(e)}.",
    ("int8", "int8_per_channel"): lambda e: f"Use a scale per channel: {_db(e)}.",
    ("int8", "try_per_channel"): lambda e: (
        f"One scale is not enough: {_db(e)}; scan with methods='all' to see whether one per channel is."
    ),
    ("int8", "keep_16bit"): lambda e: f"Keep it in 16 bits, or clip or smooth its outliers first: {_db(e)}.",
    ("compression", "leave_rank"): lambda e: f"Leave its rank: {_rank(e)}, so there is little to gain.",
    ("compression", "rank_like_random"): lambda e: f"Leave its rank: {_rank(e)}, which is no sign of low rank.",
    ("compression", "adapter_only"): lambda e: (
        f"An adapter of low rank suits it, but two factors would not be smaller: {_rank(e)}, yet 90 % of the energy "
        f"takes rank {e['rank_90']:.0f} of at most {e['break_even_rank']:.0f}."
    ),
    ("compression", "low_rank"): lambda e: f"Try a low-rank factorization or LoRA: {_rank(e)}; {_saves(e)}",
}

_MODEL: dict[tuple[str, str], Callable[[Evidence], str]] = {
    ("training", "repair_weights"): lambda e: f"Repair first: {_of(e)} have NaN or infinite weights.",
    ("training", "scan_again"): lambda e: f"The analysis of {_of(e)} failed; see their errors.",
    ("training", "train_as_usual"): lambda e: (
        f"Train as usual: none of {e['total']:.0f} layers is ill-conditioned beyond chance "
        f"({e['like_random']:.0f} have a large κ for their shape alone; {e['watch']:.0f} to keep an eye on)."
    ),
    ("training", "lower_learning_rate"): lambda e: (
        f"Lower the learning rate of {e['lower_learning_rate']:.0f} of {e['total']:.0f} layers and clip gradients: "
        "they are ill-conditioned beyond chance."
    ),
    ("training", "keep_fp32"): lambda e: (
        f"Keep {e['keep_fp32']:.0f} of {e['total']:.0f} layers in FP32 (or BF16), with a lower learning rate: they are "
        f"very ill-conditioned.{_more(e)}"
    ),
    ("training", "start_with"): lambda e: (
        f"Start with three layers: they hold {e['risk_percentage']:.0f} % of the risk of the {e['total']:.0f} "
        "that have any."
    ),
    ("int8", "int8_per_tensor"): lambda e: f"INT8 with one scale per tensor is fine for {_all_but(e)}.",
    ("int8", "int8_per_channel"): lambda e: f"INT8 with a scale per channel is fine for {_all_but(e)}.",
    ("int8", "try_per_channel"): lambda e: (
        f"One scale per tensor is not enough for {_of(e)}; scan with methods='all' to see what one per channel gives."
    ),
    ("int8", "keep_16bit"): lambda e: f"Stay in 16 bits, or smooth outliers first: INT8 is too coarse for {_of(e)}.",
    ("compression", "leave_rank"): lambda e: (
        f"Leave the ranks: none of {e['total']:.0f} matrices is of low rank beyond what chance gives."
    ),
    ("compression", "low_rank"): lambda e: f"{_of(e, 'matrices')} are of low rank{_would_save(e)}.",
}
