"""True pictures of edits, and minimally wrong ones, for judging their judge.

Wrong is a source that was left as it was, and a true picture with one thing elsewhere, in another
colour or gone, with another thing changed than was asked, or in another look, pose, ground or with
another string. Wrong pictures are made from the pixels of right ones, so all else stays.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any, Final

import numpy as np
from PIL import Image

from danqing.data.edits import POSES, STYLES, EditSample, held_out
from danqing.data.edits.figures import fitted
from danqing.data.edits.stream import ASKED
from danqing.data.synthesis.placed import Placed
from danqing.evaluation.edits import CHANGING, EditJudge, Truth
from danqing.evaluation.trials import RIGHT, Trial
from danqing.scorers.world import BACKGROUNDS, PALETTE, Color

LEFT: Final = "left as it was"

Mark = Mapping[str, Any]


def edit_trials(count: int, size: int, tasks: Sequence[str] = CHANGING) -> Iterator[Trial]:
    """Yield so many true pictures of each task, and wrong ones beside each."""
    for task in tasks:
        samples = held_out(task, count, world=replace(ASKED, size=(size, size)))
        others = [*samples[1:], samples[0]]
        for sample, other in zip(samples, others, strict=True):
            truth = Truth(sample.change, sample.sources[0], sample.target, sample.kept)
            accepts = partial(_accepted, truth)
            yield Trial(task, RIGHT, sample.target, accepts)
            for fault, picture in _wrong(sample, other, Random(sample.change.id)):
                yield Trial(task, fault, picture, accepts)


def _accepted(truth: Truth, image: Image.Image) -> bool:
    return EditJudge().judge(image, truth).value == 1


def _wrong(sample: EditSample, other: EditSample, rng: Random) -> Iterator[tuple[str, Image.Image]]:
    """Yield wrong pictures of an edit, by what is wrong; the other one is of the same task."""
    task, source, target = sample.task, sample.sources[0], sample.target
    if task != "reconstruct":
        yield LEFT, source
    if task == "restyle":
        style = sample.change.asked["style"]
        yield "another look", STYLES[_another(rng, STYLES, style)](source)
        yield "another picture", STYLES[style](other.sources[0])
        return
    before = sample.change.shown["sources"][0]["marks"]
    after = sample.change.shown["target"]["marks"]
    same = [mark for mark in after if mark in before]
    if same:
        yield "a mark lost", _erased(target, rng.choice(same))
    if task == "background":
        yield "another ground", _grounded(target, _another(rng, BACKGROUNDS, _ground_of(sample)))
    new = [mark for mark in after if mark not in before]
    for mark in [rng.choice(same)] if task == "reconstruct" else new:
        yield "elsewhere", _moved(target, mark)
        color = _another(rng, PALETTE, mark["color"])
        yield "another colour", _painted(target, mark, PALETTE[color])
        if task == "pose":
            yield "another pose", _posed(sample, _another(rng, POSES, mark["pose"]))
        if task == "replace_text":
            yield "another string", other.target
        if same and task == "recolor":
            wrong = _painted(source, rng.choice(same), PALETTE[mark["color"]])
            yield "another thing", wrong
    if same and task == "remove":
        yield "another thing", _erased(source, rng.choice(same))


def _another(rng: Random, names: Iterable[str], name: str) -> str:
    return rng.choice([one for one in names if one != name])


def _ground_of(sample: EditSample) -> str:
    return sample.change.shown["target"]["background"]


def _box(mark: Mark) -> tuple[int, int, int, int]:
    left, top, right, bottom = map(round, mark["box"])
    return left, top, right, bottom


def _corner(image: Image.Image) -> Color:
    """Return the ground's colour."""
    red, green, blue = np.asarray(image)[0, 0].tolist()
    return red, green, blue


def _erased(image: Image.Image, mark: Mark) -> Image.Image:
    image = image.copy()
    image.paste(_corner(image), _box(mark))
    return image


def _moved(image: Image.Image, mark: Mark) -> Image.Image:
    """Return a picture with a mark a quarter of its width further to the farther side."""
    box = left, top, right, _ = _box(mark)
    quarter = image.width // 4
    way = quarter if left + right < image.width else -quarter
    moved = _erased(image, mark)
    moved.paste(image.crop(box), (left + way, top))
    return moved


def _painted(image: Image.Image, mark: Mark, color: Color) -> Image.Image:
    """Return a picture with a mark in another colour, smooth at its edges."""
    box, ground = _box(mark), np.array(_corner(image))
    away = np.abs(np.asarray(image.crop(box)).astype(int) - ground).sum(-1)
    cover = (255 * away / max(int(away.max()), 1)).round().astype(np.uint8)
    painted = image.copy()
    painted.paste(color, box, Image.fromarray(cover))
    return painted


def _grounded(image: Image.Image, ground: str) -> Image.Image:
    """Return a picture on another ground."""
    pixels = np.asarray(image).copy()
    pixels[(pixels == _corner(image)).all(-1)] = BACKGROUNDS[ground]
    return Image.fromarray(pixels)


def _posed(sample: EditSample, pose: str) -> Image.Image:
    """Return the figure of an edit in another pose."""
    (mark,) = sample.change.shown["target"]["marks"]
    figure = replace(fitted(mark), pose=pose)
    size, shade = sample.target.size, _corner(sample.target)
    return Placed(size, _ground_of(sample), shade, (figure,)).draw()
