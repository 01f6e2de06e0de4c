"""Run the benchmarks: ``python -m tests.benchmarks [NAME ...] [--runs N] [--reference PATH] [--output FILE]``."""

from __future__ import annotations

import argparse
import json
import platform
from importlib import import_module
from pathlib import Path

import torch

BENCHMARKS = ("scan", "growth", "memory", "compare", "others", "dashboard", "report", "scale", "house")


def show(value: object) -> str:
    """Return a cell of the table."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 100 else f"{value:.0f}"


def processor() -> str:
    """Return what the processor calls itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def main() -> None:
    """Print a table per benchmark as its rows come; write all of it where asked."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="|".join(BENCHMARKS), help="which; by default all")
    parser.add_argument("--runs", type=int, default=5, help="how often each is measured")
    parser.add_argument("--output", type=Path, help="a JSON file for the figures")
    parser.add_argument("--reference", type=Path, metavar="PATH", help="a checkout of the reference project")
    options = parser.parse_args()
    unknown = ", ".join(sorted(set(options.names) - set(BENCHMARKS)))
    if unknown:
        parser.error(f"There is no benchmark called {unknown}; choose from {', '.join(BENCHMARKS)}.")
    figures: dict[str, object] = {
        "processor": processor(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    for name in options.names or BENCHMARKS:
        print(name)
        rows = []
        more = {"reference": options.reference} if name == "others" else {}
        for row in import_module(f"tests.benchmarks.{name}").measure(options.runs, **more):
            rows.append(row)
            print("  " + "  ".join(f"{key} {show(value)}" for key, value in row.items()), flush=True)
        figures[name] = rows
    if options.output:
        options.output.write_text(json.dumps(figures, indent=1))


main()
