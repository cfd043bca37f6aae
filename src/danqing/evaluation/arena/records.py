"""What an arena remembers: the tables, and what their rows are outside of SQL."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

Choice = Literal["a", "b", "tie", "bad"]
"""The first (left) picture is better, the second (right) one, neither; both are bad."""
Gold = Literal["identical", "obvious"]
"""A pair whose answer is known: one picture twice; a picture and the same one ruined."""

PEOPLE: Final = "people"
"""The judge of all who vote on the page; any other is a model's name."""
CHOICES: Final[tuple[str, ...]] = get_args(Choice)

VERSION: Final = 1
SCHEMA: Final = """
CREATE TABLE contestants (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, about TEXT NOT NULL);
CREATE TABLE prompts (
    id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, category TEXT, language TEXT);
CREATE TABLE pictures (
    id INTEGER PRIMARY KEY,
    prompt INTEGER NOT NULL REFERENCES prompts,
    contestant INTEGER REFERENCES contestants,  -- NULL: a ruined copy, for gold pairs
    sample INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    ruined INTEGER UNIQUE REFERENCES pictures,  -- which picture this is a ruined copy of
    UNIQUE (prompt, contestant, sample));
CREATE TABLE voters (
    id INTEGER PRIMARY KEY,
    judge TEXT NOT NULL,                        -- 'people', or a model's name
    secret TEXT NOT NULL UNIQUE,                -- the hash of what the voter shows
    joined REAL NOT NULL);
CREATE TABLE pairs (
    id INTEGER PRIMARY KEY,
    token TEXT NOT NULL UNIQUE,
    voter INTEGER NOT NULL REFERENCES voters,
    a INTEGER NOT NULL REFERENCES pictures,
    b INTEGER NOT NULL REFERENCES pictures,
    token_a TEXT NOT NULL UNIQUE, token_b TEXT NOT NULL UNIQUE,
    gold TEXT,
    asked REAL NOT NULL,
    choice TEXT, reasons TEXT, voted REAL       -- NULL: not voted on yet
);
CREATE UNIQUE INDEX one_open_pair ON pairs (voter) WHERE choice IS NULL;
CREATE INDEX by_pictures ON pairs (a, b);
CREATE INDEX by_contestant ON pictures (contestant, prompt);
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A picture to be taken in."""

    prompt: str
    sample: int
    data: bytes
    """A PNG file that says nothing of where it is from; see `runs.plain`."""
    category: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures of a prompt that wait for one voter's vote."""

    id: int
    token: str
    prompt: str
    token_a: str
    token_b: str
    sha256_a: str
    sha256_b: str
    asked: float
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Cast:
    """A vote with everything about it."""

    pair: int
    prompt: str
    category: str | None
    language: str | None
    a: str | None
    """The contestant whose picture was first; None: a ruined picture."""
    b: str | None
    ruined_a: bool
    gold: Gold | None
    choice: Choice
    reasons: tuple[str, ...]
    voter: int
    judge: str
    asked: float
    voted: float

    @property
    def score(self) -> float:
        """What the first contestant gets: 1, 0, or 0.5 where neither is better."""
        return {"a": 1.0, "b": 0.0}.get(self.choice, 0.5)

    @property
    def right(self) -> bool | None:
        """Whether a vote on a gold pair is the known answer; None: the pair is no gold pair."""
        if self.gold is None:
            return None
        if self.gold == "identical":
            return self.choice in ("tie", "bad")
        return self.choice == ("b" if self.ruined_a else "a")
