"""Run the benchmarks: ``python -m tests.benchmarks [scan] [dashboard]``."""

from __future__ import annotations

import sys
from importlib import import_module

BENCHMARKS = ("scan", "dashboard")


def main(names: list[str]) -> None:
    """Run the named benchmarks, or all, and print their figures."""
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        raise SystemExit(
            f"There is no benchmark called {', '.join(sorted(unknown))}; choose from {', '.join(BENCHMARKS)}."
        )
    for name in names or BENCHMARKS:
        print(name)
        for what, value in import_module(f"tests.benchmarks.{name}").measure().items():
            print(f"  {what:<36}{value:>10.2f}" if value < 100 else f"  {what:<36}{value:>10.0f}")


main(sys.argv[1:])
