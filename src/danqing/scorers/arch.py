"""Whether a picture spells a word along an arch, bent the way that was asked.

All ink is taken for one line of writing, the circle that it follows is found, and the picture is
pulled straight along that circle and read by PP-OCR. Right is what reads exactly as asked and is
bent the asked way, plainly: by how high the middle stands over the ends. Capitals are asked for,
and count: small letters reach up and down by turns, so that a straight line of them may look bent.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Final, Literal

import numpy as np
from PIL import Image

from danqing.scorers.base import Score
from danqing.scorers.curve import Bent, bent, straightened
from danqing.scorers.ink import color, ink
from danqing.scorers.labels import smoothed
from danqing.scorers.ocr import normalized, read_line, similarity
from danqing.scorers.world import Language

Bend = Literal["up", "down"]
"""Like a rainbow, or like a bowl."""

_PAD: Final = 0.15
"""Ground around the straightened line, over the height of its ink."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchedText:
    """A specification of one string along an arch on a ground."""

    string: str
    """In capitals where its script has them."""
    script: Language
    """The language of the string."""
    color: str
    background: str
    bend: Bend

    @property
    def id(self) -> str:
        """Hex sha256 of the fields as JSON with sorted keys."""
        text = json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchJudge:
    """Judges pictures of a bent word: 1 where it is spelled exactly and bent as asked, else 0."""

    sagitta: float = 0.08
    """How high the middle must stand over the ends, over the distance of the ends."""
    tilt: float = 45.0
    """Degrees beyond which a line leans too far to be bent upwards or downwards."""

    def judge(self, image: Image.Image, wanted: ArchedText) -> Score:
        """Return the verdict on a picture.

        Raises:
            MissingPackage: `rapidocr` or its engine is not installed.
        """
        rgb = np.asarray(image.convert("RGB"))
        # Grain would be ink all over the picture.
        pixels = smoothed(image)
        mask = ink(pixels)
        if (line := bent(mask)) is None:
            return Score(0.0, "nothing is written", {"line": "", "similarity": 0.0})
        text = read_line(Image.fromarray(straightened(rgb, line, _PAD * (line.above + line.below))))
        target, got = normalized(wanted.string), normalized(text)
        exact = got == target and text == text.upper()
        details = {
            "line": text,
            "similarity": similarity(got, target),
            "exact_line": exact,
            "sagitta": round(line.sagitta, 4),
            "tilt": round(line.tilt, 1),
            "bent": self._bent(line) == wanted.bend,
            "color": color(pixels, mask),
        }
        complaints = [] if exact else [f"reads {text!r} where {wanted.string!r} was asked"]
        if not details["bent"]:
            complaints.append(f"is bent {self._bent(line) or 'neither way'}")
        return Score(float(not complaints), " and ".join(complaints) or "as asked", details)

    def _bent(self, line: Bent) -> Bend | None:
        if abs(line.sagitta) < self.sagitta or abs(line.tilt) > self.tilt:
            return None
        return "up" if line.sagitta > 0 else "down"
