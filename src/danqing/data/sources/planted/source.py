"""The source `planted`, and every kind of picture in it by name."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from danqing.core.errors import SourceError, unknown
from danqing.data.record import Item, Record, sources
from danqing.data.sources.planted.captions import CAPTIONS, caption
from danqing.data.sources.planted.files import FILES
from danqing.data.sources.planted.large import LARGE
from danqing.data.sources.planted.photometry import PHOTOMETRY
from danqing.data.sources.planted.plant import Plant, encode, of_picture
from danqing.data.sources.planted.scene import scene, screen, sky
from danqing.data.sources.planted.text import SIGNS, TEXT

_PLAIN: Final[dict[str, Plant]] = {
    "sound-jpeg": Plant("", of_picture(lambda rng, image: image)),
    "sound-png": Plant("", lambda rng, image: Record(name="a.png", image=encode(image, "PNG"))),
    "sound-webp": Plant(
        "", lambda rng, image: Record(name="a.webp", image=encode(image, "WEBP", quality=90))
    ),
}

PLANTS: Final[dict[str, Plant]] = {
    **_PLAIN,
    "sound-sky": Plant("", sky),
    "sound-screen": Plant("", screen),
    **SIGNS,
    **FILES,
    **PHOTOMETRY,
    **CAPTIONS,
    **TEXT,
    **LARGE,
}
"""Every kind of picture by its name."""

SOUND: Final = tuple(name for name, plant in PLANTS.items() if not plant.filter)
FAULTS: Final = tuple(name for name, plant in PLANTS.items() if plant.filter)


@sources.register("planted")
@dataclass(frozen=True, kw_only=True)
class Planted:
    """A corpus of pictures whose faults are known.

    The first half of the rows are sound; faults of every kind follow, as many of each as there is
    room for. A row's key says its fault: `00000012-clarity-blurred`, or `00000003-sound-jpeg`.
    """

    rows: int = 2000
    side: int = 384
    """Pixels of the shorter side of a sound picture. Text and codes need 640 to be read."""
    seed: int = 0
    filters: tuple[str, ...] = ()
    """Filters whose faults are planted; none named: all there are faults for."""

    def __post_init__(self) -> None:
        known = sorted({PLANTS[name].filter for name in FAULTS})
        for name in self.filters:
            if name not in known:
                raise SourceError(unknown("filter with planted faults", name, known))

    def items(self) -> Iterator[Item]:
        """Yield pictures; each depends on its number and the settings alone."""
        sound = self.rows // 2
        faults = [n for n in FAULTS if not self.filters or PLANTS[n].filter in self.filters]
        for row in range(self.rows):
            name = SOUND[row % len(SOUND)] if row < sound else faults[(row - sound) % len(faults)]
            yield Item(f"{row:08d}-{name}", lambda row=row, name=name: self.record(row, name))

    def record(self, row: int, name: str) -> Record:
        """Return one picture."""
        rng = np.random.default_rng((self.seed, row))
        plant = PLANTS[name]
        if plant.filter == "duplicate":
            # A copy of a plain sound picture, which depends on that one's number.
            row = int(rng.integers(self.rows // 2))
            kind = row % len(SOUND)
            row -= kind - kind % len(_PLAIN)
            image = scene(np.random.default_rng((self.seed, row)), self.side)
        else:
            image = scene(rng, self.side)
        record = plant.make(rng, image)
        if record.raw is not None or plant.filter == "broken":
            return record
        return Record(name=record.name, image=record.image, raw=caption(rng))
