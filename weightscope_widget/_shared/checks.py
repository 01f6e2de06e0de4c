"""Checks of arguments that several functions take."""

from __future__ import annotations

import math
from concurrent.futures import Executor
from numbers import Integral, Real

from weightscope_widget.errors import InvalidArgumentError

__all__ = ["check_count", "check_executor", "check_memory"]


def check_count(name: str, value: object, what: str, *, least: int = 1) -> None:
    """Refuse a value that is no whole number (Python's or NumPy's) of at least `least`; `what` names it."""
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
        raise InvalidArgumentError(f"{name} is {value!r}; give {what}, at least {least}.")


def check_memory(value: object) -> None:
    """Refuse a value that is neither None nor an amount of memory."""
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, Real) or not 1 <= float(value) < math.inf:
        raise InvalidArgumentError(f"memory is {value!r}; give how many bytes may be used, such as 4e9.")


def check_executor(value: object) -> None:
    """Refuse a value that is neither None nor an executor."""
    if not (value is None or isinstance(value, Executor)):
        raise InvalidArgumentError(
            f"executor is of type {type(value).__name__}; give a concurrent.futures.Executor, such as "
            "ProcessPoolExecutor(), or client.get_executor() of a Dask client."
        )
