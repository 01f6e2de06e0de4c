"""The run of a comparison: two models pair by pair, with only the pairs being compared in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from weightscope_widget.analyzers.measured import Measured
from weightscope_widget.cache.store import Cache
from weightscope_widget.comparison.adapters import Matched, match_models
from weightscope_widget.comparison.job import ComparisonJob, MeasuredPair, identical_change
from weightscope_widget.comparison.results import ComparisonResults
from weightscope_widget.engine.job import Job, largest_first
from weightscope_widget.engine.runner import Run
from weightscope_widget.errors import NoWeightsError
from weightscope_widget.layers.layer import Layer, LayerInfo
from weightscope_widget.scanning.options import RunOptions
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.sources import Source, open_source

__all__ = ["ComparisonRun"]


class ComparisonRun(Run[ComparisonResults, MeasuredPair]):
    """A comparison of two models; an adapter as the tuned one stands for the base with its changes added.

    Parameters
    ----------
    base, tuned : nn.Module, mapping of str to Tensor, path, address, hub id, Source or Scope
        As for `compare`.
    options : RunOptions
        As `run_options` returns them.
    cheap_first : bool
        Compare all entries before anything is factorized (each tensor is then read twice).

    Raises
    ------
    WeightScopeError
        One of its kinds: a model cannot be read, one of them is an adapter that does not go with the other, or there is
        nothing to compare.
    """

    kind = "comparison"
    unit = "tensor"

    def __init__(self, base: Any, tuned: Any, options: RunOptions, *, cheap_first: bool = False) -> None:
        before, after = open_source(base), open_source(tuned)
        matched = match_models(before, after)
        pairs = [
            pair
            for pair in matched.pairs
            if options.vectors or any(layer is not None and len(layer.shape) > 1 for layer in (pair.base, pair.tuned))
        ]
        if not pairs:
            raise NoWeightsError(f"{before.name} and {after.name} have no weights to compare.")
        matched = replace(matched, pairs=pairs)
        results = _empty_results(before, after, matched, options.methods)
        jobs = _whole_jobs(matched, results, options.top_k)
        self._cache = options.cache
        self._known: _Known = {}
        if options.cache is not None:
            self._known = _recalled(jobs, options.cache, options.top_k, adapter=matched.added)
        super().__init__(
            results.model,
            results,
            _ordered([self._without_known(job) for job in jobs], cheap_first=cheap_first),
            total=len(pairs),
            workers=options.workers,
            executor=options.executor,
            memory=options.memory,
            in_step=any(side.is_collective for job in jobs for side in (job.base, job.tuned)),
            ended=None if options.cache is None else options.cache.flush,
        )

    def _without_known(self, job: ComparisonJob) -> ComparisonJob:
        def left(methods: Collection[str], side: int) -> tuple[str, ...]:
            known = self._known.get((job.name, side))
            return tuple(method for method in methods if known is None or method not in known[1].sections)

        return replace(job, base_methods=left(job.base_methods, 0), tuned_methods=left(job.tuned_methods, 1))

    def _prepared(self, job: Job[Any]) -> Job[MeasuredPair] | None:
        return job if self.results.pending(job.name) else None  # identical or failed: there is nothing more to learn

    def _accept(self, job: Job[Any], outcome: MeasuredPair, *, last: bool) -> None:
        assert isinstance(job, ComparisonJob)
        sides = []
        for side, (layer, measured) in enumerate(((job.base, outcome.base), (job.tuned, outcome.tuned))):
            known = self._known.get((job.name, side))
            if known is not None and outcome.status in ("changed", "reshaped"):
                identity, recalled = known
                if self._cache is not None and identity is not None:
                    self._cache.remember(layer, identity, measured)
                measured = _together(recalled, measured)
            sides.append(measured)
        self.results.add(job.name, replace(outcome, base=sides[0], tuned=sides[1]), last=last)


_Known = dict[tuple[str, int], tuple[str | None, Measured]]
"""The identity of the weights and what the cache knows of them, by pair and side: 0 is the base, 1 the tuned model."""


def _recalled(jobs: Sequence[ComparisonJob], cache: Cache, top_k: int, *, adapter: bool) -> _Known:
    """Return what scans and comparisons before have remembered of either side."""
    wanted = [
        ((job.name, side), (layer, methods))
        for job in jobs
        for side, (layer, methods) in enumerate(((job.base, job.base_methods), (job.tuned, job.tuned_methods)))
        # The sum of a weight and an adapter's change is in no file, and a scan finds the spectrum of a change in its
        # factors.
        if layer.factors is None and not (adapter and side)
    ]
    found = cache.recall([each for _, each in wanted], top_k)
    return {key: known for (key, _), known in zip(wanted, found, strict=True)}


def _together(known: Measured, measured: Measured) -> Measured:
    return Measured(
        {**known.sections, **measured.sections},
        known.spectrum if measured.spectrum is None else measured.spectrum,
        known.histogram if measured.histogram is None else measured.histogram,
        measured.traceback,
    )


def _whole_jobs(matched: Matched, results: ComparisonResults, top_k: int) -> list[ComparisonJob]:
    """Return a job for each pair that has to be read, in the model's order."""
    return [
        ComparisonJob(
            pair.key,
            pair.base,
            pair.tuned,
            results.base.methods_for(results.base.layers[pair.key]),
            results.tuned.methods_for(results.tuned.layers[pair.key]),
            top_k,
            added=matched.added and pair.tuned.factors is not None,
        )
        for pair in matched.pairs
        if pair.base is not None and pair.tuned is not None and pair.key not in matched.unread
    ]


