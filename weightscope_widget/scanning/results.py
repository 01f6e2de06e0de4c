"""The results of a scan: a mapping of layers to named numbers."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import nlargest
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from weightscope_widget import assessment
from weightscope_widget._shared.html_card import facts_of, html_card
from weightscope_widget._shared.messages import render, say
from weightscope_widget._shared.read_only import Locked, copied, read_only
from weightscope_widget.analyzers.numerics.histogram import Histogram
from weightscope_widget.analyzers.spectral import stable_rank_percentage
from weightscope_widget.assessment import CLASSES, Thresholds, gaussian_baseline
from weightscope_widget.data import read
from weightscope_widget.errors import UnknownLayerError
from weightscope_widget.layers.layer import LayerInfo
from weightscope_widget.scanning.table import frame_of, leading_columns

if TYPE_CHECKING:
    from weightscope_widget.recommendations import Advice, LoraRanks, QuantizationPlan

__all__ = ["RISKS", "ScanResults", "flatten"]

RISKS = {"condition_number": "spectral", "sqnr_db": "quantization", "extreme_outlier_percentage": "quantization"}
"""The metrics whose classes are of risk, with their sections."""

_SUMMARIZED = 5


def _completed(section: str, metrics: Any) -> Any:
    """Add the stable rank percentage, which older files and the reference project's lack, to a spectral section."""
    known = {"stable_rank", "total_rank", "stable_rank_percentage"} & metrics.keys() if section == "spectral" else ()
    if sorted(known) != ["stable_rank", "total_rank"]:
        return metrics
    share = stable_rank_percentage(metrics["stable_rank"], metrics["total_rank"])
    return {**metrics, "stable_rank_percentage": share}


def flatten(sections: Mapping[str, Any]) -> dict[str, float]:
    """Return every scalar of one layer as ``section.metric``, without the names of nested groups.

    >>> flatten({"sparsity": {"magnitude_percentiles": {"p50": 0.1}, "mean_abs_weight": 0.2}})
    {'sparsity.p50': 0.1, 'sparsity.mean_abs_weight': 0.2}
    """
    scalars: dict[str, float] = {}
    for section, metrics in sections.items():
        if not isinstance(metrics, Mapping):
            continue
        for metric, value in metrics.items():
            if isinstance(value, (int, float)):  # a union is slower, and tables flatten every layer
                scalars[f"{section}.{metric}"] = value
            elif isinstance(value, Mapping):
                scalars |= {f"{section}.{key}": one for key, one in value.items() if isinstance(one, int | float)}
    return scalars


