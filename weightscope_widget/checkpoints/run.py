"""The run of an evolution: a scan of each checkpoint, and the change since the first and the previous one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from weightscope_widget.analyzers.measured import Measured
from weightscope_widget.checkpoints.job import Changes, ChangesJob
from weightscope_widget.checkpoints.opening import open_checkpoints
from weightscope_widget.checkpoints.results import EvolutionResults
from weightscope_widget.comparison.matching import named_alike
from weightscope_widget.engine.job import Job
from weightscope_widget.engine.runner import Run
from weightscope_widget.layers.layer import Layer
from weightscope_widget.scanning.job import ScanJob
from weightscope_widget.scanning.options import RunOptions
from weightscope_widget.scanning.run import ScanPlan
from weightscope_widget.sources import Source

__all__ = ["EvolutionRun"]


class EvolutionRun(Run[EvolutionResults, Measured | Changes]):
    """A run over checkpoints; of all of them together, only the tensors being analyzed are in memory.

    Layers go by the names that the first checkpoint has for them, whatever wrappers the names of a later one have.

    Parameters
    ----------
    checkpoints : mapping or path-like
        As for `evolution`.
    options : RunOptions
        As `run_options` returns them.
    cheap_first : bool
        Begin with the elementwise part of the last checkpoint's scan, so that there is something to look at soon (its
        tensors are then read once more).

    Raises
    ------
    WeightScopeError
        One of its kinds, where a checkpoint cannot be read.
    """

    kind = "evolution"

    def __init__(
        self,
        checkpoints: Mapping[str, Any] | str | os.PathLike[str],
        options: RunOptions,
        *,
        cheap_first: bool = False,
    ) -> None:
        sources = _named_alike(open_checkpoints(checkpoints))
        self._plans = plans = {name: ScanPlan(source, options, name) for name, source in sources.items()}
        results = EvolutionResults({name: plan.results for name, plan in plans.items()})
        changes = _changes(sources, results)
        # The changes, which are cheap, then the last checkpoint, then the others: a person looks at the end first.
        *others, last = plans.values()
        super().__init__(
            results.model,
            results,
            [
                *(last.cheap_jobs() if cheap_first else []),
                *changes,
                *(last.dear_jobs() if cheap_first else last.jobs()),
                *(job for plan in others for job in plan.jobs()),
            ],
            total=sum(len(plan.results.layers) for plan in plans.values()) + len(changes),
            workers=options.workers,
            executor=options.executor,
            memory=options.memory,
            in_step=any(plan.in_step for plan in plans.values()),
            ended=None if options.cache is None else options.cache.flush,
        )

    def _prepared(self, job: Job[Any]) -> Job[Any] | None:
        return self._plans[job.group].prepared(job) if isinstance(job, ScanJob) else job

    def _accept(self, job: Job[Any], outcome: Measured | Changes, *, last: bool) -> None:
        if isinstance(outcome, Changes):
            for (place, since), change in outcome.values.items():
                self.results.add_change(self.results.names[place], job.name, since, change)
        elif isinstance(job, ScanJob):
            self._plans[job.group].accept(job, outcome)


def _changes(sources: Mapping[str, Source], results: EvolutionResults) -> list[ChangesJob]:
    # A tensor that is tied at one checkpoint and not at another is there under both names.
    by_name = [
        {name: layer for layer in source.layers for name in layer.aliases}
        | {layer.name: layer for layer in source.layers}
        for source in sources.values()
    ]
    jobs = [ChangesJob(name, tuple(layers.get(name) for layers in by_name)) for name in results.layers]
    return [job for job in jobs if sum(layer is not None for layer in job.layers) > 1]


def _named_alike(sources: Mapping[str, Source]) -> dict[str, Source]:
    """Return checkpoints whose layers go by the names of the first one that has them."""
    known: dict[str, Layer] = {}
    alike = {}
    for name, source in sources.items():
        layers = named_alike(source.layers, known.values()) if known else list(source.layers)
        known |= {layer.name: layer for layer in layers if layer.name not in known}
        alike[name] = replace(source, layers=tuple(layers))
    return alike
