"""A property computed once per instance, without a lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

__all__ = ["lazy"]

T = TypeVar("T")


class lazy(Generic[T]):  # noqa: N801  (used as a decorator)
    """As `functools.cached_property`, which before Python 3.12 holds one lock for all instances of a class.

    With that lock workers wait for each other, though each has an instance of its own.
    """

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type) -> T:
        # Found in the instance from now on, before this descriptor.
        value = instance.__dict__[self._name] = self._compute(instance)
        return value
