"""Right pictures, and minimally wrong ones, for judging a judge.

A right picture is drawn of what was asked for, and beside it wrong ones that differ as little as
they can: a scene with a thing dropped or added, one shape, colour, place or ground changed, two
colours swapped; a string with a letter changed, dropped or doubled; a bent word made straight, bent
the other way, with one letter changed or mirrored; a solid left as it was, turned the wrong way,
with two colours swapped, mirrored, or of another kind.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from random import Random
from typing import Final

from PIL import Image, ImageOps

from danqing.core.seed import derive
from danqing.data.synthesis import Style, draw
from danqing.data.synthesis.arches import arches, draw_arch
from danqing.data.synthesis.instructions import CHANGES, Change
from danqing.data.synthesis.prompts import ASKED
from danqing.data.synthesis.propose import propose
from danqing.data.synthesis.solids import Turn, draw_solid, turns
from danqing.data.synthesis.words import CHARACTERS, LETTERS
from danqing.data.typeset.fonts import choose, faces
from danqing.evaluation.corruptions import corrupt
from danqing.scorers.arch import ArchedText, ArchJudge, Bend
from danqing.scorers.ocr import TextScorer
from danqing.scorers.polyhedra import Kind
from danqing.scorers.scene import SceneScorer
from danqing.scorers.solid import SolidJudge
from danqing.scorers.world import (
    SCENE_CATEGORIES,
    TEXT_CATEGORIES,
    Language,
    Specification,
    TextSpec,
)

RIGHT: Final = "right"
_WILD: Final = Style(jitter=8, rotation=12.0)
"""All the turns that the world allows; of its shades those that leave grounds apart."""
_OTHER: Final[dict[Bend, Bend]] = {"up": "down", "down": "up"}
_ALPHABETS: Final[dict[Language, str]] = {"en": LETTERS, "zh": CHARACTERS}
_LIKE: Final[dict[Kind, Kind]] = {"cuboid": "prism", "pyramid": "prism", "prism": "pyramid"}
_WRONG: Final[dict[Change, int]] = {"left": -1, "right": 1, "behind": 1, "below": 2}
"""Quarters by which a solid is turned instead."""
_JITTER: Final = 8


@dataclass(frozen=True, slots=True)
class Trial:
    """A picture to be judged, and how it is wrong."""

    category: str
    fault: str
    """`right`: it is not."""
    picture: Image.Image
    accepts: Callable[[Image.Image], bool]
    """The judge, which knows what was asked."""


def world_trials(
    count: int, size: int, categories: Sequence[str] = SCENE_CATEGORIES
) -> Iterator[Trial]:
    """Yield so many right pictures of each category of the small world, and as many wrong ones."""
    for category, number in product(categories, range(count)):
        rng = Random(derive(0, category, number))
        wanted = propose(rng, category, ASKED)
        layout = rng.getrandbits(64)
        for fault, drawn in ((RIGHT, wanted), ("wrong by one detail", corrupt(wanted, rng))):
            # One layout seed: what the fault does not touch mostly stays where it was.
            picture = draw(drawn, Random(layout), size=(size, size), style=_WILD)
            yield Trial(category, fault, picture, partial(_right, wanted))


def string_trials(count: int, size: int) -> Iterator[Trial]:
    """Yield so many right English and Chinese strings, and as many wrong ones."""
    return world_trials(count, size, TEXT_CATEGORIES)


def arch_trials(count: int, size: int) -> Iterator[Trial]:
    """Yield, for each kind of arch, so many right words and as many of each fault."""
    for script, bend in product(_ALPHABETS, _OTHER):
        for number, (wanted, *_) in enumerate(arches(bend, script, count)):
            rng = Random(number)
            face = choose(rng, faces(), [wanted.string], language=script)
            arch = partial(draw_arch, size=(size, size), face=face)
            right = arch(wanted, Random(number))
            pictures = {
                RIGHT: right,
                "straight": arch(wanted, Random(number), sagitta=0.002),
                "bent the other way": arch(replace(wanted, bend=_OTHER[bend]), Random(number)),
                "one letter changed": arch(_misspelled(wanted, rng), Random(number)),
                "mirrored": ImageOps.mirror(right),
            }
            for fault, picture in pictures.items():
                yield Trial(f"{bend}_{script}", fault, picture, partial(_arched, wanted))


def typeface_trials(count: int, size: int) -> Iterator[Trial]:
    """Yield so many right words, half of each bend, in every typeface of the package."""
    for script, bend in product(_ALPHABETS, _OTHER):
        for number, (wanted, *_) in enumerate(arches(bend, script, count // 2, "dev")):
            for face in faces():
                # Chinese faces have Latin letters, too, but are not made for them.
                if face.draws(wanted.string) and face.writes("zh") == (script == "zh"):
                    drawn = draw_arch(wanted, Random(number), size=(size, size), face=face)
                    yield Trial(face.name, RIGHT, drawn, partial(_arched, wanted))


def solid_trials(count: int, size: int) -> Iterator[Trial]:
    """Yield, for each change, so many right solids and as many of each fault."""
    for change in CHANGES:
        for number, (wanted, *_) in enumerate(turns(change, count)):
            seen = wanted.outcome
            pictures = {
                RIGHT: seen,
                "two colours swapped": seen.painted(seen.right, seen.left),
                "of another kind": replace(seen, kind=_LIKE[seen.kind]),
            }
            if change != "described":
                pictures["left as it was"] = wanted.solid
                pictures["turned the wrong way"] = wanted.solid.turned(_WRONG[change])
            drawn = {
                fault: draw_solid(
                    solid, wanted.ground, Random(number), size=(size, size), jitter=_JITTER
                )
                for fault, solid in pictures.items()
            }
            drawn["mirrored"] = ImageOps.mirror(drawn[RIGHT])
            for fault, picture in drawn.items():
                yield Trial(change, fault, picture, partial(_shown, wanted))


def _right(wanted: Specification, image: Image.Image) -> bool:
    scorer = TextScorer(page=False) if isinstance(wanted, TextSpec) else SceneScorer()
    return scorer.score([image], [wanted])[0].value == 1


def _arched(wanted: ArchedText, image: Image.Image) -> bool:
    return ArchJudge().judge(image, wanted).value == 1


def _shown(wanted: Turn, image: Image.Image) -> bool:
    return SolidJudge().judge(image, wanted.truths).value == 1


def _misspelled(wanted: ArchedText, rng: Random) -> ArchedText:
    string, place = wanted.string, rng.randrange(len(wanted.string))
    other = rng.choice([c for c in _ALPHABETS[wanted.script] if c != string[place]])
    return replace(wanted, string=string[:place] + other + string[place + 1 :])
