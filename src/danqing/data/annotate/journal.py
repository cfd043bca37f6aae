"""Everything that annotators ever said about a corpus, and what follows from it.

An answer is a line in a file the moment it comes, so whoever is killed asks nothing twice that was
answered. Where a row stands follows from the lines, the instruction and the rules alone: with other
rules the old answers are judged anew, and only rows that have none left that will do are asked.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from danqing.core.log import Metrics
from danqing.data.annotate.instruction import Instruction
from danqing.data.annotate.rules import Context, broken
from danqing.data.annotate.schema import Annotation, Refusal, parse

NO_ANSWER: Final = "no answer"
SCHEMA: Final = "schema"
"""What stands beside the names of rules among reasons."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One answer."""

    key: str
    """The row's; unlike its number it is the same in a corpus that was made anew."""
    instruction: str
    """The digest of what was asked."""
    model: str
    """Who was asked."""
    text: str
    """What was said, word by word."""
    trouble: str | None = None
    """Why there is no text."""
    seen: str | None = None
    """What OCR reads in the picture; None: nobody looked."""
    read: int = 0
    """Tokens of the question."""
    written: int = 0
    """Tokens of the answer."""


class Journal:
    """A file of entries, one a line, to which lines are added and never taken away."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines = Metrics(path)

    def write(self, entry: Entry) -> None:
        """Add an entry; it is on disk when this returns.

        Raises:
            StorageError: the disk said no.
        """
        self._lines.write(**dataclasses.asdict(entry))

    def __iter__(self) -> Iterator[Entry]:
        """Yield all entries.

        Raises:
            StorageError: the file is damaged.
        """
        for number, values in self._lines:
            try:
                yield Entry(**values)
            except TypeError as error:
                raise self._lines.damaged(number) from error


@dataclass(slots=True)
class Standing:
    """Where a row stands."""

    tries: int = 0
    """Answers so far."""
    annotation: Annotation | None = None
    """The last one of use."""
    model: str = ""
    """Who made it."""
    reasons: dict[str, str] = field(default_factory=dict[str, str])
    """Why the last answer was of no use, by rule; nothing once there is an annotation."""


class Book:
    """Where all rows stand, by key; entries of other instructions count only as tokens."""

    def __init__(self, ask: Callable[[str], Instruction], rules: Sequence[str]) -> None:
        """Take what entries are judged by.

        Args:
            ask: The instruction for the row of a key.
            rules: Names of the rules that annotations are held to.
        """
        self.standing: dict[str, Standing] = {}
        self.refusals = Counter[str]()
        """Answers of no use, by rule."""
        self.read = self.written = 0
        """Tokens of all entries."""
        self.heard = set[str]()
        """Networks that ever said anything."""
        self._ask = ask
        self._rules = rules

    def __getitem__(self, key: str) -> Standing:
        """Return where a row stands."""
        return self.standing.get(key, Standing())

    def take(self, entry: Entry) -> None:
        """Let an entry count."""
        self.read += entry.read
        self.written += entry.written
        if entry.trouble is None:
            self.heard.add(entry.model)
        instruction = self._ask(entry.key)
        if entry.instruction != instruction.digest:
            return
        row = self.standing.setdefault(entry.key, Standing())
        row.tries += 1
        context = Context(language=instruction.language, seen=entry.seen)
        annotation, reasons = judge(entry, context, self._rules)
        self.refusals.update(list(reasons))
        if annotation is not None:
            row.annotation, row.model, row.reasons = annotation, entry.model, {}
        elif row.annotation is None:
            row.reasons = reasons


def judge(
    entry: Entry, context: Context, rules: Sequence[str]
) -> tuple[Annotation | None, dict[str, str]]:
    """Return what an answer says if it is of use, and why not if it is not, by rule."""
    if entry.trouble is not None:
        return None, {NO_ANSWER: entry.trouble}
    try:
        annotation = parse(entry.text)
    except Refusal as refusal:
        return None, {SCHEMA: str(refusal)}
    reasons = broken(annotation, context, rules)
    return (None if reasons else annotation), reasons
