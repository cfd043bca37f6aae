"""Batches from a corpus that was filtered: rows that passed, in buckets of one size."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from tqdm import tqdm

from danqing.core.config import at_least
from danqing.core.errors import RecipeError, unknown
from danqing.core.seed import derive
from danqing.data.buckets import Deal, Scale, scales
from danqing.data.corpus import Corpus
from danqing.data.export import passed
from danqing.data.record import ORIGINS
from danqing.models.vae.model import VAE
from danqing.training.encode import Columns, encode, finished
from danqing.training.sources.base import Batches, LatentBatch, sources

_PATCH: Final = 2
"""Latents along each side of a token."""


@sources.register("corpus")
@dataclass(frozen=True, kw_only=True)
class CorpusLatents:
    """Latents and captions of a corpus; what was not encoded yet is encoded first, once."""

    corpus: Path
    """The folder of the corpus, which must have been filtered."""
    sizes: tuple[str, ...] = ("1024p",)
    """Scales such as `640p`, or sizes such as `288x224`; a picture occurs at all it is large
    enough for."""
    batch: int = 16
    """Samples in a batch at the first scale; of others, as many as have the same pixels."""
    stage: str = ""
    """The last stage that rows must have passed; empty: all of them."""
    times: dict[str, float] = field(default_factory=dict[str, float])
    """How often rows of a source come in an epoch; 1 for those not named."""
    captions: dict[str, float] = field(default_factory=lambda: dict.fromkeys(ORIGINS, 1.0))
    """Weights of captions by origin, among those that a row has."""

    def __post_init__(self) -> None:
        at_least(1, batch=self.batch)
        for origin in self.captions:
            if origin not in ORIGINS:
                raise RecipeError(unknown("origin of captions", origin, ORIGINS))
        for name, weights in (("times", self.times), ("captions", self.captions)):
            if any(weight < 0 for weight in weights.values()):
                raise RecipeError(f"{name} must be at least 0, got {weights}; change them.")
        scales(self.sizes, 1)

    def open(self, model: Path, seed: int) -> Batches:
        """Return the batches, encoding with the VAE in `model` what has no latents yet.

        Raises:
            RecipeError: the corpus was not filtered, or has nothing to train on.
        """
        corpus = Corpus(self.corpus)
        rows = passed(corpus, self.stage or None)
        vae = finished(model)
        wanted = scales(self.sizes, _PATCH * vae.factor)
        columns = [self._encoded(corpus, rows, scale, vae) for scale in wanted]
        return _Rows(self, corpus, rows, wanted, columns, vae, derive(seed, "corpus"))

    def _encoded(self, corpus: Corpus, rows: Sequence[int], scale: Scale, vae: VAE) -> Columns:
        bar: tqdm[Any] | None = None

        def show(done: int, total: int) -> None:
            nonlocal bar
            if bar is None:
                bar = tqdm(desc="latents", total=total, unit="row", dynamic_ncols=True)
            bar.update(done - bar.n)

        columns = encode(corpus, rows, scale, vae, show)
        if bar is not None:
            bar.close()
        return columns


class _Rows:
    def __init__(
        self,
        settings: CorpusLatents,
        corpus: Corpus,
        rows: Sequence[int],
        wanted: Sequence[Scale],
        columns: Sequence[Columns],
        vae: VAE,
        seed: int,
    ) -> None:
        self.settings, self.corpus, self.columns, self.seed = settings, corpus, columns, seed
        self.channels, self.factor = vae.config.latent_channels, vae.factor
        kept = np.asarray(rows, np.int64)
        kept = kept[_has_caption(corpus, settings.captions)[kept]]
        often = _looked_up(_labels(corpus), lambda name: settings.times.get(name, 1.0))[kept]
        self.buckets = [(at, size) for at, scale in enumerate(wanted) for size in scale.sizes]
        numbers = {(at, f"{w}x{h}"): n for n, (at, (w, h)) in enumerate(self.buckets)}
        entries: list[tuple[np.ndarray, ...]] = []
        for at, names in enumerate(columns):
            sizes = corpus.read([names.size])[names.size]
            bucket = _looked_up(sizes, lambda size, at=at: numbers.get((at, size), -1))[kept]
            fits = bucket >= 0
            entries.append((kept[fits], bucket[fits].astype(int), often[fits]))
        self.rows, self.buckets_of, often = map(np.concatenate, zip(*entries, strict=True))
        room = [
            max(1, round(settings.batch * wanted[0].area / wanted[at].area))
            for at, _ in self.buckets
        ]
        self.deal = Deal(self.buckets_of, often, room, seed)

    def __getitem__(self, step: int) -> LatentBatch:
        """Return a batch, the same one whoever asks; reads it from the disk."""
        entries = self.deal[step]
        at, (width, height) = self.buckets[self.buckets_of[entries[0]]]
        column = self.columns[at].latents
        table = self.corpus.take(self.rows[entries].tolist(), [column, *ORIGINS])
        shape = (self.channels, height // self.factor, width // self.factor)
        latents = np.stack(
            [np.frombuffer(data.as_py(), np.float16).reshape(shape) for data in table[column]]
        )
        return LatentBatch(torch.from_numpy(latents).float(), self._captions(table, step))

    def _captions(self, table: Any, step: int) -> list[str]:
        rng = np.random.default_rng((self.seed, 1, step))
        weights = self.settings.captions
        chosen: list[str] = []
        for row in table.select(list(ORIGINS)).to_pylist():
            have = [origin for origin in ORIGINS if row[origin] is not None and weights.get(origin)]
            share = np.array([weights[origin] for origin in have])
            chosen.append(row[have[rng.choice(len(have), p=share / share.sum())]])
        return chosen


def _labels(corpus: Corpus) -> Any:
    """Return the source of every row."""
    import pyarrow.compute as pc

    keys = corpus.read(["key"])["key"]
    return pc.replace_substring_regex(keys, pattern="/.*", replacement="")  # pyright: ignore[reportAttributeAccessIssue]


def _looked_up(column: Any, value: Callable[[str], float]) -> np.ndarray:
    """Return a number for each text of a column of few different ones; -1 for null."""
    coded = column.combine_chunks().dictionary_encode()
    table = np.array([*(value(text) for text in coded.dictionary.to_pylist()), -1.0])
    return table[np.asarray(coded.indices.fill_null(len(table) - 1))]


def _has_caption(corpus: Corpus, weights: dict[str, float]) -> np.ndarray:
    """Return which rows have a caption of an origin that has a weight."""
    found = np.zeros(len(corpus), bool)
    for origin in ORIGINS:
        if weights.get(origin):
            found |= ~corpus.lacks(origin)
    return found
