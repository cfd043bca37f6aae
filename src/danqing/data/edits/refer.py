"""Names for one thing among several, never ambiguous: by shape, colour, or side.

A side is only said of things that are alike otherwise, and only where one of them stands plainly
further to it than all others.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from danqing.data.synthesis.captions import COLORS_SAID, SHAPES_ZH
from danqing.data.synthesis.placed import Thing
from danqing.scorers.world import Language

SIDES: Final[dict[str, tuple[int, int]]] = {
    "left": (0, -1),
    "right": (0, 1),
    "top": (1, -1),
    "bottom": (1, 1),
}
"""The axis of a side, and which way it lies."""

_CLEAR: Final = 0.2
"""How much further to a side the one meant stands, as a share of the picture's shorter side."""

SIDES_SAID: Final[dict[Language, dict[str, str]]] = {
    "en": {
        "left": "on the left",
        "right": "on the right",
        "top": "at the top",
        "bottom": "at the bottom",
    },
    "zh": {"left": "左边 的", "right": "右边 的", "top": "上方 的", "bottom": "下方 的"},
}


@dataclass(frozen=True, slots=True)
class Reference:
    """What is said of a thing."""

    shape: str
    color: str | None = None
    side: str | None = None

    def finds(self, things: Sequence[Thing], clear: float) -> list[Thing]:
        """Return the things that it can mean.

        Args:
            things: All there are.
            clear: Who stands less than so many pixels behind the farthest is meant as well.
        """
        found = [t for t in things if t.shape == self.shape and self.color in (None, t.color)]
        if self.side is None:
            return found
        axis, way = SIDES[self.side]
        farthest = max(way * thing.centre[axis] for thing in found)
        near = [thing for thing in found if farthest - way * thing.centre[axis] < clear]
        # A side tells apart what is alike; what is alone has none.
        return near if len(found) > 1 else []

    def said(self, language: Language) -> str:
        """Return it as a noun phrase, such as "the red star on the left"."""
        side = SIDES_SAID[language][self.side] if self.side else ""
        color = COLORS_SAID[language][self.color] if self.color else ""
        if language == "zh":
            return f"{side}{color}{SHAPES_ZH[self.shape]}".replace(" ", "")
        return " ".join(word for word in ("the", color, self.shape, side) if word)

    def meant(self, thing: Thing, things: Sequence[Thing]) -> dict[str, str]:
        """Return what tells a thing from others, as plain data; its side where it has a twin."""
        twins = [other for other in things if other.record == thing.record]
        side = {"side": self.side} if self.side and len(twins) > 1 else {}
        return thing.record | side


def refer(
    thing: Thing, things: Sequence[Thing], rng: Random, side: int, *, color: bool = True
) -> Reference | None:
    """Return a reference that means one thing and no other, or None where none does.

    Args:
        thing: What is meant.
        things: All there are, itself among them.
        rng: Decides between the shortest reference and a longer one.
        side: The picture's shorter side in pixels.
        color: Whether its colour may be said.
    """
    clear = _CLEAR * side
    found = [
        reference
        for reference in _references(thing, color)
        if reference.finds(things, clear) == [thing]
    ]
    return rng.choice((found[0], rng.choice(found))) if found else None


def _references(thing: Thing, color: bool) -> Iterator[Reference]:
    """Yield all that can be said of a thing, the shortest first."""
    yield Reference(thing.shape)
    if color:
        yield Reference(thing.shape, thing.color)
    for side in SIDES:
        yield Reference(thing.shape, None, side)
    if color:
        for side in SIDES:
            yield Reference(thing.shape, thing.color, side)
