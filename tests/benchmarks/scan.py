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


def seconds(work: Callable[..., object], *arguments: object, **options: object) -> float:
    """Return how long `work` takes."""
    start = time.perf_counter()
    work(*arguments, **options)
    return time.perf_counter() - start


def measure(runs: int = 5) -> Iterator[dict[str, object]]:
    """Yield a row per model and kind of numbers: medians of runs taken in turn, and of their ratios."""
    for model, make in MODELS.items():
        state = make()
        for kind, (baseline, methods) in KINDS.items():
            pairs = [
                (seconds(baseline, state), seconds(wsw.scan, state, methods=methods, progress=False))
                for _ in range(runs)
            ]
            ours = statistics.median(scan for _, scan in pairs)
            row: dict[str, object] = {
                "model": model,
                "methods": kind,
                "textbook s": statistics.median(textbook for textbook, _ in pairs),
                "scan s": ours,
                "ratio": statistics.median(textbook / scan for textbook, scan in pairs),
            }
            if kind in _FLOORS:
                row["of floor"] = _FLOORS[kind](state) / ours
            yield row
        if torch.cuda.is_available():
            yield from _on_gpu(model, state, runs)


def _on_gpu(model: str, state: StateDict, runs: int) -> Iterator[dict[str, object]]:
    there = {name: weight.cuda() for name, weight in state.items()}
    for kind, (_, methods) in KINDS.items():
        times = [seconds(wsw.scan, there, methods=methods, progress=False) for _ in range(runs)]
        device = torch.cuda.get_device_name()
        yield {"model": f"{model} on {device}", "methods": kind, "scan s": statistics.median(times)}


def spectral_floor(state: StateDict) -> float:
    """Return the seconds that half the Gram products and the eigenvalues take at the rate of GEMM."""
    side = 1536
    a = torch.randn(side, side, dtype=torch.float64)
    rate = 2 * side**3 / statistics.median(seconds(torch.matmul, a, a) for _ in range(7))
    sizes = [(max(w.shape[0], w[0].numel()), min(w.shape[0], w[0].numel())) for w in state.values()]
    return sum(m * n**2 + 4 / 3 * n**3 for m, n in sizes) / rate


def elementwise_floor(state: StateDict) -> float:
    """Return the seconds that reading every weight once takes, at the rate of a sum over memory."""
    memory = torch.ones(1 << 26)
    rate = memory.nbytes / statistics.median(seconds(memory.sum) for _ in range(7))
    return sum(weight.nbytes for weight in state.values()) / rate


_FLOORS = {"spectral": spectral_floor, "elementwise": elementwise_floor}
