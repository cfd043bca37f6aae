"""Whether a judge can be believed today: golden items, the same question twice, drift.

Judges behind a URL change without notice, and scores by a judge that changed must not stand beside
older ones. So every run asks some questions whose answers are known, past the tape, and keeps what
was said; a later run compares.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any, Final, NamedTuple, TypeVar

from PIL import Image, ImageDraw

from danqing.core.errors import RecipeError
from danqing.scorers.chat import Answer, Question
from danqing.scorers.judge import Judge
from danqing.scorers.replies import yes
from danqing.scorers.world import BACKGROUNDS, PALETTE, RELATIONS, SHAPES

T = TypeVar("T")

_SIDE: Final = 256
_ANSWER: Final = " Answer 'Yes' or 'No' only."
_ANSWER_ZH: Final = "请只回答“是”或“否”。"
_FRESH: Final = 1_000
"""Askings from this number on are those of health, so they are found on no tape of judging."""


@dataclass(frozen=True, slots=True)
class Golden:
    """A question whose answer is known."""

    name: str
    """Says what is asked, and that of another version never."""
    question: Question
    truth: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a judge did on golden items."""

    judge: Mapping[str, Any]
    """Who was asked, as `Judge.identity` says."""
    served: tuple[str, ...]
    """The networks that answered, in the words of whoever runs them."""
    when: str
    """UTC."""
    said: Mapping[str, bool | None]
    """What was said to each golden item; None: nothing that can be read."""
    truth: Mapping[str, bool]
    """What is true of each."""

    @property
    def accuracy(self) -> float:
        """The share of golden items that were answered rightly; failures are wrong."""
        return self._share(self.truth)

    @property
    def sensitivity(self) -> float:
        """The share of yes among items where it is true."""
        return self._share(name for name, true in self.truth.items() if true)

    @property
    def specificity(self) -> float:
        """The share of no among items where that is true."""
        return self._share(name for name, true in self.truth.items() if not true)

    @property
    def wrong(self) -> list[str]:
        """Names of the items that were not answered rightly."""
        return [name for name, true in self.truth.items() if self.said.get(name) is not true]

    def record(self) -> dict[str, Any]:
        """Return plain data that `read_health` reads."""
        return asdict(self)

    def _share(self, names: Iterable[str]) -> float:
        right = [self.said.get(name) is self.truth[name] for name in names]
        return sum(right) / len(right) if right else float("nan")


class Consistency(NamedTuple):
    """How often a judge says the same again."""

    asked: int
    """Questions that were asked twice."""
    same: int
    """Questions with the same value both times; two failures are not the same."""


def golden_items() -> list[Golden]:
    """Return 32 questions on plain drawn pictures, half of them true and a quarter in Chinese."""
    return list(_golden())


def check(judge: Judge, items: Sequence[Golden] | None = None) -> Health:
    """Ask golden items, past the tape, and return how it went.

    Raises:
        DownloadError: nobody is there to ask.
    """
    asked = golden_items() if items is None else items
    untaped = Judge(judge.fresh, tries=judge.tries, reminder=judge.reminder)
    verdicts = untaped.judge((item.question for item in asked), lambda answer: yes(answer.text))
    return Health(
        judge=judge.identity,
        served=tuple(sorted(untaped.served)),
        when=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        said={item.name: v.value for item, v in zip(asked, verdicts, strict=True)},
        truth={item.name: item.truth for item in asked},
    )


def consistency(
    judge: Judge,
    questions: Iterable[Question],
    read: Callable[[Answer], T | None],
    share: float = 0.05,
) -> Consistency:
    """Ask a share of questions a second time, past the tape, and compare with what is on it.

    Questions are chosen by their digests, so a run that is resumed chooses the same.

    Args:
        judge: Who is asked.
        questions: The questions of a run.
        read: As in `Judge.judge`.
        share: From 0 to 1.
    """
    if not 0 <= share <= 1:
        raise RecipeError(f"share must be from 0 to 1, got {share}.")
    chosen = [q for q in questions if int(q.digest[:8], 16) < share * 16**8]
    untaped = Judge(judge.fresh, tries=judge.tries, reminder=judge.reminder)
    again = (replace(question, repeat=question.repeat + _FRESH) for question in chosen)
    pairs = zip(judge.judge(chosen, read), untaped.judge(again, read), strict=True)
    same = [a.value is not None and a.value == b.value for a, b in pairs]
    return Consistency(len(same), sum(same))


