"""Read and write evolutions as JSON; open any saved file."""

from __future__ import annotations

import os
from typing import Any

from weightscope_widget._shared.document import DocumentKind, load_document
from weightscope_widget.checkpoints.results import RELATIVE_TO, EvolutionResults
from weightscope_widget.comparison.file import COMPARISON
from weightscope_widget.comparison.results import ComparisonResults
from weightscope_widget.scanning.file import RESULTS
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.scanning.validate import checked, checked_number

__all__ = ["EVOLUTION", "load", "load_evolution"]


def load(path: str | os.PathLike[str]) -> ScanResults | ComparisonResults | EvolutionResults:
    """Open any results that this package saved.

    Parameters
    ----------
    path : path-like
        A JSON file: scan results, a comparison or an evolution; or results of the reference project.

    Returns
    -------
    ScanResults, ComparisonResults or EvolutionResults
        As it was saved.

    Raises
    ------
    ModelNotFoundError
        If there is no such file, or it cannot be read.
    ResultsFormatError
        If the file holds something else, or was written by a later version of this package.
    """
    found: ScanResults | ComparisonResults | EvolutionResults = load_document(path, [RESULTS, COMPARISON, EVOLUTION])
    return found


def load_evolution(path: str | os.PathLike[str]) -> EvolutionResults:
    """Return the evolution that `EvolutionResults.save` wrote to `path`; raises as `load` does."""
    found: EvolutionResults = load_document(path, [EVOLUTION])
    return found


def _write(evolution: EvolutionResults) -> dict[str, Any]:
    return {
        "checkpoints": [{"name": name, "results": RESULTS.document(scan)} for name, scan in evolution.items()],
        "changes": evolution.changes,
    }


def _read(document: dict[str, Any]) -> EvolutionResults:
    found = EvolutionResults(
        {
            checked(each["name"], str, "a checkpoint's name"): RESULTS.parse(each["results"])
            for each in document["checkpoints"]
        }
    )
    for checkpoint, layer, since, change in document["changes"]:
        if checkpoint not in found or layer not in found.layers or since not in RELATIVE_TO:
            raise ValueError(f"it has a change of {layer!r} at {checkpoint!r} since {since!r}")
        found.add_change(checkpoint, layer, since, float(checked_number(change)))
    return found


EVOLUTION = DocumentKind("weightscope-evolution", 1, "evolution", "follow the checkpoints again", _write, _read)
