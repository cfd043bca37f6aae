"""Exact captions: what the picture is, then every string, quoted, with its place and colour.

Strings of one role and colour that follow each other share a sentence, so that a page of forty
strings stays readable. What is quoted is verbatim, whatever the language of the caption.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from danqing.data.typeset.colors import name
from danqing.data.typeset.grammar import capital
from danqing.data.typeset.placed import Picture, Placed
from danqing.scorers.world import Language

_ROWS: Final[dict[Language, tuple[str, str, str]]] = {
    "en": ("top", "middle", "bottom"),
    "zh": ("上方", "中间", "下方"),
}
_COLUMNS: Final[dict[Language, tuple[str, str, str]]] = {
    "en": ("left", "", "right"),
    "zh": ("左侧", "", "右侧"),
}
_ROLES: Final[dict[str, str]] = {
    "title": "标题", "masthead": "报头", "lead": "头条", "headline": "标题", "paragraph": "段落",
    "story": "正文", "body": "正文", "subtitle": "副标题", "kicker": "眉题", "slogan": "标语",
    "price": "价格", "dish": "菜名", "note": "说明", "course": "分类", "drink": "饮品",
    "name": "姓名", "names": "姓名", "job": "职位", "firm": "公司", "date": "日期",
    "detail": "详情",
    "head": "小标题", "cell": "单元格", "item": "条目", "sum": "合计", "total": "总计",
    "grand": "总计", "button": "按钮", "label": "标签", "value": "数值", "setting": "设置项",
    "message": "消息", "speech": "对白", "caption": "旁白", "point": "要点", "number": "编号",
    "figure": "数字", "ring": "环形文字", "day": "日期", "weekday": "星期", "author": "作者",
    "city": "城市", "sight": "景点", "line": "说明", "seat": "座位", "issue": "期号",
    "foot": "页脚",
    "who": "署名", "when": "时间", "place": "地点", "about": "说明", "small": "小字",
    "party": "单位",
}  # fmt: skip
"""Roles in Chinese; one that is not listed is a `文字`."""

_NOUNS: Final[dict[str, tuple[str, str]]] = {
    "body": ("text", "texts"),
    "head": ("heading", "headings"),
    "small": ("small print", "small print"),
    "who": ("signature", "signatures"),
    "when": ("time", "times"),
    "about": ("note", "notes"),
    "grand": ("grand total", "grand totals"),
    "lead": ("main headline", "main headlines"),
    "foot": ("footer", "footers"),
    "city": ("city", "cities"),
    "party": ("party", "parties"),
    "story": ("story", "stories"),
    "names": ("name", "names"),
    "ring": ("words around a circle", "words around a circle"),
    "stars": ("names of actors", "names of actors"),
    "credits": ("credits", "credits"),
    "thanks": ("thanks", "thanks"),
    "ingredients": ("ingredients", "ingredients"),
}
"""Roles in English, one and many, where they are not the role and an s."""

_QUOTES: Final[dict[Language, tuple[tuple[str, str], ...]]] = {
    "en": (('"', '"'), ("“", "”"), ("«", "»")),
    "zh": (("“", "”"), ("「", "」"), ("『", "』")),
}
"""The first pair that the string itself does not use."""


def caption(picture: Picture, language: Language) -> str:
    """Say a picture exactly: its kind, and every string with its place and colour.

    Args:
        picture: What to say.
        language: The language of the sentences; strings keep their own.
    """
    said = [picture.said[language]]
    for key, group in groupby(picture.strings, lambda s: (s.role, name(s.color, language))):
        said.append(_sentence(list(group), *key, picture, language))
    end = ". " if language == "en" else "。"
    return end.join(said).rstrip() + end.rstrip()


def quote(text: str, language: Language) -> str:
    """Return a text between marks that do not occur in it."""
    pairs = _QUOTES[language]
    left, right = next((p for p in pairs if p[0] not in text and p[1] not in text), pairs[-1])
    return f"{left}{text}{right}"


def place(strings: Sequence[Placed], size: tuple[int, int], language: Language) -> str:
    """Return in which ninth of the picture the middle of some strings lies.

    Args:
        strings: Of which the middle is taken.
        size: Of the picture.
        language: Of the words.
    """
    corners = [corner for string in strings for corner in string.polygon]
    thirds: list[int] = []
    for axis in (0, 1):
        values = [corner[axis] for corner in corners]
        middle = (min(values) + max(values)) / 2 / size[axis]
        thirds.append(min(2, max(0, int(3 * middle))))
    row, column = _ROWS[language][thirds[1]], _COLUMNS[language][thirds[0]]
    if language == "zh":
        return f"画面{'' if column and thirds[1] == 1 else row}{column}"
    if thirds[1] == 1:
        return f"on the {column}" if column else "in the middle"
    return f"at the {row} {column}".rstrip()


def _sentence(
    strings: list[Placed], role: str, color: str, picture: Picture, language: Language
) -> str:
    where = place(strings, picture.image.size, language)
    quoted = [quote(string.text, language) for string in strings]
    if language == "zh":
        return f"{where}是{color}的{_ROLES.get(role, '文字')}：{'、'.join(quoted)}"
    listed = ", ".join(quoted)
    noun = _NOUNS.get(role, (role, f"{role}s"))[len(quoted) > 1]
    return capital(f"{where}, {noun} in {color}: {listed}")
