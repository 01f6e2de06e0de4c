"""Which layers to quantize in a scheme and which to keep, and the plan as the tools take it."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from weightscope_widget.analyzers.schemes.catalogue import SCHEMES
from weightscope_widget.errors import InvalidArgumentError, MissingLibraryError, UnknownLayerError
from weightscope_widget.recommendations import recipes as code

if TYPE_CHECKING:
    from weightscope_widget.layers.layer import LayerInfo
from weightscope_widget.scanning.results import ScanResults

__all__ = ["GAUSSIAN_SQNR_DB", "QuantizationPlan", "quantization_plan"]

GAUSSIAN_SQNR_DB = {
    "int8_tensor": 38.76,
    "int8_channel": 41.22,
    "int8_group128": 43.78,
    "int4_channel": 16.05,
    "int4_group128": 18.61,
    "nf4_block64": 20.73,
    "fp8_e4m3": 31.55,
}
"""What a Gaussian matrix of 1024 × 4096 scores in each scheme, in dB: what weights without outliers can expect."""

_MARGIN_DB = 3.0
_BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "float8_e4m3fn": 1, "float8_e5m2": 1}

_WEIGHTS: dict[str, dict[str, str | int]] = {
    "int8_tensor": {"num_bits": 8, "type": "int", "symmetric": "true", "strategy": "tensor"},
    "int8_channel": {"num_bits": 8, "type": "int", "symmetric": "true", "strategy": "channel"},
    "int8_group128": {"num_bits": 8, "type": "int", "symmetric": "true", "strategy": "group", "group_size": 128},
    "int4_channel": {"num_bits": 4, "type": "int", "symmetric": "true", "strategy": "channel"},
    "int4_group128": {"num_bits": 4, "type": "int", "symmetric": "true", "strategy": "group", "group_size": 128},
    "fp8_e4m3": {"num_bits": 8, "type": "float", "symmetric": "true", "strategy": "tensor"},
}
"""The schemes as compressed-tensors writes them: of the weights alone, as they were measured."""

_SENTENCES = {
    "requested": "Kept because you asked for it.",
    "embedding": "An embedding: common practice leaves it as it is, whatever its figures.",
    "head": "An output head: common practice leaves it as it is, whatever its figures.",
    "router": "A router of experts: common practice leaves it as it is, for it is small and decides much.",
    "not_linear": "Not the matrix of a linear layer, and these tools quantize nothing else.",
    "failed": "Its analysis failed, so nothing is known of its error.",
    "not_finite": "It has weights that are NaN or infinite.",
    "uneven": "Its rows do not divide into whole groups, which the tools for such schemes refuse.",
    "not_measured": "Its error in this scheme is not known.",
    "same_module": "It is in one module with a layer that is kept.",
}


@dataclass(frozen=True)
class QuantizationPlan:
    """Which layers to store in a scheme, and which to leave.

    Attributes
    ----------
    scheme : str
        A key of ``SCHEMES``.
    minimum_sqnr_db : float
        What a layer has to reach in the scheme, in dB.
    keep : dict of str to str
        The layers that stay as they are, in the model's order, each with a sentence that says why.
    reasons : dict of str to str
        The same layers, each with the reason as a word: requested, embedding, head, router, not_linear, failed,
        not_finite, not_measured, uneven, below, same_module.
    quantized : tuple of str
        The layers that are quantized, in the model's order.
    bytes_before, bytes_after : int or None
        Of all matrices, the scales included (of channels as many as the matrix has rows as stored); None where a shape
        or a storage type is unknown.
    mean_sqnr_db : float
        Of what is quantized, weighted by parameters; layers that lose nothing are left out; NaN where nothing is left.
    skip : tuple of str
        The modules to leave as they are, as a tool has to be told: tied names too, and for a stack of experts the
        module that holds it.
    whole : frozenset of str
        Those of `skip` that stand for everything inside them.
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
            Where bitsandbytes does not have the scheme: it has ``"int8_channel"`` and ``"nf4_block64"``.
        MissingLibraryError
            Where transformers is not installed.
        """
        self._check_bitsandbytes()
        if importlib.util.find_spec("transformers") is None:
            raise MissingLibraryError(
                "A BitsAndBytesConfig needs transformers; install it, or take bitsandbytes_code() elsewhere."
            )
        from transformers import BitsAndBytesConfig

        skip = [code.bitsandbytes_name(name) for name in self.skip]
        make: Any = BitsAndBytesConfig
        if self.scheme == "int8_channel":
            return make(load_in_8bit=True, llm_int8_skip_modules=skip)
        return make(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_compute_dtype="bfloat16",
            llm_int8_skip_modules=skip,
        )

    def bitsandbytes_code(self) -> str:
        """Return Python that makes what `to_bitsandbytes` returns.

        Raises
        ------
        InvalidArgumentError
            Where bitsandbytes does not have the scheme: it has ``"int8_channel"`` and ``"nf4_block64"``.
        """
        self._check_bitsandbytes()
        return code.bitsandbytes_text(self.scheme, map(code.bitsandbytes_name, self.skip))

    def llm_compressor_recipe(self) -> str:
        """Return the plan as a recipe of llm-compressor, in YAML: the weights of linear layers, but for `skip`.

        Activations stay as they are, for a scan of weights says nothing of them.

        Raises
        ------
        InvalidArgumentError
            Where compressed-tensors does not have the scheme: it lacks ``"nf4_block64"``.
        """
        if self.scheme not in _WEIGHTS:
            raise InvalidArgumentError(
                f"llm-compressor does not have {self.scheme!r}; plan with one of {', '.join(_WEIGHTS)}."
            )
        ignore = (code.ignore_pattern(name, whole=name in self.whole) for name in self.skip)
        return code.llm_compressor_text(_WEIGHTS[self.scheme], ignore)

    def __str__(self) -> str:
        count = len(self.keep) + len(self.quantized)
        asked = f"{SCHEMES[self.scheme].title}, at least {self.minimum_sqnr_db:g} dB"
        lines = [f"{asked}: {len(self.quantized)} of {count} matrices quantized, {len(self.keep)} kept."]
        if not math.isnan(self.mean_sqnr_db):
            lines.append(f"Mean SQNR of what is quantized: {self.mean_sqnr_db:.1f} dB.")
        if self.bytes_before is not None and self.bytes_after is not None:
            lines.append(f"Size of the matrices: {self.bytes_before / 1e6:,.1f} MB → {self.bytes_after / 1e6:,.1f} MB.")
        lines += [f"  {name!r}: {why}" for name, why in self.keep.items()]
        return "\n".join(lines)

    def _check_bitsandbytes(self) -> None:
        if self.scheme not in ("int8_channel", "nf4_block64"):
            raise InvalidArgumentError(
                f"bitsandbytes does not have {self.scheme!r}; plan with 'int8_channel' or 'nf4_block64'."
            )


def quantization_plan(
    results: ScanResults,
    scheme: str = "int8_channel",
    minimum_sqnr_db: float | None = None,
    keep: str | Iterable[str] = (),
) -> QuantizationPlan:
    """Return which layers to quantize and which to keep (see `ScanResults.quantization_plan`)."""
    if scheme not in SCHEMES:
        raise InvalidArgumentError(f"{scheme!r} is not a scheme; those that are: {', '.join(SCHEMES)}.")
    minimum = _default_minimum(results, scheme) if minimum_sqnr_db is None else float(minimum_sqnr_db)
    if not math.isfinite(minimum):
        raise InvalidArgumentError(f"minimum_sqnr_db is {minimum_sqnr_db!r}; give a finite number of dB.")
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
        reason = "requested" if info.name in requested else _reason(results, info, figures[info.name], minimum)
        if reason is None and _uneven(info, scheme):
            reason = "uneven"
        if reason is not None:
            reasons[info.name] = reason
    holders = {_module(info) for info in matrices if info.members and info.name in reasons}
    for info in matrices:
        if info.members and _module(info) in holders:
            reasons.setdefault(info.name, "same_module")

    kept = [info for info in matrices if info.name in reasons]
    quantized = [info for info in matrices if info.name not in reasons]
    skip = list(dict.fromkeys(name for info in kept for name in _modules(info) if name))
    if _may_tie_a_head(matrices) and not any(name.split(".")[-1] == "lm_head" for name in skip):
        # Files leave out a head that is tied to the embedding; without this line it would be quantized after all.
        skip.append("lm_head")
    return QuantizationPlan(
        scheme,
        minimum,
        {info.name: _sentence(reasons[info.name], figures[info.name], minimum) for info in kept},
        {info.name: reasons[info.name] for info in kept},
        tuple(info.name for info in quantized),
        _bytes(matrices, [], scheme),
        _bytes(kept, quantized, scheme),
        _mean([(info.parameters or 1, figures[info.name]) for info in quantized]),
        tuple(skip),
        frozenset(name for info in kept if info.members for name in _modules(info)),
    )


def _default_minimum(results: ScanResults, scheme: str) -> float:
    # The document's line for INT8 is out of reach of 4 bits, even for weights that could not be better behaved.
    if SCHEMES[scheme].bits == 8:
        return results.thresholds.sqnr_db[1]
    return round(GAUSSIAN_SQNR_DB[scheme] - _MARGIN_DB, 2)


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
    """Return a layer's SQNR in a scheme, of a stack the worst of its matrices; None where it was not measured."""
    names = [name for name in (info.name, *info.members) if name in results]
    found = [figure for name in names if (figure := _own_figure(results[name], scheme)) is not None]
    return None if len(names) <= len(info.members) or not found else min(found)


