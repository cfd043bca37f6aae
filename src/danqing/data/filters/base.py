"""A filter measures and a cut decides, so that a threshold can be moved without measuring again.

What is measured is stored, one column a filter, for every row that was looked at. What is kept
follows from the columns and the cuts alone, so nothing is ever deleted and a run with other cuts
costs nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int16
from PIL import Image

from danqing.core.errors import RecipeError
from danqing.core.once import once
from danqing.core.pictures import LONGEST_SIDE
from danqing.core.registry import Registry
from danqing.data.pixels import RGB, Gray, Head, decode, read_head
from danqing.scorers.ocr import Line, find_lines, read_lines, require_reader

_READING: Final = 640
"""Pixels of the shorter side of a picture that is read."""

_SURE: Final = 0.7
"""Lines that a reader is less sure of are mostly textures."""

_LONG: Final = 4.0
"""Lengths over heights from which on what cannot be read is writing; textures are shorter."""

_FEW: Final = 20
"""Characters from which on it is clear what a picture says, and nobody looks for other writing."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Values that are kept: from `low` to `high`, both included."""

    low: float | None = None
    """None: nothing is too low."""
    high: float | None = None
    """None: nothing is too high."""
    unmeasured: Literal["keep", "drop"] = "keep"
    """What becomes of rows without a value."""

    def __post_init__(self) -> None:
        if self.low is not None and self.high is not None and self.low > self.high:
            raise RecipeError(f"low must be at most high ({self.high}), got {self.low}; swap them.")

    def reason(self, value: float | None) -> str | None:
        """Return why a value is not kept; None: it is."""
        if value is None:
            return "it cannot be measured" if self.unmeasured == "drop" else None
        if self.low is not None and value < self.low:
            return f"{value:.4g} is below {self.low:.4g}"
        if self.high is not None and value > self.high:
            return f"{value:.4g} is above {self.high:.4g}"
        return None


@dataclass(frozen=True, slots=True)
class Measured:
    """One filter's number for one row."""

    value: float | None
    """None: it cannot be measured."""
    note: str | None = None
    """What the number alone does not say, such as why there is none."""


@dataclass(frozen=True, slots=True)
class Page:
    """What is written in a picture."""

    lines: Sequence[Line]
    width: int
    """Pixels of the picture that was read."""
    height: int
    unread: bool = False
    """Whether most of the writing cannot be read: it is in another script."""


class Batch:
    """Rows that are judged together; heads and pixels are read once, when first asked for."""

    def __init__(self, columns: Mapping[str, Sequence[Any]], side: int) -> None:
        self.columns = columns
        self.side = side
        """Pixels of the shorter side that pictures are decoded to."""

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    @once
    def heads(self) -> list[Head | str]:
        """What each picture's first bytes say, or what is wrong with them."""
        return [
            read_head(*row) for row in zip(self.columns["image"], self.columns["name"], strict=True)
        ]

    @once
    def images(self) -> list[RGB | str]:
        """Pixels of each picture, or what is wrong with it."""
        return [
            head if isinstance(head, str) else decode(data, self.side)
            for head, data in zip(self.heads, self.columns["image"], strict=True)
        ]

    @once
    def grays(self) -> list[Gray | str]:
        """Brightness of each picture's pixels, from 0 to 255, or what is wrong with it."""
        import cv2

        return [
            pixels if isinstance(pixels, str) else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
            for pixels in self.images
        ]

    @once
    def edges(self) -> list[Int16[np.ndarray, "_ _"] | str]:
        """The Laplacian of each picture's brightness, or what is wrong with it."""
        return [gray if isinstance(gray, str) else laplacian(gray) for gray in self.grays]

    @once
    def originals(self) -> list[Gray | str]:
        """Brightness of each picture's pixels in its own size, or what is wrong with it."""
        import cv2

        whole = (
            head if isinstance(head, str) else decode(data, LONGEST_SIDE)
            for head, data in zip(self.heads, self.columns["image"], strict=True)
        )
        return [p if isinstance(p, str) else cv2.cvtColor(p, cv2.COLOR_RGB2GRAY) for p in whole]

    @once
    def pages(self) -> list[Page | str]:
        """What is written in each picture, or what is wrong with it.

        Read larger than it is judged, because letters too small to keep must be seen to be dropped.
        """
        return [
            head if isinstance(head, str) else _read(decode(data, max(self.side, _READING)))
            for head, data in zip(self.heads, self.columns["image"], strict=True)
        ]


