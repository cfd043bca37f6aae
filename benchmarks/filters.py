"""What filters find of planted faults, and what they find where there is none.

    python benchmarks/filters.py

Each filter looks at every picture with its own cut, whatever the others say. A picture counts for
a filter if its fault was planted for that filter; faults that it may find as well are left out.
Filters of files, photometry and captions see small pictures, those of text and of large pictures
see large ones. Filters that balance drop no fault: they are judged by the shares they leave.
Filters that ask a network of the hub are left out; the one for blurred faces takes its detector.
"""

import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tyro
from PIL import Image, ImageDraw, ImageFilter
from race import surroundings

from danqing.core.config import parse
from danqing.data.corpus import Corpus
from danqing.data.filters import Batch, Filter, filters
from danqing.data.filters.base import Listed, Reads
from danqing.data.filters.text import LANGUAGES
from danqing.data.run import Recipe, survey
from danqing.data.sources import Planted
from danqing.data.sources.planted import PLANTS, Plant, encode
from danqing.data.stages import Step, steps

SMALL = {
    "initial": (
        256,
        "broken file_size bytes_per_pixel resolution aspect_ratio duplicate unsafe_words",
    ),
    "quality": (256, "rotation clarity luma saturation entropy texture"),
    "alignment": (256, "token_length invalid_caption"),
}
LARGE = {
    "text": (
        256,
        "text_language intensive_text characters small_characters watermark_text",
    ),
    "high_resolution": (640, "exposure blockiness bars codes mosaic"),
}
FACE = Path(__file__).parents[1] / "tests/data/filters/astronaut.jpg"


def main(*, small: int = 1600, large: int = 800, detector: Path | None = None) -> None:
    """Print recall and precision of every filter.

    Args:
        small: Pictures of 384 pixels for stages 1 to 3, half of them sound.
        large: Pictures of 704 pixels for stages 4 to 6, half of them sound.
        detector: YuNet's file, to judge `face_blur` by, too.
    """
    print(surroundings(2))
    for rows, side, stages in ((small, 384, SMALL), (large, 704, LARGE)):
        with tempfile.TemporaryDirectory() as folder:
            made = Planted(rows=rows, side=side, filters=planted(stages))
            recipe = parse(
                Recipe,
                {
                    "corpus": f"{folder}/corpus",
                    "stages": {
                        name: {"side": seen, "filters": {n: n for n in names.split()}}
                        for name, (seen, names) in stages.items()
                    },
                },
            )
            recipe = Recipe(corpus=recipe.corpus, stages=recipe.stages, sources={"made": made})
            began = time.perf_counter()
            corpus = survey(recipe)
            seconds = time.perf_counter() - began
            print(f"\n{rows} pictures of {side} pixels made and measured in {seconds:.0f} s\n")
            judge(corpus, steps(recipe.stages))
    balance()
    if detector is not None:
        faces(detector)


def planted(stages: dict[str, tuple[int, str]]) -> tuple[str, ...]:
    """Return those filters of some stages that there are faults for."""
    known = {plant.filter for plant in PLANTS.values()}
    return tuple(n for _, names in stages.values() for n in names.split() if n in known)


def judge(corpus: Corpus, found: Sequence[Step]) -> None:
    """Print what each filter found of a planted corpus."""
    keys = corpus.read(["key"])["key"].to_pylist()
    plants = [PLANTS[key.partition("/")[2].partition("-")[2]] for key in keys]
    print(f"{'filter':<22}{'planted':>8}{'recall':>9}{'others':>8}{'false':>7}{'precision':>11}")
    for step in found:
        if step.label == "text_language":
            continue
        drops = dropped(corpus, step)
        line(step.label, plants, drops, step.label)
        if isinstance(step.filter, Reads):
            for language in ("en", "zh"):
                rows = np.array([plant.language == language for plant in plants])
                some = [plant for plant, row in zip(plants, rows, strict=True) if row]
                line(f"  on {language}", some, drops[rows], step.label)
    for step in found:
        if step.label == "text_language":
            languages(plants, corpus.scores(step.column))


def dropped(corpus: Corpus, step: Step) -> np.ndarray:
    """Return which rows a filter alone would drop."""
    if isinstance(step.filter, Filter):
        scores = corpus.scores(step.column).tolist()
    else:
        sketches = corpus.sketches(step.column, range(len(corpus)))
        scores = [m.value for m in step.filter.compare(sketches)]
    values = [None if score is None or np.isnan(score) else score for score in scores]
    return np.array([step.filter.cut.reason(value) is not None for value in values])


def line(title: str, plants: Sequence[Plant], drops: np.ndarray, label: str) -> None:
    """Print a row of the table."""
    mine = np.array([plant.filter == label for plant in plants])
    # A broken picture has no pixels to judge.
    other = np.array([
        label not in (p.filter, *p.also) and (label == "broken" or p.filter != "broken")
        for p in plants
    ])  # fmt: skip
    hits, false = int((drops & mine).sum()), int((drops & other).sum())
    precision = f"{hits / (hits + false):.3f}" if hits + false else "-"
    print(
        f"{title:<22}{mine.sum():>8}{hits / max(1, mine.sum()):>9.3f}{other.sum():>8}{false:>7}"
        f"{precision:>11}"
    )


