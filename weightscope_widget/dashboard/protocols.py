"""What dashboards ask of results and of what fills them, be it a scan or a comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np

from weightscope_widget.assessment import Thresholds
from weightscope_widget.engine.runner import Progress
from weightscope_widget.layers.layer import LayerInfo

__all__ = ["Put", "Results", "Run", "Table"]

Put = Callable[[np.ndarray], int]
"""Takes an array along and says by which number it is known."""


class Results(Protocol):
    """What a dashboard asks of results, be they of a scan or of a comparison."""

    @property
    def layers(self) -> Mapping[str, LayerInfo]:
        """The layers by name."""
        ...

    @property
    def model(self) -> str:
        """What is drawn."""
        ...

    @property
    def thresholds(self) -> Thresholds:
        """Where classes begin."""
        ...

    @thresholds.setter
    def thresholds(self, thresholds: Thresholds) -> None: ...

    def pending(self, name: str) -> bool:
        """Return whether more is to come of a layer."""
        ...


class Run(Protocol):
    """What fills results."""

    @property
    def progress(self) -> Progress:
        """How far it is."""
        ...

    def steps(self) -> Iterator[Any]:
        """Work, step by step."""
        ...

    def prioritize(self, name: str) -> None:
        """Do a layer next."""
        ...

    def cancel(self) -> None:
        """Stop after the work at hand."""
        ...


class Table(Protocol):
    """The layers' numbers as they travel."""

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
