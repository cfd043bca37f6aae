"""What the words of a judge mean, read in two ways.

`official`  as the benchmark's own script reads them, its mistakes included, so that scores can be
            compared with published ones
`fixed`     forgiving of form (capitals, punctuation, markup, thoughts said aloud), strict in
            substance: what is not clearly an answer is None and counted, never guessed

What comes is a stranger's text: every search is bounded, and every number is finite and in range.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

Mode = Literal["official", "fixed"]
"""How replies are read."""
Choice = Literal["first", "second", "tie", "bad"]
"""Which of two pictures is better; `bad` only where a judge may say that both are."""

LONGEST: Final = 65_536
"""Characters of a reply that are looked at."""
_MOST_BRACES: Final = 64
"""Opening braces that are tried; around one object there are few others."""

_THOUGHTS: Final = re.compile(r"\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_LEAD: Final = re.compile(
    r"[\W_]*(?:(?:final |my |the )?answer(?: is)?\s*:|答案(?:是)?\s*:)?[\W_]*"
)
_NUMBERED: Final = re.compile(
    r"[\W_]*(?:(?:q|question|answer)?\s*\d{1,3}\s*[.:)、])?", re.IGNORECASE
)
_WORD: Final = re.compile(r"[㐀-鿿]+|[^\W\d_㐀-鿿]+")
_YES: Final = frozenset({"yes", "是", "是的", "有", "对", "对的", "正确"})
_NO: Final = frozenset({"no", "否", "不", "不是", "没有", "无", "不对", "错", "错误"})
_LINE: Final = re.compile(r"^(yes|no)\b", re.IGNORECASE)
_NUMBER: Final = re.compile(r"[-+]?\d{1,6}(?:\.\d{1,6})?")
_RATED: Final = re.compile(r"([-+]?\d{1,6}(?:\.\d{1,6})?)(?:\s*/\s*\d{1,3})?\.?")
_MARKED: Final = re.compile(r"\[\[\s*(\w{1,8})\s*\]\]")
_CHOICES: Final[dict[str, Choice]] = {
    **dict.fromkeys(("a", "1", "first", "left"), "first"),
    **dict.fromkeys(("b", "2", "second", "right"), "second"),
    **dict.fromkeys(("c", "tie", "equal", "both", "neither", "draw"), "tie"),
}  # fmt: skip
_BAD: Final[dict[str, Choice]] = dict.fromkeys(("d", "bad"), "bad")
_CHOSEN: Final = re.compile(
    r"(?:the )?(?:better )?"
    r"(?:(?:image|picture|option|answer|choice|winner)\s*:?\s*(?:is )?)?(?:the )?"
    r"(?:(?:image|picture|option) )?(\w{1,8})(?: (?:one|image|picture|option))?"
    r"(?: (?:is better|wins))?"
)
_REFUSALS: Final = re.compile(
    r"\b(?:i['’]?m|i am) (?:sorry|unable|not able)|\bi (?:cannot|can['’]t|can not|won['’]t)\b"
    r"|\bas an? (?:ai|language model)\b|\bcannot (?:provide|describe|assist|identify)\b"
    r"|\bunable to (?:provide|view|see|describe)\b|抱歉|对不起|无法(?:提供|描述|识别|查看|回答)"
    r"|不能(?:提供|描述|回答)|作为(?:一个)?(?:AI|人工智能|语言模型)",
    re.IGNORECASE,
)


class TwiceError(ValueError):
    """A JSON object has a field twice, so it says nothing."""


def refusal(text: str) -> str | None:
    """Return the words by which a text refuses to answer; None: it does not."""
    match = _REFUSALS.search(text)
    return match and match[0]


def spoken(text: str) -> str:
    """Return a reply without the thoughts before it; a thought without an end is all there is."""
    text = text[:LONGEST]
    said = _THOUGHTS.sub("", text, count=1) if _THOUGHTS.match(text) else text
    return "" if said.lstrip()[:6].lower() == "<think" else said


def yes(text: str, mode: Mode = "fixed", exact: str = "Yes") -> bool | None:
    """Return whether a reply says yes; None: it says neither yes nor no.

    Args:
        text: The reply.
        mode: `official` holds for yes only the exact text, and all else for no; `fixed` takes the
            first word, in English or Chinese.
        exact: The text that a benchmark's own script compares with, such as `Yes` (OneIG) or
            `yes` (DPG).
    """
    if mode == "official":
        return text == exact
    said = _folded(spoken(text))
    word = _WORD.match(said, _end(_LEAD, said))
    found = word[0] if word else ""
    return True if found in _YES else False if found in _NO else None


def yes_lines(text: str, count: int, mode: Mode = "fixed") -> list[bool] | None:
    """Return the answers to so many questions, one a line; None: there are not so many.

    Lines that begin with neither yes nor no are passed over, as in TIIF-Bench's own script;
    `fixed` also reads numbered and marked lines, and Chinese.
    """
    lines = filter(None, map(str.strip, text[:LONGEST].split("\n")))
    if mode == "official":
        found = [match[1].lower() == "yes" for match in map(_LINE.match, lines) if match]
    else:
        said = spoken(text).split("\n")
        bare = (line[_end(_NUMBERED, line) :] for line in map(_folded, said))
        found = [answer for answer in map(yes, bare) if answer is not None]
    return found if len(found) == count else None


def objects(text: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects in a text, whatever stands around them.

    Raises:
        TwiceError: one has a field twice.
    """
    decoder = json.JSONDecoder(object_pairs_hook=_once)
    start = -1
    for _ in range(_MOST_BRACES):
        if (start := text.find("{", start + 1)) < 0:
            return
        try:
            found, end = decoder.raw_decode(text, start)
        except TwiceError:
            raise
        # Also numbers with too many digits and nesting that is too deep.
        except (ValueError, RecursionError):
            continue
        yield found
        start = end - 1


