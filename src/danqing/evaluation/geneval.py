"""What people saw in 1,200 pictures: GenEval's annotations, against which its eyes are held.

Five raters told of each picture how many of the things of its prompt they saw, in which colours and
in which places. Whether a picture is right follows from that by the prompt's own clauses, and the
greater part of its raters decides. Follows the data of Ghosh et al. 2023 (arXiv:2310.11513;
djghosh13/geneval, commit af4902f); how answers become a verdict is not published, so that is ours.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from danqing.core.errors import SourceError
from danqing.evaluation import listing
from danqing.evaluation.agreement import cohen_kappa

MODELS: Final = ("clip", "if-xl", "sdv2")
"""Who painted."""

Picture = tuple[str, int, int]
"""Its model, the number of its prompt and its own number, both from 0."""


class Agreement(NamedTuple):
    """How far two judges agree."""

    share: float
    """Pictures of which both say the same."""
    kappa: float | None
    """The same beyond chance, from Cohen; None: chance alone would always agree."""
    pictures: int


def votes(folder: Path) -> dict[Picture, list[bool]]:
    """Return who of a picture's raters saw what its prompt asks for.

    Args:
        folder: The benchmark's own, with `evaluation_metadata.jsonl` and `annotations`.

    Raises:
        SourceError: it lacks something.
    """
    prompts = list(listing.lines(folder / "evaluation_metadata.jsonl"))
    found: dict[Picture, list[bool]] = {}
    for model in MODELS:
        path = folder / "annotations" / f"annotations_{model}.csv"
        try:
            for row in _rows(path):
                number, image = int(row["Input.prompt_id"]), int(row["Input.image_id"])
                found.setdefault((model, number, image), []).append(saw(row, prompts[number]))
        except (OSError, ValueError, LookupError) as error:
            raise SourceError(
                f"annotations must be the benchmark's own, got {path}; check the folder."
            ) from error
    return found


def saw(row: Mapping[str, str], record: Mapping[str, Any]) -> bool:
    """Return whether a rater saw what a prompt asks for.

    A colour is there if it is one of those that the rater saw on things of its class.

    Args:
        row: The rater's answers.
        record: The prompt's, with `include` and `exclude`.
    """
    places = [row["Input.object_0_name"], row["Input.object_1_name"]]

    def count(clause: Mapping[str, Any]) -> float:
        return float(row[f"Answer.task-count-{places.index(clause['class'])}"] or 0)

    for clause in record["include"]:
        colors = row[f"Answer.task-color-{places.index(clause['class'])}"].split("|")
        sides = (row["Answer.task-position-x"], row["Answer.task-position-y"])
        if (
            count(clause) < clause["count"]
            or ("color" in clause and clause["color"] not in colors)
            or ("position" in clause and clause["position"][0].split()[0] not in sides)
        ):
            return False
    return all(count(clause) < clause["count"] for clause in record.get("exclude", ()))


def agreement(
    verdicts: Mapping[Picture, bool],
    said: Mapping[Picture, Sequence[bool]],
    *,
    unanimous: bool = False,
) -> Agreement | None:
    """Return how far a detector agrees with people; None: there is no picture of both.

    Args:
        verdicts: Whether a picture is right; those that nobody rated are left out.
        said: What `votes` returned.
        unanimous: Whether only pictures count on which all raters agree.
    """
    pairs = [
        (verdict, 2 * sum(some) > len(some))
        for picture, verdict in verdicts.items()
        if (some := said.get(picture)) and not (unanimous and len(set(some)) > 1)
    ]
    if not pairs:
        return None
    ours, theirs = zip(*pairs, strict=True)
    same = sum(mine == other for mine, other in pairs)
    return Agreement(same / len(pairs), cohen_kappa(ours, theirs), len(pairs))


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        head, row = next(lines), list[str]()
        for line in lines:
            # Some answers have line breaks without quotes, which part a row in two.
            row = [*row[:-1], row[-1] + line[0], *line[1:]] if row else line
            if len(row) >= len(head):
                yield dict(zip(head, row, strict=True))
                row = []
