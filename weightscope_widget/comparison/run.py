"""One run of a comparison: the two models walked pair by pair, never more of them in memory than is at hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from weightscope_widget.analyzers import ELEMENTWISE, METHODS
from weightscope_widget.comparison.adapters import Matched, match_models
from weightscope_widget.comparison.job import MeasuredPair, PairRequest, identical_change
from weightscope_widget.comparison.results import ComparisonResults
from weightscope_widget.engine.memory import WORKING, bytes_needed, stored_bytes
from weightscope_widget.engine.runner import TaskRun
from weightscope_widget.errors import NoWeightsError
from weightscope_widget.layers.layer import LayerInfo
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.sources import Layer, Source

__all__ = ["ComparisonRun", "PairTask"]

# Nominal seconds, as in `run`: only their ratio matters.
_SECONDS_PER_ENTRY = 60e-9
_SECONDS_PER_FLOP = 4e-11

_SQUARES = 8  # float64 matrices of the smaller side: the vectors of one matrix, and what eigenvalues of the other take
_DIRECT = (512, 4096)  # matrices up to this size are decomposed without a Gram matrix,
_COPIES = 6  # which takes so many of them in float64


@dataclass(frozen=True)
class PairTask:
    """A half of the work on one pair: what a pass over the entries says, or what needs factorizations, or both.

    Attributes
    ----------
    layer : LayerInfo
        Which.
    request : PairRequest
        What is to be done.
    """

    layer: LayerInfo
    request: PairRequest

    @property
    def memory(self) -> int:
        """Bytes needed at most, estimated: of both tensors, which stay, and of the step that takes the most beside."""
        request = self.request
        base, tuned = request.base, request.tuned
        methods = request.methods if request.spectra else ELEMENTWISE
        reading = 0
        if request.added:
            reading = WORKING + stored_bytes(tuned) + 2 * 8 * base.parameters  # both widened, beside their sum
            tuned = replace(tuned, dtype="float64")
        steps = [reading, *(bytes_needed(side, methods) - stored_bytes(side) for side in (base, tuned))]
        if request.spectra and len(base.shape) > 1:
            steps.append(_factorizing(base, tuned))
        return stored_bytes(base) + stored_bytes(tuned) + max(steps)

    @property
    def cost(self) -> float:
        """Nominal seconds."""
        entries = self.request.base.parameters
        cost = entries * _SECONDS_PER_ENTRY if self.request.entries else 0.0
        if self.request.spectra and self.request.base.shape:
            rows = self.request.base.shape[0]
            m, n = max(rows, entries // max(rows, 1)), min(rows, entries // max(rows, 1))
            cost += (8 * m * n**2 + 20 * n**3) * _SECONDS_PER_FLOP
        return cost


def _factorizing(base: Layer, tuned: Layer) -> int:
    """Return the bytes that the spectrum of ΔW and the directions of both take beside the tensors, as measured."""
    matrix = base.shape[1:] if base.is_stack else base.shape
    entries = math.prod(matrix)
    side = min(matrix[0], entries // max(matrix[0], 1))
    needed = 2 * WORKING + _SQUARES * 8 * side**2  # of the libraries, more is in use than for one matrix
    if side <= _DIRECT[0]:
        needed += _COPIES * 8 * min(entries, math.prod(_DIRECT))
    if "float64" in (base.dtype, tuned.dtype):
        needed += 2 * 8 * entries  # ΔW and the other side widened: of smaller types, they are formed in chunks
    return needed


class ComparisonRun(TaskRun[PairTask, MeasuredPair]):
    """A comparison of two sources; an adapter as the tuned one stands for the base with its changes added.

    Parameters
    ----------
    base, tuned : Source
        Where the weights are.
    methods : sequence of str
        Names of analyzers for both sides, as `resolve_methods` returns them.
    top_k : int
        How many singular values to list per layer.
    vectors : bool
        Whether 1-D tensors are compared too.
    cheap_first : bool
        Compare all entries before anything is factorized (each tensor is then read twice).
    workers : int
        How many pairs are at hand at a time.
    executor : Executor, optional
        Who does the work instead of threads of this process.
    memory : int, optional
        Bytes that the pairs at hand may need together, by estimate.

    Raises
    ------
    InvalidArgumentError
        Where one of them is an adapter that does not go with the other.
    NoWeightsError
        Where there is nothing to compare.
    """

    def __init__(
        self,
        base: Source,
        tuned: Source,
        methods: Sequence[str],
        *,
        top_k: int = 10,
        vectors: bool = True,
        cheap_first: bool = False,
        workers: int = 1,
        executor: Executor | None = None,
        memory: int | None = None,
    ) -> None:
        matched = match_models(base, tuned)
        pairs = [
            pair
            for pair in matched.pairs
            if vectors or any(layer is not None and len(layer.shape) > 1 for layer in (pair.base, pair.tuned))
        ]
        if not pairs:
            raise NoWeightsError(f"{base.name} and {tuned.name} have no weights to compare.")
        matched = replace(matched, pairs=pairs)
        self.results = _empty_results(base, tuned, matched, methods)
        super().__init__(
            self._plan(matched, tuple(methods), top_k, cheap_first=cheap_first),
            total=len(pairs),
            workers=workers,
            executor=executor,
            memory=memory,
        )

    def _plan(self, matched: Matched, methods: tuple[str, ...], top_k: int, *, cheap_first: bool) -> list[PairTask]:
        halves = ((True, False), (False, True)) if cheap_first else ((True, True),)
        tasks: list[PairTask] = []
        for entries, spectra in halves:
            some = []
            for pair in matched.pairs:
                if pair.base is None or pair.tuned is None or pair.key in matched.unread:
                    continue
                if not entries and len(pair.base.shape) < 2:
                    continue
                asked = tuple(method for method in METHODS if method in methods)
                added = matched.added and pair.tuned.factors is not None
                some.append(
                    PairTask(
                        self.results.layers[pair.key],
                        PairRequest(pair.key, pair.base, pair.tuned, asked, top_k, entries, spectra, added),
                    )
                )
            # Points appear in the model's order; what is dear begins with the largest.
            tasks += some if cheap_first and entries else sorted(some, key=lambda task: -task.cost)
        return tasks

    def _request(self, task: PairTask) -> PairRequest:
        return task.request

    def _settled(self, task: PairTask) -> bool:
        return not self.results.pending(task.layer.name)  # identical, or failed: nothing more to learn

    def _accept(self, task: PairTask, done: MeasuredPair, *, last: bool) -> None:
        self.results.add(task.layer.name, done, last=last)


def _empty_results(base: Source, tuned: Source, matched: Matched, methods: Sequence[str]) -> ComparisonResults:
    """Return results in which is said what needs no reading.

    That is what only one model has, what an adapter does not touch, and what it changes in a way that cannot be told.
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
