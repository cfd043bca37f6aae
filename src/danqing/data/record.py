"""What travels from a source into a corpus."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Final, NamedTuple, Protocol, runtime_checkable

from danqing.core.registry import Registry

ORIGINS: Final = ("raw", "recaption", "fused")
"""Where captions come from, as the report splits them; each is a field of a record."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One picture as its source has it. A picture that cannot be had is a record with a trouble."""

    name: str
    """What it is called there; its end tells the format."""
    image: bytes = b""
    """The file, as it is."""
    raw: str | None = None
    """The caption it came with: text around it on the web, titles, tags."""
    recaption: str | None = None
    """What an annotator wrote about it."""
    fused: str | None = None
    """Both in one."""
    meta: str | None = None
    """What else is known, as a JSON object, such as where each string of a rendered text stands."""
    trouble: str | None = None
    """Why there is no picture."""


class Item(NamedTuple):
    """A record to come."""

    key: str
    """Names it among all items of its source, in every run."""
    read: Callable[[], Record]
    """Gets it. It raises nothing: what goes wrong is the record's trouble."""


@runtime_checkable
class Source(Protocol):
    """A place that pictures come from."""

    def items(self) -> Iterator[Item]:
        """Yield everything there is, in an order that is the same in every run.

        Raises:
            SourceError: the place is not there.
        """
        ...


sources: Final[Registry[type[Source]]] = Registry("source of pictures")
"""Sources by name; each is a frozen dataclass whose fields are its settings."""

AnySource = Annotated[Source, sources]
