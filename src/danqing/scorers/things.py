"""Everyday things by the names that GenEval gives them, and what colours they have.

Follows Ghosh et al. 2023 (arXiv:2310.11513) and its published evaluation (djghosh13/geneval, commit
af4902f): everything around a thing's mask is painted grey, what its box holds is compared with
phrases for ten colours, and the nearest colour names it. A colour's vector is the mean of its
phrases' vectors, stretched to unit length.

Dimension key:
    N  colours    D  numbers of a vector
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from jaxtyping import Float
from PIL import Image

from danqing.scorers.embed import Embedder
from danqing.scorers.instances import Instance
from danqing.scorers.relations import Box

COLORS: Final = (
    "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white",
)  # fmt: skip
GROUND: Final = (0x99, 0x99, 0x99)
"""What is painted around a thing."""

_PHRASES: Final = (
    "a photo of a {color} {thing}",
    "a photo of a {color}-colored {thing}",
    "a photo of a {color} object",
)
_CALLED: Final = {
    "mouse": "computer mouse",
    "remote": "tv remote",
    "keyboard": "computer keyboard",
    # Published networks of `transformers` have the older names of Pascal VOC.
    "motorbike": "motorcycle",
    "aeroplane": "airplane",
    "sofa": "couch",
    "pottedplant": "potted plant",
    "diningtable": "dining table",
    "tvmonitor": "tv",
}


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that was found in a picture."""

    label: str
    """Its class, such as `sports ball`."""
    confidence: float
    """How sure the detector is, from 0 to 1."""
    box: Box
    """Pixels; the far edges are not included."""
    color: str | None = None
    """The name of its colour; None: nobody looked."""

    @property
    def record(self) -> dict[str, Any]:
        """The thing as plain data."""
        return {
            "label": self.label,
            "confidence": self.confidence,
            "box": list(self.box),
            "color": self.color,
        }


def thing(record: Mapping[str, Any]) -> Thing:
    """Return the thing of a record."""
    left, top, right, bottom = map(float, record["box"])
    return Thing(
        record["label"], record["confidence"], (left, top, right, bottom), record.get("color")
    )


def called(label: str) -> str:
    """Return what GenEval calls a thing of COCO's 80 classes."""
    return _CALLED.get(label, label)


def alone(image: Image.Image, one: Instance) -> Image.Image:
    """Return what the box of a thing holds, with all that is not the thing painted over.

    A thing whose mask is not told keeps what is around it.
    """
    shown = image.convert("RGB")
    if one.mask is not None:
        ground = Image.new("RGB", image.size, GROUND)
        shown = Image.composite(shown, ground, Image.fromarray(one.mask))
    left, top, right, bottom = map(round, one.box)
    return shown.crop((left, top, right, bottom))


def colors(
    embedder: Embedder, image: Image.Image, found: Sequence[Instance], label: str
) -> list[str]:
    """Return the colour of each thing, one of `COLORS`.

    Args:
        embedder: Who compares pictures with phrases.
        image: The picture.
        found: Things of one class in it.
        label: GenEval's name of their class.
    """
    if not found:
        return []
    alike = embedder.images([alone(image, one) for one in found]) @ _vectors(embedder, label).T
    return [COLORS[place] for place in alike.argmax(1)]


@lru_cache(maxsize=128)
def _vectors(embedder: Embedder, label: str) -> Float[np.ndarray, "N D"]:
    """Return the vector of each colour that a thing may have."""
    phrases = [phrase.format(color=color, thing=label) for color in COLORS for phrase in _PHRASES]
    means = embedder.texts(phrases).reshape(len(COLORS), len(_PHRASES), -1).mean(1)
    return means / np.linalg.norm(means, axis=1, keepdims=True)
