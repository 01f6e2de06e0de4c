"""The results and tables that dashboards draw: of scans, comparisons and evolutions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from weightscope_widget.assessment import Thresholds
from weightscope_widget.layers.layer import LayerInfo

__all__ = ["Put", "Results", "Table"]

Put = Callable[[np.ndarray], int]
"""Adds an array to a message or a page; returns its number there."""


class Results(Protocol):
    """Results that a dashboard draws."""

    @property
    def layers(self) -> Mapping[str, LayerInfo]:
        """The layers by name."""
        ...

    @property
    def model(self) -> str:
        """Title of the dashboard."""
        ...

    @property
    def thresholds(self) -> Thresholds:
        """The thresholds between classes."""
        ...

    @thresholds.setter
    def thresholds(self, thresholds: Thresholds) -> None: ...

    def pending(self, name: str) -> bool:
        """Return whether more is to come of a layer."""
        ...


class Table(Protocol):
    """The layers' numbers, encoded for the page."""

    errors: dict[str, str]

    def update(self, name: str) -> None:
        """Copy the numbers of a layer."""
        ...

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        ...

    def to_bytes(self) -> bytes:
        """Return the columns one after the other."""
        ...
