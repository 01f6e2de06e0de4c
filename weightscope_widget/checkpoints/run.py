"""One run over many checkpoints: each scanned, and its change since the first and the previous one taken."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

from weightscope_widget.analyzers import ELEMENTWISE
from weightscope_widget.analyzers.measured import Measured
from weightscope_widget.cache.store import Cache
from weightscope_widget.checkpoints.job import Change, ChangesRequest
from weightscope_widget.checkpoints.results import EvolutionResults
from weightscope_widget.comparison.matching import named_alike
from weightscope_widget.engine.memory import bytes_needed
from weightscope_widget.engine.runner import TaskRun
from weightscope_widget.layers.layer import LayerInfo
from weightscope_widget.scanning.job import Request
from weightscope_widget.scanning.run import ScanPlan, Task
from weightscope_widget.sources import Layer, Source

__all__ = ["ChangesStep", "EvolutionRun", "ScanStep"]

# Nominal seconds, as in `weightscope_widget.scanning.run`: only their ratio matters.
_SECONDS_PER_ENTRY = 20e-9


@dataclass(frozen=True)
class ScanStep:
    """A task of one checkpoint's scan."""

    checkpoint: str
    task: Task

    @property
    def layer(self) -> Layer:
        """Which."""
        return self.task.layer

    @property
    def memory(self) -> int:
        """Bytes needed at most, estimated."""
        return self.task.memory

    @property
    def cost(self) -> float:
        """Nominal seconds."""
        return self.task.cost


@dataclass(frozen=True)
class ChangesStep:
    """The changes of one layer through all checkpoints.

    Attributes
    ----------
    layer : LayerInfo
        Which.
    request : ChangesRequest
        What is to be done.
    """

    layer: LayerInfo
    request: ChangesRequest

    @property
    def memory(self) -> int:
        """Bytes needed at most, estimated."""
        layers = [layer for layer in self.request.layers if layer is not None]
        # The first checkpoint's and the previous one's stay, of at most 8 bytes an entry.
        return max(bytes_needed(layer, ELEMENTWISE) + 2 * 8 * layer.parameters for layer in layers)

    @property
    def cost(self) -> float:
        """Nominal seconds."""
        return _SECONDS_PER_ENTRY * 2 * sum(layer.parameters for layer in self.request.layers if layer is not None)


class EvolutionRun(TaskRun[ScanStep | ChangesStep, Measured | tuple[Change, ...]]):
    """A run over checkpoints; of all of them together at most the tensors at hand are in memory.

    Layers go by the names that the first checkpoint has for them, whatever wrappers the names of a later one have.

    Parameters
    ----------
    sources : mapping of str to Source
        The checkpoints in their order.
    methods : sequence of str
        Names of analyzers, as `resolve_methods` returns them.
    vectors : bool
        Whether 1-D tensors are listed too.
    cheap_first : bool
        Begin with the elementwise part of the last checkpoint's scan, so that there is something to look at soon (its
        tensors are then read once more).
    workers, memory, cache
        As for `ScanRun`.
    """

    def __init__(
        self,
        sources: Mapping[str, Source],
        methods: Sequence[str],
        *,
        vectors: bool = False,
        cheap_first: bool = False,
        workers: int = 1,
        memory: int | None = None,
        cache: Cache | None = None,
    ) -> None:
        sources = _named_alike(sources)
        self._plans = {
            name: ScanPlan(source, methods, vectors=vectors, cache=cache) for name, source in sources.items()
        }
        self._cache = cache
        self.results = EvolutionResults({name: plan.results for name, plan in self._plans.items()})
        changes = self._changes(sources)
        super().__init__(
            self._ordered(changes, cheap_first=cheap_first),
            total=sum(len(plan.results.layers) for plan in self._plans.values()) + len(changes),
            workers=workers,
            executor=None,
            memory=memory,
            in_step=any(plan.in_step for plan in self._plans.values()),
        )

    def _changes(self, sources: Mapping[str, Source]) -> list[ChangesStep]:
        # A tensor that is tied at one checkpoint and not at another is there under both names.
        by_name = [
            {name: layer for layer in source.layers for name in layer.aliases}
            | {layer.name: layer for layer in source.layers}
            for source in sources.values()
        ]
        requests = [ChangesRequest(name, tuple(layers.get(name) for layers in by_name)) for name in self.results.layers]
        return [
            ChangesStep(self.results.layers[request.name], request)
            for request in requests
            if sum(layer is not None for layer in request.layers) > 1
        ]

    def _ordered(self, changes: list[ChangesStep], *, cheap_first: bool) -> list[ScanStep | ChangesStep]:
        """Return the work in order: the changes, which are cheap, then the last checkpoint, then the others.

        What training has led to is what a person looks at first.
        """
        *others, (name, last) = self._plans.items()
        cheap, rest = (last.cheap_tasks(), last.dear_tasks()) if cheap_first else ([], last.tasks())
        return [
            *(ScanStep(name, task) for task in cheap),
            *changes,
            *(ScanStep(name, task) for task in rest),
            *(ScanStep(other, task) for other, plan in others for task in plan.tasks()),
        ]

    def _counted(self, task: ScanStep | ChangesStep) -> Hashable:
        return (task.checkpoint if isinstance(task, ScanStep) else None, task.layer.name)

    def _request(self, task: ScanStep | ChangesStep) -> Request | ChangesRequest:
        return task.request if isinstance(task, ChangesStep) else self._plans[task.checkpoint].request(task.task)

    def _settled(self, task: ScanStep | ChangesStep) -> bool:
        return isinstance(task, ScanStep) and self._plans[task.checkpoint].settled(task.task)

    def _accept(self, task: ScanStep | ChangesStep, done: Measured | tuple[Change, ...], *, last: bool) -> None:
        if isinstance(done, Measured):
            assert isinstance(task, ScanStep)
            self._plans[task.checkpoint].accept(task.task, done)
            return
        for change in done:
            checkpoint = self.results.names[change.place]
            self.results.add_change(checkpoint, task.layer.name, change.since, change.relative_change)

    def _ended(self) -> None:
        if self._cache is not None:
            self._cache.flush()


def _named_alike(sources: Mapping[str, Source]) -> dict[str, Source]:
    """Return checkpoints whose layers go by the names of the first one that has them."""
    known: dict[str, Layer] = {}
    alike = {}
    for name, source in sources.items():
        layers = named_alike(source.layers, known.values()) if known else list(source.layers)
        known |= {layer.name: layer for layer in layers if layer.name not in known}
        alike[name] = replace(source, layers=tuple(layers))
    return alike
