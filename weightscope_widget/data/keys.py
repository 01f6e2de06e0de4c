"""The keys of all messages, made by ``make_keys``."""

from typing import Literal, TypeAlias

__all__ = ["MessageKey"]

# fmt: off
MessageKey: TypeAlias = Literal[
    "layers", "tensors",
]
