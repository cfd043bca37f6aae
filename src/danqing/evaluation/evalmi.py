"""What people said of 50,400 pictures: EvalMi-50K, against which metrics are validated.

24 models painted 2,100 prompts each; of every picture there are two mean opinions, of perception
(how good it looks) and of correspondence (how well it shows what was asked), near the range 0 to
100, and answers to one to five questions of yes or no. Follows Wang et al. 2025, "LMM4LMM"
(arXiv:2504.08358), and its published data (IntMeGroup/LMM4LMM, commit 5ee2b4e).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple

from danqing.core.errors import SourceError
from danqing.evaluation.correlation import Correlation, correlation
from danqing.evaluation.sheet import sheet

TABLE: Final = "AIGI2025_MOS_yn.xlsx"
"""The file of opinions."""

Aspect = Literal["perception", "correspondence"]

_ANSWERS: Final = ("Y/N", "YN_1", "YN_2", "YN_3", "YN_4")
_NAME: Final = re.compile(r"(.+)/(\d+)\.\w+")


@dataclass(frozen=True, slots=True)
class Opinion:
    """What people said of one picture."""

    model: str
    prompt: int
    """The number of its prompt, from 1."""
    perception: float
    correspondence: float
    answers: tuple[bool, ...]
    """Whether the answer to each question of the prompt is yes."""


class Standing(NamedTuple):
    """What people said of a model, on average."""

    model: str
    correspondence: float
    perception: float
    yes: float
    """Share of yes among all answers, so that a prompt of many questions weighs more."""
    pictures: int


class Agreement(NamedTuple):
    """How far a metric agrees with people."""

    per_image: Correlation
    """Over all pictures."""
    per_model: Correlation
    """Over the means of models."""


def opinions(path: Path) -> list[Opinion]:
    """Return all opinions of a table.

    Args:
        path: The published xlsx, whose columns are ImageName (`model/number.png`), MOS1
            (perception), MOS2 (correspondence), and up to five of 0 and 1.

    Raises:
        SourceError: it is not there, or is another table.
    """
    found: list[Opinion] = []
    for row in sheet(path):
        named = _NAME.fullmatch(str(row.get("ImageName")))
        perception, correspondence = row.get("MOS1"), row.get("MOS2")
        if (
            named is None
            or not isinstance(perception, float)
            or not isinstance(correspondence, float)
        ):
            raise SourceError(
                f"rows must have ImageName, MOS1 and MOS2, got {row!r} in {path}; check the file."
            )
        answers = tuple(row[key] == 1 for key in _ANSWERS if row.get(key) is not None)
        found.append(Opinion(named[1], int(named[2]), perception, correspondence, answers))
    return found


def ranking(said: Iterable[Opinion], by: Aspect = "correspondence") -> list[Standing]:
    """Return what people said of each model, the best first.

    Args:
        said: Opinions.
        by: What decides the order.
    """
    groups: dict[str, list[Opinion]] = {}
    for opinion in said:
        groups.setdefault(opinion.model, []).append(opinion)
    standings = [_standing(model, group) for model, group in groups.items()]
    return sorted(standings, key=lambda standing: -getattr(standing, by))


def agreement(
    scores: Mapping[tuple[str, int], float],
    said: Iterable[Opinion],
    of: Aspect = "correspondence",
) -> Agreement:
    """Return how far a metric's scores go with opinions.

    Args:
        scores: Scores by model and number of the prompt; pictures without one are left out, also
            of their model's mean opinion.
        said: Opinions.
        of: Which of them.
    """
    pairs = [
        (opinion.model, scores[opinion.model, opinion.prompt], float(getattr(opinion, of)))
        for opinion in said
        if (opinion.model, opinion.prompt) in scores
    ]
    models = list(dict.fromkeys(model for model, _, _ in pairs))
    by_model = [[(s, o) for m, s, o in pairs if m == model] for model in models]
    means = [[_mean(column) for column in zip(*group, strict=True)] for group in by_model]
    return Agreement(
        correlation([score for _, score, _ in pairs], [opinion for _, _, opinion in pairs]),
        correlation([score for score, _ in means], [opinion for _, opinion in means]),
    )


def _standing(model: str, group: Sequence[Opinion]) -> Standing:
    answers = [float(answer) for opinion in group for answer in opinion.answers]
    return Standing(
        model,
        _mean([opinion.correspondence for opinion in group]),
        _mean([opinion.perception for opinion in group]),
        _mean(answers) if answers else float("nan"),
        len(group),
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
