"""An evolution as a file: valid JSON that reads back exactly."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weightscope_widget._shared.document import SavedDocument
from weightscope_widget._shared.exact_json import numbers
from weightscope_widget.scanning.file import read_results, results_document

if TYPE_CHECKING:
    from weightscope_widget.checkpoints.results import EvolutionResults

__all__ = ["load_evolution", "write_evolution"]


def write_evolution(evolution: EvolutionResults, path: str | os.PathLike[str]) -> None:
    """Write `evolution` to `path`; the file appears whole or not at all."""
    document = {
        "checkpoints": [{"name": name, "results": results_document(scan)} for name, scan in evolution.items()],
        "changes": evolution.changes,
    }
    _SAVED.write(document, path)


def load_evolution(path: str | os.PathLike[str]) -> EvolutionResults:
    """Read an evolution that `EvolutionResults.save` wrote.

    Parameters
    ----------
    path : path-like
        A JSON file.

    Returns
    -------
    EvolutionResults
        As it was saved.

    Raises
    ------
    ModelNotFoundError
        Where there is no such file.
    ResultsFormatError
        Where the file is something else, or was written by a later version of this package.
    """
    return _SAVED.load(path)


def _read(document: dict[str, Any], path: Path) -> EvolutionResults:
    from weightscope_widget.checkpoints.results import EvolutionResults

    found = EvolutionResults({each["name"]: read_results(each["results"], path) for each in document["checkpoints"]})
    for checkpoint, layer, since, change in document["changes"]:
        found.add_change(checkpoint, layer, since, numbers(change))
    return found


_SAVED = SavedDocument("weightscope-evolution", 1, "evolution", "follow the checkpoints again", _read)