def laplacian(gray: Gray) -> Int16[np.ndarray, "_ _"]:
    """Return how much each pixel differs from those around it."""
    import cv2

    return cv2.Laplacian(gray, cv2.CV_16S)  # pyright: ignore[reportReturnType]


def _read(pixels: RGB | str) -> Page | str:
    if isinstance(pixels, str):
        return pixels
    image = Image.fromarray(np.asarray(pixels))
    read = read_lines(image)
    sure = [line for line in read if line.sure >= _SURE]
    unread = False
    if sum(len(line.text) for line in sure) < _FEW:
        known = {line.corners.tobytes() for line in read}
        others = (line for line in find_lines(image) if line.corners.tobytes() not in known)
        strange = sum(line.length for line in others if line.length > _LONG * line.height)
        unread = strange > sum(line.length for line in sure)
    return Page(sure, pixels.shape[1], pixels.shape[0], unread)


T = TypeVar("T")


def each(things: Sequence[T | str], measure: Callable[[T], float]) -> list[Measured]:
    """Return what a function measures of each thing; a sentence in its place says why not."""
    return [
        Measured(None, thing) if isinstance(thing, str) else Measured(float(measure(thing)))
        for thing in things
    ]


@runtime_checkable
class Filter(Protocol):
    """One property of a row, as a number, and the numbers that are kept.

    A filter is a frozen dataclass whose fields are its settings. Measuring is pure: it depends on
    the row and the settings alone, never on the rows beside it.
    """

    needs: ClassVar[tuple[str, ...]]
    """What it looks at: columns, or `head`, `pixels` or `original` of the picture."""
    slow: ClassVar[bool] = False
    """Whether rows should have passed the filters before it, because measuring costs much."""
    cut: Cut

    def measure(self, batch: Batch) -> list[Measured]:
        """Return one number a row."""
        ...


@runtime_checkable
class Loads(Protocol):
    """A filter that needs more than its settings, such as a network or a reader."""

    def load(self) -> None:
        """Get it, or say before anything is measured that it cannot be had.

        Raises:
            RecipeError: a network is not on this machine and cannot be fetched.
            MissingPackage: a package is not installed.
        """
        ...


class Reads:
    """What filters share that look at what is written."""

    needs: ClassVar[tuple[str, ...]] = ("pixels",)
    slow: ClassVar[bool] = True

    def load(self) -> None:
        """Make sure that there is a reader."""
        require_reader()


@runtime_checkable
class Sketches(Protocol):
    """What a group filter drew of rows, in their order; None: there was nothing to draw.

    They may lie on a disk, so a filter that needs few of them asks for those.
    """

    def __len__(self) -> int:
        """Return how many rows there are."""
        ...

    def __iter__(self) -> Iterator[bytes | None]:
        """Yield them all."""
        ...

    def at(self, places: Sequence[int]) -> list[bytes | None]:
        """Return those at some places."""
        ...


class Listed(list[bytes | None]):
    """Sketches in memory."""

    def at(self, places: Sequence[int]) -> list[bytes | None]:
        """Return those at some places."""
        return [self[place] for place in places]


@runtime_checkable
class GroupFilter(Protocol):
    """A property that a row has only among others: the nearest earlier one, how common its kind is.

    Each row gives a small sketch on its own; sketches of all rows that came this far are then
    compared. Sketches are stored, comparisons are made anew whenever other rows have come.
    """

    needs: ClassVar[tuple[str, ...]]
    """What a sketch is drawn from: columns, or `head`, `pixels` or `original` of the picture."""
    slow: ClassVar[bool] = False
    """Whether rows should have passed the filters before it, because sketching costs much."""
    cut: Cut

    def sketch(self, batch: Batch) -> list[bytes | None]:
        """Return what is compared of each row; None: it has nothing to compare."""
        ...

    def compare(self, sketches: Sketches) -> list[Measured]:
        """Return one number a row."""
        ...


@runtime_checkable
class Likens(GroupFilter, Protocol):
    """A filter of rows among rows whose sketches tell how alike two pictures are."""

    def likeness(self, sketch: bytes, others: Sequence[bytes]) -> Float32[np.ndarray, " N"]:
        """Return how alike a picture is to each of others; 1 for the same."""
        ...


filters: Final[Registry[type[Filter] | type[GroupFilter]]] = Registry("filter")
"""Filters by name."""
