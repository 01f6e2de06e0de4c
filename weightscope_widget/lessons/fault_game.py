"""A game for a lesson: clues to layers with faults, answered by selecting them in a dashboard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ipywidgets
import traitlets

from weightscope_widget.dashboard import Dashboard
from weightscope_widget.errors import InvalidArgumentError

__all__ = ["FaultGame"]

_CLUES = {
    "en": {
        "outliers": (
            "A few weights of this layer lie far beyond all others: one INT8 scale for the whole layer fits none.",
            "Look to the lower right of the risk matrix, or sort the table by extreme outliers.",
        ),
        "ill_conditioned": (
            "One direction through this layer is almost lost: solving for its input can multiply errors by 300,000.",
            "Colour the layer map by condition number, or sort the table by κ.",
        ),
        "low_rank": (
            "A handful of directions carry nearly everything in this layer: it could be stored in far fewer numbers.",
            "Look for the smallest share of stable rank, and for the cliff in the singular values.",
        ),
        "dead_outputs": (
            "Some outputs of this layer are zero whatever comes in.",
            "Colour the layer map by dead rows: a row of W holds the weights of one output.",
        ),
        "pruned": (
            "Two fifths of this layer's weights are exactly zero, and the histogram has a hole around them.",
            "Colour the layer map by zeros.",
        ),
    },
    "zh": {
        "outliers": (
            "这一层有少数权重远远超出其余：整层只用一个 INT8 缩放因子，谁都不合适。",
            "看风险矩阵的右下角，或按极端异常值排序。",
        ),
        "ill_conditioned": (
            "这一层有一个方向几乎消失：由输出反求输入时，误差最多会被放大三十万倍。",
            "让层图按条件数着色，或按 κ 排序。",
        ),
        "low_rank": (
            "这一层的几个方向几乎承载了全部内容：可以用少得多的数字存储。",
            "找稳定秩占比最小的层，看奇异值的断崖。",
        ),
        "dead_outputs": (
            "无论输入什么，这一层的某些输出恒为零。",
            "让层图按死行着色：W 的一行是一个输出的权重。",
        ),
        "pruned": (
            "这一层五分之二的权重恰好为零，直方图在零附近有个空洞。",
            "让层图按零值着色。",
        ),
    },
}

_WORDS = {
    "en": {
        "check": "It is the selected layer",
        "hint": "A hint",
        "score": "{found} of {all} found",
        "none": "Select a layer in the dashboard first.",
        "wrong": "{layer} it is not. Look again.",
        "right": "Yes, it is {layer}.",
        "won": "All found. So is a real model read.",
    },
    "zh": {
        "check": "就是所选的层",
        "hint": "提示",
        "score": "已找到 {found} / {all}",
        "none": "请先在面板中选择一层。",
        "wrong": "不是 {layer}，再看看。",
        "right": "对，就是 {layer}。",
        "won": "全部找到。读真实模型也是如此。",
    },
}


class FaultGame(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets carries no types
    """Clues to the faults of a model, one after the other, answered by the layer that is selected in a dashboard.

    Parameters
    ----------
    dash : Dashboard
        The model's dashboard.
    faults : mapping of str to str
        Which fault is where, as `DemoModel.faults` has it.
    language : {"en", "zh"}
        Of the clues.

    Attributes
    ----------
    found : list of str
        The faults found so far.

    Raises
    ------
    InvalidArgumentError
        Where there is no fault, one that is not known, or no such language.
    """

    found = traitlets.List(traitlets.Unicode())

    def __init__(self, dash: Dashboard, faults: Mapping[str, str], language: str = "en") -> None:
        if language not in _CLUES:
            raise InvalidArgumentError(f"language is {language!r}; choose 'en' or 'zh'.")
        if not faults or not set(faults) <= _CLUES["en"].keys():
            raise InvalidArgumentError(
                f"faults names {', '.join(map(repr, faults)) or 'nothing'}; give some of {', '.join(_CLUES['en'])}."
            )
        self._dash, self._faults, self._clues, self._words = dash, dict(faults), _CLUES[language], _WORDS[language]
        # Labels show text as text, whatever the layers are called.
        self._clue, self._reply, self._score = (ipywidgets.Label() for _ in range(3))
        self._check = ipywidgets.Button(description=self._words["check"], button_style="primary")
        self._hint = ipywidgets.Button(description=self._words["hint"])
        self._check.layout.width = "auto"
        self._check.on_click(self._answer)
        self._hint.on_click(self._tell)
        super().__init__([self._clue, ipywidgets.HBox([self._check, self._hint, self._score]), self._reply])
        self._ask()

    @property
    def fault(self) -> str | None:
        """The fault that is asked for; None once all are found."""
        return next((fault for fault in self._faults if fault not in self.found), None)

    def _ask(self) -> None:
        self._score.value = self._words["score"].format(found=len(self.found), all=len(self._faults))
        self._clue.value = self._words["won"] if self.fault is None else self._clues[self.fault][0]
        self._check.disabled = self._hint.disabled = self.fault is None

    def _answer(self, _button: Any) -> None:
        if self.fault is None:
            return
        layer = self._dash.selected
        if layer is None:
            self._reply.value = self._words["none"]
        elif layer != self._faults[self.fault]:
            self._reply.value = self._words["wrong"].format(layer=layer)
        else:
            self._reply.value = self._words["right"].format(layer=layer)
            self.found = [*self.found, self.fault]
            self._ask()

    def _tell(self, _button: Any) -> None:
        if self.fault is not None:
            self._reply.value = self._clues[self.fault][1]
