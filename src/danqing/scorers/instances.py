"""Which things a photograph shows, each with its mask: the detectors that GenEval needs.

A detector tells all that it suspects, with the confidences as they are; what is believed, from
which confidence on and how many of a kind, is for the benchmark to say.

Dimension key:
    H, W  picture in pixels
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool
from PIL import Image

from danqing.core.errors import RecipeError
from danqing.core.log import Metrics
from danqing.core.registry import Registry
from danqing.scorers.chat.base import digest
from danqing.scorers.published import Network, open_network
from danqing.scorers.relations import Box


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """One thing that may be in a picture."""

    label: str
    """A kind's name, as the detector's network calls it."""
    confidence: float
    """From 0 to 1."""
    box: Box
    """In pixels; right and bottom lie just beyond the thing."""
    mask: Bool[np.ndarray, "H W"] | None = None
    """Where it is; None: not told."""


@runtime_checkable
class Detector(Protocol):
    """Anything that finds things in pictures.

    A detector is a frozen dataclass whose fields are its settings.
    """

    @property
    def identity(self) -> Mapping[str, Any]:
        """All settings that shape what is found, as plain data."""
        ...

    def detect(self, images: Sequence[Image.Image]) -> list[list[Instance]]:
        """Return what each picture may show, the most certain first."""
        ...


detectors: Final[Registry[type[Detector]]] = Registry("detector")
"""Detectors by name."""

AnyDetector = Annotated[Detector, detectors]


@detectors.register("mask2former")
@dataclass(frozen=True, kw_only=True)
class Mask2Former:
    """Mask2Former by `transformers` (Cheng et al. 2022, arXiv:2112.01527).

    GenEval's own detector is another training run of the same network (mmdet), so scores are near
    its scores and not comparable with them.
    """

    model: str = "facebook/mask2former-swin-small-coco-instance"
    """A hub name or a folder."""
    revision: str | None = None
    """A branch, tag or commit on the hub; None: the default branch."""
    device: str | None = None
    """None: the fastest one here."""
    dtype: str | None = "float32"
    """None: bfloat16 where it is native, else float32."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """All settings that shape what is found."""
        names = ("model", "revision", "dtype")
        return {"detector": "mask2former", **{name: getattr(self, name) for name in names}}

    def detect(self, images: Sequence[Image.Image]) -> list[list[Instance]]:
        """Return what each picture may show, the most certain first.

        Raises:
            RecipeError: the network is not on this machine and cannot be fetched.
            MissingPackage: `scipy`, which the library's network wants, is not installed.
        """
        # One at a time: padding to a common size would shift the masks.
        return [self._detect(image.convert("RGB")) for image in images]

    def _detect(self, image: Image.Image) -> list[Instance]:
        import torch

        network, processor, device = self._loaded
        inputs = processor(images=image, return_tensors="pt").to(device, network.dtype)
        with torch.inference_mode():
            told = network(**inputs)
        told.class_queries_logits = told.class_queries_logits.float().cpu()
        told.masks_queries_logits = told.masks_queries_logits.float().cpu()
        # The library's defaults keep only what is rather certain, and paint masks over each other.
        (found,) = processor.post_process_instance_segmentation(
            told, threshold=0.0, target_sizes=[image.size[::-1]], return_binary_maps=True
        )
        names = network.config.id2label
        return _sorted(
            _instance(names[about["label_id"]], about["score"], mask.numpy() > 0.5)
            for about, mask in zip(found["segments_info"], found["segmentation"], strict=False)
        )

    @cached_property
    def _loaded(self) -> Network:
        from transformers import AutoImageProcessor, AutoModelForUniversalSegmentation

        kind = AutoModelForUniversalSegmentation
        return open_network(kind, AutoImageProcessor.from_pretrained, self)


@detectors.register("replay")
@dataclass(frozen=True, kw_only=True)
class Replay:
    """What was found once, from a file of JSON lines, one a picture.

    A line has `picture`, the digest of its pixels; `size`, width and height; `who`, the detector's
    identity; and `things`, each with `label`, `confidence`, `box` and `mask`: lengths of runs of
    pixels row by row, outside and inside by turns, or null.
    """

    path: Path
    """The file."""
    detector: AnyDetector | None = None
    """Who is asked about pictures that are not in it, and added to it; None: nobody."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """All settings that shaped what was found."""
        if self.detector is not None:
            return self.detector.identity
        voices = {json.dumps(line["who"], sort_keys=True) for line in self._lines.values()}
        if len(voices) == 1:
            return json.loads(voices.pop())
        raise RecipeError(
            f"{self.path} must hold what one detector found, got {len(voices)}; "
            "set `detector` to say which is replayed."
        )

    def detect(self, images: Sequence[Image.Image]) -> list[list[Instance]]:
        """Return what each picture may show, the most certain first.

        Raises:
            RecipeError: a picture is not in the file, and there is nobody to ask.
            StorageError: the file is damaged, or the disk said no.
        """
        who = json.dumps(self.identity, sort_keys=True)
        return [self._detect(image, who) for image in images]

    def _detect(self, image: Image.Image, who: str) -> list[Instance]:
        name = digest(image)
        if (line := self._lines.get((who, name))) is not None:
            width, height = line["size"]
            return _sorted(
                Instance(
                    thing["label"],
                    float(thing["confidence"]),
                    _box(thing["box"]),
                    None if thing["mask"] is None else _unpacked(thing["mask"], height, width),
                )
                for thing in line["things"]
            )
        if self.detector is None:
            raise RecipeError(
                f"{self.path} must hold what every picture shows, got none for {name}; "
                "set `detector` to have it looked at."
            )
        (found,) = self.detector.detect([image])
        line = {
            "picture": name,
            "size": list(image.size),
            "who": dict(self.detector.identity),
            "things": [
                {
                    "label": thing.label,
                    "confidence": thing.confidence,
                    "box": list(thing.box),
                    "mask": None if thing.mask is None else _packed(thing.mask),
                }
                for thing in found
            ],
        }
        Metrics(self.path).write(**line)
        self._lines[who, name] = line
        return found

    @cached_property
    def _lines(self) -> dict[tuple[str, str], dict[str, Any]]:
        found: dict[tuple[str, str], dict[str, Any]] = {}
        lines = Metrics(self.path)
        for number, line in lines:
            if not _is_sound(line):
                raise lines.damaged(number)
            found[json.dumps(line["who"], sort_keys=True), line["picture"]] = line
        return found


def _sorted(things: Iterable[Instance]) -> list[Instance]:
    return sorted(things, key=lambda thing: -thing.confidence)


def _instance(label: str, confidence: float, mask: Bool[np.ndarray, "H W"]) -> Instance:
    """Return a thing in the smallest box around its mask, which has a pixel at least."""
    columns, rows = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    box = (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
    return Instance(label, confidence, box, mask)


def _box(numbers: Sequence[Any]) -> Box:
    left, top, right, bottom = map(float, numbers)
    return left, top, right, bottom


def _packed(mask: Bool[np.ndarray, "H W"]) -> list[int]:
    """Return the lengths of runs row by row, beginning outside."""
    flat = np.concatenate([[False], mask.ravel()])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    return np.diff(edges, prepend=0, append=mask.size).tolist()


def _unpacked(runs: Sequence[int], height: int, width: int) -> Bool[np.ndarray, "H W"]:
    inside = np.arange(len(runs)) % 2 == 1
    return np.repeat(inside, runs).reshape(height, width)


def _is_sound(line: Mapping[str, Any]) -> bool:
    """Return whether a line says what a picture shows."""
    try:
        width, height = line["size"]
        for thing in line["things"]:
            sure = 0 <= float(thing["confidence"]) <= 1 and isinstance(thing["label"], str)
            runs = thing["mask"]
            whole = runs is None or (min(runs) >= 0 and sum(runs) == width * height)
            if not (sure and whole and np.isfinite(_box(thing["box"])).all()):
                return False
        return isinstance(line["picture"], str) and isinstance(line["who"], dict)
    except (LookupError, TypeError, ValueError):
        return False
