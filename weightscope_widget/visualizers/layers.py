"""Results as figures read them: values, classes and labels of layers, and notes on missing values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal, TypeAlias

import numpy as np

from weightscope_widget._shared.messages import render, say
from weightscope_widget.assessment import CLASSES
from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.layers.chart_labels import chart_labels
from weightscope_widget.scanning import values
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.visualizers.chart import Key, Mark, Points
from weightscope_widget.visualizers.palette import CLASS_COLOURS, Colour

__all__ = ["Layers"]

_NAMED = 4
"""How many layers a note names before it counts the rest."""

_Note: TypeAlias = Literal["not_drawn", "not_graded", "without_condition_number"]


class Layers:
    """The layers of results, with their labels; messages are in one language."""

    def __init__(self, results: ScanResults, language: str) -> None:
        self.results, self.language = results, language
        self.labels = chart_labels(results.layers)
        self.matrices = values.matrices(results)

    def failed(self, name: str) -> bool:
        """Return whether a layer's analysis failed."""
        return values.failed(self.results, name)

    def metric(self, name: str, section: str, *keys: str) -> float:
        """Return one number of a layer; NaN where there is none."""
        return values.metric(self.results, name, section, *keys)

    def require(self, section: str) -> None:
        """Raise InvalidArgumentError where a section is missing in every layer."""
        results = self.results
        if not results.layers:
            raise InvalidArgumentError("These results hold no layers; scan a model that has weights.")
        if section in results.methods:
            return
        if all(self.failed(name) for name in results.layers):
            raise self.nothing_to_draw(f"a {section} section")
        raise InvalidArgumentError(
            f"These results of {results.model} have no {section} section, which this figure shows; scan the model "
            f"with methods='all', or with {section!r} among them."
        )

    def nothing_to_draw(self, what: str) -> InvalidArgumentError:
        """Return the error that no matrix has `what`, with reasons and remedy."""
        results, names = self.results, self.matrices
        if not names:
            return InvalidArgumentError(f"{results.model} has no matrices; this figure needs one.")
        reasons = Counter(values.missing(results, name) for name in names)
        why = ", ".join(f"{render(f'figures.missing.{reason}')}: {count:,}" for reason, count in reasons.items())
        remedy = "scan a model whose weights are finite and not all zero"
        if "not_measured" in reasons:
            remedy = "scan it to the end"
        elif "failed" in reasons:
            remedy = f"results[{next(name for name in names if self.failed(name))!r}]['error'] says more"
        return InvalidArgumentError(f"No layer of {results.model} has {what} to draw ({why}); {remedy}.")

    def class_of(self, name: str, of: str) -> str | None:
        """Return a layer's class of a metric; None where it has none."""
        return None if self.failed(name) else self.results.classes(name)[of]

    def class_colours(self, names: Iterable[str], of: str) -> tuple[Colour, ...]:
        """Return the colours of layers' classes of a metric; grey for those without."""
        found = (self.class_of(name, of) for name in names)
        return tuple("muted" if each is None else CLASS_COLOURS[of][each] for each in found)

    def class_keys(self, of: str, names: Iterable[str]) -> tuple[Key, ...]:
        """Return a legend of a metric's classes, with the number of layers in each."""
        found = Counter(self.class_of(name, of) for name in names)
        return tuple(
            Key(f"{self._class_title(of, each)}: {found[each]:,}", CLASS_COLOURS[of][each])
            for each in CLASSES[of]
            if found[each]
        )

    def _class_title(self, of: str, name: str) -> str:
        return render(f"figures.classes.{of}.{name.replace(' ', '_')}", self.language)

    def chance(self, names: Iterable[str], of: str) -> np.ndarray:
        """Return (names,): the metric of a Gaussian matrix of each layer's shape; NaN where there is none."""
        return np.array([(self.results.baseline(name) or {}).get(of, np.nan) for name in names])

    def ticks(self, x: np.ndarray, y: np.ndarray) -> tuple[tuple[Mark, ...], tuple[Key, ...]]:
        """Return ticks at the finite places, which show random matrices, with their legend; nothing where none is."""
        known = np.isfinite(x) & np.isfinite(y)
        if not known.any():
            return (), ()
        key = Key(say("figures.random_matrix", self.language), "ink", "tick")
        return (Points(x[known], y[known], ("ink",), shape="tick"),), (key,)

    def reason(self, name: str) -> str:
        """Return why a layer lacks a number, as a short phrase."""
        return render(f"figures.missing.{values.missing(self.results, name)}", self.language)

    def missing_notes(self, names: Iterable[str], note: _Note = "not_drawn") -> tuple[str, ...]:
        """Return a sentence that names layers without a number and why; nothing where there are none."""
        by_reason: dict[str, list[str]] = {}
        for name in names:
            by_reason.setdefault(self.reason(name), []).append(self.labels[name])
        if not by_reason:
            return ()
        parts = [
            say("figures.layers_and_reason", self.language, layers=self._enumerated(some), reason=why)
            for why, some in by_reason.items()
        ]
        layers = say("figures.semicolon", self.language).join(parts)
        return (render(f"figures.{note}", self.language, layers=layers),)

    def _enumerated(self, labels: list[str]) -> str:
        named, rest = say("figures.comma", self.language).join(labels[:_NAMED]), len(labels) - _NAMED
        return say("figures.and_more", self.language, names=named, count=rest) if rest > 0 else named
