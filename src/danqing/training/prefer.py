"""Pairs made by a model itself: paint a prompt several times, keep the best and the worst.

Every prompt becomes one line of `pairs.jsonl`, so the lines tell where to go on. Pairs that others
preferred become such a file too.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from danqing.core.config import dump
from danqing.core.errors import RequestError
from danqing.core.files import atomic_path
from danqing.core.log import Metrics
from danqing.data.pixels import Head, read_head
from danqing.data.synthesis import Synthesis
from danqing.pipelines.pipeline import Pipeline
from danqing.pipelines.request import Request
from danqing.scorers.ocr import TextScorer
from danqing.scorers.scene import SceneScorer
from danqing.scorers.world import SCENE_CATEGORIES, TEXT_CATEGORIES
from danqing.training.prompts import Asked
from danqing.training.rewards import Reward, rate
from danqing.training.sources.pairs import Pair

FILE: Final = "pairs.jsonl"


def _usual() -> tuple[Reward, ...]:
    return (
        Reward(scorer=SceneScorer(mode="soft")),
        Reward(scorer=TextScorer(page=False), detail="similarity"),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Judges:
    """Who says which picture is better, as a file."""

    rewards: tuple[Reward, ...] = field(default_factory=_usual)
    """What rates pictures; as given here, those of the small world."""

    def check(self, asked: Iterable[Asked]) -> None:
        """Refuse sentences where only the small world can be judged.

        Raises:
            RequestError: there is a sentence that nobody here can judge.
        """
        if any(not isinstance(one.scorer, SceneScorer | TextScorer) for one in self.rewards):
            return
        for one in asked:
            if isinstance(one.wanted, str):
                raise RequestError(
                    f"prompts must be the small world's for these judges, got {one.prompt!r}; "
                    "give --rewards with a scorer such as judge or alike."
                )


def small_world(count: int, texts: float, seed: int) -> list[Asked]:
    """Return prompts of the small world's training set, a share of which ask for a text."""
    scenes, written = (1 - texts) / len(SCENE_CATEGORIES), texts / len(TEXT_CATEGORIES)
    categories = dict.fromkeys(SCENE_CATEGORIES, scenes) | dict.fromkeys(TEXT_CATEGORIES, written)
    world = Synthesis(seed=seed, categories={k: v for k, v in categories.items() if v})
    return [Asked(one.prompt, one.spec) for one in map(world.prompt, range(count))]


def prefer(
    pipeline: Pipeline,
    prompts: Iterable[Asked],
    rewards: Sequence[Reward],
    folder: Path,
    *,
    candidates: int = 4,
    seed: int = 0,
    show: Callable[[int], None] = lambda done: None,
) -> Path:
    """Write pairs for the batch source `pairs`, going on where an earlier run stopped.

    Args:
        pipeline: Paints.
        prompts: What is painted; the same in every run.
        rewards: Say which picture is best. A prompt whose pictures are all alike to them, or
            unscored, gives no pair.
        folder: Where the pictures and the file go.
        candidates: How often a prompt is painted.
        seed: Seed of the first picture; all others count up.
        show: Told how many prompts are done.

    Returns:
        The file.

    Raises:
        RequestError: there are too few candidates.
        StorageError: the disk said no.
    """
    if candidates < 2:
        raise RequestError(f"candidates must be at least 2, got {candidates}; try 4.")
    folder.mkdir(parents=True, exist_ok=True)
    lines = Metrics(folder / FILE)
    done = sum(1 for _ in lines)
    for number, asked in enumerate(islice(prompts, done, None), start=done):
        request = Request(asked.prompt, seed=seed + number * candidates, batch=candidates)
        pictures = pipeline.paint(request).pictures
        scores = rate(rewards, [picture.image for picture in pictures], [asked] * candidates)
        ranked = sorted((one, place) for place, one in enumerate(scores) if one is not None)
        pair = Pair(caption=asked.prompt)
        if ranked and ranked[-1][0] > ranked[0][0]:
            (low, worst), (high, best) = ranked[0], ranked[-1]
            names = [f"{number:06}-{side}.png" for side in ("chosen", "rejected")]
            for name, place in zip(names, (best, worst), strict=True):
                pictures[place].save(folder / name)
            pair = Pair(
                caption=asked.prompt, chosen=names[0], rejected=names[1], scores=(high, low)
            )
        lines.write(**dump(pair))
        show(number + 1)
    return lines.path


def keep(
    preferred: Iterable[Pair], picture: Callable[[str], bytes], folder: Path
) -> tuple[Path, int]:
    """Write pairs that others preferred, in place of those that are there.

    Args:
        preferred: The pairs; their pictures go by any names.
        picture: Returns the PNG file of a name.
        folder: Where the pictures and the file go.

    Returns:
        The file, and how many pairs it has: those with pictures of two sizes are left out, as no
        noise would be the same for both.

    Raises:
        StorageError: the disk said no.
    """
    lines: list[str] = []
    for pair in preferred:
        names = pair.chosen, pair.rejected
        files = {f"{name}.png": picture(name) for name in names if name is not None}
        heads = [head for head in map(read_head, files.values()) if isinstance(head, Head)]
        if len({(head.width, head.height) for head in heads}) != 1:
            continue
        for name, data in files.items():
            with atomic_path(folder / name) as staged:
                staged.write_bytes(data)
        chosen, rejected = files
        written = Pair(caption=pair.caption, chosen=chosen, rejected=rejected, scores=pair.scores)
        lines.append(json.dumps(dump(written)) + "\n")
    with atomic_path(folder / FILE) as staged:
        staged.write_text("".join(lines), encoding="utf-8")
    return folder / FILE, len(lines)
