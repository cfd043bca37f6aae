"""Scenes to be edited: how they come about, where there is room, and what training may see.

Training must not see what is held out of text to image, whatever it is shown for. So neither source
nor target may hold what a family holds out, and the specification that says most of a picture must
be one that training draws.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any, Final

from danqing.data.edits.base import Edit, Words
from danqing.data.edits.wordings import WORDINGS
from danqing.data.synthesis.draw import GAP, MARGIN, scatter, shade
from danqing.data.synthesis.placed import Letters, Placed, Thing, box, kept
from danqing.data.synthesis.split import allowed_colors, bucket, scene_family
from danqing.data.synthesis.world import World
from danqing.scorers.relations import relations
from danqing.scorers.world import (
    BACKGROUNDS,
    PALETTE,
    Object,
    Point,
    Scene,
    Specification,
    TextSpec,
)

MOST: Final = 4
"""Things in a scene, at most."""

PLACES: Final[dict[str, Point]] = {
    "top left": (0.22, 0.22),
    "top": (0.5, 0.22),
    "top right": (0.78, 0.22),
    "left": (0.22, 0.5),
    "middle": (0.5, 0.5),
    "right": (0.78, 0.5),
    "bottom left": (0.22, 0.78),
    "bottom": (0.5, 0.78),
    "bottom right": (0.78, 0.78),
}
"""Where things are put, as shares of the picture's sides."""

_ALIKE: Final = 0.35
"""How often a thing has the shape of another one, and how often then its colour as well."""


def scene(rng: Random, world: World, count: int, room: int) -> Placed:
    """Return a scene at random.

    Args:
        rng: Decides everything.
        world: How much of the world to use.
        count: How many things.
        room: For how many things there is to be room, 1 to 5; more room makes things smaller.
    """
    things: list[Thing] = []
    for centre, radius in scatter(room, world.size, rng, world.freedom)[:count]:
        like = rng.choice(things) if things and rng.random() < _ALIKE else None
        shape = like.shape if like else rng.choice(world.shapes)
        color = like.color if like and rng.random() < _ALIKE else rng.choice(allowed_colors(shape))
        turn = math.radians(rng.uniform(-world.rotation, world.rotation))
        tone = shade(PALETTE[color], rng, world.jitter)
        things.append(Thing(shape, color, tone, centre, radius, turn))
    ground = rng.choice(tuple(BACKGROUNDS))
    return Placed(world.size, ground, shade(BACKGROUNDS[ground], rng, world.jitter), tuple(things))


def put(thing: Thing, place: str, size: tuple[int, int]) -> Thing:
    """Return a thing as it stands whole at a place."""
    inset = thing.radius + MARGIN * min(size)
    x, y = (
        min(max(share * length, inset), length - inset)
        for share, length in zip(PLACES[place], size, strict=True)
    )
    return replace(thing, centre=(x, y))


def inside(thing: Thing, size: tuple[int, int]) -> bool:
    """Return whether a thing stands whole in a picture."""
    inset = thing.radius + MARGIN * min(size) - 1e-6
    return all(inset <= c <= length - inset for c, length in zip(thing.centre, size, strict=True))


def cleared(placed: Placed, new: Thing, old: Thing | None = None) -> Placed:
    """Return a scene without the things that leave no room for a new one; an old one may stay."""
    gap = GAP * min(placed.size)
    marks = tuple(
        thing
        for thing in placed.things
        if thing is old or math.dist(thing.centre, new.centre) > thing.radius + new.radius + gap
    )
    return replace(placed, marks=marks)


def trains(placed: Placed) -> bool:
    """Return whether training may see a picture."""
    shapes = Counter(thing.shape for thing in placed.things)
    objects = [Object(shape, count) for shape, count in shapes.items()]
    objects += [Object(thing.shape, color=thing.color) for thing in placed.things]
    return scene_family(objects) is None and all(
        bucket(spec) == "train" for spec in specifications(placed)
    )


def specifications(placed: Placed) -> Iterator[Specification]:
    """Yield what says most of a picture; nothing where no specification can say it."""
    ground = placed.ground
    for mark in placed.marks:
        if isinstance(mark, Letters):
            category = f"text_{mark.language}"
            yield TextSpec(category, mark.string, mark.language, mark.color, ground)
    kinds: dict[tuple[str, str], list[Thing]] = {}
    for thing in placed.things:
        kinds.setdefault((thing.shape, thing.color), []).append(thing)
    if len(kinds) == 1:
        ((shape, color), things), *_ = kinds.items()
        alone = len(things) == 1
        only = Object(shape, color=color) if alone else Object(shape, len(things))
        yield Scene("colors" if alone else "counting", (only,), ground)
    if len(kinds) == 2:
        (first, anchors), (second, subjects) = kinds.items()
        a, b = Object(first[0], len(anchors), first[1]), (second[0], len(subjects), second[1])
        if len(placed.things) == 2:
            yield Scene("color_attr", (a, Object(*b)), ground)
        boxes = {thing: box(thing) for thing in placed.things}
        for relation in frozenset.intersection(
            *(relations(boxes[s], boxes[t]) for s in subjects for t in anchors)
        ):
            yield Scene("compound", (a, Object(*b, (relation, 0))), ground)
            if len(placed.things) == 2:
                subject = Object(second[0], position=(relation, 0))
                yield Scene("position", (Object(first[0]), subject), ground)


def worked_out(
    wording: str,
    sources: Sequence[Placed],
    target: Placed,
    asked: Mapping[str, Any],
    words: Words,
) -> Edit | None:
    """Return the edit between placed pictures, or None where training must not see one of them."""
    if not all(map(trains, (*sources, target))):
        return None
    return Edit(
        sources=tuple(source.draw() for source in sources),
        target=target.draw(),
        kept=kept(sources[0], target),
        asked={"sources": [source.contents for source in sources], **asked},
        shown={"sources": [source.record for source in sources], "target": target.record},
        wordings=WORDINGS[wording],
        words=words,
    )
