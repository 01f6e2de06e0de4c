"""One run of a scan: what is to be done, in which order, and where its numbers go."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from weightscope_widget.analyzers import ELEMENTWISE, METHODS, SPECTRAL
from weightscope_widget.analyzers.measured import Measured
from weightscope_widget.cache.store import Cache
from weightscope_widget.engine.memory import bytes_needed
from weightscope_widget.engine.runner import TaskRun
from weightscope_widget.errors import InvalidArgumentError, NoWeightsError
from weightscope_widget.layers.layer import LayerInfo
from weightscope_widget.scanning.job import Request
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.sources import Layer, Source

__all__ = ["ScanPlan", "ScanRun", "Task"]

# Nominal seconds per entry and per floating operation, whose ratio is all that matters: the estimate of the time left
# scales them by what the run itself has measured.
_SECONDS_PER_ENTRY = 12e-9
_SECONDS_PER_FLOP = 1e-11
_SECONDS_PER_ENTRY_OF_SCHEMES = 20e-9


@dataclass(frozen=True)
class Task:
    """Some analyzers on one layer, with the tensor read once.

    Attributes
    ----------
    layer : Layer
        What to read.
    methods : tuple of str
        Names of the analyzers.
    """

    layer: Layer
    methods: tuple[str, ...]

    @property
    def memory(self) -> int:
        """Bytes needed at most, estimated."""
        return bytes_needed(self.layer, self.methods)

    @property
    def cost(self) -> float:
        """Nominal seconds."""
        cost = self.layer.parameters * _SECONDS_PER_ENTRY if set(self.methods) & set(ELEMENTWISE) else 0.0
        if "schemes" in self.methods:
            cost += self.layer.parameters * _SECONDS_PER_ENTRY_OF_SCHEMES
        if set(self.methods) & set(SPECTRAL) and not self.layer.is_stack:
            rows = self.layer.shape[0] if self.layer.shape else 1
            m, n = max(rows, self.layer.parameters // max(rows, 1)), min(rows, self.layer.parameters // max(rows, 1))
            cost += (2 * m * n**2 + 4 / 3 * n**3) * _SECONDS_PER_FLOP
        return cost


class ScanPlan:
    """What a scan of one source consists of, and where its numbers go; whoever does the tasks.

    Parameters
    ----------
    source : Source
        Where the weights are.
    methods : sequence of str
        Names of analyzers, as `resolve_methods` returns them.
    top_k : int
        How many singular values to list per layer.
    vectors : bool
        Whether 1-D tensors are listed too, with basic statistics.
    cache : Cache, optional
        What it knows is in the results from the start; what is measured is kept there.

    Attributes
    ----------
    results : ScanResults
        Filled by `accept`.
    in_step : bool
        Several processes hold the tensors together and have to read them in one order.

    Raises
    ------
    NoWeightsError
        Where no layer is left to analyze.
    """

    def __init__(
        self,
        source: Source,
        methods: Sequence[str],
        *,
        top_k: int = 10,
        vectors: bool = False,
        cache: Cache | None = None,
    ) -> None:
        self._layers = [layer for layer in source.layers if vectors or len(layer.shape) != 1]
        if not self._layers:
            raise NoWeightsError(
                f"{source.name} has no weight of two or more dimensions; pass vectors=True to look at its vectors."
            )
        self.results = ScanResults(
            source.name, [LayerInfo.of(layer) for layer in self._layers], methods, skipped=source.skipped
        )
        self.in_step = any(layer.is_collective for layer in self._layers)
        self._top_k = top_k
        self._cache = cache
        self._identities = self._recall()

    def tasks(self) -> list[Task]:
        """Return what is to be done, each tensor read once."""
        return _largest_first(self._tasks(tuple(METHODS)))

    def cheap_tasks(self) -> list[Task]:
        """Return the elementwise part.

        In the model's order: the first points come from small layers as well as from large ones.
        """
        return self._tasks(ELEMENTWISE)

    def dear_tasks(self) -> list[Task]:
        """Return the part that is not elementwise."""
        return _largest_first(self._tasks([method for method in METHODS if method not in ELEMENTWISE]))

    def request(self, task: Task) -> Request:
        """Return a task as what is given to a worker."""
        # A stack's matrices are layers of their own, factorized before it in the usual order.
        members = task.layer.members if set(task.methods) & set(SPECTRAL) else ()
        spectra = tuple(self.results.spectra.get(member) for member in members)
        return Request(task.layer, task.methods, self._top_k, spectra)

    def accept(self, task: Task, done: Measured) -> None:
        """Keep what came of a task."""
        self.results.add(task.layer.name, done.sections, spectrum=done.spectrum, histogram=done.histogram)
        identity = self._identities.get(task.layer.name)
        if self._cache is not None and identity is not None:
            self._cache.remember(task.layer, identity, done)

    def settled(self, task: Task) -> bool:
        """Return whether a task need not be done: the layer's first failure already says why."""
        return self._has(task.layer, "error")

    def _tasks(self, names: Sequence[str]) -> list[Task]:
        tasks = []
        for layer in self._layers:
            applicable = self.results.methods_for(self.results.layers[layer.name])
            methods = tuple(method for method in applicable if method in names and not self._has(layer, method))
            if methods:
                tasks.append(Task(layer, methods))
        return tasks

    def _has(self, layer: Layer, section: str) -> bool:
        return layer.name in self.results and section in self.results[layer.name]

    def _recall(self) -> dict[str, str | None]:
        """Fill in what is known of the layers; return what tells the weights of each from all others."""
        if self._cache is None:
            return {}
        wanted = [(layer, self.results.methods_for(self.results.layers[layer.name])) for layer in self._layers]
        identities: dict[str, str | None] = {}
        for (layer, _), (identity, known) in zip(wanted, self._cache.recall(wanted, self._top_k), strict=True):
            identities[layer.name] = identity
            if known.sections:
                self.results.add(layer.name, known.sections, spectrum=known.spectrum, histogram=known.histogram)
        return identities


