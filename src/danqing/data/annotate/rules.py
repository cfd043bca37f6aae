"""What experts check after the model: each rule is one small function with one reason to refuse.

A rule sees the annotation, the language that was asked for, and what OCR reads in the picture if
anybody looked. It returns why the annotation is no use, in words that fit after "because" and that
help the model to do better, or None.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from danqing.core.registry import Registry
from danqing.data.annotate.instruction import Language
from danqing.data.annotate.schema import ABNORMAL, Annotation
from danqing.data.filters.captions import signs
from danqing.data.filters.text import language
from danqing.scorers.ocr import normalized


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What a rule may know besides the annotation."""

    language: Language
    """What the caption was to be written in."""
    seen: str | None = None
    """What OCR reads in the picture; None: nobody looked."""


Rule = Callable[[Annotation, Context], str | None]

rules: Final[Registry[Rule]] = Registry("rule")
"""Rules by name."""

_QUOTED: Final = re.compile(r'"([^"\n]*)"|“([^”\n]*)”|「([^」\n]*)」|『([^』\n]*)』')
_MARKS: Final = (("“", "”"), ("「", "」"), ("『", "』"))
_WORDS: Final = re.compile(r"[㐀-鿿豈-﫿]|[^\W_]+(?:['’-][^\W_]+)*")

_MARKUP: Final = re.compile(
    r"\*\*|__|```|^\s{0,3}#{1,6}\s|^\s*(?:[-*•]|\d{1,2}[.)、])\s|\|\s*-{3}|\[[^\]]*\]\([^)]*\)",
    re.MULTILINE,
)
_GENERALITIES: Final = re.compile(
    r"\b(?:a|very|truly) (?:beautiful|stunning|breathtaking|captivating|visually \w+) "
    r"(?:scene|image|picture|photo(?:graph)?|composition|display|view|moment)\b"
    r"|\b(?:image|picture|photo(?:graph)?|scene|composition|atmosphere|mood) (?:\w+ )?"
    r"(?:conveys|evokes|exudes|captures the essence|creates a (?:sense|feeling|mood))\b"
    r"|\b(?:conveying|evoking|creating|adding to|adding) (?:an? |the )?(?:overall )?"
    r"(?:sense|feeling|atmosphere|mood|ambiance|aesthetic)\b"
    r"|\boverall (?:mood|atmosphere|impression|aesthetic|effect|composition|feel)\b"
    r"|\bvarious (?:objects|elements|items|things|details)\b|\bsomething for everyone\b"
    r"|\b(?:a|the) (?:perfect|harmonious) (?:blend|balance|mix)\b|\bit is worth noting\b"
    r"|(?:整体|整幅|整张)(?:画面|图片|氛围|构图|风格)?(?:给人|传达|营造|呈现出?一种|让人)"
    r"|给人(?:一种|以)|令人(?:感到|心|陶醉|惊叹)|营造(?:出|了)|美不胜收|引人入胜|赏心悦目"
    r"|(?:美丽|优美|美好)的(?:画面|图片|场景|景象)|各种(?:物品|元素|东西|细节)|充满了?(?:诗意|艺术感)",
    re.IGNORECASE,
)
_FIELD_NAMES: Final = re.compile(
    r"image (?:type|style)\b|watermark list|abnormal element|\bjson\b|\{|\}", re.IGNORECASE
)
_WATERMARK: Final = re.compile(r"\bwater-?mark|水印", re.IGNORECASE)
_NOTHING: Final = re.compile(
    r"none|no|yes|n/?a|null|nil|unknown|-|(?:no)?watermarks?|无|没有|水印|无水印|没有水印"
)
_ABNORMAL: Final = re.compile(
    r"\b(?:qr[ -]?code|bar[ -]?code)s?\b|\bcensored\b|二维码|条形码|条码|打码", re.IGNORECASE
)

SHORTEST: Final[dict[Language, int]] = {"en": 6, "zh": 8}
LONGEST: Final[dict[Language, int]] = {"en": 500, "zh": 900}
"""Words of a caption, Chinese ones counted by characters."""

_READABLE: Final = 3
"""Characters of a quotation that OCR is asked about; fewer are read too uncertainly."""
_READ: Final = 0.6
"""The share of a quotation that OCR must have read; readers make mistakes too."""


def broken(
    annotation: Annotation, context: Context, names: Iterable[str] | None = None
) -> dict[str, str]:
    """Return why an annotation is no use, by rule; nothing: it is of use.

    Args:
        annotation: What the model said.
        context: What else is known.
        names: Rules to ask; None: all.
    """
    wanted = rules if names is None else names
    found = {name: rules[name](annotation, context) for name in wanted}
    return {name: reason for name, reason in found.items() if reason is not None}


def quotations(caption: str) -> list[str]:
    """Return the texts that a caption quotes."""
    return [next(filter(None, groups), "") for groups in _QUOTED.findall(caption)]


def prose(caption: str) -> str:
    """Return a caption without what it quotes; a picture's text is under no rule of ours."""
    return _QUOTED.sub(" ", caption)


def worth_reading(annotation: Annotation, names: Iterable[str]) -> bool:
    """Return whether one of these rules would ask what OCR reads in the picture."""
    return bool(
        ("quotations" in names and quotations(annotation.caption))
        or ("watermark unread" in names and annotation.watermarks)
    )


