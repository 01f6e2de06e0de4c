"""The run of a scan: its jobs, and where their numbers go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from weightscope_widget.analyzers import ELEMENTWISE, METHODS, SPECTRAL
from weightscope_widget.analyzers.measured import Measured
from weightscope_widget.engine.job import Job, largest_first
from weightscope_widget.engine.runner import Run
from weightscope_widget.errors import NoWeightsError
from weightscope_widget.layers.layer import Layer, LayerInfo
from weightscope_widget.scanning.job import ScanJob
from weightscope_widget.scanning.options import RunOptions
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.sources import Source, open_source

__all__ = ["ScanPlan", "ScanRun"]


class ScanPlan:
    """The jobs of a scan of one source, and the results that they fill.

    What the cache knows is in the results from the start.

    Parameters
    ----------
    source : Source
        Where the weights are.
    options : RunOptions
        Of these `methods`, `top_k`, `vectors` and `cache`.
    group : str
        The checkpoint, in a run over several.

    Attributes
    ----------
    results : ScanResults
        Filled by `accept`.
    in_step : bool
        Several processes hold the tensors together and have to read them in one order.

    Raises
    ------
    NoWeightsError
        There is no layer to analyze.
    """

    def __init__(self, source: Source, options: RunOptions, group: str = "") -> None:
        self._layers = [layer for layer in source.layers if options.vectors or len(layer.shape) != 1]
        if not self._layers:
            raise NoWeightsError(
                f"{source.name} has no weight of two or more dimensions; pass vectors=True to look at its vectors."
            )
        infos = [LayerInfo.of(layer) for layer in self._layers]
        self.results = ScanResults(source.name, infos, options.methods, skipped=source.skipped)
        self.in_step = any(layer.is_collective for layer in self._layers)
        self._options = options
        self._group = group
        self._identities = self._recall()

    def jobs(self, *, cheap_first: bool = False) -> list[ScanJob]:
        """Return the jobs in order, each tensor read once."""
        return self.cheap_jobs() + self.dear_jobs() if cheap_first else largest_first(self._jobs(tuple(METHODS)))

    def cheap_jobs(self) -> list[ScanJob]:
        """Return the elementwise jobs, in the model's order: small layers as well as large ones are drawn early."""
        return self._jobs(ELEMENTWISE)

    def dear_jobs(self) -> list[ScanJob]:
        """Return the jobs that are not elementwise."""
        return largest_first(self._jobs([method for method in METHODS if method not in ELEMENTWISE]))

    def prepared(self, job: ScanJob) -> ScanJob | None:
        """Return a job with the spectra that it can use; None where the layer has failed before."""
        if self._has(job.layer, "error"):
            return None
        members = job.layer.members if set(job.methods) & set(SPECTRAL) else ()
        return replace(job, spectra=tuple(map(self.results.spectra.get, members))) if members else job

    def accept(self, job: ScanJob, outcome: Measured) -> None:
        """Keep the outcome of a job."""
        self._add(job.name, outcome)
        identity = self._identities.get(job.name)
        if self._options.cache is not None and identity is not None:
            self._options.cache.remember(job.layer, identity, outcome)

    def _jobs(self, names: Sequence[str]) -> list[ScanJob]:
        jobs = []
        for layer in self._layers:
            applicable = self.results.methods_for(self.results.layers[layer.name])
            methods = tuple(method for method in applicable if method in names and not self._has(layer, method))
            if methods:
                jobs.append(ScanJob(layer, methods, self._options.top_k, group=self._group))
        return jobs

    def _has(self, layer: Layer, section: str) -> bool:
        return layer.name in self.results and section in self.results[layer.name]

    def _add(self, name: str, measured: Measured) -> None:
        self.results.add(name, measured.sections, spectrum=measured.spectrum, histogram=measured.histogram)

    def _recall(self) -> dict[str, str | None]:
        """Fill in what the cache knows; return the identity of each layer's weights."""
        if self._options.cache is None:
            return {}
        wanted = [(layer, self.results.methods_for(self.results.layers[layer.name])) for layer in self._layers]
        identities: dict[str, str | None] = {}
        for (layer, _), (identity, known) in zip(
            wanted, self._options.cache.recall(wanted, self._options.top_k), strict=True
        ):
            identities[layer.name] = identity
            if known.sections:
                self._add(layer.name, known)
        return identities


class ScanRun(Run[ScanResults, Measured]):
    """A scan of one model.

    Parameters
    ----------
    model : nn.Module, mapping of str to Tensor, path, address, hub id or Source
        As for `scan`.
    options : RunOptions
        As `run_options` returns them.
    cheap_first : bool
        Analyze all layers elementwise before any is factorized (each tensor is then read twice).

    Raises
    ------
    WeightScopeError
        One of its kinds: the model cannot be read or has no weights, or an executor is to read tensors that several
        processes hold together.
    """

    kind = "scan"

    def __init__(self, model: Any, options: RunOptions, *, cheap_first: bool = False) -> None:
        source = open_source(model)
        self._plan = plan = ScanPlan(source, options)
        super().__init__(
            source.name,
            plan.results,
            plan.jobs(cheap_first=cheap_first),
            total=len(plan.results.layers),
            workers=options.workers,
            executor=options.executor,
            memory=options.memory,
            in_step=plan.in_step,
            ended=options.cache.flush if options.cache is not None else None,
        )

    def _prepared(self, job: Job[Any]) -> Job[Measured] | None:
        assert isinstance(job, ScanJob)
        return self._plan.prepared(job)

    def _accept(self, job: Job[Any], outcome: Measured, *, last: bool) -> None:
        assert isinstance(job, ScanJob)
        self._plan.accept(job, outcome)
