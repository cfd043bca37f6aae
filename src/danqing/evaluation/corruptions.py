"""Scenes and strings that are wrong by one detail, for judging a judge."""

from dataclasses import replace
from random import Random
from typing import Final

from danqing.data.synthesis.propose import COMMON_SHAPES
from danqing.data.synthesis.words import CHARACTERS, LETTERS
from danqing.scorers.world import (
    BACKGROUNDS,
    MIRRORED,
    PALETTE,
    Object,
    Scene,
    Specification,
    TextSpec,
)

_MOST, _MOST_IN_A_ROW = 5, 3
"""More things the renderer has no room for."""


def corrupt(spec: Specification, rng: Random) -> Specification:
    """Return a specification that differs from the given one as little as one can."""
    changed = _misspelled(spec, rng) if isinstance(spec, TextSpec) else _changed(spec, rng)
    assert changed.id != spec.id
    return changed


def _changed(scene: Scene, rng: Random) -> Scene:
    ways = [way for way in _CORRUPTIONS if way(scene, Random(0)) is not None]
    changed = rng.choice(ways)(scene, rng)
    assert changed is not None
    return changed


def _misspelled(spec: TextSpec, rng: Random) -> TextSpec:
    """Return a string with a letter changed, dropped or doubled; a string of one has another."""
    at = rng.randrange(len(spec.string))
    before, letter, after = spec.string[:at], spec.string[at], spec.string[at + 1 :]
    others = [c for c in (LETTERS if spec.language == "en" else CHARACTERS) if c != letter]
    ways = [rng.choice(others), "", 2 * letter][: 3 if len(spec.string) > 1 else 1]
    return replace(spec, string=before + rng.choice(ways) + after)


def _drop(scene: Scene, rng: Random) -> Scene | None:
    index = rng.randrange(len(scene.objects))
    thing = scene.objects[index]
    if thing.count > 1:
        return _with(scene, index, replace(thing, count=thing.count - 1))
    left = tuple(replace(o, position=None) for i, o in enumerate(scene.objects) if i != index)
    return replace(scene, objects=left) if left else None


def _extra(scene: Scene, _: Random) -> Scene | None:
    if sum(thing.count for thing in scene.objects) >= _MOST:
        return None
    placed = scene.objects[-1].position is not None
    index = min(range(len(scene.objects)), key=lambda i: scene.objects[i].count)
    thing = scene.objects[index]
    if placed and thing.count >= _MOST_IN_A_ROW:
        return None
    return _with(scene, index, replace(thing, count=thing.count + 1))


def _wrong_shape(scene: Scene, rng: Random) -> Scene | None:
    index = rng.randrange(len(scene.objects))
    thing = scene.objects[index]
    taken = {other.shape for other in scene.objects}
    other = rng.choice([shape for shape in COMMON_SHAPES if shape not in taken])
    if thing.count > 1 and len(scene.objects) == 1:
        one = Object(other, color=thing.color)
        return replace(scene, objects=(replace(thing, count=thing.count - 1), one))
    return _with(scene, index, replace(thing, shape=other))


def _wrong_color(scene: Scene, rng: Random) -> Scene | None:
    index = rng.randrange(len(scene.objects))
    thing = scene.objects[index]
    if thing.color is None:
        return None
    taken = {other.color for other in scene.objects}
    other = rng.choice([color for color in PALETTE if color not in taken])
    return _with(scene, index, replace(thing, color=other))


def _swapped_colors(scene: Scene, _: Random) -> Scene | None:
    colors = [thing.color for thing in scene.objects]
    if None in colors or len(set(colors)) < 2:
        return None
    swapped = zip(scene.objects, reversed(colors), strict=True)
    return replace(scene, objects=tuple(replace(o, color=c) for o, c in swapped))


def _mirrored(scene: Scene, _: Random) -> Scene | None:
    thing = scene.objects[-1]
    if thing.position is None:
        return None
    relation, anchor = thing.position
    return _with(scene, -1, replace(thing, position=(MIRRORED[relation], anchor)))


def _wrong_ground(scene: Scene, rng: Random) -> Scene | None:
    if scene.background is None:
        return None
    others = [ground for ground in BACKGROUNDS if ground != scene.background]
    return replace(scene, background=rng.choice(others))


def _with(scene: Scene, index: int, thing: Object) -> Scene:
    objects = list(scene.objects)
    objects[index] = thing
    return replace(scene, objects=tuple(objects))


_CORRUPTIONS: Final = (
    _drop,
    _extra,
    _wrong_shape,
    _wrong_color,
    _swapped_colors,
    _mirrored,
    _wrong_ground,
)
