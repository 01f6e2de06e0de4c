"""Which tensor of one model is which of another: by name, then by what is left of a name without its wrappers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from weightscope_widget.sources import Layer

__all__ = ["Pair", "canonical_name", "match_layers"]

# What training frameworks, compilers and adapters put in front of a module's name, or in its middle.
_WRAPPERS = re.compile(
    r"^(?:base_model\.model|base_model|model|module|_orig_mod|_fsdp_wrapped_module|transformer|encoder_model|backbone)\."
)
_INNER = re.compile(
    r"\.(?:_orig_mod|module|base_layer|_fsdp_wrapped_module|_checkpoint_wrapped_module|original_module)(?=\.|$)"
)
_HEADS = re.compile(r"^(?:bert|roberta|distilbert|electra|deberta|gpt_neox|albert|mpnet|vit|t5)\.")


@dataclass(frozen=True)
class Pair:
    """A tensor in the base, in the tuned model, or in both.

    Attributes
    ----------
    key : str
        What it is called in the results: its name in the base, or in the tuned model where it is only there.
    base, tuned : Layer or None
        At least one of them.
    """

    key: str
    base: Layer | None
    tuned: Layer | None


def canonical_name(name: str) -> str:
    """Return a name without the wrappers that frameworks add.

    >>> canonical_name("base_model.model.model.layers.0.self_attn.q_proj.base_layer")
    'layers.0.self_attn.q_proj'
    >>> canonical_name("_orig_mod.module.h.0.attn.c_attn")
    'h.0.attn.c_attn'
    """
    name = _INNER.sub("", name)
    while (shorter := _WRAPPERS.sub("", name)) != name:
        name = shorter
    return _HEADS.sub("", name)


def match_layers(base: Iterable[Layer], tuned: Iterable[Layer]) -> list[Pair]:
    """Return every tensor of both, matched, in the base's order; those only in the tuned model last.

    Names match exactly, aliases of tied weights too; what is left then matches by `canonical_name`, where that is
    one tensor on either side.  Two names that mean the same in one model match nothing: a guess would be worse.
    """
    ours, theirs = list(base), list(tuned)
    by_name = {name: layer for layer in theirs for name in (*layer.aliases, layer.name)}
    # A name of its own before one that it shares.
    by_name |= {layer.name: layer for layer in theirs}
    found: dict[str, Layer] = {}
    taken: set[str] = set()
    for layer in ours:
        match = next((by_name[name] for name in (layer.name, *layer.aliases) if name in by_name), None)
        if match is not None:
            found[layer.name] = match
            taken.add(match.name)
    left = [layer for layer in ours if layer.name not in found]
    candidates = [layer for layer in theirs if layer.name not in taken]
    once = _unambiguous(candidates)
    for name, layer in _unambiguous(left).items():
        if name in once:
            found[layer.name] = once[name]
            taken.add(once[name].name)
    pairs = [Pair(layer.name, layer, found.get(layer.name)) for layer in ours]
    keys = {pair.key for pair in pairs}
    for layer in theirs:
        if layer.name in taken:
            continue
        key = layer.name if layer.name not in keys else f"{layer.name} (tuned)"
        keys.add(key)
        pairs.append(Pair(key, None, layer))
    return pairs


def _unambiguous(layers: Iterable[Layer]) -> dict[str, Layer]:
    groups: dict[str, list[Layer]] = defaultdict(list)
    for layer in layers:
        groups[canonical_name(layer.name)].append(layer)
    return {name: some[0] for name, some in groups.items() if len(some) == 1}
