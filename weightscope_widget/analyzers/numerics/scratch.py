"""Working memory that a thread reuses: touching new pages costs more than the computation in them."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["scratch"]

_OF_THREAD = threading.local()


def scratch(use: str, size: int, dtype: npt.DTypeLike = np.float64) -> npt.NDArray[Any]:
    """Return an uninitialized array, (size,), for this thread and one `use`, valid until the next call for that use."""
    held: dict[str, npt.NDArray[Any]] = _OF_THREAD.__dict__
    array = held.get(use)
    if array is None or len(array) < size:
        array = held[use] = np.empty(size, dtype)
    return array[:size]
