"""Advice as it travels: a column for each topic, and a short list for the model."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from weightscope_widget._shared.messages import message
from weightscope_widget.assessment import Thresholds
from weightscope_widget.layers.layer import LayerInfo
from weightscope_widget.recommendations import Advice, model_advice
from weightscope_widget.recommendations.layer_advice import LayerFacts, advise
from weightscope_widget.scanning.results import ScanResults

__all__ = ["AdviceTable"]

_TOPICS = ("training", "int8", "compression")
_NUMBERS = ("quantization.sqnr_db", "rank_90", "break_even_rank", "saved_percentage")


class AdviceTable:
    """Advice for the layers of a scan and for the model, kept up to date as results arrive and thresholds move.

    Parameters
    ----------
    results : ScanResults
        The numbers.
    layers : mapping of str to LayerInfo
        The rows, which may be more than the layers of `results`.
    """

    columns = (*_TOPICS, *_NUMBERS)
    """Names of the columns: of a topic the place of the message among those of ``advice.layer.<topic>``, or NaN."""

    def __init__(self, results: ScanResults, layers: Mapping[str, LayerInfo]) -> None:
        self.results = results
        self._rows = {name: row for row, name in enumerate(layers)}
        self._codes = {
            (topic, variant): code for topic in _TOPICS for code, variant in enumerate(message(f"advice.layer.{topic}"))
        }
        self._facts: dict[str, LayerFacts] = {}
        self._advice: dict[str, list[Advice]] = {}
        self._thresholds: Thresholds | None = None
        self._values = np.full((len(self.columns), len(self._rows)), math.nan)

    def update(self, changed: Iterable[str] | None = None) -> None:
        """Take in the numbers of `changed` layers, by default of all, and judge all anew if the thresholds moved."""
        for name in self.results if changed is None or not self._facts else changed:
            if name in self.results:
                facts = self._facts[name] = LayerFacts(self.results, name)
                numbers = [facts.numbers.get(number, math.nan) for number in _NUMBERS]
                self._values[len(_TOPICS) :, self._rows[name]] = numbers
                self._advice.pop(name, None)
        if self._thresholds != self.results.thresholds:
            self._thresholds = self.results.thresholds
            self._advice = {}
        for name in self._facts.keys() - self._advice.keys():
            found = self._advice[name] = advise(self._facts[name], self._thresholds)
            codes = {advice.topic: self._codes[advice.topic, advice.variant] for advice in found}
            self._values[: len(_TOPICS), self._rows[name]] = [codes.get(topic, math.nan) for topic in _TOPICS]

    def to_bytes(self) -> bytes:
        """Return the columns one after the other, each (layers,) little-endian float64."""
        return self._values.astype("<f8").tobytes()

    def model(self) -> list[dict[str, Any]]:
        """Return the advice for the model: topic, action, the key of its message, the message's arguments, layers."""
        in_order = {name: self._advice[name] for name in self._rows if name in self._advice}
        return [
            {
                "topic": advice.topic,
                "action": advice.action,
                "message": f"advice.model.{advice.topic}.{advice.variant}",
                "evidence": {name: value if math.isfinite(value) else None for name, value in advice.evidence.items()},
                "layers": list(advice.layers),
            }
            for advice in model_advice(self.results, in_order)
        ]