@rules.register("caption")
def no_caption(annotation: Annotation, context: Context) -> str | None:
    """Refusals, tags, file names, broken encodings, repetition."""
    # In what is said of a picture, somebody may well hold a sign up over a plate of cookies; and
    # prose without letters is that of a caption that is one quotation.
    harmless = ("it is boilerplate", "it has no letters")
    found = signs(prose(annotation.caption))
    return next((sign for sign in found if not sign.startswith(harmless)), None)


@rules.register("markup")
def markup(annotation: Annotation, context: Context) -> str | None:
    """Headings, lists, emphasis, links: a caption is prose."""
    found = _MARKUP.search(prose(annotation.caption))
    return found and f"the caption must be plain prose and has markup: {found[0].strip()!r}"


@rules.register("generality")
def generality(annotation: Annotation, context: Context) -> str | None:
    """Sentences that would be true of almost any picture."""
    found = _GENERALITIES.search(prose(annotation.caption))
    return found and f"the caption says what is true of almost any picture: {found[0]!r}"


@rules.register("language")
def wrong_language(annotation: Annotation, context: Context) -> str | None:
    """Prose in another language than was asked for; what is quoted keeps its own."""
    found = language([prose(annotation.caption)])
    if found in (context.language, "none"):
        return None
    wanted = {"en": "English", "zh": "Chinese"}[context.language]
    return f"the caption must be in {wanted} apart from what it quotes"


@rules.register("length")
def length(annotation: Annotation, context: Context) -> str | None:
    """A caption of a few words, or of more than is ever read."""
    count = len(_WORDS.findall(annotation.caption))
    least, most = SHORTEST[context.language], LONGEST[context.language]
    if count < least:
        return f"the caption has {count} words, fewer than {least}"
    if count > most:
        return f"the caption has {count} words, more than {most}"
    return None


@rules.register("fields")
def field_names(annotation: Annotation, context: Context) -> str | None:
    """The instruction's own words in the caption."""
    found = _FIELD_NAMES.search(prose(annotation.caption))
    return found and f"the caption speaks of the answer's form: {found[0]!r}"


@rules.register("quotation marks")
def unclosed(annotation: Annotation, context: Context) -> str | None:
    """A quotation that never ends: nobody can say then what is quoted."""
    # Inches and seconds come after a digit.
    straight = len(re.findall(r'(?<!\d)"', annotation.caption))
    whole = len(re.findall('"', annotation.caption))
    if straight % 2 and whole % 2:
        return "a quotation mark in the caption is never closed"
    for opening, closing in _MARKS:
        if annotation.caption.count(opening) != annotation.caption.count(closing):
            return f"a quotation mark {opening}{closing} in the caption has no partner"
    return None


@rules.register("quotations")
def unread(annotation: Annotation, context: Context) -> str | None:
    """Text that is quoted and that OCR does not find in the picture."""
    if context.seen is None:
        return None
    page = normalized(context.seen)
    for quoted in quotations(annotation.caption):
        wanted = normalized(quoted)
        if len(wanted) >= _READABLE and _share(wanted, page) < _READ:
            return f"the caption quotes {quoted[:60]!r}, which is not read in the picture"
    return None


@rules.register("watermark names")
def nameless(annotation: Annotation, context: Context) -> str | None:
    """Entries of the watermark list that say there is none, or that name nothing."""
    for mark in annotation.watermarks:
        if _NOTHING.fullmatch(normalized(mark).strip(".")):
            return f"the watermark list must be empty or copy the marks, and it says {mark!r}"
    return None


@rules.register("watermark leak")
def leaking(annotation: Annotation, context: Context) -> str | None:
    """Watermarks that are told in the caption: whoever learns from it would learn to paint them."""
    if found := _WATERMARK.search(prose(annotation.caption)):
        return f"watermarks belong in their list and not in the caption, which says {found[0]!r}"
    told = {normalized(text) for text in quotations(annotation.caption)}
    for mark in annotation.watermarks:
        if normalized(mark) in told or _stands_in(mark, prose(annotation.caption)):
            return f"the watermark {mark[:60]!r} belongs in its list and not in the caption"
    return None


@rules.register("watermark unread")
def unread_watermark(annotation: Annotation, context: Context) -> str | None:
    """Watermarks of many letters, in a picture in which OCR reads no letter at all."""
    if context.seen is None or normalized(context.seen):
        return None
    for mark in annotation.watermarks:
        if len(normalized(mark)) >= 2 * _READABLE:
            return f"the watermark {mark[:60]!r} is not read in the picture"
    return None


@rules.register("abnormal element")
def abnormal(annotation: Annotation, context: Context) -> str | None:
    """Something abnormal is listed or told, and the field says that there is nothing."""
    if annotation.abnormal:
        return None
    if annotation.watermarks:
        return f"there are watermarks, so {ABNORMAL!r} must be 'yes'"
    if found := _ABNORMAL.search(prose(annotation.caption)):
        return f"the caption speaks of {found[0]!r}, so {ABNORMAL!r} must be 'yes'"
    return None


def _share(wanted: str, page: str) -> float:
    """Return the share of a text's characters that stand in another one, in their order."""
    blocks = SequenceMatcher(None, page, wanted, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / len(wanted)


def _stands_in(mark: str, caption: str) -> bool:
    """Return whether a mark that is long enough to be no chance stands in a caption as a whole."""
    if len(normalized(mark)) < 2 * _READABLE:
        return False
    return bool(re.search(rf"(?<!\w){re.escape(mark)}(?!\w)", caption, re.IGNORECASE))
