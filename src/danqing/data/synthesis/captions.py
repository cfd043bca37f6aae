"""Exact captions: a specification said in English or Chinese, in eight ways each.

A template is words parted by spaces (in Chinese the spaces only part the words and are not
written) with `{fields}`; what stands in [brackets] is said only when the specification names a
ground. The last two of the eight wordings are held out; they are made of words that training
knows, so they ask for another sentence and not for another vocabulary.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

from danqing.data.synthesis.words import CHARACTERS, LETTERS, UNSEEN_CHARACTERS
from danqing.scorers.world import (
    BACKGROUNDS,
    PALETTE,
    SHAPES,
    Language,
    Object,
    Relation,
    Scene,
    Specification,
    TextSpec,
)
from danqing.seeing import sentences

TEMPLATES: Final = range(8)
HELD_OUT_TEMPLATES: Final = (6, 7)
TRAINING_TEMPLATES: Final = tuple(t for t in TEMPLATES if t not in HELD_OUT_TEMPLATES)

SCENE_FRAMES: Final[dict[Language, tuple[str, ...]]] = {
    "en": (
        "{things} [on a {ground} background]",
        "a picture of {things} [on a {ground} background]",
        "a drawing of {things} [on a {ground} background]",
        "draw {things} [on a {ground} background]",
        "[on a {ground} background ,] we see {things}",
        "{things} , simple and flat [, on a {ground} background]",
        "a simple picture of {things} [on a {ground} background]",
        "[on a {ground} background ,] draw {things} , simple and flat",
    ),
    "zh": (
        "{things} [， {ground} 背景]",
        "一张 图片 ， 画着 {things} [， {ground} 背景]",
        "图中 有 {things} [， {ground} 背景]",
        "画 {things} [， {ground} 背景]",
        "[在 {ground} 背景 上] 画着 {things}",
        "{things} ， 简单 的 图片 [， {ground} 背景]",
        "画 一张 简单 的 图片 ， 有 {things} [， {ground} 背景]",
        "[在 {ground} 背景 上] 有 {things} ， 简单 的 图片",
    ),
}

TEXT_FRAMES: Final[dict[Language, tuple[str, ...]]] = {
    "en": (
        "{quote} in {color} on a {ground} background",
        "the {kind} {quote} in {color} on a {ground} background",
        "a picture of the {kind} {quote} in {color} on a {ground} background",
        "the {color} {kind} {quote} on a {ground} background",
        "draw {quote} in {color} on a {ground} background",
        "on a {ground} background , the {color} {kind} {quote}",
        "a picture of {quote} in {color} on a {ground} background",
        "on a {ground} background , draw the {kind} {quote} in {color}",
    ),
    "zh": (
        "{color} 的 {quote} ， {ground} 背景",
        "{color} 的 {kind} {quote} ， {ground} 背景",
        "一张 图片 ， 画着 {color} 的 {kind} {quote} ， {ground} 背景",
        "画 {color} 的 {kind} {quote} ， {ground} 背景",
        "在 {ground} 背景 上 画着 {color} 的 {quote}",
        "图中 有 {color} 的 {quote} ， {ground} 背景",
        "图中 有 {color} 的 {kind} {quote} ， {ground} 背景",
        "在 {ground} 背景 上 画着 {color} 的 {kind} {quote}",
    ),
}

NUMBERS: Final = {
    "en": ("two", "three", "four", "five"),
    "zh": ("一个", "两个", "三个", "四个", "五个"),
}
SHAPES_EN: Final = {
    shape: (shape, "crosses" if shape == "cross" else f"{shape}s") for shape in SHAPES
}
SHAPES_ZH: Final = {
    "circle": "圆形",
    "square": "方形",
    "triangle": "三角形",
    "star": "星形",
    "heart": "心形",
    "cross": "十字形",
    "diamond": "菱形",
    "hexagon": "六边形",
}
COLORS_ZH: Final = {
    "red": "红色",
    "orange": "橙色",
    "yellow": "黄色",
    "green": "绿色",
    "blue": "蓝色",
    "purple": "紫色",
    "pink": "粉色",
    "brown": "棕色",
    "black": "黑色",
    "white": "白色",
}
GROUNDS_ZH: Final = {"gray": "灰色", "cream": "米色", "mint": "薄荷色", "sky": "天蓝色"}
COLORS_SAID: Final[dict[Language, dict[str, str]]] = {
    "en": {name: name for name in (*PALETTE, *BACKGROUNDS)},
    "zh": COLORS_ZH | GROUNDS_ZH,
}
"""What colours and grounds are called."""
PLACES_ZH: Final[dict[Relation, str]] = {
    "left of": "左边",
    "right of": "右边",
    "above": "上方",
    "below": "下方",
}
KINDS: Final = {
    "en": ("letter", "word", "character", "characters"),
    "zh": ("字母", "单词", "汉字", "汉字"),
}
QUOTES: Final = {"en": '"{}"', "zh": "“{}”"}
_MARKS = (",", '"', "，", "“", "”")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Everything that sentences are made of; a tokenizer can be built from it."""

    english: tuple[str, ...]
    """Words; a space stands before each unless it begins the caption."""
    starters: tuple[str, ...]
    """Those of the English words that can begin a caption."""
    chinese: tuple[str, ...]
    """Words outside quotes, written without spaces."""
    marks: tuple[str, ...]
    """Punctuation; a space stands before an opening English quote unless it begins the caption."""
    characters: tuple[str, ...]
    """Whatever can stand inside quotes."""

    def __or__(self, other: "Vocabulary") -> "Vocabulary":
        """Return all that either has, its own first."""
        both = ((*getattr(self, f.name), *getattr(other, f.name)) for f in fields(self))
        return Vocabulary(*(tuple(dict.fromkeys(words)) for words in both))