def _own_figure(sections: Mapping[str, Any], scheme: str) -> float | None:
    # Figures are over the finite weights; without one of these two it is not known whether there are others.
    if "basic_stats" not in sections and "spectral" not in sections:
        return None
    figure = sections.get("schemes", {}).get(f"{scheme}_sqnr_db")
    if figure is None and scheme == "int8_tensor":
        figure = sections.get("quantization", {}).get("sqnr_db")
    return None if figure is None else float(figure)


def _reason(results: ScanResults, info: LayerInfo, figure: float | None, minimum: float) -> str | None:
    kind, family = info.placement.kind, info.placement.family
    if kind in ("head", "router"):
        return kind
    if family == "embedding" or kind == "rel_pos":
        return "embedding"
    if kind == "conv" or (info.shape is not None and len(info.shape) > 2 and not info.members):
        return "not_linear"
    names = [name for name in (info.name, *info.members) if name in results]
    if any("error" in results[name] for name in names):
        return "failed"
    if not all(results.is_finite(name) for name in names):
        return "not_finite"
    if figure is None or math.isnan(figure):
        return "not_measured"
    return "below" if figure < minimum else None


def _uneven(info: LayerInfo, scheme: str) -> bool:
    grouped = SCHEMES[scheme].shared_by == "group"
    return grouped and info.shape is not None and info.shape[-1] % SCHEMES[scheme].size != 0


def _sentence(reason: str, figure: float | None, minimum: float) -> str:
    if reason == "below":
        return f"It keeps {figure:.1f} dB in this scheme, below the {minimum:g} dB asked for."
    return _SENTENCES[reason]


def _module(info: LayerInfo) -> str:
    """Return the module that holds a layer's weights: a stack is a bare parameter of the module of its experts."""
    return (info.name.rpartition(".")[0] or info.name) if info.members else info.name


def _modules(info: LayerInfo) -> list[str]:
    names = (info.name, *info.aliases)
    return [(name.rpartition(".")[0] or name) if info.members else name for name in names]


def _may_tie_a_head(matrices: Iterable[LayerInfo]) -> bool:
    kinds = {info.placement.kind for info in matrices}
    return "embed" in kinds and "head" not in kinds


def _bytes(kept: Iterable[LayerInfo], quantized: Iterable[LayerInfo], scheme: str) -> int | None:
    total = 0.0
    for info in kept:
        size = _BYTES.get(info.dtype or "")
        if size is None or info.parameters is None:
            return None
        total += size * info.parameters
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
