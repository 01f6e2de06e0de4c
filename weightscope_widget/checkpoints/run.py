"""One run over many checkpoints: each scanned, and its change since the first and the previous one taken."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from weightscope_widget.analyzers.difference import difference, same_values
from weightscope_widget.cache import Cache
from weightscope_widget.checkpoints.results import EvolutionResults
from weightscope_widget.comparison.matching import Pair, match_layers
from weightscope_widget.errors import TensorReadError
from weightscope_widget.run import ScanRun
from weightscope_widget.sources import Layer, Source
from weightscope_widget.task_run import Progress
from weightscope_widget.workers import one_thread

__all__ = ["EvolutionRun", "Step"]


@dataclass(frozen=True)
class Step:
    """A piece of work that was done: a layer of one checkpoint."""

    checkpoint: str
    layer: Layer


class EvolutionRun:
    """A run over checkpoints; of all of them together at most the tensors at hand are in memory.

    Parameters
    ----------
    sources : mapping of str to Source
        The checkpoints in their order.
    methods : sequence of str
        Names of analyzers, as `resolve_methods` returns them.
    vectors : bool
        Whether 1-D tensors are listed too.
    workers, memory, cache
        As for `ScanRun`.
    """

    def __init__(
        self,
        sources: Mapping[str, Source],
        methods: Sequence[str],
        *,
        vectors: bool = False,
        workers: int = 1,
        memory: int | None = None,
        cache: Cache | None = None,
    ) -> None:
        self._scans = {
            name: ScanRun(source, methods, vectors=vectors, workers=workers, memory=memory, cache=cache)
            for name, source in sources.items()
        }
        self.results = EvolutionResults({name: scan.results for name, scan in self._scans.items()})
        self._sources = dict(sources)
        self._pairs = self._plan()
        self._cancelled = threading.Event()
        self._compared = 0
        self._total = sum(len(scan.results.layers) for scan in self._scans.values()) + len(self._pairs)
        self._started: float | None = None
        self._known = self._share()  # from the cache

    def _plan(self) -> list[tuple[str, str, Pair]]:
        """Return which pairs of which checkpoints are to be compared, and as since which one."""
        names, plan = list(self._sources), []
        for index, name in enumerate(names[1:], 1):
            listed = self._scans[name].results.layers
            # The second checkpoint's first is its previous one, too.
            for since, other in (("first", names[0]), ("previous", names[index - 1])):
                pairs = match_layers(self._sources[other].layers, self._sources[name].layers)
                plan += [
                    (name, since, pair)
                    for pair in pairs
                    if pair.base is not None and pair.tuned is not None and pair.tuned.name in listed
                    if index > 1 or since == "first"
                ]
        return plan

    def steps(self) -> Iterator[Step]:
        """Work until all is done or cancelled: the changes first, which are cheap, then the scans, the last one first.

        What training has led to is what a person looks at first.
        """
        self._started = time.perf_counter()
        for checkpoint, since, pair in self._pairs:
            if self._cancelled.is_set():
                return
            assert pair.tuned is not None
            change = _relative_change(pair)
            if change is not None:
                self.results.add_change(checkpoint, pair.tuned.name, since, change)
                if checkpoint == self.results.names[1]:
                    self.results.add_change(checkpoint, pair.tuned.name, "previous", change)
            self._compared += 1
            yield Step(checkpoint, pair.tuned)
        *others, last = self._scans.items()
        for name, scan in (last, *others):
            if self._cancelled.is_set():
                return
            for task in scan.steps():
                yield Step(name, task.layer)

    def prioritize(self, name: str) -> None:
        """Do what is left of a layer before any other of its checkpoint."""
        for scan in self._scans.values():
            scan.prioritize(name)

    def cancel(self) -> None:
        """Stop after the work at hand; what was computed is kept."""
        self._cancelled.set()
        for scan in self._scans.values():
            scan.cancel()

    @property
    def progress(self) -> Progress:
        """How far the run is, in layers and changes of them."""
        done = self._compared + sum(scan.progress.done for scan in self._scans.values())
        share = self._share()
        if done == self._total:
            return Progress("done", done, self._total, 1.0, None)
        if self._cancelled.is_set():
            return Progress("cancelled", done, self._total, share, None)
        left = None
        if self._started is not None and share > self._known:
            left = (time.perf_counter() - self._started) * (1 - share) / (share - self._known)
        return Progress("running", done, self._total, share, left)

    def _share(self) -> float:
        """Return the share of the work that is done, 0–1."""
        scanned = sum(scan.progress.fraction * len(scan.results.layers) for scan in self._scans.values())
        return (self._compared + scanned) / self._total


def _relative_change(pair: Pair) -> float | None:
    """Return ‖ΔW‖/‖W‖; None where the tensors cannot be compared, of which their own scans say why."""
    assert pair.base is not None
    assert pair.tuned is not None
    if pair.base.shape != pair.tuned.shape:
        return None
    try:
        with one_thread():
            base, tuned = pair.base.load().detach().cpu(), pair.tuned.load().detach().cpu()
            if base.shape != tuned.shape:
                return None
            return 0.0 if same_values(base, tuned) else difference(base, tuned).metrics["relative_change"]
    except (TensorReadError, RuntimeError, OSError, ValueError):
        return None
