"""The results of a comparison: a mapping of tensors to the metrics of their change, and of both sides."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from weightscope_widget._shared.html_card import facts_of, html_card, most_changed
from weightscope_widget._shared.messages import say
from weightscope_widget._shared.read_only import Locked, read_only
from weightscope_widget.analyzers.numerics.histogram import Histogram
from weightscope_widget.assessment import CLASSES, GRADES, Thresholds
from weightscope_widget.comparison.job import MeasuredPair
from weightscope_widget.errors import UnknownLayerError
from weightscope_widget.layers.layer import LayerInfo
from weightscope_widget.scanning.results import RISKS, ScanResults, flatten
from weightscope_widget.scanning.table import frame_of, leading_columns

if TYPE_CHECKING:
    from weightscope_widget.comparison.kinds.pattern import Pattern
    from weightscope_widget.recommendations import LoraRanks

__all__ = ["STATUSES", "ComparisonResults", "Worsening"]

STATUSES = ("identical", "changed", "reshaped", "only_in_base", "only_in_tuned")


@dataclass(frozen=True)
class Worsening:
    """A layer that entered a riskier class.

    Attributes
    ----------
    layer, metric : str
        Which; ``"health"`` where its grade fell.
    before, after : float
        The metric's values, or the health, 0–100.
    from_class, to_class : str
        The classes, or grades.
    """

    layer: str
    metric: str
    before: float
    after: float
    from_class: str
    to_class: str


class ComparisonResults(Locked, Mapping[str, dict[str, Any]]):
    """Results of a comparison, in the base's order; tensors only in the tuned model come last.

    ``comparison[layer]`` has ``status`` (one of `STATUSES`), ``comparison`` (the metrics of ΔW), ``base`` and ``tuned``
    (sections of either side, empty if nothing changed), and ``error`` if it failed.  During a comparison, tensors
    appear as they are compared; iterating is safe at any time.  Comparisons can be pickled and copied; what they
    return is a copy or read-only.

    Attributes
    ----------
    base, tuned : ScanResults
        Either side, under the names of this mapping.
    """

    def __init__(
        self,
        base: ScanResults,
        tuned: ScanResults,
        layers: Sequence[LayerInfo],
        tuned_names: Mapping[str, str],
        statuses: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.base, self.tuned = base, tuned
        self._layers = {layer.name: layer for layer in layers}
        self._tuned_names = dict(tuned_names)
        self._delta_spectra: dict[str, np.ndarray] = {}
        self._delta_histograms: dict[str, Histogram] = {}
        self._overlaps: dict[str, np.ndarray] = {}
        self._nearest: dict[str, np.ndarray] = {}
        self._status: dict[str, str] = dict(statuses or {})
        self._change: dict[str, dict[str, Any]] = {name: {} for name in self._status}
        self._waiting: set[str] = set(self._layers) - set(self._status)

    @property
    def layers(self) -> Mapping[str, LayerInfo]:
        """Every tensor: as in the base, or in the tuned model if it is only there."""
        return MappingProxyType(self._layers)

    @property
    def tuned_names(self) -> Mapping[str, str]:
        """The names in the tuned model of the tensors that both models have."""
        return MappingProxyType(self._tuned_names)

    @property
    def skipped(self) -> dict[str, str]:
        """Tensors left out on either side, with the reason."""
        return {**{f"{name} (tuned)": why for name, why in self.tuned.skipped.items()}, **self.base.skipped}

    @property
    def delta_spectra(self) -> Mapping[str, np.ndarray]:
        """The singular values of ΔW, as `delta_singular_values` returns them."""
        return MappingProxyType(self._delta_spectra)

    @property
    def delta_histograms(self) -> Mapping[str, Histogram]:
        """Histograms of the entries of ΔW."""
        return MappingProxyType(self._delta_histograms)

    @property
    def overlaps(self) -> Mapping[str, np.ndarray]:
        """(k, k), k ≤ 16: |cos| of the strongest left singular vectors, the base's in rows, the tuned's in columns."""
        return MappingProxyType(self._overlaps)

    @property
    def nearest(self) -> Mapping[str, np.ndarray]:
        """(j,), j ≤ 10: the largest |cos| of each strongest left singular vector of the tuned side with the base's."""
        return MappingProxyType(self._nearest)

    # Mapping

    def __getitem__(self, name: str) -> dict[str, Any]:
        with self._lock:
            if name not in self._change:
                self._info(name)
                raise UnknownLayerError(f"{name!r} has not been compared yet.")
            change, status = dict(self._change[name]), self._status.get(name)
            sides = {
                side: results[name] if name in results else {}  # noqa: SIM401  # get() builds an error's message
                for side, results in (("base", self.base), ("tuned", self.tuned))
            }
        error = change.pop("error", None)
        found = {"status": status, "comparison": change, **sides}
        return found if error is None else found | {"error": error}

    def __contains__(self, name: object) -> bool:
        return name in self._change

    def __iter__(self) -> Iterator[str]:
        with self._lock:
            return iter([name for name in self._layers if name in self._change])

    def __len__(self) -> int:
        return len(self._change)

    def __repr__(self) -> str:
        state = "" if self.complete else f" of {len(self.layers)}"
        return f"<ComparisonResults of {self.model}: {len(self)}{state} tensors>"

    def _repr_html_(self) -> str:
        counts = Counter(self._status.values())
        facts = [
            say("summary.measured", done=len(self), total=len(self._layers))
            if self.pattern is None
            else self.pattern.sentence,
            *(f"{status.replace('_', ' ')} {counts[status]:,}" for status in STATUSES if counts[status]),
            *facts_of(failed=sum("error" in one for one in self._change.values()), left_out=len(self.skipped)),
        ]
        title = say("summary.comparison", model=self.model)
        changes = {name: self.metric(name, "relative_change") for name in self}
        return html_card(title, [], facts, *most_changed(changes), "wsw.show_diff(comparison)")

    # Filling

    def add(self, name: str, measured: MeasuredPair, *, last: bool = True) -> None:
        """Add the measurements of a pair; `last` says that they are complete."""
        with self._lock:
            if measured.status is not None:
                self._status[name] = measured.status
            self._change[name] = self._change.get(name, {}) | dict(measured.change)
            for results, side in ((self.base, measured.base), (self.tuned, measured.tuned)):
                if side.sections and name in results.layers:
                    results.add(name, side.sections, spectrum=side.spectrum, histogram=side.histogram)
            if measured.histogram is not None:
                self._delta_histograms[name] = measured.histogram
            arrays = (
                (self._delta_spectra, measured.spectrum),
                (self._overlaps, measured.overlap),
                (self._nearest, measured.nearest),
            )
            for kept, array in arrays:
                if array is not None:
                    kept[name] = read_only(array)
            # Last, so that a tensor that is not pending is complete.
            if last or measured.status == "identical" or "error" in measured.change:
                self._waiting.discard(name)

    # Questions

    @property
    def model(self) -> str:
        """The two models' names."""
        return f"{self.base.model} → {self.tuned.model}"

    @property
    def methods(self) -> tuple[str, ...]:
        """The analyzers that both sides were measured with."""
        return self.base.methods

    @property
    def thresholds(self) -> Thresholds:
        """For grades and classes of both sides; may be replaced at any time."""
        return self.tuned.thresholds

    @thresholds.setter
    def thresholds(self, thresholds: Thresholds) -> None:
        self.base.thresholds = self.tuned.thresholds = thresholds

    @property
    def complete(self) -> bool:
        """Whether every tensor was compared or has failed."""
        return not self._waiting

    def pending(self, name: str) -> bool:
        """Return whether a tensor is not fully compared yet."""
        self._info(name)
        return name in self._waiting

    def status(self, name: str) -> str | None:
        """Return a tensor's status, one of `STATUSES`; None if it is not known (yet)."""
        self._info(name)
        return self._status.get(name)

    def metric(self, name: str, key: str) -> float:
        """Return one metric of a tensor's change, NaN where it does not exist."""
        return float(self._change.get(name, {}).get(key, math.nan))

    def delta_singular_values(self, name: str) -> np.ndarray:
        """Return the singular values of ΔW: (total_rank,), float64, descending; NaN where weights are not finite.

        Raises
        ------
        UnknownLayerError
            If the layer is not here, did not change, or is a vector.
        """
        if name not in self.delta_spectra:
            raise UnknownLayerError(self._not_kept(name, "spectrum"))
        return self.delta_spectra[name]

    def delta_histogram(self, name: str) -> Histogram:
        """Return the histogram of the entries of ΔW.

        Raises
        ------
        UnknownLayerError
            If the layer is not here or did not change.
        """
        if name not in self.delta_histograms:
            raise UnknownLayerError(self._not_kept(name, "histogram"))
        return self.delta_histograms[name]

    def class_changes(self, name: str) -> dict[str, tuple[str, str]]:
        """Return the classes that a layer crossed: metric → (before, after)."""
        self._info(name)
        if name not in self.base.layers or name not in self.tuned.layers:
            return {}
        before, after = self.base.classes(name), self.tuned.classes(name)
        return {
            metric: (old, new)
            for metric, old in before.items()
            if old is not None and (new := after[metric]) is not None and new != old
        }

    def worsened(self) -> list[Worsening]:
        """Return the layers that entered a riskier class or a worse grade, the farthest fallen first."""
        found = [each for name in self for each in self._worsenings(name)]
        return sorted(found, key=lambda each: (-_fall(each), each.layer, each.metric))

    def _worsenings(self, name: str) -> Iterator[Worsening]:
        if name not in self.base or name not in self.tuned:
            return
        for metric, (old, new) in self.class_changes(name).items():
            if metric in RISKS and CLASSES[metric].index(new) > CLASSES[metric].index(old):
                before, after = (_value(side[name], metric) for side in (self.base, self.tuned))
                yield Worsening(name, metric, before, after, old, new)
        old_grade, new_grade = self.base.grade(name), self.tuned.grade(name)
        if old_grade and new_grade and GRADES.index(new_grade) > GRADES.index(old_grade):
            before, after = (float(side.health(name) or 0) for side in (self.base, self.tuned))
            yield Worsening(name, "health", before, after, old_grade, new_grade)

    @property
    def pattern(self) -> Pattern | None:
        """The kind of change, with its evidence; None until every tensor is compared."""
        from weightscope_widget.comparison.kinds.pattern import pattern_of

        return pattern_of(self)

    def lora_ranks(self, energy: float = 0.9, maximum: int | None = None) -> LoraRanks:
        """Return the rank at which an adapter would hold a share of each change.

        It is the smallest k with Σᵢ≤ₖ σᵢ² ≥ energy·Σσ², of ΔW's own singular values: the rank this fine-tune needed.

        Parameters
        ----------
        energy : float
            Share of Σσ², above 0 and at most 1.
        maximum : int, optional
            The largest rank to give.

        Raises
        ------
        InvalidArgumentError
            If an argument is out of range.
        """
        from weightscope_widget.recommendations.lora_ranks import lora_ranks

        return lora_ranks(self.delta, energy, maximum)

    @property
    def delta(self) -> ScanResults:
        """The spectra and histograms of ΔW as results, of the matrices that changed."""
        names = [name for name in self._layers if name in self.delta_spectra]
        found = ScanResults(self.model, [self._layers[name] for name in names], ("spectral",))
        for name in names:
            found.add(name, {}, spectrum=self.delta_spectra[name], histogram=self.delta_histograms.get(name))
        return found

    def to_frame(self) -> pd.DataFrame:
        """Return one row per tensor (index: the name).

        Columns: ``block``, ``stack``, ``kind``, ``family``, ``shape``, ``dtype``, ``parameters``, ``status``, every
        metric of the change by its name, then for every scalar of both sides ``section.metric.base``, ``.tuned`` and
        ``.change`` (tuned − base); ``error`` last where a layer failed.
        """
        return frame_of({name: self._row(name) for name in self}, integers=False)

    def _row(self, name: str) -> dict[str, Any]:
        entry = self[name]
        row = leading_columns(self._layers[name]) | {"status": entry["status"], **entry["comparison"]}
        before, after = flatten(entry["base"]), flatten(entry["tuned"])
        for column in dict.fromkeys([*before, *after]):
            for side, values in (("base", before), ("tuned", after)):
                if column in values:
                    row[f"{column}.{side}"] = values[column]
            if column in before and column in after:
                row[f"{column}.change"] = after[column] - before[column]
        return row | ({"error": entry["error"]} if "error" in entry else {})

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to a JSON file that `load_comparison` reads back exactly.

        Raises
        ------
        InvalidArgumentError
            If it cannot be written.
        """
        from weightscope_widget.comparison.file import COMPARISON

        COMPARISON.save(self, path)

    # Inside

    def _info(self, name: str) -> LayerInfo:
        if name not in self._layers:
            raise UnknownLayerError(f"{name!r} is in neither model; list(comparison) names the tensors.")
        return self._layers[name]

    def _not_kept(self, name: str, what: str) -> str:
        return f"There is no {what} of a change of {name!r}, which is {self.status(name) or 'not compared'}."


def _value(sections: Mapping[str, Any], metric: str) -> float:
    return float(sections.get(RISKS[metric], {}).get(metric, math.nan))


def _fall(each: Worsening) -> int:
    order = GRADES if each.metric == "health" else CLASSES[each.metric]
    return order.index(each.to_class) - order.index(each.from_class)
