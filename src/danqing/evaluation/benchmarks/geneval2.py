"""GenEval 2: how likely a judge is to give the right answer to each question (Soft-TIFA).

Follows Kamath et al. 2025 (arXiv:2512.16853) and its published evaluation (facebookresearch/
GenEval2, commit a6e82d2), whose judge is Qwen3-VL-8B-Instruct and whose data may not be used for
gain (CC BY-NC 4.0). A question's score is the probability of its answer. A picture's score is
their geometric mean (GM, the headline, also by atomicity: how many things a prompt asks for), or
their arithmetic mean (AM); skills are means over all their questions. All are in percent.

Officially an answer's probability is the sum over the first tokens of its spellings, also where
two spellings share one or where it says nothing of the answer (of " 7" it may be the space).
Which tokens these are, `transformers` knows; of an endpoint's network each spelling is taken for
one token. A missing picture stops the script, and is left out here. Fixed follows what was
written to the end of the answer, counts each token once (see `danqing.scorers.chances`), and
counts 0 for what is missing. A judge that thinks aloud first has no score by either.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Final

from PIL import Image

from danqing.core.errors import RecipeError, SourceError
from danqing.evaluation import listing
from danqing.evaluation.asking import Said, phrased, places, said, who
from danqing.evaluation.benchmark import Ask, Item, Mode, Seen, absent, benchmarks, seeds
from danqing.evaluation.table import Row, Table, Value, average, categories, micro
from danqing.scorers.base import Score
from danqing.scorers.chances import Chance, chance, official_chance, spellings
from danqing.scorers.chat import AnyChat

PHRASE: Final = "{question} Answer in one word."
"""How the benchmark's own script asks."""
TOKENS: Final = 4
"""Tokens of an answer, enough for one word; the script itself has one."""
TOP: Final = 20
"""Likeliest tokens of each place, the most that endpoints tell."""


@benchmarks.register("geneval2")
@dataclass(frozen=True, kw_only=True)
class GenEval2:
    """800 prompts of three to ten atoms, judged by the chances of right answers."""

    version: ClassVar = 1
    judges: ClassVar = ("Qwen3-VL-8B-Instruct",)
    mode: Mode = "fixed"
    data: Path
    """The benchmark's `geneval2_data.jsonl`."""
    judge: AnyChat
    """Who answers; it must tell log-probabilities."""
    phrase: str = PHRASE
    """How a question is asked."""
    seeds: int = 1
    """Pictures of each prompt."""

    @property
    def looker(self) -> str:
        """Who answers."""
        return who(self.judge, phrase=self.phrase)

    def asks(self) -> Sequence[Ask]:
        """Return an ask for each line; its category is its atomicity.

        Raises:
            SourceError: the file is not there, or has lines of another kind.
        """
        return [
            _ask(f"{number:05d}", record, self.seeds)
            for number, record in enumerate(listing.lines(self.data))
        ]

    def look(self, ask: Ask, image: Image.Image) -> Seen:
        """Return the likeliest tokens at the first places of each answer.

        Beside them stand, where the judge can tell, the first tokens of all spellings.

        Raises:
            RecipeError: the judge tells no log-probabilities.
        """
        asked = phrased(self.phrase, image, ask.data["questions"])
        wants = {"max_tokens": TOKENS, "top": TOP, "lossless": True}
        answers = said(self.judge, (replace(one, **wants) for one in asked))
        if any(answer["text"] and not places(answer) for answer in answers):
            raise RecipeError(
                f"judge must tell log-probabilities, got none from {self.judge.model}; take a "
                "network of your own, or an endpoint that tells them, such as vLLM's."
            )
        first = getattr(self.judge, "first_token", None)
        words = {text for answer in ask.data["answers"] for text in spellings(answer)}
        return {"answers": answers, "first": {text: first(text) for text in words} if first else {}}

    def score(self, ask: Ask, seen: Sequence[Seen | None]) -> Sequence[Score]:
        """Return the geometric mean of the chances of all answers."""
        none = [0.0] * len(ask.data["answers"])
        return [
            absent(self.mode, details=_details(ask, none)) if s is None else self._score(ask, s)
            for s in seen
        ]

    def fold(self, items: Sequence[Item]) -> Table:
        """Return AM of skills, GM of atomicities, and both of all."""
        skills = sorted({skill for item in items for skill in item.ask.data["skills"]})
        rows = [
            *(_skill(skill, items) for skill in skills),
            *categories(items, lambda name, some: average(name, some, _percent("GM"))),
            average("Soft-TIFA AM", items, _percent("AM")),
            average("Soft-TIFA GM", items, _percent("GM")),
        ]
        return Table(rows, "Soft-TIFA GM", "percent")

    def _score(self, ask: Ask, seen: Seen) -> Score:
        pairs = list(zip(seen["answers"], ask.data["answers"], strict=True))
        if self.mode == "official":
            found = [Chance(_official(told, right, seen["first"])) for told, right in pairs]
        else:
            found = [chance(places(told), right) or Chance(0.0) for told, right in pairs]
        details = _details(ask, [one.value for one in found])
        worst = min(range(len(found)), key=lambda number: found[number].value)
        reason = f"least sure of: {ask.data['questions'][worst]} ({found[worst].value:.2f})"
        unsure = sum(one.unsure for one in found) / len(found)
        return Score(details["GM"], reason, {**details, "unsure": unsure})


def _official(told: Said, right: str, first: Mapping[str, str]) -> float:
    """Return what the script gives to an answer; 0 where nothing was said."""
    if not (found := places(told)):
        return 0.0
    return official_chance(found[0], spellings(right), lambda text: first.get(text, text))


def _details(ask: Ask, chances: Sequence[float]) -> dict[str, Any]:
    """Return both means, and the sum of chances by skill."""
    sums = {
        skill: sum(c for c, s in zip(chances, ask.data["skills"], strict=True) if s == skill)
        for skill in ask.data["skills"]
    }
    product = math.prod(chances)
    return {
        "AM": sum(chances) / len(chances),
        "GM": product ** (1 / len(chances)),
        "chances": list(chances),
        "skills": sums,
    }


def _skill(skill: str, items: Sequence[Item]) -> Row:
    def part(item: Item) -> float | None:
        return 100 * item.score.details["skills"].get(skill, 0.0) if item.score.details else None

    return micro(skill, items, part, lambda item: item.ask.data["skills"].count(skill))


def _percent(key: str) -> Value:
    return lambda item: 100 * item.score.details[key] if item.score.details else None


def _ask(id: str, record: Mapping[str, Any], count: int) -> Ask:
    try:
        questions, answers = zip(*record["vqa_list"], strict=True)
        data = {
            "questions": list(questions),
            "answers": [str(answer).lower() for answer in answers],
            "skills": list(record["skills"]),
        }
        if len(data["skills"]) != len(questions):
            raise ValueError("a question has no skill")
        category = f"atomicity {record['atom_count']}"
        prompt = str(record["prompt"])
    except (KeyError, TypeError, ValueError) as error:
        raise SourceError(
            f"lines must have a prompt, atom_count, and skills for all of vqa_list, got {record!r};"
            " get the benchmark's file again."
        ) from error
    return Ask(
        id=id,
        prompt=prompt,
        category=category,
        seeds=seeds("geneval2@1", id, count),
        data=data,
    )
