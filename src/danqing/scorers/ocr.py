"""Whether a picture spells what was asked for, read by PP-OCR (through `rapidocr`, no network).

A picture is read twice: recognition alone on the box of all ink, which is exact on short clean
strings, and detection with recognition on the whole picture, which sees what stands elsewhere.
The first reading decides; where the two disagree the details say so. Both sides are compared
after NFKC, case folding, removal of spaces, and folding of Chinese characters that differ by a
stroke between regions.
"""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from jaxtyping import Float
from PIL import Image

from danqing.core.errors import MissingPackage
from danqing.scorers.base import Score, Wanted, scorers
from danqing.scorers.color import lab
from danqing.scorers.ink import CONTRAST, SPECK, color, ink
from danqing.scorers.world import TextSpec

_LOOKALIKES: Final = str.maketrans(
    "∪強減決沖況涼淨湊準戶戸黃別吳呂內產靑淸說没換眞値黑歩毎徳渉絕綠錄虛",
    "u强减决冲况凉净凑准户户黄别吴吕内产青清说沒换真值黒步每德涉绝绿录虚",
)
"""A letter that alone is taken for a sign, and regional variants that differ by a stroke; which
side they fold to does not matter."""


@scorers.register("text")
@dataclass(frozen=True, kw_only=True, slots=True)
class TextScorer:
    """Judges pictures of one string: 1 where it is spelled exactly, else 0."""

    contrast: float = CONTRAST
    """Delta-E from the ground beyond which a pixel is ink."""
    speck: float = SPECK
    """Specks of ink smaller than this share of the picture are overlooked when it is cropped."""
    page: bool = True
    """Whether the details tell what is read in the whole picture; it takes six times as long."""

    def score(self, images: Sequence[Image.Image], wanted: Sequence[Wanted]) -> list[Score]:
        """Return 1 or 0 for each string; what asks for no string is unscored.

        Raises:
            MissingPackage: `rapidocr` or its engine is not installed.
        """
        return [self._score(image, text) for image, text in zip(images, wanted, strict=True)]

    def _score(self, image: Image.Image, text: Wanted) -> Score:
        if not isinstance(text, TextSpec):
            return Score(None, "no string was asked for")
        line, shade = self._ink(image.convert("RGB"))
        target = normalized(text.string)
        exact = normalized(line) == target
        details: dict[str, Any] = {
            "line": line,
            "exact_line": exact,
            "similarity": similarity(normalized(line), target),
            "color": shade,
        }
        if self.page:
            page = read_page(image)
            details |= {
                "page": page,
                "exact_page": normalized(page) == target,
                "disagree": normalized(line) != normalized(page),
                "extra_text": extra(normalized(page), target),
            }
        reason = "as asked" if exact else f"reads {line!r} where {text.string!r} was asked"
        return Score(float(exact), reason, details)

    def _ink(self, image: Image.Image) -> tuple[str, str | None]:
        """Return what recognition alone reads in the box of all ink, and the ink's colour."""
        pixels = lab(np.asarray(image))
        found = ink(pixels, self.contrast, self.speck)
        if not found.any():
            return "", None
        rows, columns = np.flatnonzero(found.any(1)), np.flatnonzero(found.any(0))
        pad = max(4, round(0.12 * (rows[-1] - rows[0])))
        box = (
            max(0, int(columns[0]) - pad),
            max(0, int(rows[0]) - pad),
            min(image.width, int(columns[-1]) + 1 + pad),
            min(image.height, int(rows[-1]) + 1 + pad),
        )
        return read_line(image.crop(box)), color(pixels, found)


def require_reader() -> None:
    """Refuse early where nothing can be read.

    Raises:
        MissingPackage: `rapidocr` or its engine is not installed.
    """
    _engine()


def read_line(image: Image.Image) -> str:
    """Return the text of a picture that holds one line and little else."""
    result = _engine()(image.convert("RGB"), use_det=False, use_cls=False, use_rec=True)
    return "".join(result.txts or ())


def read_page(image: Image.Image) -> str:
    """Return all text that a picture holds, its lines from top to bottom, joined by spaces."""
    return " ".join(line.text for line in read_lines(image))


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text in a picture."""

    text: str
    corners: Float[np.ndarray, "4 2"]
    """Across and down, in pixels, from the start of the line's upper edge around it."""
    sure: float = 1.0
    """How sure the reader is, from 0 to 1."""

    @property
    def height(self) -> float:
        """Pixels from its upper edge to its lower one."""
        return float(np.linalg.norm(self.corners[3] - self.corners[0]))

    @property
    def length(self) -> float:
        """Pixels along its upper edge."""
        return float(np.linalg.norm(self.corners[1] - self.corners[0]))

    @property
    def area(self) -> float:
        """Square pixels between its corners."""
        across, down = self.corners.T
        return abs(float(np.dot(across, np.roll(down, 1)) - np.dot(down, np.roll(across, 1)))) / 2


def read_lines(image: Image.Image) -> list[Line]:
    """Return the lines of text that a picture holds, from top to bottom.

    Raises:
        MissingPackage: `rapidocr` or its engine is not installed.
    """
    result = _engine()(image.convert("RGB"), use_det=True, use_cls=False, use_rec=True)
    lines = [
        Line(text, np.asarray(box, np.float32), float(sure))
        for box, text, sure in zip(result.boxes, result.txts, result.scores, strict=True)
    ] if result.txts else []  # fmt: skip
    return sorted(
        lines, key=lambda line: (line.corners[:, 1].min(), line.corners[:, 0].min(), line.text)
    )


def find_lines(image: Image.Image) -> list[Line]:
    """Return where lines of writing may be, in any script and unread: their texts are empty.

    What `read_lines` finds and cannot read, as it is with Cyrillic, it leaves out.

    Raises:
        MissingPackage: `rapidocr` or its engine is not installed.
    """
    result = _engine()(image.convert("RGB"), use_det=True, use_cls=False, use_rec=False)
    if result.boxes is None:
        return []
    return [
        Line("", np.asarray(box, np.float32), float(sure))
        for box, sure in zip(result.boxes, result.scores, strict=True)
    ]


def normalized(text: str) -> str:
    """Return a text without what no reader would call an error."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(folded.split()).translate(_LOOKALIKES)


def similarity(text: str, target: str) -> float:
    """Return 1 minus the edit distance over the longer length: 1 for equal texts."""
    return 1 - distance(text, target) / max(len(text), len(target), 1)


def distance(text: str, target: str) -> int:
    """Return how many characters must be put in, taken out or changed (Levenshtein, 1966)."""
    row = list(range(len(target) + 1))
    for i, a in enumerate(text, start=1):
        diagonal, row[0] = row[0], i
        for j, b in enumerate(target, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (a != b))
    return row[-1]


def extra(text: str, target: str) -> str:
    """Return the characters that a text has beyond those of its target."""
    left, surplus = Counter(target), ""
    for character in text:
        if left[character] > 0:
            left[character] -= 1
        else:
            surplus += character
    return surplus


@lru_cache(maxsize=1)
def _engine() -> Any:
    """Return the reader, made at its first use."""
    try:
        import onnxruntime  # noqa: F401  # pyright: ignore[reportUnusedImport]
        from rapidocr import RapidOCR
    except ImportError as error:
        raise MissingPackage(
            "reading text in pictures must have rapidocr, got no such package; "
            'run pip install "danqing[eval]".'
        ) from error
    # The detector's own lower limit of 736 pixels makes small pictures four times as dear.
    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Det.limit_side_len": 320,
            "Det.limit_type": "min",
        }
    )
