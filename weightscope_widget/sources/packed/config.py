"""The ``quantization_config`` of a checkpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["FILES", "Quantization", "parse_config", "read_beside"]

FILES = ("config.json", "quantize_config.json")
"""Files that may contain it."""

_LONGEST = 16 << 20
"""Bytes of the largest configuration that is read."""


@dataclass(frozen=True)
class Quantization:
    """The settings that numbers depend on.

    `exact_zeros`: GPTQ's zero points are stored as they are (``gptq_v2``), not one less.  `block`: rows and columns
    that share a scale; `group`: columns that share one; None where not set.
    """

    exact_zeros: bool = False
    block: tuple[int | None, int | None] = (None, None)
    group: int | None = None

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Quantization:
        """Return the settings of a configuration; an impossible value counts as not set."""
        scheme = _scheme(content.get("config_groups"))
        block = content.get("weight_block_size", scheme.get("block_structure"))
        sizes = [_size(value) for value in block] if isinstance(block, list) and len(block) == 2 else [None, None]
        formats = (content.get("checkpoint_format"), content.get("format"))
        group = _size(content.get("group_size", scheme.get("group_size")))
        return cls("gptq_v2" in formats, (sizes[0], sizes[1]), group)


def read_beside(folder: Path) -> dict[str, Any]:
    """Return the quantization settings in a folder's files; empty where there are none.

    A configuration that cannot be read counts as empty: most weights can be read without one.
    """
    for name in FILES:
        try:
            with (folder / name).open("rb") as file:
                content = file.read(_LONGEST + 1)
        except OSError:
            continue
        if found := parse_config(content):
            return found
    return {}


def parse_config(content: bytes) -> dict[str, Any]:
    """Return the quantization settings in the text of one of `FILES`."""
    try:
        parsed = json.loads(content) if len(content) <= _LONGEST else None
    except (ValueError, RecursionError):
        return {}
    if not isinstance(parsed, dict):
        return {}
    inner = parsed.get("quantization_config", parsed.get("compression_config"))
    if isinstance(inner, dict):
        return inner
    return parsed if "bits" in parsed and "group_size" in parsed else {}


def _scheme(groups: object) -> Mapping[str, Any]:
    """Return compressed-tensors' settings for weights, if they are the same for all of them."""
    if not isinstance(groups, dict):
        return {}
    schemes = [group.get("weights") for group in groups.values() if isinstance(group, dict)]
    first = schemes[0] if schemes else None
    return first if isinstance(first, dict) and all(scheme == first for scheme in schemes) else {}


def _size(value: object) -> int | None:
    return value if type(value) is int and 0 < value < 2**31 else None
