"""Edits with two pictures: the first is changed by something of the second."""

from dataclasses import replace
from random import Random

from danqing.data.edits.base import TASKS, Edit
from danqing.data.edits.refer import refer
from danqing.data.edits.scenes import MOST, PLACES, cleared, put, scene, worked_out
from danqing.data.edits.wordings import PLACES_SAID
from danqing.data.synthesis.placed import Placed
from danqing.data.synthesis.split import allowed_colors
from danqing.data.synthesis.world import World


@TASKS.register("compose")
def compose(rng: Random, world: World) -> Edit | None:
    """Bring a thing, a ground or a colour of the second picture into the first."""
    first = scene(rng, world, MOST - 1, MOST)
    second = scene(rng, world, rng.randint(1, MOST - 1), MOST)
    return rng.choice((_thing, _background, _color))(rng, first, second)


def _thing(rng: Random, first: Placed, second: Placed) -> Edit | None:
    """Copy a thing to a named place."""
    thing, place = rng.choice(second.things), rng.choice(tuple(PLACES))
    reference = refer(thing, second.things, rng, min(second.size))
    if reference is None:
        return None
    new = put(thing, place, first.size)
    first = cleared(first, new)
    asked = {"way": "thing", "thing": reference.meant(thing, second.things), "place": place}
    return worked_out(
        "compose_thing",
        [first, second],
        replace(first, marks=(*first.marks, new)),
        asked,
        lambda said: {"thing": reference.said(said), "place": PLACES_SAID[said][place][0]},
    )


def _background(rng: Random, first: Placed, second: Placed) -> Edit | None:
    """Stand all things on the other ground."""
    if first.ground == second.ground:
        return None
    after = replace(first, ground=second.ground, shade=second.shade)
    return worked_out(
        "compose_background", [first, second], after, {"way": "background"}, lambda _: {}
    )


def _color(rng: Random, first: Placed, second: Placed) -> Edit | None:
    """Give a thing the colour of another one, which is not named."""
    thing, other = rng.choice(first.things), rng.choice(second.things)
    reference = refer(thing, first.things, rng, min(first.size))
    like = refer(other, second.things, rng, min(second.size), color=False)
    allowed = other.color != thing.color and other.color in allowed_colors(thing.shape)
    if reference is None or like is None or not allowed:
        return None
    new = replace(thing, color=other.color, shade=other.shade)
    asked = {
        "way": "color",
        "thing": reference.meant(thing, first.things),
        "other": like.meant(other, second.things),
    }
    return worked_out(
        "compose_color",
        [first, second],
        first.exchanged(thing, new),
        asked,
        lambda said: {"thing": reference.said(said), "other": like.said(said)},
    )
