"""A folder between those who make batches ready and those who train on them.

Batches lie in numbered shards, the same count in each, so that a step is a place in a shard. A
shard is a safetensors file that appears whole or not at all. `place.json` says from which number on
shards are needed and which one is being read: the former follows the states that were saved, so a
run that goes on from one finds its batches again.

Captions go with the texts that a conditioner read, or alone where the conditioner learns; those
that are instructions go with what they bring along.

Dimension key:
    B batch    C latent channels    H W their sides    L tokens of a caption    E text channels
    T tokens of all captions of a batch
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from danqing.core.errors import RecipeError
from danqing.core.files import atomic_path
from danqing.training.attached import Attached, attach
from danqing.training.sources.base import LatentBatch, ReadCaption


class Place(NamedTuple):
    """How far a consumer is."""

    first: int = 0
    """The first shard that may still be asked for."""
    reading: int = 0
    """The shard that is being read, or waited for."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A batch with all that a frozen VAE makes of it, and a conditioner if that is frozen too."""

    latents: Float[Tensor, "B C H W"]
    captions: Sequence[str]
    texts: Sequence[Float[Tensor, "_ E"]] | None
    """What the conditioner read, for each caption; None: it will read them when it learns."""
    attached: Mapping[str, Tensor] = field(default_factory=dict[str, Tensor])
    """What captions bring along; see `attached`."""
    told: Sequence[Attached | None] = ()
    """How it is given back to each caption."""


class Spool:
    """Shards in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, number: int) -> Path:
        """Return where a shard lies, or will."""
        return self.folder / "shards" / f"{number:08}.safetensors"

    def sizes(self) -> dict[int, int]:
        """Return the bytes of every shard that is there, by its number."""
        found: dict[int, int] = {}
        for path in (self.folder / "shards").glob("[0-9]*.safetensors"):
            try:
                found[int(path.stem)] = path.stat().st_size
            except FileNotFoundError:
                continue  # It was given up meanwhile.
        return found

    @property
    def batches(self) -> int | None:
        """How many batches a shard has; None: no producer has been here yet."""
        return _told(self.folder / "spool.json").get("batches")

    def settle(self, batches: int) -> None:
        """Decide how many batches a shard has, or agree to what was decided.

        Raises:
            RecipeError: it was decided otherwise.
        """
        if self.batches is None:
            _tell(self.folder / "spool.json", {"batches": batches})
        if (settled := self.batches) != batches:
            raise RecipeError(
                f"batches must stay {settled} in {self.folder}, got {batches}; "
                "change it back or choose another spool."
            )

    @property
    def place(self) -> Place:
        """How far the consumer is."""
        return Place(**_told(self.folder / "place.json"))

    def reads(self, number: int) -> None:
        """Note which shard the consumer reads next; one before all others is wanted again."""
        first = min(number, self.place.first)
        _tell(self.folder / "place.json", Place(first, number)._asdict())

    def give_up(self, first: int, *, keep: bool) -> None:
        """Note that shards before `first` are not needed any more, and delete them unless kept."""
        _tell(self.folder / "place.json", Place(first, self.place.reading)._asdict())
        for number in self.sizes():
            if number < first and not keep:
                self.path(number).unlink(missing_ok=True)

    @contextmanager
    def claim(self, number: int) -> Iterator[bool]:
        """Tell whether a shard is missing and nobody else is making it; nobody will meanwhile.

        A claim ends with its process. Where a file system has no locks, two producers may make the
        same shard: one replaces the other, and both are alike.
        """
        from filelock import FileLock, Timeout

        path = self.folder / "claims" / f"{number:08}"
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            yield False
            return
        try:
            for half in self.path(number).parent.glob(f".{number:08}-*"):
                half.unlink()  # Its writer was killed.
            yield not self.path(number).exists()
        finally:
            path.unlink(missing_ok=True)
            lock.release()

    def write(
        self, number: int, batches: Sequence[Ready], negative: Tensor | None, recipe: str
    ) -> None:
        """Write a shard.

        Args:
            number: Its number.
            batches: What is in it.
            negative: The text of the empty caption; None: captions go without texts.
            recipe: The version of the recipe that it was made by.
        """
        tensors = {} if negative is None else {"negative": negative.contiguous()}
        for place, batch in enumerate(batches):
            # Latents have unit deviation: float16 is finer than bfloat16 and never overflows.
            tensors[f"{place}.latents"] = batch.latents.to(torch.float16).contiguous()
            if batch.texts is not None:
                tensors[f"{place}.text"] = torch.cat(list(batch.texts))
                tensors[f"{place}.lengths"] = torch.tensor([len(text) for text in batch.texts])
            tensors |= {f"{place}.attached.{name}": t for name, t in batch.attached.items()}
        captions = json.dumps([list(batch.captions) for batch in batches])
        attached = json.dumps([list(batch.told) for batch in batches])
        told = {"captions": captions, "attached": attached, "recipe": recipe}
        with atomic_path(self.path(number)) as staged:
            save_file(tensors, staged, metadata=told)


class Shard:
    """A shard that is being read, a batch at a time."""

    def __init__(self, path: Path) -> None:
        self._file = safe_open(path, framework="pt")
        told = self._file.metadata()
        self.recipe, self._captions = told["recipe"], json.loads(told["captions"])
        # Shards of before have none: their captions are read, and those bring nothing.
        self._attached = json.loads(told.get("attached", "[]"))
        self._names = set(self._file.keys())

    def __getitem__(self, place: int) -> LatentBatch:
        """Return a batch; captions have what they bring and, if they were read, their texts."""
        latents = self._file.get_tensor(f"{place}.latents").float()
        if "negative" not in self._names:
            return LatentBatch(latents, self._whole(place))
        text, lengths = (self._file.get_tensor(f"{place}.{part}") for part in ("text", "lengths"))
        captions = map(ReadCaption, self._captions[place], text.split(lengths.tolist()))
        negative = ReadCaption(" ", self._file.get_tensor("negative"))
        return LatentBatch(latents, list(captions), negative)

    def _whole(self, place: int) -> list[str]:
        prefix = f"{place}.attached."
        names = [name for name in self._names if name.startswith(prefix)]
        tensors = {name.removeprefix(prefix): self._file.get_tensor(name) for name in names}
        told = [one and Attached(*one) for one in self._attached[place]]
        return attach(self._captions[place], told, tensors)


def _told(path: Path) -> dict[str, int]:
    return json.loads(path.read_text()) if path.exists() else {}


def _tell(path: Path, values: dict[str, int]) -> None:
    with atomic_path(path) as staged:
        staged.write_text(json.dumps(values) + "\n")
