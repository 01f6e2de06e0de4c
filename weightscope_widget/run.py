"""One run of a scan: what is to be done, in which order, how far it is, and where its numbers go."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from weightscope_widget.analyzers import ELEMENTWISE, METHODS, SPECTRAL, Weights
from weightscope_widget.analyzers.distribution import histogram
from weightscope_widget.errors import NoWeightsError, TensorReadError
from weightscope_widget.results import LayerInfo, ScanResults
from weightscope_widget.sources import Layer, Source

__all__ = ["Progress", "ScanRun", "Task"]

# Nominal seconds per entry and per floating operation, whose ratio is all that matters: the estimate of the time left
# scales them by what the run itself has measured.
_SECONDS_PER_ENTRY = 12e-9
_SECONDS_PER_FLOP = 1e-11


@dataclass(frozen=True)
class Task:
    """Some analyzers on one layer, with the tensor read once.

    Attributes
    ----------
    layer : Layer
        What to read.
    methods : tuple of str
        Names of the analyzers.
    last : bool
        Whether the layer is finished with this task.
    """

    layer: Layer
    methods: tuple[str, ...]
    last: bool

    @property
    def cost(self) -> float:
        """Nominal seconds."""
        cost = self.layer.parameters * _SECONDS_PER_ENTRY if set(self.methods) & set(ELEMENTWISE) else 0.0
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
        cheap_first: bool = False,
    ) -> None:
        layers = [layer for layer in source.layers if vectors or len(layer.shape) != 1]
        if not layers:
            raise NoWeightsError(
                f"{source.name} has no weight of two or more dimensions; pass vectors=True to look at its vectors."
            )
        self.results = ScanResults(
            source.name, [LayerInfo.of(layer) for layer in layers], methods, skipped=source.skipped
        )
        self._top_k = top_k
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._tasks = deque(self._plan(layers, cheap_first))
        self._layers = {layer.name: layer for layer in layers}
        self._cost_left = sum(task.cost for task in self._tasks)
        self._cost_total = self._cost_left
        self._seconds = 0.0
        self._finished: set[str] = set()

    def _plan(self, layers: Sequence[Layer], cheap_first: bool) -> list[Task]:
        passes = [ELEMENTWISE, SPECTRAL] if cheap_first else [ELEMENTWISE + SPECTRAL]
        tasks = []
        for index, names in enumerate(passes):
            for layer in layers:
                wanted = self.results.methods_for(self.results.layers[layer.name])
                methods = tuple(method for method in wanted if method in names)
                last = not any(method in later for later in passes[index + 1 :] for method in wanted)
                if methods:
                    tasks.append(Task(layer, methods, last))
        return tasks

    def steps(self) -> Iterator[Task]:
        """Do one task after the other, yielding each when its numbers are in `results`, until done or cancelled."""
        while (task := self._take()) is not None:
            started = time.perf_counter()
            self._do(task)
            with self._lock:
                self._seconds += time.perf_counter() - started
                self._cost_left -= task.cost
                if task.last:
                    self._finished.add(task.layer.name)
            yield task

    def prioritize(self, name: str) -> None:
        """Do what is left of a layer before anything else; unknown names and finished layers change nothing."""
        with self._lock:
            first = [task for task in self._tasks if task.layer.name == name]
            for task in first:
                self._tasks.remove(task)
            self._tasks.extendleft(reversed(first))

    def cancel(self) -> None:
        """Stop after the task at hand; its numbers and all before it are kept."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Whether the run was stopped before its end."""
        return self._cancelled.is_set() and bool(self._tasks)

    @property
    def progress(self) -> Progress:
        """How far the run is, now."""
        with self._lock:
            spent = self._cost_total - self._cost_left
            fraction = spent / self._cost_total if self._cost_total else 1.0
            left = self._seconds * self._cost_left / spent if spent > 0 else None
            running = bool(self._tasks) or len(self._finished) < len(self._layers)
            state = "cancelled" if self.cancelled else "running" if running else "done"
            return Progress(
                state, len(self._finished), len(self._layers), fraction, left if state == "running" else None
            )

    def _take(self) -> Task | None:
        with self._lock:
            return None if self._cancelled.is_set() or not self._tasks else self._tasks.popleft()

    def _do(self, task: Task) -> None:
        name = task.layer.name
        if "error" in self.results.get(name, {}):
            return  # the first failure already says why
        try:
            weights = self._read(task)
            # One at a time, so that what was computed before a failure is kept.
            for method in task.methods:
                self.results.add(name, {method: METHODS[method](weights, self._top_k)})
            self.results.add(
                name,
                {},
                spectrum=weights.singular_values if set(task.methods) & set(SPECTRAL) else None,
                histogram=histogram(weights) if set(task.methods) & set(ELEMENTWISE) else None,
            )
        except TensorReadError as error:
            self.results.add(name, {"error": str(error)})
        except (RuntimeError, ValueError, TypeError, ArithmeticError, MemoryError, OSError) as error:
            detail = f"{type(error).__name__}: {str(error).strip()}".split("\n")[0]
            self.results.add(name, {"error": f"The analysis of {name!r} failed ({detail}); the others go on."})

    def _read(self, task: Task) -> Weights:
        layer = task.layer
        tensor = layer.load()
        if tensor.is_meta:
            raise TensorReadError(f"{layer.name!r} is on the meta device and has no weights; load them first.")
        spectrum = self._spectrum_of_members(layer) if set(task.methods) & set(SPECTRAL) else None
        return Weights(tensor, transposed=layer.transposed, stack=layer.is_stack, spectrum=spectrum)

    def _spectrum_of_members(self, layer: Layer) -> np.ndarray | None:
        """Return the spectrum of a stack where those of all its matrices are known, which is the usual order."""
        spectra = [self.results.spectra.get(member) for member in layer.members]
        known = [spectrum for spectrum in spectra if spectrum is not None]
        if not known or len(known) < len(spectra):
            return None
        together = np.concatenate(known)
        # One matrix without a spectrum leaves the stack without one.
        return np.full_like(together, np.nan) if np.isnan(together).any() else np.sort(together)[::-1]
