"""Annotate a corpus: ask about every row that is to be asked about, once if that will do.

Rows are asked in rounds: first all that have no annotation by this instruction, then again those
whose answer was of no use, told why. Answers go into a journal as they come
(`annotations.jsonl`, see `journal.py`), and at the end into three columns: `annotation`, a JSON
object with the fields of E.3, who wrote it and by which instruction; `annotation_note`, why there
is none; and `recaption`.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, Literal

from PIL import Image

from danqing.core import config
from danqing.core.errors import DownloadError, MissingPackage, RecipeError
from danqing.core.files import atomic_path
from danqing.core.versions import versions
from danqing.data.annotate.columns import fill, stored
from danqing.data.annotate.instruction import INSTRUCTIONS, Instruction
from danqing.data.annotate.journal import NO_ANSWER, Book, Entry, Journal
from danqing.data.annotate.prices import Prices
from danqing.data.annotate.rules import rules, worth_reading
from danqing.data.annotate.schema import JSON_SCHEMA, Refusal, parse
from danqing.data.corpus import Corpus
from danqing.data.export import passed
from danqing.data.pixels import decode
from danqing.scorers.chat import PATIENCE, Answer, AnyChat, Question, heard
from danqing.scorers.ocr import read_page

Show = Callable[[int, int], None]
"""Told how many rows need no more asking, and how many rows there are to annotate."""

_AHEAD: Final = 16
"""Pictures that are read from the corpus at once."""
_LONGEST: Final = 4
"""The longer side over the shorter one, at most; beyond, a picture is shown smaller."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What is annotated, by whom, and at what price."""

    corpus: Path
    """The folder of the corpus."""
    annotator: AnyChat
    """Who is asked."""
    stage: str | None = None
    """The stage that rows must have passed; None: all rows with a picture."""
    chinese: float = 0.0
    """The share of rows, chosen by their keys, that are described in Chinese; others in English."""
    recaption: Literal["missing", "all", "none"] = "missing"
    """Rows whose `recaption` becomes the caption: those without somebody else's, all, or none."""
    side: int = 768
    """Pixels of the shorter side that pictures are shown at."""
    tries: int = 3
    """Answers of no use after which a row is given up, over all runs; raise it to ask again."""
    skip: tuple[str, ...] = ()
    """Rules that annotations are not held to."""
    prices: Prices | None = None
    """None: nothing is counted but tokens."""
    most: int | None = None
    """Rows that one run asks about, to try things out; None: all."""

    def __post_init__(self) -> None:
        if not 0 <= self.chinese <= 1:
            raise RecipeError(f"chinese must be from 0 to 1, got {self.chinese}.")
        for name, least in (("side", 56), ("tries", 1), ("most", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise RecipeError(f"{name} must be at least {least}, got {value}.")
        for name in self.skip:
            rules[name]

    @property
    def rules(self) -> list[str]:
        """Names of the rules that annotations are held to."""
        return [name for name in rules if name not in self.skip]

    def cost(self, book: Book) -> float:
        """Return what all entries cost together."""
        return self.prices.cost(book.read, book.written) if self.prices else 0.0

    def affords(self, book: Book) -> bool:
        """Return whether there is money for another question."""
        budget = self.prices.budget if self.prices else None
        return budget is None or self.cost(book) < budget


def run(recipe: Recipe, show: Show = lambda done, total: None) -> dict[str, Any]:
    """Ask, check, fill the columns; return the manifest and write it as `annotations.json`.

    A run that was killed, or that stopped because the budget was used up, goes on when it is run
    again.

    Raises:
        RecipeError: there is nothing to annotate, the settings are wrong, or another run is at work
            on the corpus.
        DownloadError: nobody is there to ask, or they want no more of us.
        MissingPackage: something is not installed.
        StorageError: the disk said no.
    """
    corpus = Corpus(recipe.corpus)
    if not len(corpus):
        raise RecipeError(f"{recipe.corpus} must hold pictures, got none; filter a source first.")
    with corpus.alone():
        return _run(recipe, corpus, show)


def _run(recipe: Recipe, corpus: Corpus, show: Show) -> dict[str, Any]:
    started = time.time()
    corpus.mend()
    rows = _rows(corpus, recipe.stage)
    job = _Job(recipe, corpus, rows)
    before = job.book.read, job.book.written
    job.ask(show)
    fill(corpus, job.book, job.instruction, job.unreadable, recipe.recaption)
    manifest = {
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "seconds": round(time.time() - started, 3),
        "rows": job.counts(),
        "asked": job.asked,
        "stopped": job.stopped,
        "refused answers": dict(job.book.refusals.most_common()),
        "tokens": {"read": job.book.read, "written": job.book.written},
        "tokens of this run": {
            "read": job.book.read - before[0],
            "written": job.book.written - before[1],
        },
        "cost": round(recipe.cost(job.book), 6) if recipe.prices else None,
        "instructions": {name: text.digest for name, text in INSTRUCTIONS.items()},
        "recipe": config.dump(recipe),
        "versions": versions("transformers", "torch", "pylance", "pillow", "rapidocr"),
    }
    with atomic_path(corpus.folder / "annotations.json") as staged:
        staged.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return manifest


class _Job:
    """One run."""

    def __init__(self, recipe: Recipe, corpus: Corpus, rows: Sequence[int]) -> None:
        self.recipe = recipe
        self.corpus = corpus
        self.rows = rows
        self.asked = 0
        """Questions that were asked."""
        self.stopped: str | None = None
        """Why not everything was asked that there was to ask."""
        self.unreadable: dict[int, str] = {}
        """Rows without a picture that can be shown, and why."""
        self._left = set[int]()
        self._lost = set[int]()
        self._held: list[Entry] = []
        self._images: dict[int, Image.Image] = {}
        self._keys: list[str] = corpus.read(["key"])["key"].to_pylist()
        self.journal = Journal(corpus.folder / "annotations.jsonl")
        self.book = Book(self.instruction, recipe.rules)
        for entry in self.journal:
            self.book.take(entry)
        for entry in stored(corpus):
            # The columns may have travelled without the journal.
            if entry.key not in self.book.standing:
                self.book.take(entry)

    def instruction(self, key: str) -> Instruction:
        """Return what is asked about the row of a key."""
        digest = blake2b(key.encode(), digest_size=4).digest()
        chosen = int.from_bytes(digest) < self.recipe.chinese * 2**32
        return INSTRUCTIONS["zh" if chosen else "en"]

    def counts(self) -> dict[str, int]:
        """Return how many rows there are of each kind."""
        standing = [self.book[self._keys[row]] for row in self.rows]
        done = sum(row.annotation is not None for row in standing)
        given_up = sum(
            row.annotation is None and row.tries >= self.recipe.tries for row in standing
        )
        unreadable = len(self.unreadable)
        return {
            "wanted": len(standing),
            "annotated": done,
            "given up": given_up,
            "unreadable": unreadable,
            "open": len(standing) - done - given_up - unreadable,
        }

    def ask(self, show: Show) -> None:
        """Ask about every row until it is annotated or given up."""
        chosen = [row for row in self.rows if self._open(row)]
        if self.recipe.most is not None and len(chosen) > self.recipe.most:
            chosen, self.stopped = chosen[: self.recipe.most], f"{self.recipe.most:,} rows asked"
        self._left = set(chosen)
        done = sum(not self._open(row) for row in self.rows)
        total = done + len(chosen)
        show(done, total)
        for _ in range(self.recipe.tries):
            chosen = [row for row in chosen if self._open(row)]
            if not chosen or not self.recipe.affords(self.book):
                break
            with closing(self.recipe.annotator.ask(self._questions(chosen))) as answers:
                for answer in heard(answers, self.recipe.annotator.model):
                    self._take(answer)
                    show(total - len(self._left), total)
        self._believe()
        if self._lost:
            self.stopped = f"{len(self._lost):,} questions without an answer"
        if not self.recipe.affords(self.book):
            self.stopped = "the budget is used up"

    def _open(self, row: int) -> bool:
        standing = self.book[self._keys[row]]
        return (
            standing.annotation is None
            and standing.tries < self.recipe.tries
            and row not in self.unreadable
            and row not in self._lost
        )

    def _questions(self, chosen: Sequence[int]) -> Iterator[Question]:
        for start in range(0, len(chosen), _AHEAD):
            some = chosen[start : start + _AHEAD]
            files = self.corpus.take(some, ["image"])["image"]
            for row, file in zip(some, files, strict=True):
                image = _shown(file.as_py(), self.recipe.side)
                if isinstance(image, str):
                    self.unreadable[row] = image
                    self._left.discard(row)
                    continue
                if not self.recipe.affords(self.book):
                    return
                self._images[row] = image
                self.asked += 1
                yield Question(key=row, text=self._prompt(row), images=(image,), schema=JSON_SCHEMA)

    def _prompt(self, row: int) -> str:
        key = self._keys[row]
        reasons = [why for rule, why in self.book[key].reasons.items() if rule != NO_ANSWER]
        return self.instruction(key).prompt(reasons[0] if reasons else None)

    def _take(self, answer: Answer) -> None:
        image = self._images.pop(answer.key)
        if answer.lost:
            self._lost.add(answer.key)
            self._left.discard(answer.key)
            return
        key = self._keys[answer.key]
        entry = Entry(
            key=key,
            instruction=self.instruction(key).digest,
            model=self.recipe.annotator.model,
            text=answer.text,
            trouble=answer.trouble,
            seen=_seen(image, answer.text, self.recipe.rules),
            read=answer.read,
            written=answer.written,
        )
        self.book.take(entry)
        if not self._open(answer.key):
            self._left.discard(answer.key)
        self._held.append(entry)
        if entry.model in self.book.heard or len(self._held) == PATIENCE:
            self._believe()

    def _believe(self) -> None:
        """Write down what was held back.

        Before a network ever said a word, its refusals rather speak against our settings than
        against the pictures, and rows must not be given up for them.
        """
        if self._held and self.recipe.annotator.model not in self.book.heard:
            raise DownloadError(
                f"{self.recipe.annotator.model} refuses every question "
                f"({self._held[-1].trouble}); mend the annotator's settings."
            )
        for entry in self._held:
            self.journal.write(entry)
        self._held.clear()


def _rows(corpus: Corpus, stage: str | None) -> list[int]:
    """Return the numbers of the rows that are to be annotated."""
    if stage is None:
        troubles = corpus.read(["trouble"])["trouble"].to_pylist()
        return [row for row, trouble in enumerate(troubles) if trouble is None]
    return passed(corpus, stage)


def _shown(file: bytes, side: int) -> Image.Image | str:
    """Return a picture as it is shown to an annotator, or what is wrong with it."""
    pixels = decode(file, side)
    if isinstance(pixels, str):
        return pixels
    image = Image.fromarray(pixels)
    image.thumbnail((_LONGEST * side, _LONGEST * side))
    return image


def _seen(image: Image.Image, text: str, names: Sequence[str]) -> str | None:
    """Return what OCR reads in a picture, where a rule asks for it and there is a reader."""
    try:
        return read_page(image) if worth_reading(parse(text), names) else None
    except (Refusal, MissingPackage):
        return None
