"""Match the tensors of two models by name, without the prefixes that frameworks add."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from weightscope_widget.sources import Layer

__all__ = ["Pair", "canonical_name", "match_layers", "named_alike"]

# Parts that training frameworks, compilers and adapters add at the start of a module's name, or inside it.
_WRAPPER = re.compile(
    r"(?:base_model\.model|base_model|model|module|_orig_mod|_fsdp_wrapped_module|transformer|encoder_model|backbone)\."
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
        Name in the results: that in the base, or in the tuned model if the base has no such tensor.
    base, tuned : Layer or None
        At least one of them.  A tensor that is tied in one model only is in several pairs, each with another of its
        names as the layer's name and the rest as aliases.
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
    name = _without_inner(name)
    return _HEADS.sub("", name[_ends_of_wrappers(name)[-1] :])


def match_layers(base: Iterable[Layer], tuned: Iterable[Layer]) -> list[Pair]:
    """Return every tensor of both models, matched, in the base's order; tensors of the tuned model alone come last.

    Names and aliases match as they are, or without prefixes that all names of a model share: as many are removed as
    make most names agree.  The names left are matched in the same way again, then without the parts that frameworks add
    inside names, then by `canonical_name`.  If two tensors of one model then have the same name, neither is matched.

    If only one of the models ties two tensors, the tied one is in a pair with each of them.
    """
    ours, theirs = list(base), list(tuned)
    by_name, tuned_by_name = _by_name(ours), _by_name(theirs)
    met = _met(by_name, tuned_by_name)
    pairs, taken = [], set()
    for layer in ours:
        name = next((name for name in (layer.name, *layer.aliases) if name in met), None)
        match = None if name is None else _called(tuned_by_name[met[name]], met[name])
        pairs.append(Pair(layer.name, layer, match))
        if name is not None:
            taken.add(tuned_by_name[met[name]].name)
    name_in_base = {theirs: ours for ours, theirs in met.items()}
    keys = {pair.key for pair in pairs}
    for layer in theirs:
        if layer.name in taken:
            continue
        name = next((name for name in (layer.name, *layer.aliases) if name in name_in_base), None)
        if name is not None:
            key = name_in_base[name]
            pairs.append(Pair(key, _called(by_name[key], key), _called(layer, name)))
        else:
            key = layer.name if layer.name not in keys else f"{layer.name} (tuned)"
            pairs.append(Pair(key, None, layer))
        keys.add(key)
    return pairs


def named_alike(layers: Iterable[Layer], reference: Iterable[Layer]) -> list[Layer]:
    """Return layers renamed as in a reference, with their aliases and members; unmatched ones keep their names.

    A layer that matches several tensors of the reference gets the first one's name.
    """
    layers, reference = list(layers), list(reference)
    by_name = _by_name(layers)
    renamed = {theirs: ours for ours, theirs in _met(_by_name(reference), by_name).items()}
    keys: dict[str, str] = {}
    for pair in match_layers(reference, layers):
        if pair.tuned is not None:
            keys.setdefault(by_name[pair.tuned.name].name, pair.key)

    def alike(layer: Layer) -> Layer:
        key = keys[layer.name]
        names = dict.fromkeys(renamed.get(name, name) for name in (layer.name, *layer.aliases))
        return replace(
            layer,
            name=key,
            aliases=tuple(name for name in names if name != key),
            members=tuple(keys.get(name, name) for name in layer.members),
        )

    return [alike(layer) for layer in layers]


def _by_name(layers: Sequence[Layer]) -> dict[str, Layer]:
    """Return layers by all their names; a layer's own name has priority over an alias."""
    own = {layer.name: layer for layer in layers}
    return own | {name: layer for layer in layers for name in layer.aliases if name not in own}


def _called(layer: Layer, name: str) -> Layer:
    """Return a layer under one of its names, with the others as aliases."""
    if name == layer.name:
        return layer
    return replace(layer, name=name, aliases=tuple(one for one in (layer.name, *layer.aliases) if one != name))


def _met(base: Mapping[str, Layer], tuned: Mapping[str, Layer]) -> dict[str, str]:
    """Return the matching name in the tuned model of each name in the base that has one."""
    met: dict[str, str] = {}
    ours, theirs = dict(base), dict(tuned)

    def keep(found: Mapping[str, str]) -> bool:
        met.update(found)
        for left, names in ((ours, found), (theirs, found.values())):
            for name in names:
                del left[name]
        return bool(found)

    for reading in (str, _without_inner):
        # With fewer names left, more wrappers may be shared.
        while keep(_agreement(_unwrapped(ours, reading), _unwrapped(theirs, reading))):
            pass
    keep(_agreement([_by_meaning(ours, canonical_name)], [_by_meaning(theirs, canonical_name)]))
    return met


def _agreement(ours: Sequence[Mapping[str, str]], theirs: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return the names that agree in the pair of readings in which most do; of several such pairs, in the first."""
    readings = sorted(product(range(len(ours)), range(len(theirs))), key=sum)
    one, other = max(readings, key=lambda at: len(ours[at[0]].keys() & theirs[at[1]].keys()))
    return {name: theirs[other][meaning] for meaning, name in ours[one].items() if meaning in theirs[other]}


def _unwrapped(names: Mapping[str, Layer], reading: Callable[[str], str]) -> list[dict[str, str]]:
    """Return readings of names: as they are, then without one, two, … of the prefixes that all names share."""
    read = [reading(name) for name in names]
    ends = [0] if not read else [end for end in _ends_of_wrappers(read[0]) if _all_begin(read, read[0][:end])]

    def without(end: int) -> dict[str, str]:
        return _by_meaning(names, lambda name: reading(name)[end:])

    return [without(end) for end in ends]


def _by_meaning(names: Mapping[str, Layer], meaning: Callable[[str], str]) -> dict[str, str]:
    """Return names by their meaning; a meaning that two layers share is left out."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        groups[meaning(name)].append(name)
    return {meant: some[0] for meant, some in groups.items() if len({names[name].name for name in some}) == 1}


def _ends_of_wrappers(name: str) -> list[int]:
    """Return 0, and the end of each wrapper at the start of a name."""
    ends = [0]
    while (wrapper := _WRAPPER.match(name, ends[-1])) is not None:
        ends.append(wrapper.end())
    return ends


def _all_begin(names: Iterable[str], start: str) -> bool:
    return all(name.startswith(start) for name in names)


def _without_inner(name: str) -> str:
    return _INNER.sub("", name)
