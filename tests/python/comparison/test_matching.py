"""Which tensor is which: names as frameworks write them, in pairs that a person would make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest
import torch

from weightscope_widget.comparison.matching import match_layers, named_alike
from weightscope_widget.sources import Layer

Pairs = dict[str, tuple[str | None, str | None]]


def layers(*names: str, tied: Mapping[str, tuple[str, ...]] | None = None) -> list[Layer]:
    """Layers of these names; `tied` gives some of them aliases."""
    return [Layer(name, (2, 2), "float32", lambda: torch.eye(2), (tied or {}).get(name, ())) for name in names]


def matched(base: Iterable[Layer], tuned: Iterable[Layer]) -> Pairs:
    """Return by key what each pair calls its sides."""
    found = match_layers(base, tuned)
    pairs = {pair.key: (pair.base and pair.base.name, pair.tuned and pair.tuned.name) for pair in found}
    assert len(pairs) == len(found), "a key twice"
    return pairs


TOWERS = ("model.x", "transformer.x")


class TestWrappers:
    def test_towers_that_differ_by_a_wrapper_match_where_all_are_wrapped(self) -> None:
        wrapped = layers("module.model.x", "module.transformer.x")
        expected = {
            "model.x": ("model.x", "module.model.x"),
            "transformer.x": ("transformer.x", "module.transformer.x"),
        }
        assert matched(layers(*TOWERS), wrapped) == expected
        assert matched(wrapped, layers(*TOWERS)) == {f"module.{name}": (f"module.{name}", name) for name in TOWERS}

    def test_no_more_is_taken_off_than_makes_most_names_agree(self) -> None:
        # All that the tuned model has is in module.model, and yet its model is a part of the base.
        assert matched(layers(*TOWERS), layers("module.model.x")) == {
            "model.x": ("model.x", "module.model.x"),
            "transformer.x": ("transformer.x", None),
        }

    def test_a_model_in_a_model_is_not_mistaken_for_its_part(self) -> None:
        assert matched(layers("model.x", "x"), layers("model.model.x", "model.x")) == {
            "model.x": ("model.x", "model.model.x"),
            "x": ("x", "model.x"),
        }

    def test_a_name_that_is_not_wrapped_hinders_nothing(self) -> None:
        tuned = layers("temperature", *(f"module.{name}" for name in TOWERS))
        assert matched(layers("temperature", *TOWERS), tuned) == {
            "temperature": ("temperature", "temperature"),
            **{name: (name, f"module.{name}") for name in TOWERS},
        }

    @pytest.mark.parametrize(
        ("base", "tuned"),
        [
            ("layers.0.q", "module.layers.0._orig_mod.q"),
            ("model.layers.0.q", "base_model.model.model.layers.0.q.base_layer"),
            ("bert.encoder.layer.0.output.dense", "encoder.layer.0.output.dense"),
            ("transformer.h.0.c_fc", "h.0.c_fc"),
        ],
    )
    def test_wrappers_of_every_kind(self, base: str, tuned: str) -> None:
        assert matched(layers(base, "head"), layers(tuned, "head")) == {"head": ("head", "head"), base: (base, tuned)}
        assert matched(layers(tuned, "head"), layers(base, "head")) == {"head": ("head", "head"), tuned: (tuned, base)}

    def test_names_that_mean_the_same_match_nothing(self) -> None:
        ambiguous = {"model.a": ("model.a", None), "module.a": ("module.a", None), "a": (None, "a")}
        assert matched(layers("model.a", "module.a"), layers("a")) == ambiguous
        turned = {"a": ("a", None), "model.a": (None, "model.a"), "module.a": (None, "module.a")}
        assert matched(layers("a"), layers("model.a", "module.a")) == turned

    def test_nothing_at_all(self) -> None:
        assert matched([], layers("a")) == {"a": (None, "a")}
        assert matched(layers("a"), []) == {"a": ("a", None)}
        assert matched([], []) == {}


class TestTied:
    def test_a_tied_head_matches_by_its_alias_behind_a_wrapper(self) -> None:
        base = layers("transformer.wte", tied={"transformer.wte": ("lm_head",)})
        # The file of a tied model has one of the two names only, whichever was written.
        assert matched(base, layers("module.lm_head")) == {"transformer.wte": ("transformer.wte", "module.lm_head")}
        assert matched(base, layers("module.transformer.wte")) == {
            "transformer.wte": ("transformer.wte", "module.transformer.wte")
        }

    @pytest.mark.parametrize("wrapper", ["", "module."])
    def test_tied_in_one_model_each_tensor_of_the_other_has_its_pair(self, wrapper: str) -> None:
        tied = layers("wte", "h.0.q", tied={"wte": ("lm_head",)})
        apart = layers(*(f"{wrapper}{name}" for name in ("wte", "h.0.q", "lm_head")))
        expected = {name: (name, f"{wrapper}{name}") for name in ("wte", "h.0.q", "lm_head")}
        assert matched(tied, apart) == expected
        assert list(matched(tied, apart)) == ["wte", "h.0.q", "lm_head"]
        tied = layers(f"{wrapper}wte", f"{wrapper}h.0.q", tied={f"{wrapper}wte": (f"{wrapper}lm_head",)})
        assert matched(layers("wte", "h.0.q", "lm_head"), tied) == expected

    def test_the_order_does_not_say_what_a_tied_tensor_is_called(self) -> None:
        tied = layers("wte", tied={"wte": ("lm_head",)})
        assert matched(layers("lm_head", "wte"), tied) == {"lm_head": ("lm_head", "lm_head"), "wte": ("wte", "wte")}

    def test_in_its_pair_a_tied_tensor_has_the_other_names_as_aliases(self) -> None:
        *_, head = match_layers(layers("wte", tied={"wte": ("lm_head", "out")}), layers("wte", "lm_head"))
        assert head.base is not None
        assert (head.key, head.base.name, head.base.aliases) == ("lm_head", "lm_head", ("wte", "out"))
        assert torch.equal(head.base.load(), torch.eye(2))

    def test_tied_in_both_is_one_pair(self) -> None:
        base = layers("wte", tied={"wte": ("lm_head",)})
        assert matched(base, layers("wte", tied={"wte": ("lm_head",)})) == {"wte": ("wte", "wte")}
        assert len(matched(base, layers("lm_head", tied={"lm_head": ("wte",)}))) == 1


class TestNamedAlike:
    def test_wrapped_names_are_the_references(self) -> None:
        found = named_alike(layers("module.b", "module.a", "module.late"), layers("a", "b"))
        assert [layer.name for layer in found] == ["b", "a", "module.late"]
        assert [layer.aliases for layer in found] == [(), (), ()]

    def test_aliases_and_members_are_renamed_too(self) -> None:
        (reference,) = layers("wte", tied={"wte": ("lm_head",)})
        (wrapped,) = layers("module.wte", tied={"module.wte": ("module.lm_head",)})
        assert named_alike([wrapped], [reference]) == [reference]
        stack = Layer("module.up", (1, 2, 2), "float32", lambda: torch.ones(1, 2, 2), members=("module.up.0",))
        found = named_alike([*layers("module.up.0"), stack], layers("up.0", "up"))
        assert [(layer.name, layer.members) for layer in found] == [("up.0", ()), ("up", ("up.0",))]

    def test_what_is_tied_in_one_only(self) -> None:
        tied, apart = layers("wte", tied={"wte": ("lm_head",)}), layers("wte", "lm_head")
        assert [layer.name for layer in named_alike(apart, tied)] == ["wte", "lm_head"]
        assert named_alike(tied, apart) == tied
        # The file of a tied model that has the other of its two names.
        assert [(layer.name, layer.aliases) for layer in named_alike(layers("lm_head"), tied)] == [
            ("wte", ("lm_head",))
        ]
