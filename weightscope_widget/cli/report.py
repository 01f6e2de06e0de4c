"""``wsw report``: write the folder of figures, tables and the interactive page."""

from __future__ import annotations

import argparse

from weightscope_widget._shared.messages import say
from weightscope_widget.cli.terminal import print_line
from weightscope_widget.report import save_report
from weightscope_widget.scanning.file import load_results
from weightscope_widget.scanning.results import ScanResults

__all__ = ["run", "write"]


def run(chosen: argparse.Namespace) -> int:
    """Run the command; return the exit code."""
    write(load_results(chosen.results), chosen.folder, chosen.layer, chosen)
    return 0


def write(results: ScanResults, folder: str, layers: list[str] | None, chosen: argparse.Namespace) -> None:
    """Write the folder and print a summary."""
    report = save_report(results, folder, layers=layers, top=chosen.top, language=chosen.language)
    if chosen.quiet:
        return
    print_line(say("cli.wrote", chosen.language, number=len(report.files), folder=str(report.folder)))
    for note in report.notes:
        print_line(note)
