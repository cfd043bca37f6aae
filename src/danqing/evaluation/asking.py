"""How benchmarks ask a chat about a picture: what is said is kept, in its own words, as plain data.

What an answer counts is a benchmark's rule and comes afterwards, so that another mode, or a rule
that was mended, asks nobody again.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from PIL import Image

from danqing.core.errors import DownloadError, RecipeError
from danqing.scorers.chat import Answer, Chat, Place, Question
from danqing.scorers.judge import Judge

PHRASE: Final = "{question} Answer with yes or no."
"""How a question of yes or no is asked; a benchmark's own script may ask otherwise."""

Said = Mapping[str, Any]
"""`text`, the last words; `fate`, what became of the question; `tries`, how often it was asked;
`places`, the likeliest tokens of the first places, where they were wanted."""


def judge_of(benchmark: object) -> Chat | None:
    """Return the chat that a benchmark asks; its sightings have what was said as `answers`."""
    chat = getattr(benchmark, "judge", None)
    return chat if isinstance(chat, Chat) else None


def phrased(phrase: str, image: Image.Image, asked: Iterable[str]) -> list[Question]:
    """Return questions about a picture, each put into a phrase.

    Raises:
        RecipeError: the phrase has no place for a question.
    """
    if "{question}" not in phrase:
        raise RecipeError(f"phrase must have {{question}} in it, got {phrase!r}; add it.")
    return [
        Question(text=phrase.replace("{question}", question), images=(image,)) for question in asked
    ]


def who(chat: Chat, **asked: str) -> str:
    """Return all that decides what is said: the chat's settings, and how it is asked."""
    return json.dumps({**chat.identity, **asked}, sort_keys=True, ensure_ascii=False)


def fingerprint(text: str) -> str:
    """Return what stands for a long text, so that another text is another question."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def said(
    chat: Chat,
    questions: Iterable[Question],
    *,
    legible: Callable[[Answer], bool] = lambda answer: True,
    tries: int = 1,
) -> list[Said]:
    """Return what a chat says to each question, in their order.

    Args:
        chat: Who is asked.
        questions: What is asked.
        legible: Whether an answer can be read; one that cannot is asked for again.
        tries: How often a question is asked at most.

    Raises:
        DownloadError: a question has no answer, for a reason that may pass.
    """
    found: list[Said] = []
    for verdict in Judge(chat, tries=tries).judge(
        questions, lambda answer: answer if legible(answer) else None
    ):
        if verdict.fate == "lost":
            raise DownloadError(f"{chat.model} gave no answer ({verdict.trouble}); try again.")
        told: dict[str, Any] = {
            "text": verdict.text, "fate": verdict.fate, "tries": verdict.tries
        }  # fmt: skip
        if verdict.trouble is not None:
            told["trouble"] = verdict.trouble
        if verdict.value is not None and verdict.value.places:
            told["places"] = [asdict(place) for place in verdict.value.places]
        found.append(told)
    return found


def fates(seen: Iterable[Mapping[str, Any] | None]) -> dict[str, int]:
    """Return how many answers were read, could not be, or were refused, over all sightings."""
    answers: list[Said] = [answer for one in seen if one for answer in one["answers"]]
    counts = Counter(str(answer["fate"]) for answer in answers)
    again = sum(answer["tries"] - 1 for answer in answers)
    return {**counts, **({"asked again": again} if again else {})}


def texts(answers: Sequence[Said]) -> list[str]:
    """Return the words of answers; a refusal by whoever runs a chat has none."""
    return [answer["text"] for answer in answers]


def places(answer: Said) -> list[Place]:
    """Return the first places of an answer, as the chat told them."""
    return [Place(**place) for place in answer.get("places", ())]