class ScanRun(TaskRun[Task, Measured]):
    """A scan of one source, task by task.

    Parameters
    ----------
    source, methods, top_k, vectors, cache
        As for `ScanPlan`.
    cheap_first : bool
        Measure all layers elementwise before any is factorized (each tensor is then read twice).
    workers : int
        How many tasks are at hand at a time, each on a thread of its own, or with the executor.
    executor : Executor, optional
        Who does the tasks instead of threads of this process; it is not shut down.
    memory : int, optional
        Bytes that the tasks at hand may need together, by estimate; a task that needs more is done alone.

    Raises
    ------
    NoWeightsError
        Where no layer is left to analyze.
    InvalidArgumentError
        Where an executor is to read tensors that several processes hold together.
    """

    def __init__(
        self,
        source: Source,
        methods: Sequence[str],
        *,
        top_k: int = 10,
        vectors: bool = False,
        cheap_first: bool = False,
        workers: int = 1,
        executor: Executor | None = None,
        memory: int | None = None,
        cache: Cache | None = None,
    ) -> None:
        self._plan = ScanPlan(source, methods, top_k=top_k, vectors=vectors, cache=cache)
        self._cache = cache
        self.results = self._plan.results
        if executor is not None and self._plan.in_step:
            raise InvalidArgumentError(
                f"The tensors of {source.name} are shards held by several processes, which the workers of an executor "
                "cannot gather; scan it on all of these processes, without an executor."
            )
        super().__init__(
            self._plan.cheap_tasks() + self._plan.dear_tasks() if cheap_first else self._plan.tasks(),
            total=len(self.results.layers),
            workers=workers,
            executor=executor,
            memory=memory,
            in_step=self._plan.in_step,
        )

    def _settled(self, task: Task) -> bool:
        return self._plan.settled(task)

    def _ended(self) -> None:
        if self._cache is not None:
            self._cache.flush()

    def _request(self, task: Task) -> Request:
        return self._plan.request(task)

    def _accept(self, task: Task, done: Measured, *, last: bool) -> None:
        self._plan.accept(task, done)


def _largest_first(tasks: Sequence[Task]) -> list[Task]:
    """Return tasks so that no worker is left alone with a large one, and stacks after the matrices they are made of."""
    return sorted(tasks, key=lambda task: (task.layer.is_stack, -task.cost))
