"""Making batches ready for those who train: pictures become latents, captions become text.

A conditioner that learns must read its captions itself; then these go as they are, and pictures
that they bring are cut up for it.

Any number of producers share a spool. Each takes the lowest shard that is missing and that nobody
is making. Shard n holds the batches from n times their count on of the recipe's source, so it is
the same whoever makes it. When the spool is full they wait, except for what is being waited for.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import torch
from torch import Tensor

from danqing.core import toml
from danqing.core.config import at_least, dump, load
from danqing.core.device import DTYPES
from danqing.core.errors import DanqingError, RecipeError
from danqing.core.files import atomic_path
from danqing.core.log import logger
from danqing.models.conditioner.model import PROCESSOR, Conditioner
from danqing.models.conditioner.vision import cut, load_processor
from danqing.pipelines.load import reader
from danqing.training.attached import Cut, detach
from danqing.training.instruction import Instruction
from danqing.training.model import still
from danqing.training.parallel.world import device
from danqing.training.sources import Batches, BatchSource, LatentBatch, OnPolicy, sources
from danqing.training.spool import Ready, Spool

log = logger(__name__)

_LOOK: Final = 0.5
"""Seconds from one look for room to the next."""

Read = Callable[[Sequence[str]], list[Tensor]]
"""From captions to their texts, each `1 L E`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Production:
    """What producers make ready, and where."""

    model: Path
    """Folder of the model whose VAE and conditioner are used."""
    spool: Path
    """Folder that shards are written into."""
    source: Annotated[BatchSource | OnPolicy, sources]
    """Where batches come from; it must give latents and captions."""
    batches: int = 16
    """Batches in a shard."""
    budget: float = 10.0
    """Gigabytes of shards that are not trained on yet; each producer may add one more."""
    dtype: Literal["bfloat16", "float32"] = "bfloat16"
    """What the conditioner computes in, and the number format of texts."""
    reads: bool = True
    """Whether captions are read here; otherwise who trains reads them, as a conditioner that learns
    must, and as those that come with pictures are."""
    seed: int = 0
    """Seed of the data."""

    def __post_init__(self) -> None:
        at_least(1, batches=self.batches)
        if self.budget <= 0:
            raise RecipeError(f"budget must be above 0, got {self.budget:g}; raise it.")

    @property
    def version(self) -> str:
        """Tells this recipe from any other."""
        return hashlib.sha256(toml.text(dump(self)).encode()).hexdigest()[:12]


class Producer:
    """Makes shards, one at a time."""

    def __init__(
        self, recipe: Production, batches: Batches, read: Read | None, cut: Cut | None = None
    ) -> None:
        """Get ready.

        Args:
            recipe: What to make.
            batches: Those of its source.
            read: The conditioner of its model; None: captions stay unread.
            cut: Cuts the pictures of unread captions for the conditioner; None: it sees none.

        Raises:
            RecipeError: the spool has shards of another length.
        """
        self.recipe, self.batches, self.read, self.cut = recipe, batches, read, cut
        self.spool = Spool(recipe.spool)
        self.spool.settle(recipe.batches)
        with atomic_path(recipe.spool / "recipes" / f"{recipe.version}.toml") as staged:
            staged.write_text(toml.text(dump(recipe)), encoding="utf-8")

    def turn(self, stop: int | None = None) -> int | None:
        """Make one shard and return its number; None: there is no room, or nothing to do.

        Args:
            stop: The number before which to stop.
        """
        for number in self._missing():
            if stop is not None and number >= stop:
                return None
            with self.spool.claim(number) as mine:
                if mine:
                    self._make(number)
                    return number
        return None

    def _missing(self) -> Iterator[int]:
        """Yield the numbers of shards that may be made now, the most urgent one first."""
        place, sizes = self.spool.place, self.spool.sizes()
        waiting = sum(size for number, size in sizes.items() if number >= place.first)
        full = waiting >= self.recipe.budget * 1e9
        for number in count(place.first):
            if number not in sizes:
                if full and number > place.reading:
                    return
                yield number

    def _make(self, number: int) -> None:
        first = number * self.recipe.batches
        batches = [self._ready(self.batches[first + at]) for at in range(self.recipe.batches)]
        negative = None if self.read is None else self.read([" "])[0][0].cpu()
        self.spool.write(number, batches, negative, self.recipe.version)

    def _ready(self, batch: Any) -> Ready:
        if not isinstance(batch, LatentBatch):
            raise RecipeError(
                f"source must give latents and captions, got {type(batch).__name__}; "
                "choose another one."
            )
        if self.read is None:
            attached = detach(batch.captions, self.cut, DTYPES[self.recipe.dtype])
            return Ready(batch.latents, batch.captions, None, *attached)
        if any(isinstance(caption, Instruction) for caption in batch.captions):
            raise RecipeError(
                "source must give captions alone to be read here, got some that come with "
                "pictures; set reads = false."
            )
        texts = [text[0].cpu() for text in self.read(batch.captions)]
        return Ready(batch.latents, batch.captions, texts)


def begin(recipe: Production) -> Producer:
    """Return a producer with the recipe's source and conditioner.

    Raises:
        RecipeError: the model paints the source's batches itself.
    """
    if not isinstance(recipe.source, BatchSource):
        raise RecipeError(
            f"source must not depend on what is learned, got {sources.name_of(recipe.source)}; "
            "train with it directly."
        )
    batches = recipe.source.open(recipe.model, recipe.seed)
    if not recipe.reads:
        # A model that sees has a processor in its folder, and nothing more is needed to cut.
        eyes = recipe.model / PROCESSOR
        cuts = partial(cut, processor=load_processor(eyes)) if eyes.is_dir() else None
        return Producer(recipe, batches, None, cuts)
    read, dtype = reader(packed=False), DTYPES[recipe.dtype]
    conditioner = Conditioner.load(recipe.model, dtype=dtype, device=device(), read=read)
    return Producer(recipe, batches, still(conditioner, kept=0.0))


@torch.inference_mode()
def produce(
    path: Path,
    overrides: Sequence[str] = (),
    *,
    stop: int | None = None,
    show: Callable[[int], None] = lambda number: None,
) -> None:
    """Fill the spool of a recipe, for ever or until it has the shards before `stop`.

    The recipe is read again before each shard, so that it may be changed meanwhile; one that is
    refused leaves the one before in force.

    Args:
        path: The recipe.
        overrides: Settings to change, as `a.b=value`.
        stop: The number before which to stop; None: none.
        show: Told the number of every shard that was made.
    """
    producer, refused = begin(load(Production, path, overrides)), ""
    while True:
        try:
            if (recipe := load(Production, path, overrides)) != producer.recipe:
                producer = begin(recipe)
                log.info("shards are now made by recipe %s", recipe.version)
        except DanqingError as error:
            if str(error) != refused:
                log.warning("the recipe of before stays in force: %s", error)
            refused = str(error)
        if (number := producer.turn(stop)) is not None:
            show(number)
        elif stop is not None and not _lacks(producer.spool, stop):
            return
        else:
            time.sleep(_LOOK)


def _lacks(spool: Spool, stop: int) -> bool:
    """Return whether a shard that is needed is missing before a number."""
    return bool(set(range(spool.place.first, stop)) - spool.sizes().keys())
