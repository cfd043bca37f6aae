"""Batches of pairs of pictures of one caption, the first of which is preferred.

They stand in a JSONL file, one a line, with their pictures beside it: `prefer` writes such files,
and so can whoever has opinions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from danqing.core.config import at_least, parse
from danqing.core.errors import RecipeError, SourceError
from danqing.core.log import Metrics
from danqing.core.seed import derive
from danqing.data.buckets import scales
from danqing.data.record import Record
from danqing.training.encode import finished
from danqing.training.sources.base import Batches, PairBatch, sources
from danqing.training.sources.folder import PATCH, Dealt, Latents, encoded


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """A line of the file."""

    caption: str
    """What both pictures were asked for."""
    chosen: str | None = None
    """The better picture, a file beside this one; None where none was better."""
    rejected: str | None = None
    """The worse one, of the same size."""
    scores: tuple[float, float] | None = None
    """What scorers or voters gave them, the better one first."""


@sources.register("pairs")
@dataclass(frozen=True, kw_only=True, slots=True)
class PairLatents:
    """Latents of pairs of pictures, with their captions."""

    path: Path
    """The JSONL file, with `caption`, `chosen` and `rejected` in every line."""
    sizes: tuple[str, ...] = ("1024p",)
    """Scales such as `640p`, or sizes such as `288x224`; a pair occurs at all it is large enough
    for."""
    batch: int = 4
    """Pairs in a batch."""

    def __post_init__(self) -> None:
        at_least(1, batch=self.batch)
        scales(self.sizes, 1)

    def open(self, model: Path, seed: int) -> Batches:
        """Return the batches, encoded by the VAE in `model`.

        Raises:
            SourceError: there is no such file.
            StorageError: a line is no JSON object.
            RecipeError: a line is no pair, a picture cannot be read, or there are none to use.
        """
        if not self.path.is_file():
            raise SourceError(f"pairs must be a JSONL file, got {self.path}; check the path.")
        vae = finished(model)
        wanted = scales(self.sizes, PATCH * vae.factor)
        samples: list[tuple[Latents, Latents, str]] = []
        for pair, chosen, rejected in self._records():
            sides = [list(encoded(record, wanted, vae)) for record in (chosen, rejected)]
            if [x.shape for x in sides[0]] != [x.shape for x in sides[1]]:
                raise RecipeError(
                    f"{pair.chosen} and {pair.rejected} must be of one size, got two; "
                    "take them out."
                )
            samples += [(*both, pair.caption) for both in zip(*sides, strict=True)]
        if not samples:
            raise RecipeError(
                f"{self.path} must hold pairs as large as {', '.join(self.sizes)}, got none; "
                "choose smaller sizes."
            )
        return Dealt(samples, self.batch, derive(seed, "pairs"), _batch)

    def _records(self) -> Iterator[tuple[Pair, Record, Record]]:
        for number, values in Metrics(self.path):
            pair = parse(Pair, values, f"line {number} of {self.path}")
            if pair.chosen and pair.rejected:
                yield pair, self._record(pair.chosen), self._record(pair.rejected)

    def _record(self, name: str) -> Record:
        try:
            return Record(name=name, image=(self.path.parent / name).read_bytes())
        except OSError as error:
            return Record(name=name, trouble=f"it cannot be read ({error.strerror})")


def _batch(samples: Sequence[tuple[Latents, Latents, str]]) -> PairBatch:
    chosen, rejected, captions = zip(*samples, strict=True)
    return PairBatch(torch.stack(chosen), torch.stack(rejected), captions)
