"""How the time of a scan grows with the number of parameters."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import weightscope_widget as wsw
from tests.benchmarks.models import gpt2_blocks
from tests.benchmarks.scan import seconds

FACTORS = (1, 2, 4, 8)


def measure(runs: int = 5) -> Iterator[dict[str, object]]:
    """Yield a row per factor, with the time beside that of the smallest: medians of runs taken in turn."""
    models = {factor: gpt2_blocks(2 * factor) for factor in FACTORS}
    times = [
        {factor: seconds(wsw.scan, model, progress=False) for factor, model in models.items()} for _ in range(runs)
    ]
    for factor, model in models.items():
        yield {
            "parameters": f"{sum(weight.numel() for weight in model.values()) / 1e6:.1f} M",
            "times as many": factor,
            "scan s": statistics.median(one[factor] for one in times),
            "times as long": statistics.median(one[factor] / one[1] for one in times),
        }