class ScanResults(Locked, Mapping[str, dict[str, Any]]):
    """Results of a scan: ``results[layer][section][metric]``, in the model's order.

    A layer whose analysis failed has the key ``error``, a sentence, beside the sections computed before.  During a
    scan, layers appear as they are measured; iterating is safe at any time.  Results can be pickled and copied; what
    they return is a copy or read-only.

    Parameters
    ----------
    model : str
        The model's name.
    layers : sequence of LayerInfo
        Every layer to be analyzed, in the model's order.
    methods : sequence of str
        The analyzers chosen.
    skipped : mapping of str to str
        Tensors left out, with the reason.
    thresholds : Thresholds
        For grades, risks and classes; may be replaced at any time.
    """

    def __init__(
        self,
        model: str,
        layers: Sequence[LayerInfo],
        methods: Sequence[str],
        *,
        skipped: Mapping[str, str] | None = None,
        thresholds: Thresholds | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self.methods = tuple(methods)
        self.thresholds = thresholds or Thresholds()
        self._skipped = dict(skipped or {})
        self._layers = {layer.name: layer for layer in layers}
        self._sections: dict[str, dict[str, Any]] = {}
        self._spectra: dict[str, np.ndarray] = {}
        self._histograms: dict[str, Histogram] = {}

    @property
    def layers(self) -> Mapping[str, LayerInfo]:
        """Every layer to be analyzed, by name."""
        return MappingProxyType(self._layers)

    @property
    def skipped(self) -> dict[str, str]:
        """Tensors left out, with the reason."""
        return dict(self._skipped)

    @property
    def spectra(self) -> Mapping[str, np.ndarray]:
        """The spectra computed so far, as `singular_values` returns them."""
        return MappingProxyType(self._spectra)

    @property
    def histograms(self) -> Mapping[str, Histogram]:
        """The histograms computed so far."""
        return MappingProxyType(self._histograms)

    # Mapping

    def __getitem__(self, name: str) -> dict[str, Any]:
        with self._lock:
            if name in self._sections:
                return copied(self._sections[name])
        raise UnknownLayerError(self._not_here(name))

    def __contains__(self, name: object) -> bool:
        with self._lock:
            return name in self._sections

    def __iter__(self) -> Iterator[str]:
        with self._lock:
            return iter([name for name in self._layers if name in self._sections])

    def __len__(self) -> int:
        return len(self._sections)

    def __repr__(self) -> str:
        state = "" if self.complete else f" of {len(self.layers)}"
        return f"<ScanResults of {self.model}: {len(self)}{state} layers, {', '.join(self.methods)}>"

    def _repr_html_(self) -> str:
        grades = Counter(self.grade(name) for name in self)
        facts = [say("summary.measured", done=len(self), total=len(self._layers))] if not self.complete else []
        facts += facts_of(
            layers=len(self._layers),
            weights=sum(info.parameters or 0 for info in self._layers.values() if not info.members),
            failed=sum("error" in self._of(name) for name in self),
            left_out=len(self._skipped),
        )
        rules = read("rules")
        chips = [
            (f"{name} {grades[name]:,}", rules["palette"]["light"]["levels"][each["colour"]])
            for each in rules["grades"]
            if grades[name := each["name"]]
        ]
        if grades[None]:
            chips.append((say("summary.ungraded", ungraded=grades[None]), "transparent"))
        worst = nlargest(_SUMMARIZED, self, key=self._severity)
        rows = [(name, self._concern(name)) for name in worst if self._severity(name)[0] > 0]
        heading = say("summary.first" if rows else "summary.nothing")
        return html_card(say("summary.scan", model=self.model), chips, facts, heading, rows, "wsw.show(results)")

    def _severity(self, name: str) -> tuple[float, float, float]:
        """Order layers: failed or not finite, then by their worst class, by SQNR, and by risk."""
        if "error" in self._of(name) or not self.is_finite(name):
            return (2.0, 0.0, 0.0)
        ranks = [
            CLASSES[metric].index(found) / (len(CLASSES[metric]) - 1)
            for metric, found in self.classes(name).items()
            if found is not None and metric in RISKS
        ]
        risk, sqnr = self.risk(name), self._of(name).get("quantization", {}).get("sqnr_db", math.inf)
        return (max(ranks, default=0.0), -math.inf if math.isnan(sqnr) else -sqnr, 0.0 if math.isnan(risk) else risk)

    def _concern(self, name: str) -> str:
        sections = self._of(name)
        if "error" in sections:
            return str(sections["error"])
        if not self.is_finite(name):
            return say("summary.reason.not_finite")
        classes = self.classes(name)
        return ", ".join(
            render(f"summary.reason.{metric}", value=sections[section][metric])
            for metric, section in RISKS.items()
            if classes[metric] not in (None, CLASSES[metric][0])
        )

    # Filling (by the scan and by the reader of files)

    def add(
        self,
        name: str,
        sections: Mapping[str, Any],
        *,
        spectrum: np.ndarray | None = None,
        histogram: Histogram | None = None,
    ) -> None:
        """Add sections to a layer; those it has stay."""
        order = [*self.methods, "error"]
        sections = {key: _completed(key, copied(section)) for key, section in sections.items()}
        with self._lock:
            merged = self._sections.get(name, {}) | sections
            self._sections[name] = {key: merged[key] for key in sorted(merged, key=order.index)}
            if spectrum is not None:
                self._spectra[name] = read_only(spectrum)
            if histogram is not None:
                self._histograms[name] = histogram

    # Questions

    @property
    def complete(self) -> bool:
        """Whether every layer was analyzed or has failed."""
        return not any(self.pending(name) for name in self._layers)

    def pending(self, name: str) -> bool:
        """Return whether a layer still lacks a section that was asked for and that it can have."""
        with self._lock:
            sections = self._sections.get(name, {})
        return "error" not in sections and not set(self.methods_for(self._info(name))) <= sections.keys()

    def methods_for(self, layer: LayerInfo) -> tuple[str, ...]:
        """Return the chosen analyzers that apply to a layer: a vector has basic statistics only."""
        vector = layer.shape is not None and len(layer.shape) == 1
        return tuple(method for method in self.methods if not vector or method == "basic_stats")

    def singular_values(self, name: str) -> np.ndarray:
        """Return all singular values of a layer: (total_rank,), float64, descending; NaN where weights are not finite.

        Raises
        ------
        UnknownLayerError
            If the layer is not here or its spectrum was not computed.
        """
        spectrum = self._spectra.get(name)
        if spectrum is None:
            raise UnknownLayerError(self._not_kept(name, "spectrum", "scan it with methods='all' or 'spectral'"))
        return spectrum

    def histogram(self, name: str) -> Histogram:
        """Return the histogram of a layer's finite entries.

        Raises
        ------
        UnknownLayerError
            If the layer is not here or has no histogram.
        """
        histogram = self._histograms.get(name)
        if histogram is None:
            raise UnknownLayerError(self._not_kept(name, "histogram", "scan it with a method besides 'spectral'"))
        return histogram

    def is_finite(self, name: str) -> bool:
        """Return False if a layer is known to have NaN or infinite weights."""
        sections = self._of(name)
        stats, spectral = sections.get("basic_stats", {}), sections.get("spectral", {})
        # The largest singular value is NaN only if a weight is not finite.
        return not (
            stats.get("nan_count") or stats.get("inf_count") or math.isnan(spectral.get("max_singular_value", 0))
        )

    def health(self, name: str) -> int | None:
        """Return a layer's health, 0–100; 0 if it has NaN or infinite weights, None if it is unknown."""
        if not self.is_finite(name):
            return 0
        return assessment.health(*self._condition_and_outliers(name), self.thresholds)

    def grade(self, name: str) -> str | None:
        """Return ``"Excellent"``, ``"Good"``, ``"Warning"`` or ``"Critical"``; None where it cannot be said."""
        return assessment.grade(self.health(name))

    def risk(self, name: str) -> float:
        """Return a layer's risk score, at least 0; inf if it has NaN or infinite weights, NaN if it is unknown."""
        if not self.is_finite(name):
            return math.inf
        return assessment.risk(*self._condition_and_outliers(name), self.thresholds)

    def classes(self, name: str) -> dict[str, str | None]:
        """Return the class of each metric that has classes, by its name."""
        sections = self._of(name)
        spectral, quantization = sections.get("spectral", {}), sections.get("quantization", {})
        return {
            metric: assessment.classify(metric, section.get(metric), self.thresholds)
            for metric, section in (
                ("condition_number", spectral),
                ("sqnr_db", quantization),
                ("extreme_outlier_percentage", quantization),
                ("stable_rank_percentage", spectral),
            )
        }

    def baseline(self, name: str) -> dict[str, float] | None:
        """Return the metrics of a Gaussian matrix of a layer's shape and spread (see `gaussian_baseline`).

        None for a vector, and where shape is unknown.
        """
        info = self._info(name)
        if info.shape is None or len(info.shape) < 2:
            return None
        std = self._of(name).get("basic_stats", {}).get("std", math.nan)
        if info.members:
            return gaussian_baseline(info.shape[1:], std, matrices=info.shape[0])
        return gaussian_baseline(info.shape, std)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per layer (index: the name), in the model's order.

        Columns: ``block`` (Int64, missing outside blocks), ``stack``, ``kind``, ``family``, ``shape`` (tuple),
        ``dtype``, ``parameters`` (Int64), ``grade``, ``risk``, then every scalar as ``section.metric``; ``error`` last
        where a layer failed.
        """
        return frame_of({name: self._row(name) for name in self})

    def _row(self, name: str) -> dict[str, Any]:
        sections = self[name]
        row = leading_columns(self._layers[name]) | {"grade": self.grade(name), "risk": self.risk(name)}
        return row | flatten(sections) | ({"error": sections["error"]} if "error" in sections else {})

    def quantization_plan(
        self, scheme: str = "int8_channel", minimum_sqnr_db: float | None = None, keep: str | Iterable[str] = ()
    ) -> QuantizationPlan:
        """Return which layers to quantize in a scheme and which to keep, with the reason for each.

        Embeddings, output heads and routers of experts are kept whatever their figures, as is common practice; so is
        what has NaN or infinite weights, failed, or is not the matrix of a linear layer.

        Parameters
        ----------
        scheme : str
            ``"int8_channel"`` or another scheme measured by the method ``"schemes"``.
        minimum_sqnr_db : float, optional
            What a layer has to reach, in dB.  By default, for 8 bits, where `thresholds` see high risk; for 4 bits,
            where even Gaussian weights are far below, 3 dB less than these score.  A rule of thumb.
        keep : str or iterable of str
            Further layers to keep; a tied name or one matrix of a stack of experts stands for the whole.

        Raises
        ------
        InvalidArgumentError
            If there is no such scheme or its figures were not computed.
        UnknownLayerError
            If a name in `keep` is not here.
        """
        from weightscope_widget.recommendations import quantization_plan

        return quantization_plan(self, scheme, minimum_sqnr_db, keep)

    def lora_ranks(self, energy: float = 0.9, maximum: int | None = None) -> LoraRanks:
        """Return the rank at which each matrix keeps a share of its energy: the smallest k with Σᵢ≤ₖ σᵢ² ≥ energy·Σσ².

        It bounds what a low-rank copy of W needs.  It is not the rank a fine-tune needs, which depends on the data and
        is often far lower: take the ranks for how to spread a budget over layers, and `maximum` for the budget.

        Parameters
        ----------
        energy : float
            Share of Σσ², above 0 and at most 1.
        maximum : int, optional
            The largest rank to give.

        Raises
        ------
        InvalidArgumentError
            If an argument is out of range, or no spectra were computed.
        """
        from weightscope_widget.recommendations import lora_ranks

        return lora_ranks(self, energy, maximum)

    def advice(self, name: str | None = None) -> list[Advice]:
        """Return what to do about a layer, or about the model as a whole, and on which evidence.

        Raises
        ------
        UnknownLayerError
            If the layer is not here.
        """
        from weightscope_widget.recommendations import layer_advice, model_advice

        return model_advice(self) if name is None else layer_advice(self, name)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to a JSON file that `load_results` reads back exactly.

        Raises
        ------
        InvalidArgumentError
            If it cannot be written.
        """
        from weightscope_widget.scanning.file import RESULTS

        RESULTS.save(self, path)

    # Inside

    def _condition_and_outliers(self, name: str) -> tuple[float | None, float | None]:
        """Return the two numbers that health and risk rest on; a failed layer has neither."""
        sections = self._of(name)
        if "error" in sections:
            return None, None
        return (
            sections.get("spectral", {}).get("condition_number"),
            sections.get("quantization", {}).get("extreme_outlier_percentage"),
        )

    def _of(self, name: str) -> dict[str, Any]:
        self._info(name)
        with self._lock:
            return self._sections.get(name, {})

    def _info(self, name: str) -> LayerInfo:
        if name not in self._layers:
            raise UnknownLayerError(self._not_here(name))
        return self._layers[name]

    def _not_kept(self, name: str, what: str, remedy: str) -> str:
        self._info(name)
        return f"The {what} of {name!r} is not in these results; {remedy}."

    def _not_here(self, name: object) -> str:
        owner = next((layer.name for layer in self._layers.values() if name in layer.aliases), None)
        if owner is not None:
            return f"{name!r} is tied to {owner!r}; its numbers are under that name."
        if name in self._layers:
            return f"{name!r} has not been analyzed yet; wait for the scan."
        if name in self._skipped:
            return f"{name!r} was left out ({self._skipped[str(name)]})."
        return f"{name!r} is not a layer of {self.model}; list(results) names them."