def fields(text: str) -> dict[str, Any] | None:
    """Return the one JSON object in a reply; None: there is none, or more than one."""
    try:
        found = list(objects(spoken(text)))
    except TwiceError:
        return None
    return found[0] if len(found) == 1 else None


def number(value: Any, low: float, high: float) -> float | None:
    """Return a number in a range, also one that is written as text; None: it is none."""
    if isinstance(value, str):
        value = float(value) if _NUMBER.fullmatch(value.strip()) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if low <= value <= high else None  # NaN compares as false.


def score_list(
    text: str, count: int, low: float, high: float, field: str = "score"
) -> list[float] | None:
    """Return so many numbers from a list in a JSON object, as VIEScore (GEdit) asks for them."""
    values = (fields(text) or {}).get(field)
    if not isinstance(values, list) or len(values) != count:
        return None
    found = [number(value, low, high) for value in values]
    return None if None in found else [value for value in found if value is not None]


def scores(text: str, names: Sequence[str], low: float, high: float) -> dict[str, float] | None:
    """Return a number for each name, from a JSON object or from lines `name: number`.

    None where one of them is missing, told twice or out of range. Names are compared without
    regard to capitals, spaces and markup.
    """
    told = list(_pairs(text))
    keys = [key for key, _ in told]
    table = dict(told)
    found = {name: number(table.get(_key(name)), low, high) for name in names}
    if any(keys.count(_key(name)) > 1 for name in names):
        return None
    whole = {name: value for name, value in found.items() if value is not None}
    return whole if len(whole) == len(names) else None


def digit_lines(text: str) -> list[int]:
    """Return the numbers of all lines `anything: digits`, as ImgEdit's own script takes them."""
    parts = (line.strip().split(": ") for line in text[:LONGEST].splitlines())
    pairs = (part[1] for part in parts if len(part) == 2)
    return [int(digits) for digits in pairs if digits.isdecimal() and len(digits) < 10]


def choice(text: str, bad: bool = False) -> Choice | None:
    """Return which of two pictures a reply prefers; None: it does not say.

    It may say so in double brackets, of which the last count (`[[A]]`), in a JSON object's field
    `winner`, or in few plain words (`Image B`, `the second one is better`, `tie`).

    Args:
        text: The reply.
        bad: Whether it may also say that both are bad.
    """
    known: dict[str, Choice] = {**_CHOICES, **(_BAD if bad else {})}
    said = _folded(spoken(text))
    if marked := _MARKED.findall(said):
        return known.get(marked[-1])
    if "{" in said:
        winner = (fields(said) or {}).get("winner")
        said = winner if isinstance(winner, str) else ""
    plain = re.sub(r"[\s*_`\"'.!#]+", " ", said[:200]).strip()
    match = _CHOSEN.fullmatch(plain)
    return known.get(match[1]) if match else None


def _pairs(text: str) -> Iterator[tuple[str, Any]]:
    """Yield the names and values that a reply tells."""
    if (found := fields(text)) is not None:
        for name, value in found.items():
            # Some judges give a reason beside each score.
            inner = value.get("score") if isinstance(value, Mapping) else value
            yield _key(name), inner
        return
    for line in unicodedata.normalize("NFKC", spoken(text)).splitlines():
        name, colon, value = line.partition(":")
        if colon and (rated := _RATED.fullmatch(value.strip(" *_`\t"))):
            yield _key(name[_end(_NUMBERED, name) :]), rated[1]


def _key(name: str) -> str:
    return re.sub(r"[\W_]+", " ", name.casefold()).strip()


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _end(pattern: re.Pattern[str], text: str) -> int:
    match = pattern.match(text)
    return match.end() if match else 0


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise TwiceError("a field is there twice")
    return found