def _ordered(jobs: Sequence[ComparisonJob], *, cheap_first: bool) -> list[ComparisonJob]:
    if not cheap_first:
        return largest_first(jobs)
    matrices = [job for job in jobs if len(job.base.shape) > 1]
    return [
        *(replace(job, spectra=False) for job in jobs),  # points appear in the model's order
        *largest_first(replace(job, entries=False) for job in matrices),
    ]


def _empty_results(base: Source, tuned: Source, matched: Matched, methods: Sequence[str]) -> ComparisonResults:
    """Return results with all that is known without reading weights.

    That is: tensors in one model only, tensors that an adapter leaves alone, and those whose change cannot be told.
    """
    pairs = matched.pairs
    statuses = {}
    for pair in pairs:
        if pair.base is None:
            statuses[pair.key] = "only_in_tuned"
        elif pair.tuned is None and not matched.added:
            statuses[pair.key] = "only_in_base"

    def side(source: Source, infos: list[LayerInfo]) -> ScanResults:
        return ScanResults(source.name, infos, methods, skipped=source.skipped)

    ours = side(base, [_info(pair.key, pair.base) for pair in pairs if pair.base is not None])
    theirs = side(tuned, [_info(pair.key, pair.tuned) for pair in pairs if pair.tuned is not None])
    layers = [_info(pair.key, pair.base or pair.tuned) for pair in pairs]  # type: ignore[arg-type]  # one of them is there
    names = {pair.key: pair.tuned.name for pair in pairs if pair.tuned is not None and pair.base is not None}
    results = ComparisonResults(ours, theirs, layers, names, statuses)
    for pair in pairs:
        if pair.key in matched.unread:
            reason = matched.unread[pair.key]
            error = f"What the adapter changes of {pair.key!r} cannot be told: {reason}."
            results.add(pair.key, MeasuredPair(None, {"error": error}))
        elif pair.tuned is None and matched.added and pair.base is not None:
            results.add(pair.key, MeasuredPair("identical", identical_change(pair.base)))
    return results


def _info(key: str, layer: Layer) -> LayerInfo:
    return replace(LayerInfo.of(layer), name=key)
