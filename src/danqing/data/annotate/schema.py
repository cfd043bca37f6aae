"""What an annotator must return: one JSON object with the fields of the report's E.3, and no more.

Models wrap their answers in code fences and politeness; that is overlooked. Everything else that
differs from the schema is a refusal with one reason, which is also what the model is told when it
is asked again.
"""

from dataclasses import dataclass
from typing import Any, Final

from danqing.scorers.replies import TwiceError, objects

CAPTION, TYPE, STYLE = "Caption", "Image Type", "Image Style"
WATERMARKS, ABNORMAL = "Watermark List", "Abnormal Element"

LONGEST: Final = 32_768
"""Characters of an answer; a caption needs a tenth."""
_LONGEST_LABEL: Final = 120
_LONGEST_WATERMARK: Final = 200
_MOST_WATERMARKS: Final = 32

JSON_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        CAPTION: {"type": "string"},
        TYPE: {"type": "string"},
        STYLE: {"type": "string"},
        WATERMARKS: {"type": "array", "items": {"type": "string"}},
        ABNORMAL: {"type": "string", "enum": ["yes", "no"]},
    },
    "required": [CAPTION, TYPE, STYLE, WATERMARKS, ABNORMAL],
    "additionalProperties": False,
}
"""The same for endpoints that force answers into a schema."""


class Refusal(ValueError):
    """An answer is no annotation; the text says why, and fits after "because"."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Annotation:
    """What an annotator says about one picture."""

    caption: str
    """A description in prose."""
    image_type: str
    """What kind of picture it is, such as `photograph`."""
    image_style: str
    """Its manner, such as `documentary, natural light`."""
    watermarks: tuple[str, ...] = ()
    """Marks laid over the picture, as they are written."""
    abnormal: bool = False
    """Whether something is in it that is no part of the scene: a watermark, a QR code, a mosaic."""

    def fields(self) -> dict[str, Any]:
        """Return the JSON object that `parse` reads as this annotation."""
        return {
            CAPTION: self.caption,
            TYPE: self.image_type,
            STYLE: self.image_style,
            WATERMARKS: list(self.watermarks),
            ABNORMAL: "yes" if self.abnormal else "no",
        }


def parse(answer: str) -> Annotation:
    """Read a model's answer.

    Raises:
        Refusal: it is anything but one JSON object of the schema, in a code fence or not, with
            or without text around it.
    """
    if len(answer) > LONGEST:
        raise Refusal(f"it has {len(answer):,} characters, more than {LONGEST:,}")
    found = _object(answer)
    properties: dict[str, Any] = JSON_SCHEMA["properties"]
    for name in properties:
        if name not in found:
            raise Refusal(f"the field {name!r} is missing")
    for name in found:
        if name not in properties:
            raise Refusal(f"the field {name[:40]!r} is not asked for")
    if found[ABNORMAL] not in ("yes", "no"):
        raise Refusal(f"{ABNORMAL!r} must be 'yes' or 'no', and it is {_short(found[ABNORMAL])}")
    return Annotation(
        caption=_text(CAPTION, found[CAPTION], LONGEST),
        image_type=_text(TYPE, found[TYPE], _LONGEST_LABEL),
        image_style=_text(STYLE, found[STYLE], _LONGEST_LABEL),
        watermarks=_watermarks(found[WATERMARKS]),
        abnormal=found[ABNORMAL] == "yes",
    )


def _object(answer: str) -> dict[str, Any]:
    """Return the one JSON object in an answer."""
    try:
        found = list(objects(answer))
    except TwiceError as error:
        raise Refusal(str(error)) from error
    if not found:
        raise Refusal("it holds no whole JSON object")
    if len(found) > 1:
        raise Refusal("it holds more than one JSON object")
    return found[0]


def _watermarks(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Refusal(f"{WATERMARKS!r} must be a list, and it is {_short(value)}")
    if len(value) > _MOST_WATERMARKS:
        raise Refusal(f"{WATERMARKS!r} has {len(value):,} entries, more than {_MOST_WATERMARKS}")
    return tuple(_text(f"{WATERMARKS}[{i}]", v, _LONGEST_WATERMARK) for i, v in enumerate(value))


def _text(name: str, value: Any, longest: int) -> str:
    if not isinstance(value, str):
        raise Refusal(f"{name!r} must be text, and it is {_short(value)}")
    text = value.strip()
    if not text:
        raise Refusal(f"{name!r} is empty")
    if len(text) > longest:
        raise Refusal(f"{name!r} has {len(text):,} characters, more than {longest:,}")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise Refusal(f"{name!r} holds half a character")
    return text


def _short(value: Any) -> str:
    # ASCII, because half a character cannot even be told.
    return ascii(value)[:60]
