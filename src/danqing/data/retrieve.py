"""Rows of a corpus that could fill a gap: by words of their captions, by likeness to a picture.

Likeness is told by what filters against duplicates have stored of every row they looked at:
embeddings of a network where the recipe has `semantic_duplicate`, else thumbnails.

Dimension key: N rows.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Bool, Float32

from danqing.core.config import parse
from danqing.core.errors import RecipeError
from danqing.data.corpus import Corpus
from danqing.data.filters.base import Batch, Likens
from danqing.data.stages import Stage, Step, steps

_CAPTIONS: Final = ("fused", "recaption", "raw")


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """One row that was looked for."""

    row: int
    key: str
    caption: str
    """The best one there is; empty if there is none."""
    likeness: float | None
    """To the picture that was given."""
    dropped: str | None
    """Where, by which filter and why; None: it was kept, or nobody filtered yet."""


def find(
    corpus: Corpus,
    found: Sequence[Step],
    *,
    words: str = "",
    like: Path | None = None,
    count: int | None = None,
) -> list[Match]:
    """Return rows, dropped ones too: the most alike first, else in their order.

    Args:
        corpus: Where to look.
        found: Its filters.
        words: A row must have them all in one caption or another: words of English whole, what is
            Chinese anywhere. None: whatever captions say.
        like: A picture. None: whatever pictures look like.
        count: Rows at most.

    Raises:
        RecipeError: the picture cannot be read, or no filter has stored what pictures look like.
    """
    table = corpus.read(["key", *_CAPTIONS]).to_pydict()
    texts = list(zip(*(table[name] for name in _CAPTIONS), strict=True))
    wanted = mentions(["\n".join(text or "" for text in row) for row in texts], words)
    rows = np.flatnonzero(wanted)
    likeness = None if like is None else _likeness(corpus, found, like)
    if likeness is not None:
        rows = rows[~np.isnan(likeness[rows])]
        rows = rows[np.argsort(-likeness[rows], kind="stable")]
    reasons = _drops(corpus)
    return [
        Match(
            row=row,
            key=table["key"][row],
            caption=next((text for text in texts[row] if text), ""),
            likeness=None if likeness is None else float(likeness[row]),
            dropped=reasons.get(row),
        )
        for row in rows[:count].tolist()
    ]


def mentions(texts: Sequence[str], words: str) -> Bool[np.ndarray, " N"]:
    """Return which texts have all of some words, in any case; a plural with s counts."""
    patterns = [
        re.compile(rf"\b{re.escape(word)}s?\b" if word.isascii() else re.escape(word), re.I)
        for word in words.split()
    ]
    return np.array([all(p.search(text) for p in patterns) for text in texts], bool)


def filters_of(corpus: Corpus) -> list[Step]:
    """Return the filters that a corpus was last run with.

    Raises:
        RecipeError: it never was.
    """
    path = corpus.folder / "manifest.json"
    if not path.is_file():
        raise RecipeError(
            f"{corpus.folder} must have been filtered, got no {path.name}; run danqing filter run."
        )
    return steps(parse(_Ran, {"stages": json.loads(path.read_text())["recipe"]["stages"]}).stages)


@dataclass(frozen=True, kw_only=True)
class _Ran:
    stages: dict[str, Stage] = field(default_factory=dict[str, Stage])


def _likeness(corpus: Corpus, found: Sequence[Step], like: Path) -> Float32[np.ndarray, " N"]:
    """Return each row's likeness to a picture; NaN where nothing was stored of it."""
    there = set(corpus.columns)
    able = [
        (part, step)
        for step in found
        if isinstance(part := step.filter, Likens) and f"sketch_{step.column}" in there
    ]
    if not able:
        raise RecipeError(
            f"{corpus.folder} must have been filtered by duplicate or semantic_duplicate to find "
            "pictures by likeness; add one to the recipe and run it."
        )
    # What a network sees in pictures goes before how they are coloured.
    part, step = max(able, key=lambda pair: pair[1].filter.slow)
    try:
        image = like.read_bytes()
    except OSError as error:
        raise RecipeError(f"like must be a picture, got {like}, which cannot be read.") from error
    batch = Batch({"image": [image], "name": [like.name]}, step.side)
    (sketch,) = part.sketch(batch)
    if sketch is None:
        raise RecipeError(f"like must be a picture, got {like}: {batch.images[0]}.")
    stored = corpus.read([f"sketch_{step.column}"])[0].to_pylist()
    rows = [row for row, other in enumerate(stored) if other]
    likeness = np.full(len(stored), np.nan, np.float32)
    if rows:
        likeness[rows] = part.likeness(sketch, [stored[row] for row in rows])
    return likeness


def _drops(corpus: Corpus) -> dict[int, str]:
    from pyarrow import parquet

    path = corpus.folder / "drops.parquet"
    if not path.is_file():
        return {}
    table = parquet.read_table(path, columns=["row", "stage", "filter", "reason"]).to_pylist()
    return {drop["row"]: f"{drop['stage']}.{drop['filter']}: {drop['reason']}" for drop in table}
