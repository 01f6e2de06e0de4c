"""Match the tensors of two models, or of a model and an adapter of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from weightscope_widget.comparison.matching import Pair, canonical_name, match_layers
from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.sources import Layer, Source
from weightscope_widget.sources.peft.adapter import as_stored

__all__ = ["Matched", "match_models", "refuse_adapter"]


@dataclass(frozen=True)
class Matched:
    """Matched tensors.

    Attributes
    ----------
    pairs : list of Pair
        As `match_layers` returns them; an adapter's changes are oriented as the base stores its weights.
    added : bool
        The tuned side is an adapter: its layers with `factors` are added to the base's, and tensors that it lacks are
        as in the base.
    unread : mapping of str to str
        Keys of tensors whose change by the adapter is unknown, with the reason.
    """

    pairs: list[Pair]
    added: bool = False
    unread: Mapping[str, str] = field(default_factory=dict)


def match_models(base: Source, tuned: Source) -> Matched:
    """Match the tensors of two sources; two adapters are matched like two models, by their changes.

    Raises
    ------
    InvalidArgumentError
        The base is an adapter and the tuned side a model, or the tuned side is an adapter that has no tensor in common
        with the base.
    """
    if base.adapter or not tuned.adapter:
        if not tuned.adapter:
            refuse_adapter(base)
        return Matched(match_layers(base.layers, tuned.layers))
    pairs = [_oriented(pair) for pair in match_layers(base.layers, tuned.layers)]
    unread, told = _unread(base, tuned, pairs)
    if not unread and not any(pair.base is not None and pair.tuned is not None for pair in pairs):
        raise InvalidArgumentError(
            f"The adapter {tuned.name} changes no tensor that {base.name} has (it begins with "
            f"{tuned.layers[0].name!r}); give the model that it was trained on as the base."
        )
    return Matched([pair for pair in pairs if pair.key not in told], True, unread)


def refuse_adapter(base: Source) -> None:
    """Raise `InvalidArgumentError` if the base is an adapter."""
    if base.adapter:
        raise InvalidArgumentError(
            f"The base {base.name} is an adapter, the change of a model and not a model; give the model that it was "
            "trained on."
        )


def _oriented(pair: Pair) -> Pair:
    if pair.base is None or pair.tuned is None:
        return pair
    return replace(pair, tuned=as_stored(pair.tuned, pair.base))


def _unread(base: Source, tuned: Source, pairs: Iterable[Pair]) -> tuple[dict[str, str], set[str]]:
    """Return the base's tensors whose change is unknown, and the keys of the pairs that only say so."""
    names = _Names(base.layers)
    unread = {key: reason for name, reason in tuned.unread.items() for key in names.meant(name)}
    told = set()
    matched = {pair.key for pair in pairs if pair.base is not None and pair.tuned is not None}
    for pair in pairs:
        if pair.tuned is None or pair.tuned.factors is None:
            continue
        if pair.base is None:
            # PEFT names a change after the module, also where it is that of a parameter with a name of its own.
            meant = [key for key in names.meant(pair.tuned.name) if key not in matched]
            unread |= dict.fromkeys(meant, f"the change of {pair.tuned.name!r} may be that of this or another tensor")
            told |= {pair.key} if meant else set()
        elif pair.base.shape != pair.tuned.shape:
            unread[pair.key] = f"it is of shape {pair.tuned.shape}, the weight of shape {pair.base.shape}"
    return unread, told


class _Names:
    """The names of a base, to look up the names of its adapter."""

    def __init__(self, layers: Iterable[Layer]) -> None:
        self._exact: dict[str, list[Layer]] = defaultdict(list)
        self._canonical: dict[str, list[Layer]] = defaultdict(list)
        self._modules: dict[str, list[Layer]] = defaultdict(list)
        for layer in layers:
            for name in (layer.name, *layer.aliases):
                canonical = canonical_name(name)
                self._exact[name].append(layer)
                self._canonical[canonical].append(layer)
                self._modules[canonical.rpartition(".")[0]].append(layer)

    def meant(self, name: str) -> list[str]:
        """Return the tensor of this name; else those of this canonical name; else all of the module of this name."""
        canonical = canonical_name(name)
        layers = self._exact.get(name) or self._canonical.get(canonical) or self._modules.get(canonical, [])
        return list(dict.fromkeys(key for layer in layers for key in (layer.name, *layer.members)))
