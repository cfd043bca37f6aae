"""What a LoRA of the embedded model learns from twenty pictures, in how long.

    python benchmarks/lora.py --threads 1

The concept is a zork, which is a purple ring: a word that the model can only spell, and a shape it
has never drawn. Half of the backgrounds that are asked for are in no picture. A painted zork is
scored by its overlap (intersection over union) with the ring of as many purple pixels, around
their centre.
"""

import math
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path
from random import Random

import numpy as np
import torch
import tyro
from PIL import Image, ImageDraw
from race import surroundings

from danqing.core.config import load as load_recipe
from danqing.pipelines.load import load
from danqing.pipelines.request import Request
from danqing.scorers.world import BACKGROUNDS, PALETTE
from danqing.training.recipe import Recipe, run

RECIPE = Path(__file__).parents[1] / "recipes/train/lora.toml"
SIDE, FINE = 256, 4
HOLE = 0.5
"""Radius of the hole in that of the ring."""
NEAR = 60.0
"""Distance of colours, in RGB, that is still purple."""
ALIKE = 0.7
"""Overlap from which on it is a zork."""


def main(*, threads: int = 1, pictures: int = 20, seeds: int = 8, keep: Path | None = None) -> None:
    """Draw zorks, train on them, and print how many are painted before and after.

    Args:
        threads: CPU threads.
        pictures: How many to learn from.
        seeds: Pictures painted of each background.
        keep: A folder for pictures, run and LoRA; none is kept otherwise.
    """
    torch.set_num_threads(threads)
    print(surroundings(threads))
    with tempfile.TemporaryDirectory() as scratch:
        measure(keep or Path(scratch), pictures, seeds)


def measure(folder: Path, pictures: int, seeds: int) -> None:
    """Train in a folder, and paint."""
    seen, unseen = list(BACKGROUNDS)[::2], list(BACKGROUNDS)[1::2]
    shown = folder / "pictures"
    shown.mkdir(parents=True)
    for number, ground in enumerate(islice(cycle(seen), pictures)):
        zork(Random(number), ground).save(shown / f"{number:02}.png")
        (shown / f"{number:02}.txt").write_text(prompt(ground))
    lora = folder / "lora.safetensors"
    settings = [f"run={folder / 'run'}", f"source.path={shown}", f"trainee.file={lora}"]
    recipe = load_recipe(Recipe, RECIPE, settings)
    start = time.perf_counter()
    run(recipe)
    minutes = (time.perf_counter() - start) / 60
    print(
        f"{pictures} pictures, {recipe.steps} steps, {minutes:.1f} minutes, "
        f"{lora.stat().st_size / 1e6:.1f} MB\n"
    )
    print(f"{'':28}{'overlap':>9}{'zorks':>8}")
    for name, loras in (("before", ()), ("after", (str(lora),))):
        pipeline = load(recipe.model, dtype="float32", loras=loras)
        for kind, grounds in (("seen", seen), ("unseen", unseen)):
            painted = [
                picture.image
                for ground in grounds
                for picture in pipeline.paint(Request(prompt(ground), batch=seeds)).pictures
            ]
            painted[0].save(folder / f"{name}-{kind}.png")
            scores = np.array([overlap(image) for image in painted])
            share = (scores >= ALIKE).mean()
            print(f"{name + ', ' + kind + ' backgrounds':28}{scores.mean():9.2f}{share:8.0%}")


def prompt(ground: str) -> str:
    """Return what is asked for."""
    return f"a zork on a {ground} background"


def zork(rng: Random, ground: str) -> Image.Image:
    """Draw a zork anywhere."""
    side = SIDE * FINE
    image = Image.new("RGB", (side, side), BACKGROUNDS[ground])
    draw = ImageDraw.Draw(image)
    radius = side * rng.uniform(0.2, 0.3)
    x, y = (rng.uniform(radius, side - radius) for _ in "xy")
    for size, color in ((radius, PALETTE["purple"]), (HOLE * radius, BACKGROUNDS[ground])):
        draw.ellipse((x - size, y - size, x + size, y + size), fill=color)
    return image.resize((SIDE, SIDE), Image.Resampling.BOX)


def overlap(image: Image.Image) -> float:
    """Return how much of what is purple, or should be, is both: 1 for a zork, 0.5 for a disc."""
    off = np.asarray(image.convert("RGB"), float) - PALETTE["purple"]
    purple = np.linalg.norm(off, axis=-1) < NEAR
    if not purple.any():
        return 0.0
    rows, columns = np.nonzero(purple)
    y, x = np.mgrid[: image.height, : image.width]
    away = np.hypot(y - rows.mean(), x - columns.mean())
    radius = math.sqrt(purple.sum() / (math.pi * (1 - HOLE**2)))
    ring = (away <= radius) & (away >= HOLE * radius)
    return float((ring & purple).sum() / (ring | purple).sum())


if __name__ == "__main__":
    tyro.cli(main)
