"""What a judge thinks of a picture and the sentence it was painted for, as one number.

A judge that tells how likely each score was gives the mean over all scores, which is finer than
the likeliest one alone: pictures that all get "4" still differ (UniWorld-V2, arXiv 2510.16888).
Where a chat tells no chances, what it wrote counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from PIL import Image

from danqing.core.config import at_least
from danqing.core.errors import RecipeError
from danqing.scorers.base import Score, Wanted, scorers
from danqing.scorers.chances import chance
from danqing.scorers.chat import Answer, AnyChat, Place, Question
from danqing.scorers.judge import Judge, Verdict
from danqing.scorers.replies import number, scores, spoken

PROMPT: Final = "{prompt}"
QUESTION: Final = (
    "This picture was painted for the words: {prompt}\n"
    "How much of what they ask for does it show, and how well? Say a whole number from 0 (nothing) "
    "to {most} (all of it, without a flaw), and nothing else."
)
_SURE: Final = 0.5
"""How likely scores together must be for their mean to be the judge's opinion."""


@scorers.register("judge")
@dataclass(frozen=True, kw_only=True)
class JudgeScorer:
    """Asks a chat to score how well a picture follows its sentence.

    Answers that cannot be read, refusals and lost answers leave a picture unscored.
    """

    chat: AnyChat
    """Who is asked."""
    question: str = QUESTION
    """What is asked; `{prompt}` and `{most}` stand for the sentence and the highest score."""
    most: int = 5
    """The highest score; the lowest is 0."""
    top: int = 20
    """Likeliest tokens that are asked for; 0 for chats that tell none."""
    max_tokens: int = 16
    """Tokens of an answer; judges that think aloud need more."""
    tries: int = 2
    """How often a picture is asked about at most while answers cannot be read."""
    tape: Path | None = None
    """A file where answers are kept and looked up, so that a run that goes on pays for none twice;
    none: they are not kept."""

    def __post_init__(self) -> None:
        at_least(1, most=self.most, max_tokens=self.max_tokens, tries=self.tries)
        at_least(0, top=self.top)
        if PROMPT not in self.question:
            raise RecipeError(f"question must have {PROMPT} in it, got {self.question!r}; add it.")

    def score(self, images: Sequence[Image.Image], wanted: Sequence[Wanted]) -> list[Score]:
        """Return a value from 0 to 1 for each sentence; what is no sentence is unscored.

        Raises:
            DownloadError: nobody is there to ask, or they want no more of us.
            StorageError: the tape is damaged, or the disk said no.
        """
        asked = (
            Question(
                text=self.question.replace("{most}", str(self.most)).replace(PROMPT, sentence),
                images=(image.convert("RGB"),),
                top=self.top,
                max_tokens=self.max_tokens,
            )
            for image, sentence in zip(images, wanted, strict=True)
            if isinstance(sentence, str)
        )
        verdicts = iter(self._judge.judge(asked, self.read))
        return [
            self._score(next(verdicts))
            if isinstance(one, str)
            else Score(None, "no sentence was asked for")
            for one in wanted
        ]

    def read(self, answer: Answer) -> float | None:
        """Return the score that an answer means, from 0 to `most`; None: it means none."""
        expected = expectation(answer.places, self.most)
        return written(answer.text, self.most) if expected is None else expected

    @cached_property
    def _judge(self) -> Judge:
        reminder = f"Say one whole number from 0 to {self.most} and nothing else."
        return Judge(self.chat, self.tape, tries=self.tries, reminder=reminder)

    def _score(self, verdict: Verdict[float]) -> Score:
        said = verdict.trouble or verdict.text
        details = {"fate": verdict.fate, "text": verdict.text}
        if verdict.value is None:
            return Score(None, f"the judge's answer is {verdict.fate}: {said[:200]!r}", details)
        reason = f"the judge says {verdict.value:.3g} of {self.most}"
        return Score(verdict.value / self.most, reason, details)


def expectation(places: Sequence[Place], most: int) -> float | None:
    """Return the mean of the scores from 0 to `most`, each as likely as a judge was to say it.

    None where no chances are told, or scores are not what it mostly would have said.
    """
    chances = [found.value for n in range(most + 1) if (found := chance(places, str(n)))]
    if sum(chances) < _SURE:
        return None
    return sum(n * one for n, one in enumerate(chances)) / sum(chances)


def written(text: str, most: int) -> float | None:
    """Return the score that a judge wrote, as a bare number or as `score: number`; None: none."""
    bare = number(spoken(text).strip(" *_`.\t\n"), 0.0, float(most))
    if bare is not None:
        return bare
    return (scores(text, ["score"], 0.0, float(most)) or {}).get("score")
