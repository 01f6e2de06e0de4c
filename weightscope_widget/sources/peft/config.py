"""A LoRA adapter's ``adapter_config.json``: the rank and scaling of each module."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weightscope_widget.errors import CorruptFileError, UnsupportedModelError
from weightscope_widget.sources._tensors.files import quote

__all__ = ["AdapterConfig", "read_config"]

_VARIANTS = ("use_dora", "use_qalora", "use_bdlora", "arrow_config", "monteclora_config", "kasa_config")
"""Settings under which the change of a weight is more than a multiple of B·A."""

_INITIALIZATIONS = ("pissa", "olora", "corda", "loftq", "lora_ga")
"""Prefixes of ``init_lora_weights`` with which the initial B·A is subtracted from the base's weights when loading."""

_MERGE = "merge it into its model (merge_and_unload) and give the merged model"

_LONGEST_PATTERN = 500
_MOST_REPETITIONS = 3


@dataclass(frozen=True)
class AdapterConfig:
    """The settings that the weights depend on.

    `rank` and `alpha` are for modules that match no pattern; the first matching pattern decides, as in PEFT.  With
    `root`, alpha is divided by the root of the rank (rank-stabilized LoRA).  `transposed`: the weights that the adapter
    changes are stored (in, out).
    """

    rank: float
    alpha: float
    ranks: Mapping[re.Pattern[str], float]
    alphas: Mapping[re.Pattern[str], float]
    root: bool
    transposed: bool

    def rank_of(self, module: str) -> float:
        """Return the rank of a module's factors."""
        return _first(self.ranks, module, self.rank)

    def scaling(self, module: str) -> float:
        """Return the factor of a module's B·A."""
        rank = self.rank_of(module)
        return _first(self.alphas, module, self.alpha) / (math.sqrt(rank) if self.root else rank)


def read_config(path: Path) -> AdapterConfig:
    """Read the configuration of a LoRA adapter."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise CorruptFileError(f"{quote(path)} is not valid JSON ({error}); download it again.") from error
    if not isinstance(content, dict) or not isinstance(content.get("peft_type"), str):
        raise CorruptFileError(f"{quote(path)} names no peft_type, as every PEFT adapter does; download it again.")
    if content["peft_type"] != "LORA":
        raise UnsupportedModelError(
            f"{quote(path)} is of the type {quote(content['peft_type'])}; only LORA adapters can be read: {_MERGE}."
        )
    variant = next((name for name in _VARIANTS if content.get(name)), None)
    if variant is not None:
        raise UnsupportedModelError(
            f"{quote(path)} sets {variant}, so the change of a weight is not B·A alone: {_MERGE}."
        )
    begun = content.get("init_lora_weights")
    if isinstance(begun, str) and begun.startswith(_INITIALIZATIONS):
        raise UnsupportedModelError(
            f"{quote(path)} sets init_lora_weights to {quote(begun)}, which subtracts the initial values from the "
            f"base's weights, so the change of a weight is not B·A alone: {_MERGE}."
        )
    return AdapterConfig(
        _number(path, "r", content.get("r")),
        _number(path, "lora_alpha", content.get("lora_alpha")),
        _patterns(path, "rank_pattern", content.get("rank_pattern")),
        _patterns(path, "alpha_pattern", content.get("alpha_pattern")),
        content.get("use_rslora") is True,
        content.get("fan_in_fan_out") is True,
    )


def _first(patterns: Mapping[re.Pattern[str], float], module: str, otherwise: float) -> float:
    return next((value for pattern, value in patterns.items() if pattern.match(module)), otherwise)


def _number(path: Path, key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < abs(value) < 2**31:
        if key == "lora_alpha" and value == 0 and not isinstance(value, bool):
            return 0.0
        raise CorruptFileError(f"{quote(path)} gives {quote(value)} as {key}, not a valid number; correct it.")
    return float(value)


def _patterns(path: Path, key: str, content: object) -> dict[re.Pattern[str], float]:
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise CorruptFileError(f"{quote(path)} gives {quote(content)} as {key}, not a mapping; correct it.")
    return {_compiled(path, pattern): _number(path, key, value) for pattern, value in content.items()}


def _compiled(path: Path, pattern: str) -> re.Pattern[str]:
    """Compile a pattern as PEFT does; refuse one that could take forever to match, because it may come from anyone."""
    repeats = len(re.findall(r"[*+{]", pattern))
    if len(pattern) > _LONGEST_PATTERN or repeats > _MOST_REPETITIONS or re.search(r"\)[*+{]", pattern):
        raise UnsupportedModelError(
            f"{quote(path)} has the pattern {quote(pattern)}, too complex to match safely; simplify it."
        )
    try:
        return re.compile(rf"(?:.*\.)?(?:{pattern})$")
    except (re.error, OverflowError, RecursionError) as error:
        raise CorruptFileError(f"{quote(path)} has the pattern {quote(pattern)} ({error}); correct it.") from error
