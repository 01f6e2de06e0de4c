"""What the panels of a selected layer draw: its histogram and its spectrum, as binary columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from weightscope_widget.results import ScanResults

__all__ = ["details"]


def details(results: ScanResults, names: Sequence[str]) -> tuple[dict[str, Any], list[bytes]]:
    """Return the details of some layers as they stand now.

    Parameters
    ----------
    results : ScanResults
        Where they are, perhaps still being filled.
    names : sequence of str
        Which layers.

    Returns
    -------
    document : dict
        ``layers``: per name ``histogram`` (``low``, ``high``, ``counts``) and ``spectrum``, where arrays are indices
        into the buffers; either is None where it does not exist (yet), and non-finite edges cannot occur.
    buffers : list of bytes
        Little-endian float64 arrays.
    """
    buffers: list[bytes] = []

    def put(array: np.ndarray) -> int:
        buffers.append(array.astype("<f8").tobytes())
        return len(buffers) - 1

    layers = []
    for name in names:
        found, values = results.histograms.get(name), results.spectra.get(name)
        histogram = found and {"low": found.low, "high": found.high, "counts": put(found.counts)}
        spectrum = put(values) if values is not None and np.isfinite(values).all() else None
        layers.append({"name": name, "histogram": histogram, "spectrum": spectrum})
    return {"layers": layers}, buffers
