"""Which words and characters a reader can read at all, so that only those are asked for.

A string enters the small world if its reader reads the renderer's own picture of it in every
typeface, its letters together and apart, clean, as a poor JPEG, and as a VAE keeps it. Chinese
characters are read alone, large, and in fours, small, where a misread neighbour speaks only
against itself.

Run as a module, `python -m danqing.evaluation.legible --help`, it prints what is left out, and why.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, product
from pathlib import Path
from random import Random
from typing import Final

from danqing.data.synthesis import Style, draw
from danqing.data.synthesis.fonts import FACES
from danqing.data.synthesis.words import CHARACTERS, PHRASES, UNSEEN_CHARACTERS, WORDS
from danqing.evaluation.degradations import Degradation, clean, jpeg
from danqing.scorers.ocr import TextScorer, normalized
from danqing.scorers.world import Language, TextSpec

_TOGETHER: Final = 4
"""Characters of the longest Chinese string."""


@dataclass(frozen=True, slots=True)
class Misreading:
    """A picture of a string that was read as something else."""

    string: str
    face: str
    condition: str
    read: str


def misread(
    strings: Iterable[str],
    language: Language,
    *,
    conditions: Mapping[str, Degradation],
    size: tuple[int, int] = (256, 256),
    seed: int = 0,
) -> Iterator[Misreading]:
    """Yield what is not read as it was written.

    Args:
        strings: What is written.
        language: Its script, and so its typefaces.
        conditions: What is done to a picture before it is read, by name.
        size: Width and height of pictures.
        seed: Decides colours, grounds and places.
    """
    scorer = TextScorer(page=False)
    for string in strings:
        for face in FACES.values():
            if face.script != language:
                continue
            spec = TextSpec(f"text_{language}", string, language, "black", "cream")
            for cells, (name, degrade) in product((False, True), conditions.items()):
                style = Style(fonts=(face.name,), cells=cells)
                picture = draw(spec, Random(f"{seed} {string}"), size=size, style=style)
                (score,) = scorer.score([degrade(picture)], [spec])
                if not score.value:
                    condition = f"{name}, apart" if cells else name
                    yield Misreading(string, face.name, condition, str(score.details["line"]))


def characters_misread(
    characters: Sequence[str],
    *,
    conditions: Mapping[str, Degradation],
    size: tuple[int, int] = (256, 256),
    seed: int = 0,
) -> Iterator[Misreading]:
    """Yield the single characters that are not read, alone or among others."""
    yield from misread(characters, "zh", conditions=conditions, size=size, seed=seed)
    dealt = list(characters)
    Random(seed).shuffle(dealt)
    # The last ones are joined by the first, so that every string is as long.
    dealt += dealt[: -len(dealt) % _TOGETHER]
    groups = ["".join(dealt[i : i + _TOGETHER]) for i in range(0, len(dealt), _TOGETHER)]
    for wrong in misread(groups, "zh", conditions=conditions, size=size, seed=seed):
        read = normalized(wrong.read)
        pairs = list(zip(wrong.string, read, strict=False))
        for character, found in (
            pairs if len(read) == _TOGETHER else [(c, "") for c in wrong.string]
        ):
            if normalized(character) != found:
                yield Misreading(character, wrong.face, f"{wrong.condition}, in four", found)


def main(
    model: str = "danqing-nano",
    strings: Path | None = None,
    size: int = 256,
) -> None:
    """Print misreadings as JSON lines.

    Args:
        model: Whose VAE pictures go through.
        strings: A file of strings parted by spaces; None: those of the small world.
        size: Side of the pictures in pixels.
    """
    import torch

    from danqing.evaluation.painter import round_trip
    from danqing.pipelines.load import load

    conditions = {
        "clean": clean,
        "jpeg 50": jpeg,
        "vae": round_trip(load(model, dtype=torch.float32).vae),
    }
    told = (
        strings.read_text(encoding="utf-8").split()
        if strings
        else (*WORDS, *PHRASES, *CHARACTERS, *UNSEEN_CHARACTERS)
    )
    english = [string for string in told if string.isascii()]
    single = [string for string in told if not string.isascii() and len(string) == 1]
    longer = [string for string in told if not string.isascii() and len(string) > 1]
    square = (size, size)
    for wrong in chain(
        misread(english, "en", conditions=conditions, size=square),
        misread(longer, "zh", conditions=conditions, size=square),
        characters_misread(single, conditions=conditions, size=square),
    ):
        print(json.dumps(asdict(wrong), ensure_ascii=False), flush=True)


if __name__ == "__main__":
    import tyro

    tyro.cli(main)
