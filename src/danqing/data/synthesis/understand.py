"""From a sentence of the small world back to what it asks for: the inverse of `captions.caption`.

Width, case, spaces and points do not matter, except for the case of a quoted string. Who asks for
the same in other words is not understood.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from danqing.data.synthesis.captions import (
    COLORS_ZH,
    GROUNDS_ZH,
    KINDS,
    NUMBERS,
    PLACES_ZH,
    SCENE_FRAMES,
    SHAPES_EN,
    SHAPES_ZH,
    TEXT_FRAMES,
)
from danqing.scorers.world import (
    BACKGROUNDS,
    PALETTE,
    RELATIONS,
    Language,
    Object,
    Relation,
    Scene,
    Specification,
    TextSpec,
)

_LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")
_QUOTES: Final = '"“”「」'
_COLORS: Final = {**{name: name for name in PALETTE}, **{zh: en for en, zh in COLORS_ZH.items()}}
_GROUNDS: Final = {**{n: n for n in BACKGROUNDS}, **{zh: en for en, zh in GROUNDS_ZH.items()}}
_SHAPES: Final = {
    **{form: shape for shape, forms in SHAPES_EN.items() for form in forms},
    **{zh: en for en, zh in SHAPES_ZH.items()},
}
_COUNTS: Final = {
    **{"a": 1, "an": 1},
    **{word: count for count, word in enumerate(NUMBERS["en"], 2)},
    **{word: count for count, word in enumerate(NUMBERS["zh"], 1)},
}
_PLACES: Final[dict[str, Relation]] = {
    **{place.replace(" ", ""): place for place in RELATIONS},
    **{zh: en for en, zh in PLACES_ZH.items()},
}


def understand(sentence: str) -> Specification | None:
    """Return what a sentence asks for; None: it is no caption of the small world."""
    plain = _plain(sentence)
    for pattern in _patterns():
        if match := pattern.fullmatch(plain):
            told = match.groupdict()
            return _text(told) if "string" in told else _scene(told)
    return None


def _plain(sentence: str) -> str:
    """Return letters, digits and quotation marks alone, of one width and kind."""
    folded = unicodedata.normalize("NFKC", sentence)
    quoted = ('"' if c in _QUOTES else c for c in folded)
    return "".join(c for c in quoted if c == '"' or c.isalnum())


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    """Return a pattern for each wording of a scene or a string."""
    scene = {"things": _things, "ground": lambda _: _one_of("ground", _GROUNDS)}
    text = {
        "quote": lambda _: '"(?P<string>[^"]+)"',
        "color": lambda _: _one_of("color", _COLORS),
        "kind": lambda language: f"(?:{_any(KINDS[language])})",
        "ground": scene["ground"],
    }
    return tuple(
        re.compile(
            _pattern(frame, {n: make(language) for n, make in fields.items()}), re.IGNORECASE
        )
        for frames, fields in ((SCENE_FRAMES, scene), (TEXT_FRAMES, text))
        for language in _LANGUAGES
        for frame in frames[language]
    )


def _pattern(frame: str, fields: Mapping[str, str]) -> str:
    """Return the pattern of a template: what it says in brackets may be missing."""
    plain = re.sub(r"[\s,，]", "", frame).replace("[", "(?:").replace("]", ")?")
    return re.sub(r"\{(\w+)\}", lambda field: fields[field[1]], plain)


def _things(language: Language) -> str:
    first, second = (_noun(place) for place in ("first", "second"))
    if language == "en":
        between = f"(?:and|{_one_of('place', _PLACES)})"
        return f"{first}(?:{between}{second})?"
    # In Chinese the place comes last, and the thing that is placed first.
    return f"{first}(?:(?:和|在){second}(?:的{_one_of('place', _PLACES)})?)?"


def _noun(place: str) -> str:
    count, color, shape = (
        _one_of(f"{place}_{name}", table)
        for name, table in (("count", _COUNTS), ("color", _COLORS), ("shape", _SHAPES))
    )
    return f"{count}{color}?{shape}"


def _one_of(name: str, words: Iterable[str]) -> str:
    return f"(?P<{name}>{_any(words)})"


def _any(words: Iterable[str]) -> str:
    # The longest first, as "cross" begins "crosses".
    return "|".join(sorted(words, key=len, reverse=True))


def _scene(told: Mapping[str, str | None]) -> Scene:
    things = [_object(told, place) for place in ("first", "second") if told[f"{place}_shape"]]
    if place := told["place"]:
        subject, anchor = things
        placed = Object(subject.shape, subject.count, subject.color, (_PLACES[place.casefold()], 0))
        things = [anchor, placed]
    return Scene(_category(things), tuple(things), _word(_GROUNDS, told["ground"]))


def _object(told: Mapping[str, str | None], place: str) -> Object:
    shape, count = (told[f"{place}_{name}"] for name in ("shape", "count"))
    assert shape is not None
    assert count is not None
    color = _word(_COLORS, told[f"{place}_color"])
    return Object(_SHAPES[shape.casefold()], _COUNTS[count.casefold()], color)


def _category(things: list[Object]) -> str:
    """Return the category of a scene of one or two things."""
    first, last = things[0], things[-1]
    if first is last:
        return "counting" if first.count > 1 else "colors" if first.color else "single_object"
    if last.position:
        return "compound" if first.color else "position"
    return "color_attr" if first.color else "two_object"


def _text(told: Mapping[str, str | None]) -> TextSpec:
    string, color, ground = told["string"], _word(_COLORS, told["color"]), told["ground"]
    assert string is not None
    assert color is not None
    language: Language = "en" if string.isascii() else "zh"
    return TextSpec(f"text_{language}", string, language, color, _word(_GROUNDS, ground) or "")


def _word(table: Mapping[str, str], word: str | None) -> str | None:
    return table[word.casefold()] if word else None
