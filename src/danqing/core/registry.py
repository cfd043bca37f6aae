"""Names for parts that a recipe, a flag or a request may choose.

A part is a function when it has no settings and a frozen dataclass when it has; the dataclass's
fields are its settings. A registry lives in the file where its built-in parts live.
"""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from danqing.core.errors import UnknownName, unknown

T = TypeVar("T")
Part = TypeVar("Part")


class Registry(Generic[T]):
    """A mapping from names to parts of one kind, filled by a decorator.

    Example:
        >>> samplers: Registry[Sampler] = Registry("sampler")
        >>> @samplers.register("euler")
        ... def euler(velocity, x, sigmas): ...
        >>> samplers["eular"]
        UnknownName: unknown sampler 'eular'. Did you mean 'euler'? Known: euler.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._parts: dict[str, T] = {}

    def register(self, name: str) -> Callable[[Part], Part]:
        """Return a decorator that files its part under `name` and gives it back unchanged."""

        def file(part: Part) -> Part:
            assert name not in self._parts, f"two parts are called {self.kind} {name!r}"
            self._parts[name] = part  # pyright: ignore[reportArgumentType]
            return part

        return file

    def name_of(self, part: object) -> str:
        """Return the name of a registered function, or of the registered class of an instance."""
        return next(n for n, p in self._parts.items() if p is part or p is type(part))

    def __getitem__(self, name: str) -> T:
        """Return the part of this name; `UnknownName` guesses which one was meant."""
        if name not in self._parts:
            raise UnknownName(unknown(self.kind, name, self._parts))
        return self._parts[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names in alphabetical order."""
        return iter(sorted(self._parts))

    def __contains__(self, name: object) -> bool:
        return name in self._parts

    def __len__(self) -> int:
        return len(self._parts)