def drift(before: Health, now: Health) -> list[str]:
    """Return what changed between two checks, one sentence each; nothing: nothing did."""
    found: list[str] = []
    for name in sorted({*before.judge, *now.judge}):
        old, new = before.judge.get(name), now.judge.get(name)
        if old != new:
            found.append(f"the judge's {name} was {old!r} and is {new!r}")
    if before.served != now.served:
        old, new = (", ".join(health.served) or "nothing told" for health in (before, now))
        found.append(f"it was served by {old} and is by {new}")
    shared = [name for name in before.said if name in now.said]
    changed = [name for name in shared if before.said[name] != now.said[name]]
    if changed:
        found.append(
            f"{len(changed)} of {len(shared)} golden items are answered otherwise: "
            f"{', '.join(changed[:5])}{' ...' if len(changed) > 5 else ''}"
        )
    if len(shared) < max(len(before.said), len(now.said)):
        found.append(f"only {len(shared)} golden items are the same")
    return found


def read_health(record: Mapping[str, Any]) -> Health:
    """Return what `Health.record` wrote.

    Raises:
        RecipeError: it is no such record.
    """
    try:
        rest = {name: value for name, value in record.items() if name != "served"}
        return Health(served=tuple(record["served"]), **rest)
    except (TypeError, KeyError) as error:
        raise RecipeError(f"a record of health must have its fields, got {error}.") from error


def _golden() -> Iterator[Golden]:
    things = list(product(("red", "blue", "green", "black"), ("circle", "square")))
    for number, (color, shape) in enumerate(things):
        picture = _drawn([(shape, color, (0.5, 0.5), 0.3)])
        # What is false is so by the colour alone or by the shape alone.
        other_color, other_shape = things[(number + 2) % 8][0], things[(number + 1) % 2][1]
        wrong = (other_color, shape) if number % 4 < 2 else (color, other_shape)
        for truth, (c, s) in ((True, (color, shape)), (False, wrong)):
            yield _item(f"{color} {shape}: {c} {s}?", picture, f"Is there a {c} {s}?", truth)
    names = {"triangle": "三角形", "star": "五角星", "heart": "心形", "cross": "十字"}
    for shape, other in zip(names, [*names][1:] + [*names][:1], strict=True):
        picture = _drawn([(shape, "red", (0.5, 0.5), 0.3)])
        for truth, asked in ((True, shape), (False, other)):
            text = f"图中有{names[asked]}吗？{_ANSWER_ZH}"
            yield Golden(f"{shape}: {names[asked]}?", _question(picture, text), truth)
    for relation, (x, y) in RELATIONS.items():
        places = ((0.5 + 0.25 * x, 0.5 + 0.25 * y), (0.5 - 0.25 * x, 0.5 - 0.25 * y))
        for truth, (there, here) in ((True, places), (False, places[::-1])):
            picture = _drawn([("circle", "red", there, 0.15), ("square", "blue", here, 0.15)])
            words = f"Is the red circle {relation} the blue square?"
            yield _item(f"circle {relation} square: {truth}", picture, words, truth)


def _item(name: str, picture: Image.Image, text: str, truth: bool) -> Golden:
    return Golden(name, _question(picture, text + _ANSWER), truth)


def _question(picture: Image.Image, text: str) -> Question:
    return Question(text=text, images=(picture,), lossless=True, max_tokens=16, repeat=_FRESH)


def _drawn(things: Iterable[tuple[str, str, tuple[float, float], float]]) -> Image.Image:
    """Return a picture of shapes in colours, at middles and with reaches as shares of the side."""
    picture = Image.new("RGB", (_SIDE, _SIDE), BACKGROUNDS["gray"])
    brush = ImageDraw.Draw(picture)
    for shape, color, (x, y), reach in things:
        corners = [(_SIDE * (x + reach * a), _SIDE * (y + reach * b)) for a, b in SHAPES[shape]]
        brush.polygon(corners, fill=PALETTE[color])
    return picture
