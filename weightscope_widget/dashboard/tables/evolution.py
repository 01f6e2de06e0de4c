"""The numbers of many checkpoints as they travel: a table for each, all with the same rows and columns."""

from __future__ import annotations

from weightscope_widget.checkpoints import EvolutionResults
from weightscope_widget.checkpoints.results import RELATIVE_TO
from weightscope_widget.dashboard.tables.scan import MetricTable, Stage

__all__ = ["EvolutionTable"]


class EvolutionTable:
    """The numbers of an evolution, kept up to date as results arrive.

    Parameters
    ----------
    evolution : EvolutionResults
        Where the numbers are.
    """

    def __init__(self, evolution: EvolutionResults) -> None:
        self._tables = {name: _CheckpointTable(evolution, name) for name in evolution}
        self.errors: dict[str, str] = {}  # of the run as a whole there are none

    def update(self, name: str) -> None:
        """Copy the numbers of a layer at every checkpoint."""
        for table in self._tables.values():
            table.update(name)

    @property
    def columns(self) -> list[str]:
        """Names of the columns that some checkpoint has."""
        return list(dict.fromkeys(column for table in self._tables.values() for column in table.columns))

    @property
    def checkpoints(self) -> list[dict[str, object]]:
        """Name and failed layers of each checkpoint."""
        return [{"name": name, "errors": dict(table.errors)} for name, table in self._tables.items()]

    def to_bytes(self) -> bytes:
        """Return the checkpoints one after the other, each (columns, layers) little-endian float64."""
        columns = self.columns
        return b"".join(table.bytes_of(columns) for table in self._tables.values())


class _CheckpointTable(MetricTable):
    """One checkpoint's numbers, in a row for each layer of any; a layer that it lacks is done, with nothing."""

    def __init__(self, evolution: EvolutionResults, checkpoint: str) -> None:
        self._evolution, self._checkpoint = evolution, checkpoint
        super().__init__(evolution[checkpoint], evolution.layers)
        for name in evolution.layers:
            self.update(name)

    def update(self, name: str) -> None:
        for since in RELATIVE_TO:
            change = self._evolution.relative_change(self._checkpoint, name, since)
            self.set(name, f"relative_change_to_{since}", change)
        if name in self._results:
            super().update(name)
        elif name not in self._results.layers:
            self.set(name, "stage", Stage.DONE)
