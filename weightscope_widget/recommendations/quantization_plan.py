"""Which layers to quantize in a scheme and which to keep, with export to bitsandbytes and llm-compressor."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from weightscope_widget._shared.messages import render, say
from weightscope_widget.analyzers.schemes.catalogue import SCHEMES, stored_bits
from weightscope_widget.assessment import Thresholds
from weightscope_widget.errors import InvalidArgumentError, MissingLibraryError, UnknownLayerError
from weightscope_widget.layers.layer import LayerInfo
from weightscope_widget.recommendations import recipes
from weightscope_widget.scanning.results import ScanResults

__all__ = ["QuantizationPlan", "default_minimum", "quantization_plan"]

_MARGIN_DB = 3.0

_BITSANDBYTES: dict[str, dict[str, Any]] = {
    "int8_channel": {"load_in_8bit": True},
    "nf4_block64": {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_compute_dtype": "bfloat16"},
}
"""The schemes as arguments of ``BitsAndBytesConfig``."""


@dataclass(frozen=True)
class QuantizationPlan:
    """Which layers to quantize in a scheme, and which to keep.

    Attributes
    ----------
    scheme : str
        A key of ``SCHEMES``.
    minimum_sqnr_db : float
        SQNR that a layer must reach in the scheme, in dB.
    keep : dict of str to str
        Layers that stay as they are, in the model's order, each with the reason as a sentence.
    reasons : dict of str to str
        The same layers, each with the reason as a word: requested, embedding, head, router, not_linear, failed,
        not_finite, not_measured, uneven, below, same_module.
    quantized : tuple of str
        Layers that are quantized, in the model's order.
    bytes_before, bytes_after : int or None
        Size of all matrices with their scales (per channel: one for each stored row); None if a shape or a storage
        type is unknown.
    mean_sqnr_db : float
        Mean over the quantized layers, weighted by parameters, without those that lose nothing; NaN if there are none.
    skip : tuple of str
        Modules that a tool must leave as they are: tied names too, and for a stack of experts the module that holds it.
    whole : frozenset of str
        Those of `skip` that include everything inside them.
    """

    scheme: str
    minimum_sqnr_db: float
    keep: Mapping[str, str]
    reasons: Mapping[str, str]
    quantized: tuple[str, ...]
    bytes_before: int | None
    bytes_after: int | None
    mean_sqnr_db: float
    skip: tuple[str, ...] = field(repr=False)
    whole: frozenset[str] = field(repr=False, default=frozenset())

    def to_bitsandbytes(self) -> Any:
        """Return the plan as ``transformers.BitsAndBytesConfig``, for ``from_pretrained(quantization_config=...)``.

        Raises
        ------
        InvalidArgumentError
            If the scheme is neither ``"int8_channel"`` nor ``"nf4_block64"``, the two that bitsandbytes has.
        MissingLibraryError
            If transformers is not installed.
        """
        options = self._bitsandbytes()
        if importlib.util.find_spec("transformers") is None:
            raise MissingLibraryError(
                "A BitsAndBytesConfig needs transformers; install it, or take bitsandbytes_code() elsewhere."
            )
        make: Any = importlib.import_module("transformers").BitsAndBytesConfig
        return make(**options, llm_int8_skip_modules=[recipes.bitsandbytes_name(name) for name in self.skip])

    def bitsandbytes_code(self) -> str:
        """Return Python code for the config that `to_bitsandbytes` returns; raises as that does."""
        return recipes.bitsandbytes_text(self._bitsandbytes(), map(recipes.bitsandbytes_name, self.skip))

    def llm_compressor_recipe(self) -> str:
        """Return the plan as a YAML recipe of llm-compressor: the weights of linear layers, except `skip`.

        Activations are not quantized, because a scan of weights does not tell how.

        Raises
        ------
        InvalidArgumentError
            If the scheme is ``"nf4_block64"``, which compressed-tensors lacks.
        """
        scheme = SCHEMES[self.scheme]
        if scheme.shared_by == "block":
            others = ", ".join(name for name, other in SCHEMES.items() if other.shared_by != "block")
            raise InvalidArgumentError(f"llm-compressor does not have {self.scheme!r}; plan with one of {others}.")
        # As compressed-tensors writes a scheme.
        kind = "float" if self.scheme.startswith("fp8") else "int"
        weights: dict[str, str | int] = {"num_bits": scheme.bits, "type": kind}
        weights |= {"symmetric": "true", "strategy": scheme.shared_by}
        if scheme.size:
            weights["group_size"] = scheme.size
        ignore = (recipes.ignore_pattern(name, whole=name in self.whole) for name in self.skip)
        return recipes.llm_compressor_text(weights, ignore)

    def __str__(self) -> str:
        quantized, kept = len(self.quantized), len(self.keep)
        counts = {"quantized": quantized, "kept": kept, "total": quantized + kept, "minimum": self.minimum_sqnr_db}
        lines = [say("plans.report.counts", scheme=SCHEMES[self.scheme].title, **counts)]
        if not math.isnan(self.mean_sqnr_db):
            lines.append(say("plans.report.mean", sqnr_db=self.mean_sqnr_db))
        if self.bytes_before is not None and self.bytes_after is not None:
            lines.append(say("plans.report.sizes", before=self.bytes_before, after=self.bytes_after))
        return "\n".join([*lines, *(f"  {name!r}: {why}" for name, why in self.keep.items())])

    def _bitsandbytes(self) -> dict[str, Any]:
        if self.scheme not in _BITSANDBYTES:
            raise InvalidArgumentError(
                f"bitsandbytes does not have {self.scheme!r}; plan with 'int8_channel' or 'nf4_block64'."
            )
        return _BITSANDBYTES[self.scheme]


def quantization_plan(
    results: ScanResults,
    scheme: str = "int8_channel",
    minimum_sqnr_db: float | None = None,
    keep: str | Iterable[str] = (),
) -> QuantizationPlan:
    """Return which layers to quantize and which to keep (see `ScanResults.quantization_plan`)."""
    if scheme not in SCHEMES:
        raise InvalidArgumentError(f"{scheme!r} is not a scheme; those that are: {', '.join(SCHEMES)}.")
    minimum = default_minimum(scheme, results.thresholds) if minimum_sqnr_db is None else minimum_sqnr_db
    if not isinstance(minimum, Real) or not math.isfinite(minimum):
        raise InvalidArgumentError(f"minimum_sqnr_db is {minimum_sqnr_db!r}; give a finite number of dB.")
    if not isinstance(keep, str | Iterable):
        raise InvalidArgumentError(f"keep is {keep!r}; give names of layers.")
    members = {member: info.name for info in results.layers.values() for member in info.members}
    matrices = [
        info
        for info in results.layers.values()
        if info.name not in members and (info.shape is None or len(info.shape) > 1)
    ]
    requested = _requested(results, [keep] if isinstance(keep, str) else keep, members)
    figures = {info.name: _figure(results, info, scheme) for info in matrices}
    if matrices and all(figure is None for figure in figures.values()):
        raise InvalidArgumentError(
            f"The error in {scheme!r} was not computed; scan with methods='all' to plan with it."
        )

    reasons: dict[str, str] = {}
    for info in matrices:
        reason = "requested" if info.name in requested else _reason(results, info, figures[info.name], scheme, minimum)
        if reason is not None:
            reasons[info.name] = reason
    holders = {_modules(info)[0] for info in matrices if info.members and info.name in reasons}
    for info in matrices:
        if info.members and _modules(info)[0] in holders:
            reasons.setdefault(info.name, "same_module")

    kept = {info.name: info for info in matrices if info.name in reasons}
    quantized = [info for info in matrices if info.name not in reasons]
    skip = list(dict.fromkeys(name for info in kept.values() for name in _modules(info) if name))
    kinds = {info.placement.kind for info in matrices}
    if "embed" in kinds and "head" not in kinds and not any(name.split(".")[-1] == "lm_head" for name in skip):
        # Files leave out a head that is tied to the embedding; without this line it would be quantized after all.
        skip.append("lm_head")
    return QuantizationPlan(
        scheme,
        float(minimum),
        {
            name: render(f"plans.keep.{reasons[name]}", sqnr_db=figures[name] or math.nan, minimum=minimum)
            for name in kept
        },
        {name: reasons[name] for name in kept},
        tuple(info.name for info in quantized),
        _bytes(matrices, [], scheme),
        _bytes(kept.values(), quantized, scheme),
        _mean([(info.parameters or 1, figures[info.name]) for info in quantized]),
        tuple(skip),
        frozenset(name for info in kept.values() if info.members for name in _modules(info)),
    )


def default_minimum(scheme: str, thresholds: Thresholds) -> float:
    """Return the SQNR in dB that a plan asks for by default (see `ScanResults.quantization_plan`)."""
    # The threshold is meant for 8 bits; with 4 not even Gaussian weights reach it.
    if SCHEMES[scheme].bits == 8:
        return thresholds.sqnr_db[1]
    return round(SCHEMES[scheme].gaussian_sqnr_db - _MARGIN_DB, 2)


def _requested(results: ScanResults, keep: Iterable[str], members: Mapping[str, str]) -> set[str]:
    owners = {alias: info.name for info in results.layers.values() for alias in info.aliases}
    found = set()
    for name in keep:
        owner = members.get(owners.get(name, name), owners.get(name, name))
        if owner not in results.layers:
            raise UnknownLayerError(f"{name!r} is not a layer of {results.model}; list(results) names them.")
        found.add(owner)
    return found


def _figure(results: ScanResults, info: LayerInfo, scheme: str) -> float | None:
    """Return a layer's SQNR in a scheme, of a stack the worst of its matrices; None if it was not measured."""
    names = [name for name in (info.name, *info.members) if name in results]
    found = [figure for name in names if (figure := _own_figure(results[name], scheme)) is not None]
    return None if len(names) <= len(info.members) or not found else min(found)


