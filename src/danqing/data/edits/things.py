"""Edits of single things: one comes, goes, changes, moves or grows, and all others stay.

What follows is exact: what comes has the palette's own colour, stands upright, and its place and
size follow from the sentence and the picture.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final

from danqing.data.edits.base import TASKS, Edit, Words
from danqing.data.edits.refer import refer
from danqing.data.edits.scenes import MOST, PLACES, cleared, inside, put, scene, worked_out
from danqing.data.edits.wordings import GROWTH_SAID, PLACES_SAID
from danqing.data.synthesis.captions import COLORS_SAID, noun_phrase
from danqing.data.synthesis.draw import RADII
from danqing.data.synthesis.placed import Placed, Thing
from danqing.data.synthesis.split import allowed_colors
from danqing.data.synthesis.world import World
from danqing.scorers.world import PALETTE, Language, Object

FARTHER: Final = 0.25
"""Shortest way that things are moved, as a share of the picture's shorter side."""

GROWTH: Final = {"larger": 1.6, "smaller": 1 / 1.6}
"""How a thing's length changes."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One thing for another in a scene."""

    old: Thing | None
    """None: something comes."""
    new: Thing | None
    """None: something goes."""
    asked: Mapping[str, Any]
    """As in `Edit`, but for the old one."""
    words: Words
    """Likewise."""

    def cleared(self, before: Placed) -> Placed:
        """Return a scene without what leaves no room for the new thing."""
        return before if self.new is None else cleared(before, self.new, self.old)

    def made(self, before: Placed) -> Placed:
        """Return a scene after it."""
        if self.old is not None:
            return before.exchanged(self.old, self.new)
        assert self.new is not None, "something comes or goes"
        return replace(before, marks=(*before.marks, self.new))


def adding(rng: Random, world: World) -> Exchange:
    """Return a new thing at a named place."""
    shape, place = rng.choice(world.shapes), rng.choice(tuple(PLACES))
    color = rng.choice(allowed_colors(shape))
    radius = sum(RADII[MOST]) / 2 * min(world.size)
    new = put(Thing(shape, color, PALETTE[color], (0.0, 0.0), radius), place, world.size)
    return Exchange(
        None,
        new,
        {"new": new.record, "place": place},
        lambda said: {"new": one(new, said), "place": PLACES_SAID[said][place][0]},
    )


def removing(rng: Random, before: Placed) -> Exchange:
    """Return one thing that goes."""
    return Exchange(rng.choice(before.things), None, {}, lambda _: {})


def replacing(rng: Random, before: Placed, world: World) -> Exchange:
    """Return another shape for one, as large as that."""
    old = rng.choice(before.things)
    shape = rng.choice([shape for shape in world.shapes if shape != old.shape])
    color = rng.choice(allowed_colors(shape))
    new = Thing(shape, color, PALETTE[color], old.centre, old.radius)
    return Exchange(old, new, {"new": new.record}, lambda said: {"new": one(new, said)})


def recoloring(rng: Random, before: Placed) -> Exchange:
    """Return a thing in another colour."""
    old = rng.choice(before.things)
    color = rng.choice([color for color in allowed_colors(old.shape) if color != old.color])
    new = replace(old, color=color, shade=PALETTE[color])
    return Exchange(old, new, {"color": color}, lambda said: {"color": COLORS_SAID[said][color]})


def moving(rng: Random, before: Placed) -> Exchange | None:
    """Return a thing at a named place that is plainly another one; None: it is not."""
    old, place = rng.choice(before.things), rng.choice(tuple(PLACES))
    new = put(old, place, before.size)
    if math.dist(old.centre, new.centre) < FARTHER * min(before.size):
        return None
    return Exchange(
        old,
        new,
        {"place": place},
        lambda said: dict(zip(("place", "to"), PLACES_SAID[said][place], strict=True)),
    )


@TASKS.register("add")
def add(rng: Random, world: World) -> Edit | None:
    """Put a new thing at a named place."""
    exchange = adding(rng, world)
    return exchanged("add", rng, scene(rng, world, MOST - 1, MOST), exchange)


@TASKS.register("remove")
def remove(rng: Random, world: World) -> Edit | None:
    """Take one of several things away."""
    count = rng.randint(2, MOST)
    before = scene(rng, world, count, count)
    return exchanged("remove", rng, before, removing(rng, before))


@TASKS.register("replace")
def replace_thing(rng: Random, world: World) -> Edit | None:
    """Put another shape in the place of one, as large as that."""
    count = rng.randint(1, MOST)
    before = scene(rng, world, count, count)
    return exchanged("replace", rng, before, replacing(rng, before, world))


@TASKS.register("recolor")
def recolor(rng: Random, world: World) -> Edit | None:
    """Give a thing another colour."""
    count = rng.randint(1, MOST)
    before = scene(rng, world, count, count)
    return exchanged("recolor", rng, before, recoloring(rng, before))


@TASKS.register("move")
def move(rng: Random, world: World) -> Edit | None:
    """Bring a thing to a named place that is plainly another one."""
    before = scene(rng, world, rng.randint(2, MOST), MOST)
    exchange = moving(rng, before)
    return exchange and exchanged("move", rng, before, exchange)


@TASKS.register("resize")
def resize(rng: Random, world: World) -> Edit | None:
    """Let a thing grow or shrink where it stands."""
    count, growth = rng.randint(1, MOST - 1), rng.choice(tuple(GROWTH))
    before = scene(rng, world, count, count if growth == "smaller" else MOST)
    changes = [
        (thing, replace(thing, radius=GROWTH[growth] * thing.radius)) for thing in before.things
    ]
    possible = [change for change in changes if inside(change[1], world.size)]
    if not possible:
        return None
    exchange = Exchange(
        *rng.choice(possible),
        {"growth": growth},
        lambda said: dict(zip(("grown", "grow"), GROWTH_SAID[said][growth], strict=True)),
    )
    return exchanged("resize", rng, before, exchange)


def one(thing: Thing, language: Language) -> str:
    """Return a thing as something new, such as "a red star"."""
    return noun_phrase(Object(thing.shape, color=thing.color), language)


def exchanged(task: str, rng: Random, before: Placed, exchange: Exchange) -> Edit | None:
    """Return the edit that makes an exchange; None where no reference means the old thing.

    What leaves no room is left out of both pictures.
    """
    before = exchange.cleared(before)
    after, old = exchange.made(before), exchange.old
    if old is None:
        return worked_out(task, [before], after, exchange.asked, exchange.words)
    reference = refer(old, before.things, rng, min(before.size))
    if reference is None:
        return None
    return worked_out(
        task,
        [before],
        after,
        {"thing": reference.meant(old, before.things), **exchange.asked},
        lambda said: {"thing": reference.said(said), **exchange.words(said)},
    )
