"""The first two stages at growing sizes: memory, the plan against the runs, and a cluster's rows.

    python benchmarks/data_scale.py --sizes 2000 20000 100000

Every size is a process of its own on a corpus of its own. The plan is made from the smallest run
and compared with what the larger ones took. Then Daft's distributed runner, on a local cluster of
Ray, filters the same files as the native one, and must give the same rows to the last byte.
"""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import tyro
from race import surroundings
from watch import Taken, watch

from danqing.core.config import load
from danqing.data.corpus import Corpus
from danqing.data.plan import Plan, plan
from danqing.data.run import Recipe

RECIPE = Path(__file__).parents[1] / "recipes/filter/first_two_stages.toml"
HOUR = 3600


def main(
    *,
    sizes: tuple[int, ...] = (2000, 20_000),
    side: int = 288,
    cluster: int = 2000,
    folder: Path | None = None,
) -> None:
    """Print what each size took, what the plan foretold, and whether a cluster's rows are equal.

    Args:
        sizes: Pictures of each run, growing.
        side: Pixels of their shorter side.
        cluster: Pictures that are filtered by both runners; 0: none.
        folder: Where pictures and corpora are, or are to stay; thrown away when not given. Only
            pictures are used again.
    """
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    print(surroundings(2))
    with tempfile.TemporaryDirectory() as temporary:
        place = folder or Path(temporary)
        taken: dict[int, Taken] = {}
        head = ("pictures", "seconds", "a second", "core-s", "peak MB", "kept")
        print("\n" + "".join(f"{name:>10}" for name in head))
        for size in sizes:
            taken[size] = one = _filtered(place, size, side, "native")
            kept = _manifest(place, size)["kept"]
            print(
                f"{size:>10,}{one.seconds:>10.1f}{size / one.seconds:>10.1f}{one.cpu:>10.1f}"
                f"{one.peak / 1e6:>10.0f}{kept:>10,}",
                flush=True,
            )
        for size in sizes[1:]:
            _compare_plan(place, sizes[0], size, taken)
        if cluster:
            if cluster not in taken:
                _filtered(place, cluster, side, "native")
            one = _filtered(place, cluster, side, "ray")
            equal = _same(_corpus(place, cluster), _corpus(place, cluster, "ray"))
            print(
                f"\n{cluster:,} pictures by Daft's distributed runner: {one.seconds:.1f} s, "
                f"{one.peak / 1e6:.0f} MB; {equal}"
            )


def _compare_plan(place: Path, small: int, large: int, taken: dict[int, Taken]) -> None:
    """Print what a plan from a small run says of a large one, and what that took."""
    foretold, found = (_plan(place, size, large) for size in (small, large))
    print(f"\n{large:,} pictures{'':<14}{'foretold':>12}{'measured':>12}{'ratio':>8}")
    rows: list[tuple[str, float, float]] = [
        (f"{one.stage} {one.label}, core-s", one.core_hours * HOUR, two.core_hours * HOUR)
        for one, two in zip(foretold.lines, found.lines, strict=True)
    ]
    rows += [
        ("all of these, core-s", foretold.core_hours * HOUR, found.core_hours * HOUR),
        ("whole process, core-s", foretold.core_hours * HOUR, taken[large].cpu),
        ("kept", foretold.kept, found.kept),
        ("pictures, MB", foretold.picture_bytes / 1e6, found.picture_bytes / 1e6),
        ("columns, MB", foretold.column_bytes / 1e6, found.column_bytes / 1e6),
    ]
    for label, one, two in rows:
        print(f"{label:<30}{one:>12.2f}{two:>12.2f}{one / two:>8.2f}")


def _plan(place: Path, size: int, pairs: int) -> Plan:
    stages = load(Recipe, RECIPE).stages
    return plan(_manifest(place, size), stages, float(pairs), _corpus(place, size).sizes())


def _corpus(place: Path, size: int, runner: str = "native") -> Corpus:
    return Corpus(place / f"corpus-{size}-{runner}")


def _manifest(place: Path, size: int) -> dict[str, object]:
    return json.loads((_corpus(place, size).folder / "manifest.json").read_text())


def _filtered(place: Path, size: int, side: int, runner: str) -> Taken:
    """Filter so many pictures in a process of its own and return what that took."""
    corpus = _corpus(place, size, runner).folder
    shutil.rmtree(corpus, ignore_errors=True)
    settings = [f"corpus={corpus}", f"sources.mine.path={_pictures(place, size, side)}"]
    command = [sys.executable, "-m", "danqing", "filter", "run", RECIPE, "--set", *settings]
    return watch([*command, f"runner={runner}"], {"RAY_USAGE_STATS_ENABLED": "0"})


def _pictures(place: Path, size: int, side: int) -> Path:
    """Make a folder of pictures, unless it is there."""
    folder = place / f"pictures-{size}-{side}"
    if not folder.is_dir():
        with ProcessPoolExecutor(2) as pool:
            for _ in pool.map(partial(_some, folder, side), range(0, size, 500)):
                pass
        # The last block may be larger than what is left.
        for extra in sorted(folder.rglob("*.jpg"))[size:]:
            extra.unlink()
    return folder


def _some(folder: Path, side: int, first: int) -> None:
    block = folder / f"{first:08d}"
    block.mkdir(parents=True)
    detail = np.random.default_rng(0).normal(0, 12, (2 * side, 2 * side)).astype(np.float32)
    for row in range(first, first + 500):
        # One in twenty is a copy of its neighbour, another one is dark, another blurred.
        rng = np.random.default_rng(row - 1 if row % 20 == 1 else row)
        (block / f"{row:08d}.jpg").write_bytes(picture(rng, detail, side, row % 20))


def picture(rng: np.random.Generator, detail: np.ndarray, side: int, kind: int) -> bytes:
    """Return a JPEG of smooth colours under fine noise, unlike all others.

    A hundred times as cheap as a scene of the source `planted`, which makes 100,000 possible.
    """
    import cv2

    width = side + side // 3
    colors = rng.uniform(30, 225, (9, 12, 3)).astype(np.float32)
    y, x = rng.integers(side), rng.integers(2 * side - width)
    pixels = cv2.resize(colors, (width, side), interpolation=cv2.INTER_CUBIC)
    pixels += detail[y : y + side, x : x + width, None]
    if kind == 2:
        pixels *= 0.08
    if kind == 3:
        pixels = cv2.GaussianBlur(pixels, (0, 0), 6)
    quality = 75 if kind == 1 else 90
    whole = pixels.clip(0, 255).astype(np.uint8)
    coded = cv2.imencode(".jpg", whole, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return coded[1].tobytes()


def _same(one: Corpus, two: Corpus) -> str:
    """Say whether two corpora hold the same, in columns and drops."""
    columns = sorted(set(one.columns) - {"image"})
    if columns != sorted(set(two.columns) - {"image"}):
        return "OTHER COLUMNS"
    # As text, because what is no number is not equal to itself.
    other = [name for name in columns if repr(_values(one, name)) != repr(_values(two, name))]
    drops = [(corpus.folder / "drops.parquet").read_bytes() for corpus in (one, two)]
    if other or drops[0] != drops[1]:
        return f"DIFFERENT: {', '.join(other)}{'' if drops[0] == drops[1] else ' drops.parquet'}"
    return f"all {len(columns)} columns and drops.parquet are equal to the last byte"


def _values(corpus: Corpus, name: str) -> Sequence[object]:
    return corpus.read([name])[name].to_pylist()


if __name__ == "__main__":
    tyro.cli(main)