def _own_figure(sections: Mapping[str, Any], scheme: str) -> float | None:
    # Errors are of the finite weights; only these two sections tell whether there are others.
    if "basic_stats" not in sections and "spectral" not in sections:
        return None
    figure = sections.get("schemes", {}).get(f"{scheme}_sqnr_db")
    if figure is None and scheme == "int8_tensor":
        figure = sections.get("quantization", {}).get("sqnr_db")
    return None if figure is None else float(figure)


def _reason(results: ScanResults, info: LayerInfo, figure: float | None, scheme: str, minimum: float) -> str | None:
    place = info.placement
    if place.is_head or place.is_router:
        return place.kind
    if place.is_embedding:
        return "embedding"
    if place.kind == "conv" or (info.shape is not None and len(info.shape) > 2 and not info.members):
        return "not_linear"
    names = [name for name in (info.name, *info.members) if name in results]
    if any("error" in results[name] for name in names):
        return "failed"
    if not all(results.is_finite(name) for name in names):
        return "not_finite"
    if figure is None or math.isnan(figure):
        return "not_measured"
    if figure < minimum:
        return "below"
    columns = 0 if info.shape is None or SCHEMES[scheme].shared_by != "group" else info.shape[-1]
    return "uneven" if columns % max(SCHEMES[scheme].size, 1) else None


def _modules(info: LayerInfo) -> list[str]:
    """Return the modules that hold a layer's weights: a stack is a bare parameter of the module of its experts."""
    names = (info.name, *info.aliases)
    return [(name.rpartition(".")[0] or name) if info.members else name for name in names]


def _bytes(kept: Iterable[LayerInfo], quantized: Iterable[LayerInfo], scheme: str) -> int | None:
    total = 0.0
    for info in kept:
        bits = stored_bits(info.dtype or "")
        if bits is None or info.parameters is None:
            return None
        total += info.parameters * bits / 8
    for info in quantized:
        if info.shape is None or info.parameters is None:
            return None
        rows, columns = info.shape[-2:] if info.members else (info.shape[0], math.prod(info.shape[1:]))
        total += info.parameters * SCHEMES[scheme].bits_per_weight(rows, columns) / 8
    return math.ceil(total)


def _mean(weighted: Iterable[tuple[int, float | None]]) -> float:
    finite = [(weight, figure) for weight, figure in weighted if figure is not None and math.isfinite(figure)]
    weights = sum(weight for weight, _ in finite)
    return sum(weight * figure for weight, figure in finite) / weights if weights else math.nan
