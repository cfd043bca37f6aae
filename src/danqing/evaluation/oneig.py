"""What the parts of OneIG-Bench share: sets of prompts, black pictures, and means by prompt.

Follows the code of OneIG-Benchmark (41b4983, `scripts`; arXiv 2506.07977), of whose five parts
`alignment` is asked of a judge, `text` is read, and `reasoning`, `style` and `diversity` compare
vectors. Pictures are looked at as they were painted: its grids of JPEG are left out.

How vectors become scores is here; the networks that published figures were made with are not. Each
can be registered as an embedder (`danqing.scorers.embed.embedders`) and set where a part asks for
one. With others, such as CLIP, figures must not be compared with published ones; a result's
`looker` says whose vectors they are of.

Officially pictures that are black or not there are left out, so who paints nothing of what is
hard scores better. Fixed counts 0 for them. A score is the mean over prompts of the means of their
pictures.
"""

import csv
import io
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

from PIL import Image

from danqing.core.errors import RecipeError, SourceError
from danqing.evaluation.benchmark import Ask, Item, Mode, Seen, absent, seeds
from danqing.evaluation.folder import text
from danqing.evaluation.table import Table, by_prompt, categories
from danqing.scorers.base import Score
from danqing.scorers.embed import Embedder

SETS: Final = {
    "anime": "Anime_Stylization",
    "human": "Portrait",
    "object": "General_Object",
    "text": "Text_Rendering",
    "reasoning": "Knowledge_Reasoning",
    "multilingualism": "Multilingualism",
}
"""Categories of the prompts, by the names of their files; the last one is Chinese alone."""
PARTS: Final = ("oneig", "oneig_text", "oneig_reasoning", "oneig_style", "oneig_diversity")
"""The benchmarks of which `overall` is made."""

_PROMPTS: Final = {
    "en": ("OneIG-Bench.csv", "prompt_en"),
    "zh": ("OneIG-Bench-ZH.csv", "prompt_cn"),
}


@dataclass(frozen=True, kw_only=True)
class Part:
    """The settings of the parts that do not read, and what follows from them.

    A part adds who looks, `asks`, `look` and `score`.
    """

    headline: ClassVar[str]
    """The name of its score."""

    mode: Mode = "fixed"
    folder: Path
    """A clone of the benchmark's repository, or a folder with its files."""
    language: Literal["en", "zh"] = "en"
    """Which half of the benchmark."""
    seeds: int = 4
    """Pictures of each prompt."""

    def each(self, seen: Sequence[Seen | None], judged: Callable[[Seen], Score]) -> list[Score]:
        """Return one score a picture; what is black scores as what is not there."""
        return [absent(self.mode) if s is None or s["black"] else judged(s) for s in seen]

    def fold(self, items: Sequence[Item]) -> Table:
        """Return the score of each category and of all."""
        rows = [*categories(items, by_prompt), by_prompt(self.headline, items)]
        return Table(rows, self.headline)

    def prompts(self, *sets: str) -> Iterator[tuple[str, Mapping[str, str]]]:
        """Yield the rows of sets of prompts, each with its set.

        Raises:
            SourceError: the benchmark's list is not there, or is another one.
        """
        file, column = _PROMPTS[self.language]
        rows = list(csv.DictReader(io.StringIO(text(self.folder, file))))
        for name in sets:
            mine = [row for row in rows if row.get("category") == SETS[name]]
            if not mine or any(row.get(key) is None for row in mine for key in ("id", column)):
                raise SourceError(
                    f"{file} must have prompts of {SETS[name]} in a column {column}, got none in "
                    f"{self.folder}; get it again."
                )
            yield from ((name, row) for row in mine)

    def ask(self, name: str, row: Mapping[str, str], category: str, **data: Any) -> Ask:
        """Return an ask for a row of a set."""
        id = f"{name}_{row['id']}"
        # Pictures of texts are those that are read, so that they are painted once.
        drawn = ("oneig_text@1", row["id"]) if name == "text" else ("oneig@1", id)
        return Ask(
            id=id,
            prompt=row[_PROMPTS[self.language][1]],
            category=category,
            language=self.language,
            seeds=seeds(f"{drawn[0]}, {self.language}", drawn[1], self.seeds),
            data=data,
        )


@dataclass(frozen=True, kw_only=True)
class Vectors(Part, ABC):
    """A part that compares vectors; no network is shown a black picture."""

    version: ClassVar = 1

    def look(self, ask: Ask, image: Image.Image) -> Seen:
        """Return what vectors tell of a picture, and whether it is black."""
        dark = black(image)
        return {"black": dark, **({} if dark else self.told(ask, image))}

    @abstractmethod
    def told(self, ask: Ask, image: Image.Image) -> Mapping[str, Any]:
        """Return what vectors tell of a picture, as plain data."""
        ...


def whose(*embedders: Embedder) -> str:
    """Return all that decides vectors."""
    return json.dumps([dict(one.identity) for one in embedders], sort_keys=True)


def black(image: Image.Image) -> bool:
    """Return whether a picture is black all over, as what was not painted is put into grids."""
    return image.getbbox() is None


def overall(results: Sequence[Mapping[str, Any]]) -> float | None:
    """Return the plain mean of the five parts, as leaderboards print it; None: one has no score.

    Args:
        results: What is in `result.json` of a run of each of `PARTS`.

    Raises:
        RecipeError: they are not the five parts of one generator in one language and mode.
    """
    names = sorted(str(result["task"]).partition("@")[0] for result in results)
    alike = {
        (result["task"].partition(", ")[2], result["settings"].get("language", "en"))
        for result in results
    }
    if (
        names != sorted(PARTS)
        or len(alike) != 1
        or any(result["generator"] != results[0]["generator"] for result in results)
    ):
        raise RecipeError(
            f"results must be of {', '.join(PARTS)}, by one generator in one language and mode, "
            f"got {', '.join(names)}; run each of them with the same settings."
        )
    scores = [
        row["score"]
        for result in results
        for row in result["table"]["rows"]
        if row["name"] == result["table"]["headline"]
    ]
    return None if None in scores else sum(scores) / len(scores)