def languages(plants: Sequence[Plant], scores: np.ndarray) -> None:
    """Print how the languages of pictures were read."""
    print("\n" + f"{'written':<10}" + "".join(f"{'read ' + name:>12}" for name in LANGUAGES))
    for written in LANGUAGES:
        rows = [plant.language == written for plant in plants]
        read = Counter(LANGUAGES[int(score)] for score in scores[rows])
        print(f"{written:<10}" + "".join(f"{read[name]:>12}" for name in LANGUAGES))


def balance(rows: int = 20_000) -> None:
    """Print what filters that balance leave of captions with a planted imbalance."""
    captions = {"animal": "a cat", "landscape": "a lake", "food": "a cake", "design": "a poster"}
    shares = {"animal": 0.7, "landscape": 0.2, "food": 0.08, "design": 0.02}
    names = [name for name in shares for _ in range(round(shares[name] * rows))]
    part = filters["balance"]()
    left = Counter(kept(part, names, [captions[name] for name in names]))
    print(f"\n{'balance':<22}{'rows':>8}{'kept':>8}{'share kept':>12}{'intended':>10}")
    for name, share in shares.items():
        intended = min(1.0, (part.target / share) ** 0.5)
        count = round(share * rows)
        print(f"{name:<22}{count:>8}{left[name]:>8}{left[name] / count:>12.3f}{intended:>10.3f}")
    parts = {"zebra": 0.002, "lantern": 0.01, "tree": 0.1, "hill": 0.5}
    names = [name for name in parts for _ in range(round(parts[name] * rows))]
    names += ["plain"] * (rows - len(names))
    part = filters["rare_words"]()
    left = Counter(kept(part, names, [n if n != "plain" else "the" for n in names]))
    print(f"\n{'rare_words':<22}{'rows':>8}{'kept':>8}{'share kept':>12}{'intended':>10}")
    for name, count in Counter(names).items():
        intended = min(1.0, (part.threshold / (count / rows)) ** 0.5)
        print(f"{name:<22}{count:>8}{left[name]:>8}{left[name] / count:>12.3f}{intended:>10.3f}")
    best(captions)


def kept(part: object, names: Sequence[str], captions: Sequence[str]) -> list[str]:
    """Return the names of rows that a filter keeps by their captions."""
    empty = [None] * len(names)
    columns = {"key": [f"made/{row}" for row in range(len(names))], "raw": captions}
    batch = Batch(columns | {"recaption": empty, "fused": empty}, 256)
    found = part.compare(Listed(part.sketch(batch)))
    return [n for n, m in zip(names, found, strict=True) if part.cut.reason(m.value) is None]


def best(captions: dict[str, str], rows: int = 60) -> None:
    """Print how many of each category stay where one category is far less clear than the other."""
    source = Planted(rows=2 * rows, side=288)
    names = ["animal"] * rows + ["food"] * (rows // 3)
    pictures = [
        source.record(row, "clarity-blurred" if name == "food" else "sound-png")
        for row, name in enumerate(names)
    ]
    empty = [None] * len(names)
    columns = {
        "key": [str(row) for row in range(len(names))],
        "raw": [captions[name] for name in names],
        "recaption": empty,
        "fused": empty,
        "image": [picture.image for picture in pictures],
        "name": [picture.name for picture in pictures],
    }
    part = filters["best_of_category"]()
    found = part.compare(Listed(part.sketch(Batch(columns, 256))))
    left = Counter(n for n, m in zip(names, found, strict=True) if not part.cut.reason(m.value))
    print(f"\n{'best_of_category':<22}{'rows':>8}{'kept':>8}{'share kept':>12}{'intended':>10}")
    for name, count in Counter(names).items():
        print(f"{name:<22}{count:>8}{left[name]:>8}{left[name] / count:>12.3f}{0.8:>10.3f}")


def faces(detector: Path) -> None:
    """Print what becomes of one face, left alone or blurred, in other sizes and qualities."""
    part = filters["face_blur"](detector=detector)
    part.load()
    whole = Image.open(FACE).convert("RGB")
    mask = Image.new("L", whole.size)
    ImageDraw.Draw(mask).ellipse((84, 26, 146, 112), fill=255)
    mask = mask.filter(ImageFilter.GaussianBlur(2))
    print(f"\n{'face_blur':<22}{'pictures':>9}{'a face':>8}{'dropped':>9}{'values':>20}")
    for radius in (0.0, 1.0, 1.5, 2.0, 3.0, 4.0):
        image = whole.copy()
        image.paste(whole.filter(ImageFilter.GaussianBlur(radius)), mask=mask)
        files = [
            encode(image.resize((side, side), Image.Resampling.LANCZOS), quality=quality)
            for side in (192, 256, 384, 512)
            for quality in (60, 75, 90)
        ]
        batch = Batch({"image": files, "name": ["a.jpg"] * len(files)}, 640)
        values = [m.value for m in part.measure(batch)]
        seen = [value for value in values if value is not None]
        gone = sum(part.cut.reason(value) is not None for value in values)
        span = f"{min(seen):.4f} to {max(seen):.4f}" if seen else "-"
        title = f"blurred by {radius:g} pixels" if radius else "left alone"
        print(f"{title:<22}{len(files):>9}{len(seen):>8}{gone:>9}{span:>20}")


if __name__ == "__main__":
    tyro.cli(main)
