"""Rows of another corpus, all or those that match: to fill a gap that evaluation showed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from danqing.core.errors import SourceError
from danqing.data.corpus import Corpus
from danqing.data.record import Item, Record, sources
from danqing.data.retrieve import filters_of, find

_COLUMNS = ("name", "image", "raw", "recaption", "fused", "meta", "trouble")


@sources.register("corpus")
@dataclass(frozen=True, kw_only=True)
class OtherCorpus:
    """Rows of another corpus that was filtered, by words of their captions or like a picture."""

    path: Path
    """The other corpus's folder."""
    words: str = ""
    """Words that captions must have, all of them; none: whatever they say."""
    like: Path | None = None
    """A picture that rows must be like; the most alike come first."""
    count: int | None = None
    """Rows at most; none: all that match."""
    dropped: bool = False
    """Whether rows that its filters dropped are taken, too."""

    def items(self) -> Iterator[Item]:
        """Yield rows that match.

        Raises:
            SourceError: there is no such corpus.
            RecipeError: it was not filtered, or by nothing that tells how pictures look.
        """
        corpus = Corpus(self.path)
        if not corpus.exists:
            raise SourceError(f"source {self.path} must be a corpus; check the recipe's path.")
        found = filters_of(corpus)
        every = find(corpus, found, words=self.words, like=self.like)
        kept = (match for match in every if self.dropped or match.dropped is None)
        for number, match in enumerate(kept):
            if number == self.count:
                return
            yield Item(match.key, lambda row=match.row: _record(corpus, row))


def _record(corpus: Corpus, row: int) -> Record:
    (values,) = corpus.take([row], _COLUMNS).to_pylist()
    return Record(**values | {"image": values["image"] or b""})
