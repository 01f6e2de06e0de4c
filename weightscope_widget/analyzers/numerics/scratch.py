"""Working memory that a thread uses again and again: fresh pages cost more than what is computed in them."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["scratch"]

_OF_THREAD = threading.local()


def scratch(use: str, size: int, dtype: npt.DTypeLike = np.float64) -> npt.NDArray[Any]:
    """Return an uninitialized array, (size,), which is this thread's for one `use` until it asks for that use again."""
    held: dict[str, npt.NDArray[Any]] = _OF_THREAD.__dict__
    array = held.get(use)
    if array is None or len(array) < size:
        array = held[use] = np.empty(size, dtype)
    return array[:size]
