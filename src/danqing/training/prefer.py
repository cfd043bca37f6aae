"""Pairs made by a model itself: paint a prompt several times, keep the best and the worst.

Every prompt becomes one line of `pairs.jsonl`, so the lines tell where to go on.
"""

from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Final

from danqing.core.config import dump
from danqing.core.errors import RequestError
from danqing.core.log import Metrics
from danqing.pipelines.request import Request
from danqing.pipelines.text_to_image import TextToImage
from danqing.scorers.base import Scorer, Wanted
from danqing.training.sources.pairs import Pair

FILE: Final = "pairs.jsonl"


def prefer(
    pipeline: TextToImage,
    prompts: Iterable[tuple[str, Wanted]],
    scorer: Scorer,
    folder: Path,
    *,
    candidates: int = 4,
    seed: int = 0,
    show: Callable[[int], None] = lambda done: None,
) -> Path:
    """Write pairs for the batch source `pairs`, going on where an earlier run stopped.

    Args:
        pipeline: Paints.
        prompts: What is painted, and what the scorer is told of it; the same in every run.
        scorer: Says which picture is best. A prompt whose pictures are all alike to it, or
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
    for number, (prompt, wanted) in enumerate(islice(prompts, done, None), start=done):
        request = Request(prompt, seed=seed + number * candidates, batch=candidates)
        pictures = pipeline.paint(request).pictures
        scores = scorer.score([picture.image for picture in pictures], [wanted] * candidates)
        ranked = sorted(
            (score.value, place) for place, score in enumerate(scores) if score.value is not None
        )
        pair = Pair(caption=prompt)
        if ranked and ranked[-1][0] > ranked[0][0]:
            (low, worst), (high, best) = ranked[0], ranked[-1]
            names = [f"{number:06}-{side}.png" for side in ("chosen", "rejected")]
            for name, place in zip(names, (best, worst), strict=True):
                pictures[place].save(folder / name)
            pair = Pair(caption=prompt, chosen=names[0], rejected=names[1], scores=(high, low))
        lines.write(**dump(pair))
        show(number + 1)
    return lines.path
