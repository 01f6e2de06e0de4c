"""A game for lessons: clues to layers with faults, answered by selecting the layers in a dashboard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ipywidgets
import traitlets

from weightscope_widget._shared.messages import render
from weightscope_widget.dashboard import Dashboard
from weightscope_widget.data import LANGUAGES
from weightscope_widget.errors import InvalidArgumentError

__all__ = ["FaultGame"]

_FAULTS = ("outliers", "ill_conditioned", "low_rank", "dead_outputs", "pruned")


class FaultGame(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets carries no types
    """Clues to the faults of a model, one at a time, answered by the layer selected in a dashboard.

    Parameters
    ----------
    dash : Dashboard
        The model's dashboard.
    faults : mapping of str to str
        The layer of each fault, as in `DemoModel.faults`.
    language : {"en", "zh"}
        Language of the clues.

    Attributes
    ----------
    found : list of str
        The faults found so far.

    Raises
    ------
    InvalidArgumentError
        No fault is given, one is unknown, or the language is.
    """

    found = traitlets.List(traitlets.Unicode())

    def __init__(self, dash: Dashboard, faults: Mapping[str, str], language: str = "en") -> None:
        if language not in LANGUAGES:
            raise InvalidArgumentError(f"language is {language!r}; choose 'en' or 'zh'.")
        if not faults or not set(faults) <= set(_FAULTS):
            raise InvalidArgumentError(
                f"faults names {', '.join(map(repr, faults)) or 'nothing'}; give some of {', '.join(_FAULTS)}."
            )
        self._dash, self._faults, self._language = dash, dict(faults), language
        # Labels show layer names as plain text.
        self._clue, self._reply, self._score = (ipywidgets.Label() for _ in range(3))
        self._check = ipywidgets.Button(description=self._say("check"), button_style="primary")
        self._hint = ipywidgets.Button(description=self._say("hint"))
        self._check.layout.width = "auto"
        self._check.on_click(self._answer)
        self._hint.on_click(self._tell)
        super().__init__([self._clue, ipywidgets.HBox([self._check, self._hint, self._score]), self._reply])
        self._ask()

    def _say(self, key: str, **arguments: str | int) -> str:
        return render(f"lessons.game.{key}", self._language, **arguments)

    @property
    def fault(self) -> str | None:
        """The fault of the current clue; None once all are found."""
        return next((fault for fault in self._faults if fault not in self.found), None)

    def _ask(self) -> None:
        self._score.value = self._say("score", found=len(self.found), all=len(self._faults))
        self._clue.value = self._of_fault("clue") or self._say("won")
        self._check.disabled = self._hint.disabled = self.fault is None

    def _answer(self, _button: Any) -> None:
        if self.fault is None:
            return
        layer = self._dash.selected
        if layer is None:
            self._reply.value = self._say("none")
        elif layer != self._faults[self.fault]:
            self._reply.value = self._say("wrong", layer=layer)
        else:
            self._reply.value = self._say("right", layer=layer)
            self.found = [*self.found, self.fault]
            self._ask()

    def _tell(self, _button: Any) -> None:
        self._reply.value = self._of_fault("hint")

    def _of_fault(self, part: str) -> str:
        return "" if self.fault is None else render(f"lessons.{part}.{self.fault}", self._language)
