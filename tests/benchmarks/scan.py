"""How fast a scan is: beside a textbook one, and beside what the hardware could do at best."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

import torch

import weightscope_widget as wsw
from tests.benchmarks import textbook
from tests.benchmarks.models import MODELS, StateDict

ELEMENTWISE = ("basic_stats", "quantization", "sparsity")
KINDS: dict[str, tuple[Callable[[StateDict], None], tuple[str, ...]]] = {
    "all": (textbook.everything, (*ELEMENTWISE, "spectral")),
    "elementwise": (textbook.elementwise, ELEMENTWISE),
    "spectral": (textbook.spectral, ("spectral",)),
}


def seconds(work: Callable[[], object]) -> float:
    """Return how long `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(runs: int = 5) -> Iterator[dict[str, object]]:
    """Yield a row per model and kind of numbers: medians of runs taken in turn, and of their ratios."""
    for model, make in MODELS.items():
        state = make()
        for kind, (baseline, methods) in KINDS.items():
            pairs = [
                (
                    seconds(lambda baseline=baseline: baseline(state)),  # type: ignore[misc]
                    seconds(lambda methods=methods: wsw.scan(state, methods=methods, progress=False)),  # type: ignore[misc]
                )
                for _ in range(runs)
            ]
            row: dict[str, object] = {
                "model": model,
                "methods": kind,
                "textbook s": statistics.median(theirs for theirs, _ in pairs),
                "scan s": statistics.median(ours for _, ours in pairs),
                "ratio": statistics.median(theirs / ours for theirs, ours in pairs),
            }
            if kind == "spectral":
                row["of floor"] = floor(state) / float(row["scan s"])  # type: ignore[arg-type]
            yield row


def floor(state: StateDict) -> float:
    """Return the seconds that half the Gram products and the reductions to tridiagonal form take at the rate of GEMM."""
    side = 1536
    a = torch.randn(side, side, dtype=torch.float64)
    rate = 2 * side**3 / statistics.median(seconds(lambda: a @ a) for _ in range(7))
    sizes = [(max(w.shape[0], w[0].numel()), min(w.shape[0], w[0].numel())) for w in state.values()]
    return sum(m * n**2 + 4 / 3 * n**3 for m, n in sizes) / rate
