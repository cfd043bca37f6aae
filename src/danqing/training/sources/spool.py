"""Batches that producers made ready: the VAE and the conditioner have no work where they are read.

Batch n is the n-th of the spool, whoever made it and when. What a saved state has passed is given
up; what came after stays until the next one, so a resumed run reads what an unbroken one would.
"""

import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from danqing.core.errors import RecipeError, SourceError
from danqing.core.log import Metrics, logger
from danqing.core.once import once
from danqing.training.sources.base import Batches, LatentBatch, sources
from danqing.training.spool import Shard, Spool

log = logger(__name__)

_LOOK: Final = 0.1
"""Seconds from one look for a shard to the next."""


@sources.register("spool")
@dataclass(frozen=True, kw_only=True, slots=True)
class SpoolLatents:
    """Latents and texts from a spool; see `danqing produce`."""

    path: Path
    """The folder of the spool."""
    keep: bool = False
    """Whether shards that were trained on stay there."""
    patience: float = 600.0
    """Seconds to wait for a shard."""

    def __post_init__(self) -> None:
        if self.patience <= 0:
            raise RecipeError(f"patience must be above 0, got {self.patience:g}; raise it.")

    def open(self, model: Path, seed: int) -> Batches:
        """Return the batches; they were decided by the producers' recipe and seed."""
        return _Spooled(self)


class _Spooled:
    def __init__(self, settings: SpoolLatents) -> None:
        self.settings, self.spool = settings, Spool(settings.path)
        self.recipe = ""
        self.shard = lru_cache(maxsize=1)(self._shard)

    def __getitem__(self, step: int) -> LatentBatch:
        """Return a batch, waiting until it has been made.

        Raises:
            SourceError: nobody made it in time.
        """
        number, place = divmod(step, self.batches)
        return self.shard(number)[place]

    def passed(self, step: int) -> None:
        """Give up the shards that lie before a step."""
        self.spool.give_up(step // self.batches, keep=self.settings.keep)

    @once
    def batches(self) -> int:
        """Batches in a shard, as the first producer decided."""
        self._wait(self.spool.folder / "spool.json")
        batches = self.spool.batches
        assert batches is not None, "the file is there"
        return batches

    def _shard(self, number: int) -> Shard:
        self.spool.reads(number)
        self._wait(path := self.spool.path(number))
        shard = Shard(path)
        Metrics(self.spool.folder / "read.jsonl").write(shard=number, recipe=shard.recipe)
        if self.recipe not in ("", shard.recipe):
            log.info("from shard %d on, batches are of recipe %s", number, shard.recipe)
        self.recipe = shard.recipe
        return shard

    def _wait(self, path: Path) -> None:
        end = time.monotonic() + self.settings.patience
        while not path.exists():
            if time.monotonic() > end:
                raise SourceError(
                    f"{path} must be made within {self.settings.patience:g} s, got nothing; "
                    "start danqing produce and resume."
                )
            time.sleep(_LOOK)
