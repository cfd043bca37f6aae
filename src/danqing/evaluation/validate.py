"""Judging the judge: how often it accepts right pictures and wrong ones.

A picture is drawn of what was asked for, and one of something minimally different: a thing
dropped or added, one shape or colour changed, two colours swapped, a place mirrored, another
ground; a letter changed, dropped or doubled. The first must be accepted and the second refused,
clean and after each degradation; a round trip through a VAE as degradation gives the ceiling of any
model that paints with it.

Run as a module, `python -m danqing.evaluation.validate --help`, it prints the table.
"""

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

import numpy as np
from PIL import Image, ImageFilter

from danqing.core.seed import derive
from danqing.data.synthesis import Style, draw
from danqing.data.synthesis.prompts import ASKED
from danqing.data.synthesis.propose import propose
from danqing.evaluation.corruptions import corrupt
from danqing.evaluation.stats import upper_bound
from danqing.scorers.base import Scorer
from danqing.scorers.ocr import TextScorer
from danqing.scorers.scene import SceneScorer
from danqing.scorers.world import (
    CATEGORIES,
    SCENE_CATEGORIES,
    TEXT_CATEGORIES,
    Specification,
)

Degradation = Callable[[Image.Image], Image.Image]

_WILD: Final = Style(jitter=8, rotation=12.0)
"""All the turns that the world allows; of its shades those that leave grounds apart."""


def clean(image: Image.Image) -> Image.Image:
    """Return the picture as it is."""
    return image


def jpeg(image: Image.Image) -> Image.Image:
    """Return the picture as a JPEG of quality 50 keeps it."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=50)
    return Image.open(file).convert("RGB")


def blur(image: Image.Image) -> Image.Image:
    """Return the picture under a Gaussian of 1 pixel."""
    return image.filter(ImageFilter.GaussianBlur(1))


def noise(image: Image.Image) -> Image.Image:
    """Return the picture with grain of 12 / 255, the same grain every time."""
    grain = np.random.default_rng(0).normal(0, 12, (image.height, image.width, 3))
    return Image.fromarray((np.asarray(image) + grain).clip(0, 255).astype(np.uint8))


def half(image: Image.Image) -> Image.Image:
    """Return the picture shrunk to half its size and enlarged again."""
    small = image.resize((image.width // 2, image.height // 2), Image.Resampling.BICUBIC)
    return small.resize(image.size, Image.Resampling.BICUBIC)


def warp(image: Image.Image) -> Image.Image:
    """Return the picture on rubber pulled about by 1.2 % of its side, the same way every time."""
    draws, cells = np.random.default_rng(0), 8
    xs = np.linspace(0, image.width, cells + 1).round()
    ys = np.linspace(0, image.height, cells + 1).round()
    pull = np.zeros((cells + 1, cells + 1, 2))
    # The rim stays, so nothing from beyond the picture comes in.
    pull[1:-1, 1:-1] = draws.normal(size=(cells - 1, cells - 1, 2)) * 0.012 * min(image.size)
    knots = np.stack(np.meshgrid(xs, ys), axis=-1) + pull
    mesh = [
        (
            (int(xs[j]), int(ys[i]), int(xs[j + 1]), int(ys[i + 1])),
            (*knots[i, j], *knots[i + 1, j], *knots[i + 1, j + 1], *knots[i, j + 1]),
        )
        for i in range(cells)
        for j in range(cells)
    ]
    return image.transform(image.size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR)


LADDER: Final[Mapping[str, Degradation]] = {
    "clean": clean,
    "jpeg 50": jpeg,
    "blur 1 px": blur,
    "noise 12": noise,
    "half size": half,
    "warp 1.2 %": warp,
}
"""Degradations by name, in the order of the table."""


@dataclass(frozen=True, slots=True)
class Row:
    """What the judge did with one category under one degradation."""

    category: str
    condition: str
    true_accepts: int
    false_accepts: int
    count: int
    """Right pictures, and as many wrong ones."""

    @property
    def text(self) -> str:
        """The row as a line of a table."""
        bound = upper_bound(self.false_accepts, self.count)
        return (
            f"{self.condition:18} {self.category:14} accepts {self.true_accepts / self.count:.3f} "
            f"of right and {self.false_accepts} of {self.count} wrong (at most {bound:.4f})"
        )


def ladder(
    count: int,
    *,
    size: int = 256,
    categories: Iterable[str] = SCENE_CATEGORIES,
    conditions: Mapping[str, Degradation] = LADDER,
    scorer: Scorer | None = None,
    seed: int = 0,
) -> list[Row]:
    """Return how the judge fares, one row for each condition and category.

    Args:
        count: Right pictures of each category, and as many wrong ones.
        size: Side of the pictures in pixels.
        categories: Kinds of scenes and strings.
        conditions: What is done to a picture before it is judged.
        scorer: The judge; None: that of the in-domain benchmark.
        seed: Another seed, other scenes.
    """
    rows: list[Row] = []
    for category in categories:
        text = category in TEXT_CATEGORIES
        judge = scorer or (TextScorer(page=False) if text else SceneScorer())
        right: list[tuple[Specification, Image.Image]] = []
        wrong: list[tuple[Specification, Image.Image]] = []
        for index in range(count):
            rng = Random(derive(seed, category, index))
            spec = propose(rng, category, ASKED)
            layout = rng.getrandbits(64)
            for drawn, pictures in ((spec, right), (corrupt(spec, rng), wrong)):
                # One layout seed: what the corruption does not touch mostly stays where it was.
                picture = draw(drawn, Random(layout), size=(size, size), style=_WILD)
                pictures.append((spec, picture))
        for name, degrade in conditions.items():
            true_accepts, false_accepts = (
                sum(
                    bool(score.value)
                    for spec, picture in pictures
                    for score in judge.score([degrade(picture)], [spec])
                )
                for pictures in (right, wrong)
            )
            rows.append(Row(category, name, true_accepts, false_accepts, count))
    return rows


def main(count: int = 60, size: int = 256, model: str | None = None) -> None:
    """Print how the judge fares under every degradation.

    Args:
        count: Right pictures of each category, and as many wrong ones.
        size: Side of the pictures in pixels.
        model: Whose VAE gives one degradation more, the ceiling of what it can paint.
    """
    conditions: dict[str, Degradation] = dict(LADDER)
    if model is not None:
        from danqing.core.device import pick_device
        from danqing.evaluation.painter import round_trip
        from danqing.pipelines.load import load

        device, _ = pick_device()
        conditions[f"VAE of {model}"] = round_trip(load(model, device).vae)
    for category in CATEGORIES:
        for row in ladder(count, size=size, categories=[category], conditions=conditions):
            print(row.text, flush=True)


if __name__ == "__main__":
    import tyro

    tyro.cli(main)
