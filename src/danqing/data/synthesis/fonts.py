"""The faces that write in drawn pictures: small subsets under open licences, in the package."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from PIL import ImageFont

from danqing.scorers.world import Language

FOLDER: Final = Path(__file__).with_name("fonts")


@dataclass(frozen=True, slots=True)
class Face:
    """One typeface of the package."""

    name: str
    script: Language
    held_out: bool = False
    """Never drawn for training; shows how a judge reads an unseen face."""

    @property
    def file(self) -> Path:
        """Where the typeface lies."""
        return FOLDER / f"{self.name}.otf"

    def at(self, em: int) -> ImageFont.FreeTypeFont:
        """Return the typeface at `em` pixels an em."""
        return _load(self.file, em)


FACES: Final = {
    face.name: face
    for face in (
        Face("grotesque", "en"),
        Face("broad", "en"),
        Face("humanist", "en"),
        Face("serif", "en", held_out=True),
        Face("hei", "zh"),
        Face("kai", "zh"),
        Face("song", "zh", held_out=True),
    )
}
"""Every typeface by its name."""

TRAINING_FACES: Final = tuple(name for name, face in FACES.items() if not face.held_out)


@lru_cache(maxsize=512)
def _load(file: Path, em: int) -> ImageFont.FreeTypeFont:
    # The basic engine lays out the same way with and without the optional Raqm library.
    return ImageFont.truetype(file, em, layout_engine=ImageFont.Layout.BASIC)
