"""The arguments of the command line; nothing heavy is imported for them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib.metadata import version

from weightscope_widget.data import LANGUAGES

__all__ = ["parser"]

_GATES = ("critical", "warning")
_EXIT_CODES = "Exit codes: 0 success, 1 a gate failed, 2 an error, 130 an interrupt."


def parser() -> argparse.ArgumentParser:
    """Return the parser; its results have ``run``, which takes them and returns the exit code."""
    command = argparse.ArgumentParser(
        prog="wsw",
        description="Look inside a neural network's weights, without data and without a forward pass.",
        epilog=f"{_EXIT_CODES} Grades and thresholds are rules of thumb.",
    )
    command.add_argument("--version", action="version", version=f"weightscope-widget {version('weightscope-widget')}")
    commands = command.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, define, does in (
        ("scan", _scan, "measure a model, list its riskiest layers, gate a pipeline"),
        ("compare", _compare, "show what a fine-tune changed, and whether anything got worse"),
        ("report", _report, "write figures and the interactive page of saved results"),
    ):
        define(commands.add_parser(name, help=does, epilog=_EXIT_CODES))
    return command


def _scan(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", metavar="MODEL", help="a file, a folder, an address or a Hugging Face id")
    command.add_argument(
        "--methods",
        type=_list,
        metavar="A,B",
        help="what to measure: basic_stats, spectral, quantization, sparsity, schemes, or all (the default)",
    )
    command.add_argument("--output", metavar="FILE", help="save the results as JSON")
    command.add_argument("--report", metavar="DIR", help="write figures, tables and the interactive page to a folder")
    command.add_argument("--top", type=_count, default=10, metavar="N", help="number of the riskiest layers to show")
    command.add_argument(
        "--fail-on", choices=_GATES, help="exit with 1 if a layer has this grade or a worse one, or cannot be graded"
    )
    command.add_argument(
        "--threshold",
        type=_threshold,
        action="append",
        default=[],
        metavar="METRIC=LEVELS",
        help="where the classes of a metric begin, such as sqnr_db=38,28; may be repeated",
    )
    command.add_argument("--vectors", action="store_true", help="list norms and biases too")
    command.add_argument("--workers", type=_count, metavar="N", help="number of layers measured at a time")
    command.add_argument(
        "--memory", type=float, metavar="BYTES", help="memory for the layers being measured, such as 4e9"
    )
    command.add_argument("--no-cache", action="store_true", help="neither read nor write the cache of measurements")
    _common(command, _lazily("scan"))


def _compare(command: argparse.ArgumentParser) -> None:
    command.add_argument("base", metavar="BASE", help="a file, a folder, an address or a Hugging Face id")
    command.add_argument("tuned", metavar="TUNED", help="the same, or the folder of a PEFT LoRA adapter")
    command.add_argument("--methods", type=_list, metavar="A,B", help="what to measure of both (default: all)")
    command.add_argument("--output", metavar="FILE", help="save the comparison as JSON")
    command.add_argument("--top", type=_count, default=10, metavar="N", help="number of the largest changes to show")
    command.add_argument(
        "--fail-on", choices=["worse"], help="exit with 1 if a layer entered a riskier class or lost its grade"
    )
    command.add_argument("--workers", type=_count, metavar="N", help="number of pairs compared at a time")
    command.add_argument(
        "--memory", type=float, metavar="BYTES", help="memory for the pairs being compared, such as 4e9"
    )
    _common(command, _lazily("compare"))


def _report(command: argparse.ArgumentParser) -> None:
    command.add_argument("results", metavar="RESULTS", help="a JSON file that 'wsw scan --output' wrote")
    command.add_argument("folder", metavar="DIR", help="the folder to write to")
    command.add_argument("--top", type=_count, default=10, metavar="N", help="number of layers to show in detail")
    command.add_argument("--layer", action="append", metavar="NAME", help="show this layer in detail; may be repeated")
    _common(command, _lazily("report"))


def _common(command: argparse.ArgumentParser, run: Callable[[argparse.Namespace], int]) -> None:
    command.add_argument("--quiet", action="store_true", help="print only warnings, errors and a failed gate")
    command.add_argument(
        "--language", choices=LANGUAGES, default="en", help="language of what is printed (default: en)"
    )
    command.add_argument("--debug", action="store_true", help="show the traceback of an error")
    command.set_defaults(run=run)


def _lazily(name: str) -> Callable[[argparse.Namespace], int]:
    """Return a function that imports its command when called, so that ``--help`` is fast."""

    def run(chosen: argparse.Namespace) -> int:
        from importlib import import_module

        code: int = import_module(f"weightscope_widget.cli.{name}").run(chosen)
        return code

    return run


def _list(text: str) -> list[str]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise argparse.ArgumentTypeError(f"{text!r} names nothing")
    return words


def _count(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return value


def _threshold(text: str) -> tuple[str, tuple[float, ...]]:
    metric, _, levels = text.partition("=")
    try:
        return metric, tuple(float(level) for level in levels.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form METRIC=LEVEL,LEVEL") from None
