"""One run of a scan: what is to be done, in which order, how far it is, and where its numbers go."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from weightscope_widget.analyzers import ELEMENTWISE, METHODS, SPECTRAL
from weightscope_widget.budget import Budget, bytes_needed
from weightscope_widget.cache import Cache
from weightscope_widget.crew import Crew
from weightscope_widget.errors import InvalidArgumentError, NoWeightsError
from weightscope_widget.measure import Measured, Request
from weightscope_widget.results import LayerInfo, ScanResults
from weightscope_widget.sources import Layer, Source

__all__ = ["Progress", "ScanRun", "Task"]

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


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes
    ----------
    state : {"running", "done", "cancelled", "failed"}
        What it is doing; ``"failed"`` means the run itself broke, not a layer.
    done, total : int
        Layers finished, layers in all.
    fraction : float
        Share of the work done, 0–1, by estimated cost.
    seconds_left : float or None
        An estimate from the pace so far; None while there is none.
    message : str
        Why it failed, else empty.
    """

    state: str
    done: int
    total: int
    fraction: float
    seconds_left: float | None
    message: str = ""


class ScanRun:
    """A scan of one source, task by task.

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
    cheap_first : bool
        Measure all layers elementwise before any is factorized (each tensor is then read twice).
    workers : int
        How many tasks are at hand at a time, each on a thread of its own, or with the executor.
    executor : Executor, optional
        Who does the tasks instead of threads of this process; it is not shut down.
    memory : int, optional
        Bytes that the tasks at hand may need together, by estimate; a task that needs more is done alone.
    cache : Cache, optional
        What it knows is in the results from the start; what is measured is kept there.

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
        layers = [layer for layer in source.layers if vectors or len(layer.shape) != 1]
        if not layers:
            raise NoWeightsError(
                f"{source.name} has no weight of two or more dimensions; pass vectors=True to look at its vectors."
            )
        if executor is not None and any(layer.is_collective for layer in layers):
            raise InvalidArgumentError(
                f"The tensors of {source.name} are shards held by several processes, which the workers of an executor "
                "cannot gather; scan it on all of these processes, without an executor."
            )
        self.results = ScanResults(
            source.name, [LayerInfo.of(layer) for layer in layers], methods, skipped=source.skipped
        )
        self._top_k = top_k
        # What processes do together they have to do in one order, which threads would not keep.
        self._in_step = any(layer.is_collective for layer in layers)
        self._workers = 1 if self._in_step else workers
        self._executor = executor
        self._budget = Budget(memory)
        self._cache = cache
        self._identities = self._recall(layers)
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._tasks = deque(self._plan(layers, cheap_first))
        self._tasks_left = Counter(task.layer.name for task in self._tasks)
        self._layers_done = len(layers) - len(self._tasks_left)
        self._cost_left = sum(task.cost for task in self._tasks)
        self._cost_total = self._cost_left
        self._started: float | None = None

    def _plan(self, layers: Sequence[Layer], cheap_first: bool) -> list[Task]:
        if cheap_first:
            # In the model's order: the first points come from small layers as well as from large ones.
            dear = [method for method in METHODS if method not in ELEMENTWISE]
            return self._tasks_of(layers, ELEMENTWISE) + _largest_first(self._tasks_of(layers, dear))
        return _largest_first(self._tasks_of(layers, tuple(METHODS)))

    def _tasks_of(self, layers: Sequence[Layer], names: Sequence[str]) -> list[Task]:
        tasks = []
        for layer in layers:
            applicable = self.results.methods_for(self.results.layers[layer.name])
            methods = tuple(method for method in applicable if method in names and not self._has(layer, method))
            if methods:
                tasks.append(Task(layer, methods))
        return tasks

    def steps(self) -> Iterator[Task]:
        """Work until all is done or cancelled, yielding each task when its numbers are in `results`."""
        self._started = time.perf_counter()
        crew: Crew[Task, Measured] = Crew(self._workers, self._executor)
        with crew:
            try:
                while True:
                    while crew.has_room and (task := self._take()) is not None:
                        if self._has(task.layer, "error"):
                            self._tick_off(task)  # the first failure already says why
                            yield task
                        else:
                            self._budget.take(task.memory)
                            crew.give(task, self._request(task))
                    if crew.idle:
                        return
                    for task, measured in crew.finished():
                        self._keep(task, measured)
                        yield task
                    if self._cancelled.is_set():
                        crew.recall()
            finally:
                for task, measured in crew.rest():
                    self._keep(task, measured)
                if self._cache is not None:
                    self._cache.flush()

    def prioritize(self, name: str) -> None:
        """Do what is left of a layer before anything else; unknown names and finished layers change nothing.

        Nor does anything where several processes scan together: the others do not know what was asked for here.
        """
        if self._in_step:
            return
        with self._lock:
            first = [task for task in self._tasks if task.layer.name == name]
            for task in first:
                self._tasks.remove(task)
            self._tasks.extendleft(reversed(first))

    def cancel(self) -> None:
        """Stop after the tasks at hand; their numbers and all before them are kept."""
        self._cancelled.set()

    @property
    def progress(self) -> Progress:
        """How far the run is, now."""
        with self._lock:
            spent = self._cost_total - self._cost_left
            done, total = self._layers_done, len(self.results.layers)
            state = "done" if done == total else "cancelled" if self._cancelled.is_set() else "running"
            # What is left is a difference of sums, and need not end at exactly zero.
            fraction = 1.0 if state == "done" or not self._cost_total else min(spent / self._cost_total, 1.0)
            left = None
            if state == "running" and spent > 0 and self._started is not None:
                left = (time.perf_counter() - self._started) * max(self._cost_left, 0.0) / spent
            return Progress(state, done, total, fraction, left)

    def _tick_off(self, task: Task) -> None:
        with self._lock:
            self._cost_left -= task.cost
            self._tasks_left[task.layer.name] -= 1
            self._layers_done += self._tasks_left[task.layer.name] == 0

    def _has(self, layer: Layer, section: str) -> bool:
        return layer.name in self.results and section in self.results[layer.name]

    def _take(self) -> Task | None:
        with self._lock:
            if self._cancelled.is_set():
                return None
            # A smaller one goes first where the next one has to wait for memory.
            task = next((task for task in self._tasks if self._budget.admits(task.memory)), None)
            if task is not None:
                self._tasks.remove(task)
            return task

    def _request(self, task: Task) -> Request:
        # A stack's matrices are layers of their own, factorized before it in the usual order.
        members = task.layer.members if set(task.methods) & set(SPECTRAL) else ()
        spectra = tuple(self.results.spectra.get(member) for member in members)
        return Request(task.layer, task.methods, self._top_k, spectra)

    def _keep(self, task: Task, measured: Measured) -> None:
        self._budget.give_back(task.memory)
        self.results.add(task.layer.name, measured.sections, spectrum=measured.spectrum, histogram=measured.histogram)
        self._tick_off(task)
        identity = self._identities.get(task.layer.name)
        if self._cache is not None and identity is not None:
            self._cache.remember(task.layer, identity, measured)

    def _recall(self, layers: Sequence[Layer]) -> dict[str, str | None]:
        """Fill in what is known of the layers; return what tells the weights of each from all others."""
        if self._cache is None:
            return {}
        wanted = [(layer, self.results.methods_for(self.results.layers[layer.name])) for layer in layers]
        identities: dict[str, str | None] = {}
        for (layer, _), (identity, known) in zip(wanted, self._cache.recall(wanted, self._top_k), strict=True):
            identities[layer.name] = identity
            if known.sections:
                self.results.add(layer.name, known.sections, spectrum=known.spectrum, histogram=known.histogram)
        return identities


def _largest_first(tasks: Sequence[Task]) -> list[Task]:
    """Return tasks so that no worker is left alone with a large one, and stacks after the matrices they are made of."""
    return sorted(tasks, key=lambda task: (task.layer.is_stack, -task.cost))
