"""A judge: a chat whose words become values, with every failure counted and nothing paid twice.

A reply that cannot be read is asked for again a bounded number of times; what still cannot be read,
is refused or is lost has no value and a fate, so that whoever folds scores decides in the open what
a failure counts. With a tape, answers are kept the moment they come.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from PIL import Image

from danqing.core.errors import RecipeError
from danqing.scorers.chat import Answer, Cassette, Chat, Question, heard
from danqing.scorers.replies import Choice, choice, refusal

T = TypeVar("T")

Fate = Literal["read", "unreadable", "refused", "lost"]
"""What became of a question: a value, no value in what was said, a refusal, or no answer."""


@dataclass(frozen=True, slots=True)
class Verdict(Generic[T]):
    """What a judge says to a question."""

    key: Any
    """The question's."""
    value: T | None
    """None: it has none; `fate` says why."""
    fate: Fate
    text: str = ""
    """The last words."""
    trouble: str | None = None
    """Why there are none, in the words of who refused."""
    tries: int = 1
    """How often it was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two pictures of which one may be better."""

    text: str
    """The question; the pictures are shown as the first and the second one."""
    first: Image.Image
    second: Image.Image
    before: tuple[Image.Image, ...] = ()
    """Pictures that are shown before the two, such as the source of an edit."""
    key: Any = None


@dataclass(frozen=True, slots=True)
class Preference:
    """What a judge says of a pair that it saw in both orders."""

    key: Any
    value: Choice | None
    """The better one; `tie` also where the two orders disagree; None: one order had no answer."""
    agreed: bool
    """Whether both orders gave the same one."""
    orders: tuple[Verdict[Choice], Verdict[Choice]]
    """As shown: in the first order, and with the two pictures exchanged."""


class Judge:
    """Asks a chat, reads what it says, and counts what goes wrong."""

    def __init__(
        self, chat: Chat, tape: Path | None = None, *, tries: int = 3, reminder: str = ""
    ) -> None:
        """Take whom to ask.

        Args:
            chat: Who answers.
            tape: A file of JSON lines where answers are kept and looked up; None: none are.
            tries: How often a question is asked at most while its answers cannot be read.
            reminder: What is added to a question that is asked again; a network that always takes
                the likeliest word would say the same again without it.

        Raises:
            RecipeError: `tries` is below 1.
        """
        if tries < 1:
            raise RecipeError(f"tries must be at least 1, got {tries}.")
        self.fresh = chat
        """Who answers, asked past the tape."""
        self.tries = tries
        self.reminder = reminder
        self.counts = Counter[str]()
        """Questions by fate, answers that were asked for again, and tokens."""
        self.served = Counter[str]()
        """Answers by the network that whoever runs it says it is."""
        self._chat = chat if tape is None else Cassette(path=tape, mode="fill", chat=chat)

    @property
    def identity(self) -> Mapping[str, Any]:
        """Who judges, and all settings that shape answers, as plain data."""
        shaped = {"tries": self.tries, "reminder": self.reminder}
        return {**self.fresh.identity, **shaped}

    def judge(
        self, questions: Iterable[Question], read: Callable[[Answer], T | None]
    ) -> list[Verdict[T]]:
        """Return one verdict a question, in their order.

        Questions are taken as hands become free, so that pictures may be opened as they are asked
        about.

        Args:
            questions: What to ask.
            read: From an answer, under its question's own key, to its value; None where it cannot
                be read, so that it is asked for again.

        Raises:
            DownloadError: nobody is there to ask, or they want no more of us.
            StorageError: the tape is damaged, or the disk said no.
        """
        verdicts: dict[int, Verdict[T]] = {}
        waiting: dict[int, tuple[Question, int]] = {}
        again: deque[int] = deque()
        fresh = enumerate(questions)

        def stream() -> Iterator[Question]:
            """Yield what must be asked, the failed before the new, under their numbers."""
            while True:
                if again:
                    number = again.popleft()
                elif (item := next(fresh, None)) is not None:
                    number = item[0]
                    waiting[number] = item[1], 0
                else:
                    return
                yield self._phrased(number, *waiting[number])

        more = True
        while more:
            with closing(self._chat.ask(stream())) as answers:
                for answer in heard(answers, self.fresh.model):
                    question, failed = waiting[answer.key]
                    verdict = self._verdict(replace(answer, key=question.key), failed + 1, read)
                    if verdict.fate == "unreadable" and verdict.tries < self.tries:
                        waiting[answer.key] = question, failed + 1
                        again.append(answer.key)
                        self.counts["asked again"] += 1
                        continue
                    del waiting[answer.key]
                    verdicts[answer.key] = self._counted(verdict)
            # What failed after the last question was taken has found nobody to ask it again.
            more = bool(again)
        return [verdicts[number] for number in sorted(verdicts)]

    def compare(
        self,
        pairs: Iterable[Pair],
        read: Callable[[Answer], Choice | None] = lambda answer: choice(answer.text),
    ) -> list[Preference]:
        """Return one preference a pair, in their order, each judged in both orders.

        Args:
            pairs: What to compare.
            read: From an answer to what it prefers of the two pictures as it saw them.
        """
        keys: list[Any] = []

        def questions() -> Iterator[Question]:
            for pair in pairs:
                keys.append(pair.key)
                for shown in ((pair.first, pair.second), (pair.second, pair.first)):
                    yield Question(
                        text=pair.text, images=(*pair.before, *shown), key=pair.key, lossless=True
                    )

        verdicts = iter(self.judge(questions(), read))
        found: list[Preference] = []
        for key, there, back in zip(keys, verdicts, verdicts, strict=True):
            turned = _TURNED[back.value] if back.value else None
            agreed = there.value is not None and there.value == turned
            failed = there.value is None or turned is None
            value = None if failed else there.value if agreed else "tie"
            found.append(Preference(key, value, agreed, (there, back)))
            if not failed:
                self.counts["pairs"] += 1
                self.counts["pairs in disagreement"] += not agreed
                self.counts["pairs by place"] += not agreed and there.value == back.value
        return found

    def report(self) -> dict[str, Any]:
        """Return who judged and what went wrong, as plain data."""
        return {
            "judge": dict(self.identity),
            "served": dict(self.served.most_common()),
            "counts": {name: self.counts[name] for name in sorted(self.counts)},
        }

    def _phrased(self, number: int, question: Question, failed: int) -> Question:
        text = f"{question.text}\n\n{self.reminder}" if failed and self.reminder else question.text
        return replace(question, key=number, text=text, repeat=question.repeat + failed)

    def _verdict(
        self, answer: Answer, tries: int, read: Callable[[Answer], T | None]
    ) -> Verdict[T]:
        self.counts["tokens read"] += answer.read
        self.counts["tokens written"] += answer.written
        if answer.served:
            self.served[answer.served] += 1
        if answer.lost:
            return Verdict(answer.key, None, "lost", "", answer.trouble, tries)
        if answer.trouble is not None:
            return Verdict(answer.key, None, "refused", "", answer.trouble, tries)
        value = read(answer)
        fate: Fate = "unreadable" if value is None else "read"
        return Verdict(answer.key, value, fate, answer.text, None, tries)

    def _counted(self, verdict: Verdict[T]) -> Verdict[T]:
        if verdict.fate == "unreadable" and refusal(verdict.text):
            verdict = replace(verdict, fate="refused")
        self.counts[verdict.fate] += 1
        return verdict


_TURNED: dict[Choice, Choice] = {
    "first": "second",
    "second": "first",
    "tie": "tie",
    "bad": "bad",
}
"""What is preferred, said with the pictures exchanged."""
