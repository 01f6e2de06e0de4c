"""Arguments that several functions take, checked in the same words."""

from __future__ import annotations

import math
from concurrent.futures import Executor

from weightscope_widget.errors import InvalidArgumentError

__all__ = ["check_count", "check_executor", "check_memory"]


def check_count(name: str, value: object, what: str) -> None:
    """Refuse whatever is not a whole number of at least 1; `what` says what it counts.

    Raises
    ------
    InvalidArgumentError
        Where it is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidArgumentError(f"{name} is {value!r}; give {what}, at least 1.")


def check_memory(value: object) -> None:
    """Refuse whatever is not None or an amount of memory.

    Raises
    ------
    InvalidArgumentError
        Where it is something else.
    """
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value < math.inf:
        raise InvalidArgumentError(f"memory is {value!r}; give how many bytes may be used, such as 4e9.")


def check_executor(value: object) -> None:
    """Refuse whatever is not None or an executor.

    Raises
    ------
    InvalidArgumentError
        Where it is something else.
    """
    if not (value is None or isinstance(value, Executor)):
        raise InvalidArgumentError(
            f"executor is of type {type(value).__name__}; give a concurrent.futures.Executor, such as "
            "ProcessPoolExecutor(), or client.get_executor() of a Dask client."
        )
