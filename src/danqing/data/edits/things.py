"""Edits of single things: one comes, goes, changes, moves or grows, and all others stay.

What follows is exact: what comes has the palette's own colour, stands upright, and its place and
size follow from the sentence and the picture.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
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


@TASKS.register("add")
def add(rng: Random, world: World) -> Edit | None:
    """Put a new thing at a named place."""
    shape, place = rng.choice(world.shapes), rng.choice(tuple(PLACES))
    color = rng.choice(allowed_colors(shape))
    radius = sum(RADII[MOST]) / 2 * min(world.size)
    new = put(Thing(shape, color, PALETTE[color], (0.0, 0.0), radius), place, world.size)
    before = cleared(scene(rng, world, MOST - 1, MOST), new)
    return worked_out(
        "add",
        [before],
        replace(before, marks=(*before.marks, new)),
        {"new": new.record, "place": place},
        lambda said: {"new": one(new, said), "place": PLACES_SAID[said][place][0]},
    )


@TASKS.register("remove")
def remove(rng: Random, world: World) -> Edit | None:
    """Take one of several things away."""
    count = rng.randint(2, MOST)
    before = scene(rng, world, count, count)
    return _edit("remove", rng, before, rng.choice(before.things), None, {}, lambda _: {})


@TASKS.register("replace")
def replace_thing(rng: Random, world: World) -> Edit | None:
    """Put another shape in the place of one, as large as that."""
    count = rng.randint(1, MOST)
    before = scene(rng, world, count, count)
    old = rng.choice(before.things)
    shape = rng.choice([shape for shape in world.shapes if shape != old.shape])
    color = rng.choice(allowed_colors(shape))
    new = Thing(shape, color, PALETTE[color], old.centre, old.radius)
    return _edit(
        "replace", rng, before, old, new, {"new": new.record}, lambda said: {"new": one(new, said)}
    )


@TASKS.register("recolor")
def recolor(rng: Random, world: World) -> Edit | None:
    """Give a thing another colour."""
    count = rng.randint(1, MOST)
    before = scene(rng, world, count, count)
    old = rng.choice(before.things)
    color = rng.choice([color for color in allowed_colors(old.shape) if color != old.color])
    new = replace(old, color=color, shade=PALETTE[color])
    return _edit(
        "recolor",
        rng,
        before,
        old,
        new,
        {"color": color},
        lambda said: {"color": COLORS_SAID[said][color]},
    )


@TASKS.register("move")
def move(rng: Random, world: World) -> Edit | None:
    """Bring a thing to a named place that is plainly another one."""
    before = scene(rng, world, rng.randint(2, MOST), MOST)
    old, place = rng.choice(before.things), rng.choice(tuple(PLACES))
    new = put(old, place, world.size)
    if math.dist(old.centre, new.centre) < FARTHER * min(world.size):
        return None
    return _edit(
        "move",
        rng,
        before,
        old,
        new,
        {"place": place},
        lambda said: dict(zip(("place", "to"), PLACES_SAID[said][place], strict=True)),
    )


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
    old, new = rng.choice(possible)
    return _edit(
        "resize",
        rng,
        before,
        old,
        new,
        {"growth": growth},
        lambda said: dict(zip(("grown", "grow"), GROWTH_SAID[said][growth], strict=True)),
    )


def one(thing: Thing, language: Language) -> str:
    """Return a thing as something new, such as "a red star"."""
    return noun_phrase(Object(thing.shape, color=thing.color), language)


def _edit(
    task: str,
    rng: Random,
    before: Placed,
    old: Thing,
    new: Thing | None,
    asked: Mapping[str, Any],
    words: Words,
) -> Edit | None:
    """Return the edit that puts one thing for another, or None where no reference means it."""
    before = before if new is None else cleared(before, new, old)
    reference = refer(old, before.things, rng, min(before.size))
    if reference is None:
        return None
    return worked_out(
        task,
        [before],
        before.exchanged(old, new),
        {"thing": reference.meant(old, before.things), **asked},
        lambda said: {"thing": reference.said(said), **words(said)},
    )
