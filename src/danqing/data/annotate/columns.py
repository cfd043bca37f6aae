"""From where rows stand to the corpus's columns, and back."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Literal

from danqing.data.annotate.instruction import Instruction
from danqing.data.annotate.journal import Book, Entry
from danqing.data.annotate.schema import CAPTION, JSON_SCHEMA
from danqing.data.corpus import Corpus

COLUMNS: Final = ("annotation", "annotation_note", "recaption")


def stored(corpus: Corpus) -> Iterator[Entry]:
    """Yield the annotations in a corpus's column as if they had just been answered, for nothing."""
    for key, text in zip(_column(corpus, "key"), _column(corpus, "annotation"), strict=True):
        if "instruction" in (found := _object(text)):
            fields = {name: found.get(name) for name in JSON_SCHEMA["properties"]}
            yield Entry(
                key=str(key),
                instruction=found["instruction"],
                model=str(found.get("annotator")),
                text=json.dumps(fields),
            )


def fill(
    corpus: Corpus,
    book: Book,
    ask: Callable[[str], Instruction],
    unreadable: Mapping[int, str],
    recaption: Literal["missing", "all", "none"],
) -> None:
    """Fill the columns with what follows from a book; nothing is written where nothing changes.

    Args:
        corpus: Whose columns.
        book: Where the rows stand.
        ask: The instruction for the row of a key.
        unreadable: Numbers of rows that could not be shown, and why.
        recaption: Rows whose recaption becomes the caption: those that have none, or one that came
            from the annotation that is there now; all that are annotated; or none.
    """
    import pyarrow as pa

    old = {name: _column(corpus, name) for name in COLUMNS}
    new = {name: list(values) for name, values in old.items()}
    for row, why in unreadable.items():
        new["annotation_note"][row] = f"picture: {why}"
    for row, key in enumerate(map(str, _column(corpus, "key"))):
        if (standing := book.standing.get(key)) is None:
            continue
        digest = ask(key).digest
        was = _object(old["annotation"][row])
        ours = old["recaption"][row] in (None, was.get(CAPTION))
        told = "; ".join(f"{name}: {why}" for name, why in standing.reasons.items())
        new["annotation_note"][row] = told or None
        if standing.annotation is not None:
            found: dict[str, Any] = standing.annotation.fields()
            found |= {"instruction": digest, "annotator": standing.model}
            new["annotation"][row] = json.dumps(found, ensure_ascii=False)
            if recaption == "all" or (recaption == "missing" and ours):
                new["recaption"][row] = standing.annotation.caption
        elif was.get("instruction") == digest:
            # It was of use by other rules than today's.
            new["annotation"][row] = None
            if recaption != "none" and ours:
                new["recaption"][row] = None
    # A column that is not there yet reads like one of nulls.
    changed = [name for name in COLUMNS if new[name] != old[name] or name not in corpus.columns]
    corpus.fill({name: pa.array(new[name], pa.string()) for name in changed})


def _column(corpus: Corpus, name: str) -> list[str | None]:
    if name not in corpus.columns:
        return [None] * len(corpus)
    return corpus.read([name])[name].to_pylist()


def _object(text: str | None) -> dict[str, Any]:
    """Return a JSON object, or an empty one for whatever else others put in the column."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
