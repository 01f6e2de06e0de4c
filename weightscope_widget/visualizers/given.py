"""What the figures accept: results, plain dicts of their shape, or a file of either."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.scanning.file import load_results, plain_results
from weightscope_widget.scanning.results import ScanResults

__all__ = ["as_results"]


def as_results(given: ScanResults | Mapping[str, Any] | str | os.PathLike[str]) -> ScanResults:
    """Return results, whatever they were given as.

    Parameters
    ----------
    given : ScanResults, mapping or path-like
        Results; plain dicts ``{layer: {section: {metric: value}}}``; or the path of a JSON file that
        `ScanResults.save` or the reference project wrote.

    Raises
    ------
    InvalidArgumentError
        Where it is none of these.
    ModelNotFoundError, ResultsFormatError
        Where the file is missing, or it or the dicts hold something else.
    """
    if isinstance(given, ScanResults):
        return given
    if isinstance(given, str | os.PathLike):
        return load_results(given)
    if isinstance(given, Mapping):
        return plain_results(given, "the model", "The mapping")
    raise InvalidArgumentError(
        f"results is of type {type(given).__name__}; give what scan() returned, a dict of its shape, or the path of a "
        "results file."
    )