def caption(spec: Specification, language: Language, template: int = 0) -> str:
    """Say a specification exactly: all that it demands, and nothing else.

    Args:
        spec: What to say.
        language: The language of the sentence; a quoted string keeps its own script.
        template: Which of the eight wordings, 0 to 7.
    """
    if isinstance(spec, TextSpec):
        frame, fields = TEXT_FRAMES[language][template], _text_fields(spec, language)
    else:
        frame, fields = SCENE_FRAMES[language][template], {"things": _things(spec, language)}
    ground = spec.background
    frame = re.sub(r"\[(.*?)\]", r"\1" if ground else "", frame)
    if ground:
        fields["ground"] = COLORS_SAID[language][ground]
    return fill(frame, fields, language)


def fill(frame: str, fields: Mapping[str, str], language: Language) -> str:
    """Return the sentence that a frame of parted words makes with its fields."""
    words = [word.format_map(fields) for word in frame.split()]
    return sentences.joined(" ".join(words), language)


def vocabulary() -> Vocabulary:
    """Return all words, marks and characters that captions and questions about pictures use."""
    frames = {lang: " ".join(SCENE_FRAMES[lang] + TEXT_FRAMES[lang]) for lang in SCENE_FRAMES}
    plain = {lang: re.sub(r"\{\w+\}|[\[\],，]", " ", text).split() for lang, text in frames.items()}
    nouns = [form for forms in SHAPES_EN.values() for form in forms]
    english = [*plain["en"], "a", "an", *NUMBERS["en"], *PALETTE, *BACKGROUNDS, *nouns]
    english += ["left", "right", "of", "above", "below", "and", *KINDS["en"]]
    chinese = [*plain["zh"], *NUMBERS["zh"], *COLORS_ZH.values(), *GROUNDS_ZH.values()]
    chinese += [*SHAPES_ZH.values(), *PLACES_ZH.values(), "在", "的", "和", *KINDS["zh"]]
    english, chinese = [*english, *sentences.words("en")], [*chinese, *sentences.words("zh")]
    asked = [frame for frames in sentences.FRAMES.values() for frame in frames["en"]]
    frames_en = (*SCENE_FRAMES["en"], *TEXT_FRAMES["en"], *asked)
    openings = {re.sub(r"[\[\]]", "", frame).split()[0] for frame in frames_en}
    openings |= {"a", "an", "we", *NUMBERS["en"]}
    letters = LETTERS + LETTERS.lower() + CHARACTERS + UNSEEN_CHARACTERS
    return Vocabulary(
        english=tuple(dict.fromkeys(english)),
        starters=tuple(sorted(word for word in openings if "{" not in word)),
        chinese=tuple(dict.fromkeys(chinese)),
        marks=_MARKS,
        characters=tuple(letters),
    )


def _things(spec: Scene, language: Language) -> str:
    phrases = [noun_phrase(thing, language) for thing in spec.objects]
    placed = spec.objects[-1].position
    if placed is None:
        return (" and " if language == "en" else "和").join(phrases)
    anchor, subject = phrases[placed[1]], phrases[-1]
    if language == "en":
        return f"{subject} {placed[0]} {anchor}"
    return f"{subject}在{anchor}的{PLACES_ZH[placed[0]]}"


def noun_phrase(thing: Object, language: Language) -> str:
    """Return how many things of what colour and shape, such as "two red stars"."""
    if language == "zh":
        color = COLORS_ZH[thing.color] if thing.color else ""
        return f"{NUMBERS['zh'][thing.count - 1]}{color}{SHAPES_ZH[thing.shape]}"
    single, plural = SHAPES_EN[thing.shape]
    noun = single if thing.count == 1 else plural
    noun = f"{thing.color} {noun}" if thing.color else noun
    article = "an" if noun[0] in "aeiou" else "a"
    return f"{article if thing.count == 1 else NUMBERS['en'][thing.count - 2]} {noun}"


def _text_fields(spec: TextSpec, language: Language) -> dict[str, str]:
    kind = (0 if spec.language == "en" else 2) + (len(spec.string) > 1)
    return {
        "quote": QUOTES[language].format(spec.string),
        "color": COLORS_SAID[language][spec.color],
        "kind": KINDS[language][kind],
    }
