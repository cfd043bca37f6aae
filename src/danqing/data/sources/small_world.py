"""The embedded model's pictures: drawn shapes and words, with exact captions in two languages.

The caption is the row's `recaption`, because it says what is seen and nothing else; the
specification it was made from is in `meta`, so that filters can hold the picture against it.
"""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random

from danqing.core.errors import RecipeError
from danqing.data.record import Item, Record, sources
from danqing.data.synthesis import Synthesis


@sources.register("small_world")
@dataclass(frozen=True, kw_only=True)
class SmallWorld:
    """Drawn pictures with exact captions, of training's share of the small world alone."""

    count: int = 1000
    """How many pictures."""
    pictures: Synthesis = field(default_factory=Synthesis)
    """What is drawn."""
    sizes: dict[str, float] = field(default_factory=dict[str, float])
    """Weights of sizes such as `288x224`; none: that of `pictures`."""

    def __post_init__(self) -> None:
        if self.count < 0:
            raise RecipeError(f"count must be at least 0, got {self.count}; raise it.")
        for size, weight in self.sizes.items():
            self._of(size)
            if weight <= 0:
                raise RecipeError(f"weight of {size} must be above 0, got {weight}; leave it out.")

    def items(self) -> Iterator[Item]:
        """Yield pictures; each depends on its number and the settings alone."""
        for number in range(self.count):
            yield Item(f"{number:08d}", lambda number=number: self.record(number))

    def record(self, number: int) -> Record:
        """Return one picture.

        Args:
            number: Which picture, from 0.
        """
        pictures = self.pictures
        if self.sizes:
            rng = Random(f"danqing size {pictures.seed} {number}")
            pictures = self._of(rng.choices(list(self.sizes), list(self.sizes.values()))[0])
        sample = pictures.sample(number)
        buffer = io.BytesIO()
        sample.image.save(buffer, "PNG")
        return Record(
            name=f"{number:08d}.png",
            image=buffer.getvalue(),
            recaption=sample.caption,
            meta=json.dumps({"specification": sample.spec.record}, ensure_ascii=False),
        )

    def _of(self, size: str) -> Synthesis:
        width, cross, height = size.partition("x")
        if not (cross and width.isdecimal() and height.isdecimal()):
            raise RecipeError(f"sizes must be like 288x224, got {size!r}; change it.")
        return replace(self.pictures, size=(int(width), int(height)))
