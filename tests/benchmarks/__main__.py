"""Run the benchmarks: ``python -m tests.benchmarks [scan] [memory] [dashboard] [--runs N] [--output results.json]``."""

from __future__ import annotations

import argparse
import json
import platform
from importlib import import_module
from pathlib import Path

import torch

BENCHMARKS = ("scan", "memory", "dashboard")


def show(value: object) -> str:
    """Return a cell of the table."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 100 else f"{value:.0f}"


def main() -> None:
    """Print a table per benchmark as its rows come; write all of it where asked."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="|".join(BENCHMARKS), help="which; by default all")
    parser.add_argument("--runs", type=int, default=5, help="how often each is measured")
    parser.add_argument("--output", type=Path, help="a JSON file for the figures")
    options = parser.parse_args()
    unknown = ", ".join(sorted(set(options.names) - set(BENCHMARKS)))
    if unknown:
        parser.error(f"There is no benchmark called {unknown}; choose from {', '.join(BENCHMARKS)}.")
    figures: dict[str, object] = {
        "processor": platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    for name in options.names or BENCHMARKS:
        print(name)
        rows = []
        for row in import_module(f"tests.benchmarks.{name}").measure(options.runs):
            rows.append(row)
            print("  " + "  ".join(f"{key} {show(value)}" for key, value in row.items()), flush=True)
        figures[name] = rows
    if options.output:
        options.output.write_text(json.dumps(figures, indent=1))


main()
