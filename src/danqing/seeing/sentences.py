"""How a picture is asked for that shows what another one means, in English and Chinese.

A frame is words parted by spaces (in Chinese the spaces only part the words and are not written)
with `{fields}`. The last two of the six wordings are held out; they are made of words that
training knows.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from danqing.scorers.world import Language

Task = Literal["depth", "segmentation", "detection", "viewpoint"]
TASKS: Final[tuple[Task, ...]] = ("depth", "segmentation", "detection", "viewpoint")

WORDINGS: Final = range(6)
HELD_OUT_WORDINGS: Final = (4, 5)
TRAINING_WORDINGS: Final = tuple(w for w in WORDINGS if w not in HELD_OUT_WORDINGS)

FRAMES: Final[dict[Task, dict[Language, tuple[str, ...]]]] = {
    "depth": {
        "en": (
            "show the depth of this picture",
            "paint how far everything is",
            "draw a picture of the depth",
            "show how near everything is , near is black and far is white",
            "paint the depth of this picture , near is black",
            "draw how far everything is , far is white",
        ),
        "zh": (
            "显示 这张 图片 的 深度",
            "画 出 每个 地方 有 多 远",
            "画 一张 深度 的 图片",
            "显示 每个 地方 有 多 近 ， 近 的 是 黑色 ， 远 的 是 白色",
            "画 出 这张 图片 的 深度 ， 近 的 是 黑色",
            "显示 每个 地方 有 多 远 ， 远 的 是 白色",
        ),
    },
    "segmentation": {
        "en": (
            "paint {things} in its color , the rest gray",
            "segment {things}",
            "show where {things} is",
            "cover {things} with its color , on gray",
            "segment {things} , the rest gray",
            "paint where {things} is in its color",
        ),
        "zh": (
            "把 {things} 涂 成 它 的 颜色 ， 其余 是 灰色",
            "分割 {things}",
            "显示 {things} 在 哪里",
            "用 颜色 盖住 {things} ， 在 灰色 上",
            "分割 {things} ， 其余 是 灰色",
            "用 它 的 颜色 显示 {things} 在 哪里",
        ),
    },
    "detection": {
        "en": (
            "mark {things} with a frame , on gray",
            "draw a frame around {things}",
            "find {things}",
            "put a box around {things} in this picture",
            "find {things} in this picture",
            "mark {things} with a box",
        ),
        "zh": (
            "用 方框 标 出 {things} ， 其余 是 灰色",
            "在 {things} 周围 画 一个 方框",
            "找 出 {things}",
            "在 这张 图片 中 框 住 {things}",
            "在 这张 图片 中 找 出 {things}",
            "用 方框 框 住 {things}",
        ),
    },
    "viewpoint": {
        "en": (
            "show the {kind} {view} , {faces}",
            "draw the {kind} {view} , {faces}",
            "we see the {kind} {view} , {faces}",
            "now the {kind} is {view} , {faces}",
            "now we see the {kind} {view} , {faces}",
            "draw the {kind} , {view} , {faces}",
        ),
        "zh": (
            "显示 {view} 的 {kind} ， {faces}",
            "画 {view} 的 {kind} ， {faces}",
            "把 {kind} 画 成 {view} 的 ， {faces}",
            "现在 的 {kind} 是 {view} 的 ， {faces}",
            "把 {kind} 显示 成 {view} 的 ， {faces}",
            "现在 显示 {view} 的 {kind} ， {faces}",
        ),
    },
}

VIEWS: Final[dict[str, dict[Language, tuple[str, str]]]] = {
    "left": {
        "en": ("turned a quarter to the left", "its right side {right}"),
        "zh": ("向 左 转 四分之一 圈", "右侧面 是 {right}"),
    },
    "right": {
        "en": ("turned a quarter to the right", "its left side {left}"),
        "zh": ("向 右 转 四分之一 圈", "左侧面 是 {left}"),
    },
    "behind": {
        "en": ("from behind", "its left side {left} and its right side {right}"),
        "zh": ("从 背面 看", "左侧面 是 {left} ， 右侧面 是 {right}"),
    },
    "below": {
        "en": ("from below", "its bottom {bottom}"),
        "zh": ("从 下方 看", "底面 是 {bottom}"),
    },
}
"""How a view of a solid is said, and the faces that come into view with it."""
SOLIDS_ZH: Final = {"cuboid": "长方体", "pyramid": "四棱锥", "prism": "三棱柱"}

_EVERY: Final[dict[Language, str]] = {"en": "every {}", "zh": "每个 {}"}
_AND: Final[dict[Language, str]] = {"en": " and ", "zh": " 和 "}


def sentence(
    task: Task, language: Language, wording: int = 0, fields: Mapping[str, str] | None = None
) -> str:
    """Return what is asked.

    Args:
        task: What is to be seen.
        language: The language of the sentence.
        wording: Which of the six.
        fields: What stands for the frame's fields, in words parted by spaces.
    """
    return joined(FRAMES[task][language][wording].format_map(fields or {}), language)


def joined(words: str, language: Language) -> str:
    """Return a sentence of words that were parted by spaces."""
    return words.replace(" ,", ",") if language == "en" else words.replace(" ", "")


def every(names: Sequence[str], language: Language) -> str:
    """Return how all things of some names are named, in words parted by spaces."""
    return _AND[language].join(_EVERY[language].format(name) for name in names)


def words(language: Language) -> list[str]:
    """Return the words of all sentences but names of things and colours."""
    frames = [frame for frames in FRAMES.values() for frame in frames[language]]
    views = [part for view in VIEWS.values() for part in view[language]]
    solids = SOLIDS_ZH.values() if language == "zh" else SOLIDS_ZH
    said = " ".join([*frames, *views, *solids, _EVERY[language], _AND[language]])
    return re.sub(r"\{\w*\}|[,，]", " ", said).split()
