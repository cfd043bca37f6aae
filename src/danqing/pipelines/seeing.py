"""What a model that changes pictures sees in one: asked in words, read from what it paints.

Dimension key:
    H, W  picture in pixels
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from danqing.core.files import atomic_folder
from danqing.models.conditioner.template import TEMPLATES
from danqing.pipelines.model import Model
from danqing.seeing import boxes, depth, labels
from danqing.seeing.manners import Manner, manners

Paint = Callable[[str, Image.Image], Image.Image]
"""From an instruction and a picture to the picture that a model makes of both."""

_SURE: Final = 0.4
"""Frames of which less of their sides is painted are told as unread."""
_SPECK: Final = 1e-3
"""So are frames of fewer pixels, as a share of the picture."""
_VEIL: Final = 0.55
"""How much of an overlay is what was seen, and not the picture."""


def manner_of(model: Model) -> Manner:
    """Return how a model is to be asked: what was trained here knows the small world's words."""
    name = TEMPLATES.name_of(model.conditioner.writer.template)
    return manners["small_world" if name.startswith("nano") else "plain"]()


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen in a picture."""

    instruction: str
    """What the model was asked."""
    answer: Image.Image
    """What it painted."""
    overlay: Image.Image
    """The picture with what was seen, for people."""
    record: Mapping[str, Any]
    """What was seen, as plain data, with the share of pixels that could not be read."""
    arrays: Mapping[str, np.ndarray]
    """What was seen of every pixel, by the names of files."""

    def save(self, folder: str | Path) -> Path:
        """Write all of it into a folder, which is replaced, and return its path.

        Raises:
            StorageError: the disk cannot take it.
        """
        with atomic_folder(folder) as staged:
            self.answer.save(staged / "answer.png")
            self.overlay.save(staged / "overlay.png")
            told = {"instruction": self.instruction, **self.record}
            (staged / "seen.json").write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n")
            for name, array in self.arrays.items():
                if name.endswith(".npy"):
                    np.save(staged / name, array)
                else:
                    Image.fromarray(array).save(staged / name)
        return Path(folder)


def see_depth(
    paint: Paint, source: Image.Image, manner: Manner, scale: depth.Scale | None = None
) -> Sight:
    """Return the depth of every pixel: `depth.npy`, float32 H x W in metres.

    Args:
        paint: The model.
        source: The picture.
        manner: How it is asked.
        scale: What the ends of its colours stand for; None: what the manner says.
    """
    scale = scale or manner.scale
    instruction = manner.depth()
    answer = paint(instruction, source)
    seen = depth.read(answer.resize(source.size, Image.Resampling.BILINEAR), scale)
    colored = depth.show(
        seen.metres, depth.Scale(near=scale.near, far=scale.far, colors="spectral")
    )
    record = {"task": "depth", "scale": asdict(scale), "unread": seen.unread}
    overlay = _veiled(source, colored)
    return Sight(instruction, answer, overlay, record, {"depth.npy": seen.metres})


def see_classes(paint: Paint, source: Image.Image, manner: Manner, classes: Sequence[str]) -> Sight:
    """Return the class of every pixel: `labels.png`, 0 where it is unknown, and what numbers mean.

    Args:
        paint: The model.
        source: The picture.
        manner: How it is asked.
        classes: What is to be told apart.

    Raises:
        RequestError: it cannot be asked for these classes.
    """
    asked = manner.legend(classes)
    instruction = manner.segmentation(asked)
    answer = paint(instruction, source)
    colors = labels.with_rest(asked)
    seen = labels.read(answer.resize(source.size, Image.Resampling.NEAREST), colors)
    legend = {
        name: {"number": number, "color": list(colors[name]), "pixels": int(seen.mask(name).sum())}
        for number, name in enumerate(seen.classes, 1)
    }
    record = {"task": "segmentation", "legend": legend, "unread": seen.unread}
    overlay = _veiled(source, labels.show(seen, colors))
    return Sight(instruction, answer, overlay, record, {"labels.png": seen.map})


def see_boxes(paint: Paint, source: Image.Image, manner: Manner, classes: Sequence[str]) -> Sight:
    """Return a box for each thing, in pixels of the picture.

    Args:
        paint: The model.
        source: The picture.
        manner: How it is asked.
        classes: What is to be found.

    Raises:
        RequestError: it cannot be asked for these classes.
    """
    colors = manner.legend(classes)
    instruction = manner.detection(colors)
    answer = paint(instruction, source)
    seen = boxes.read(answer, manner.unframed(source), colors, sure=_SURE, speck=_SPECK)
    found = [box.record for box in seen.found]
    record = {"task": "detection", "boxes": found, "size": list(source.size), "unread": seen.unread}
    return Sight(instruction, answer, boxes.show(source, seen.found, colors), record, {})


def _veiled(source: Image.Image, seen: Image.Image) -> Image.Image:
    return Image.blend(source.convert("RGB"), seen, _VEIL)
