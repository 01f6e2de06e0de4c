"""What the panels of single layers draw, packed: for pages and notebooks that are looked at without a kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from weightscope_widget.dashboard.protocols import Put

__all__ = ["Details", "PackedArrays", "kept_details"]

Details = Callable[[Sequence[str], Put], list[dict[str, Any]]]
"""Takes keys and what takes an array, and returns what the panels of single layers draw; `kept.ts` reads it."""


class PackedArrays:
    """Arrays, one after the other.

    Attributes
    ----------
    places : list of dict
        Of each array, its ``offset`` among the bytes, its ``length`` in numbers, and their ``type``: ``"f4"`` or
        ``"f8"``, little-endian.
    data : bytearray
        The bytes.
    """

    def __init__(self) -> None:
        self.places: list[dict[str, Any]] = []
        self.data = bytearray()

    def put(self, array: np.ndarray) -> int:
        """Take an array along; return its place.

        It is kept as float32, to seven digits, where all of its numbers are in that range; counts are exact.
        """
        return self.put_as(array, _exact_enough(array))

    def put_as(self, array: np.ndarray, kind: str) -> int:
        """Take an array along as a type; return its place."""
        self.places.append({"offset": len(self.data), "length": array.size, "type": kind})
        self.data.extend(array.astype(f"<{kind}").tobytes())
        return len(self.places) - 1


def kept_details(keys: Sequence[str], details: Details, most_bytes: int) -> dict[str, Any]:
    """Return what the panels of single layers draw, as a trait can hold it.

    Parameters
    ----------
    keys : sequence of str
        What `details` can be asked for, the most wanted first.
    details : callable
        Says what is drawn.
    most_bytes : int
        Where the arrays reach this size, the keys that are left are left out.

    Returns
    -------
    dict
        ``layers``: what is drawn by key, with arrays as their places; ``arrays``: the places; ``data``: the bytes.
    """
    arrays = PackedArrays()
    layers: dict[str, dict[str, Any]] = {}
    for key in keys:
        if len(arrays.data) >= most_bytes:
            break
        layers |= {layer["key"]: layer for layer in details([key], arrays.put)}
    return {"layers": layers, "arrays": arrays.places, "data": bytes(arrays.data)}


def _exact_enough(array: np.ndarray) -> str:
    """Return the narrowest type that keeps seven digits of every value, and whole numbers whole."""
    positive = np.abs(array[array != 0])
    limits = np.finfo(np.float32)
    fits = positive.size == 0 or (positive.min() >= limits.tiny and positive.max() <= limits.max)
    whole = bool((array == np.round(array)).all())
    exact = not whole or positive.size == 0 or positive.max() <= 2**24
    return "f4" if fits and exact else "f8"
