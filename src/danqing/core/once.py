"""A property that is computed once."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class once(Generic[T]):  # noqa: N801  # a decorator, called as one
    """`functools.cached_property` without its lock.

    Until Python 3.12 that one holds a lock that all instances share, so that threads compute one
    after the other. Two threads that ask one instance at the same moment both compute.
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> "once[T]": ...

    @overload
    def __get__(self, instance: object, owner: type[Any]) -> T: ...

    def __get__(self, instance: object | None, owner: type[Any]) -> "once[T] | T":
        """Return the value, which takes the property's place in the instance."""
        if instance is None:
            return self
        value = instance.__dict__[self._name] = self._make(instance)
        return value
