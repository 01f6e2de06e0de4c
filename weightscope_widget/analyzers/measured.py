"""The numbers of one layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from weightscope_widget.analyzers.distribution import Histogram

__all__ = ["Measured"]


@dataclass(frozen=True)
class Measured:
    """The numbers of one layer.

    Attributes
    ----------
    sections : mapping
        The results by section, and ``error`` (a sentence) where an analyzer failed.
    spectrum : ndarray or None
        All singular values, where they were asked for.
    histogram : Histogram or None
        Of the entries, where an elementwise method was asked for.
    """

    sections: Mapping[str, Any] = field(default_factory=dict)
    spectrum: np.ndarray | None = None
    histogram: Histogram | None = None
