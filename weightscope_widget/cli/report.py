"""``wsw report``: the folder of figures, tables and the interactive page."""

from __future__ import annotations

import argparse

from weightscope_widget._shared.messages import say
from weightscope_widget.cli.terminal import print_line
from weightscope_widget.report import save_report
from weightscope_widget.scanning.file import load_results
from weightscope_widget.scanning.results import ScanResults

__all__ = ["run", "write"]


def run(chosen: argparse.Namespace) -> int:
    """Do what the arguments say; return the exit code."""
    write(load_results(chosen.results), chosen.folder, chosen.layer, chosen.top, quiet=chosen.quiet)
    return 0


def write(results: ScanResults, folder: str, layers: list[str] | None, top: int, *, quiet: bool) -> None:
    """Write the folder and say what is in it."""
    report = save_report(results, folder, layers=layers, top=top)
    if quiet:
        return
    print_line(
        f"Wrote {say('cli.files', count=len(report.files))} to {report.folder}; dashboard.html opens in any browser."
    )
    for note in report.notes:
        print_line(note)
