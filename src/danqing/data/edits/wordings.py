"""How edits are asked for: at least eight wordings each in English and Chinese.

A wording is words parted by spaces (in Chinese these are not written) with `{fields}`, as in
`synthesis.captions`. The last two of each are held out, and are made of words that others use.
"""

from collections.abc import Mapping
from typing import Final

from danqing.scorers.world import Language

HELD_OUT_WORDINGS: Final = 2
"""The last so many wordings are kept from training."""

Wordings = Mapping[Language, tuple[str, ...]]

WORDINGS: Final[dict[str, Wordings]] = {
    "add": {
        "en": (
            "add {new} {place}",
            "put {new} {place}",
            "draw {new} {place} of the picture",
            "place {new} {place} of the picture",
            "{place} , add {new}",
            "add {new} to the picture , {place}",
            "{place} of the picture , draw {new}",
            "put {new} {place} of the picture",
        ),
        "zh": (
            "在 {place} 添加 {new}",
            "在 {place} 画 {new}",
            "添加 {new} ， 放在 {place}",
            "给 图片 的 {place} 加上 {new}",
            "请 在 图片 的 {place} 添加 {new}",
            "在 图片 的 {place} 加上 {new}",
            "请 在 {place} 加上 {new}",
            "在 图片 的 {place} 画 {new}",
        ),
    },
    "remove": {
        "en": (
            "remove {thing}",
            "take away {thing}",
            "delete {thing}",
            "erase {thing} from the picture",
            "remove {thing} from the picture",
            "the picture without {thing}",
            "take {thing} away",
            "delete {thing} from the picture",
        ),
        "zh": (
            "去掉 {thing}",
            "删除 {thing}",
            "移除 {thing}",
            "把 {thing} 去掉",
            "把 图中 的 {thing} 删除",
            "请 移除 图中 的 {thing}",
            "请 去掉 图中 的 {thing}",
            "把 {thing} 移除",
        ),
    },
    "replace": {
        "en": (
            "replace {thing} with {new}",
            "change {thing} to {new}",
            "turn {thing} into {new}",
            "swap {thing} for {new}",
            "put {new} where {thing} is",
            "instead of {thing} , draw {new}",
            "in the picture , replace {thing} with {new}",
            "draw {new} instead of {thing}",
        ),
        "zh": (
            "把 {thing} 换成 {new}",
            "将 {thing} 替换为 {new}",
            "用 {new} 替换 {thing}",
            "把 {thing} 变成 {new}",
            "请 把 {thing} 改成 {new}",
            "将 图中 的 {thing} 换成 {new}",
            "请 用 {new} 替换 {thing}",
            "将 {thing} 变成 {new}",
        ),
    },
    "recolor": {
        "en": (
            "make {thing} {color}",
            "color {thing} {color}",
            "change the color of {thing} to {color}",
            "paint {thing} {color}",
            "turn {thing} {color}",
            "{thing} should be {color}",
            "change {thing} to {color}",
            "paint {thing} in {color}",
        ),
        "zh": (
            "把 {thing} 变成 {color}",
            "将 {thing} 改为 {color}",
            "把 {thing} 的 颜色 换成 {color}",
            "给 {thing} 涂上 {color}",
            "把 {thing} 涂成 {color}",
            "让 {thing} 变成 {color}",
            "将 {thing} 的 颜色 改为 {color}",
            "请 把 {thing} 涂成 {color}",
        ),
    },
    "move": {
        "en": (
            "move {thing} {to}",
            "shift {thing} {to}",
            "put {thing} {place}",
            "bring {thing} {to} of the picture",
            "move {thing} {to} of the picture",
            "{thing} should be {place}",
            "shift {thing} {to} of the picture",
            "bring {thing} {to}",
        ),
        "zh": (
            "把 {thing} 移到 {place}",
            "将 {thing} 移动到 {place}",
            "把 {thing} 放到 {place}",
            "将 {thing} 移到 图片 的 {place}",
            "请 把 {thing} 移到 {place}",
            "让 {thing} 移动到 {place}",
            "将 {thing} 放到 图片 的 {place}",
            "请 将 {thing} 移动到 {place}",
        ),
    },
    "resize": {
        "en": (
            "make {thing} {grown}",
            "make {thing} much {grown}",
            "draw {thing} {grown}",
            "{thing} should be {grown}",
            "{grow} {thing}",
            "{grow} {thing} in the picture",
            "{thing} should be much {grown}",
            "draw {thing} much {grown}",
        ),
        "zh": (
            "把 {thing} {grow}",
            "将 {thing} {grow}",
            "请 {grow} {thing}",
            "把 {thing} {grown}",
            "让 {thing} {grown}",
            "{grow} 图中 的 {thing}",
            "请 把 {thing} {grow}",
            "请 让 {thing} {grown}",
        ),
    },
    "background": {
        "en": (
            "change the background to {ground}",
            "make the background {ground}",
            "use a {ground} background",
            "paint the background {ground}",
            "turn the background {ground}",
            "replace the background with {ground}",
            "the background should be {ground}",
            "change to a {ground} background",
        ),
        "zh": (
            "把 背景 换成 {ground}",
            "将 背景 改为 {ground}",
            "把 背景 变成 {ground}",
            "用 {ground} 背景",
            "把 背景 涂成 {ground}",
            "让 背景 变成 {ground}",
            "请 把 背景 改为 {ground}",
            "将 背景 换成 {ground}",
        ),
    },
    "replace_text": {
        "en": (
            "replace {old} with {new}",
            "change {old} to {new}",
            "change the text to {new}",
            "write {new} instead of {old}",
            "the text should be {new}",
            "replace the text with {new}",
            "replace the text {old} with {new}",
            "the text should be {new} instead of {old}",
        ),
        "zh": (
            "把 {old} 换成 {new}",
            "将 {old} 改为 {new}",
            "把 文字 换成 {new}",
            "将 文字 改成 {new}",
            "用 {new} 替换 {old}",
            "把 文字 {old} 改为 {new}",
            "将 文字 {old} 替换为 {new}",
            "请 把 {old} 改成 {new}",
        ),
    },
    "restyle": {
        "en": (
            "turn the picture into {style}",
            "make it {style}",
            "redraw the picture as {style}",
            "change the picture to {style}",
            "draw the picture as {style}",
            "the same picture as {style}",
            "turn it into {style}",
            "redraw it as {style}",
        ),
        "zh": (
            "把 图片 变成 {style}",
            "将 图片 改为 {style}",
            "把 图片 画成 {style}",
            "重画 成 {style}",
            "请 把 图片 改成 {style}",
            "让 图片 变成 {style}",
            "将 图片 画成 {style}",
            "请 重画 成 {style}",
        ),
    },
    "pose": {
        "en": (
            "show the figure {pose}",
            "draw the figure {pose}",
            "the figure should be {pose}",
            "change the pose , show the figure {pose}",
            "the same figure {pose}",
            "redraw the figure {pose}",
            "show the same figure {pose}",
            "change the pose , draw the figure {pose}",
        ),
        "zh": (
            "让 小人 {pose}",
            "把 小人 改为 {pose}",
            "小人 改成 {pose} 的 姿势",
            "将 姿势 换成 {pose}",
            "画 同一个 小人 ， {pose}",
            "请 让 小人 {pose}",
            "让 同一个 小人 {pose}",
            "请 将 姿势 改成 {pose}",
        ),
    },
    "compose_thing": {
        "en": (
            "put {thing} of picture 2 {place} of picture 1",
            "add {thing} from picture 2 {place} of picture 1",
            "take {thing} from picture 2 and put it {place} of picture 1",
            "{place} of picture 1 , add {thing} of picture 2",
            "copy {thing} of picture 2 to picture 1 , {place}",
            "draw {thing} of picture 2 {place} of picture 1",
            "copy {thing} from picture 2 and put it {place} of picture 1",
            "{place} of picture 1 , draw {thing} from picture 2",
        ),
        "zh": (
            "把 图 2 的 {thing} 放到 图 1 的 {place}",
            "将 图 2 中 的 {thing} 添加 到 图 1 的 {place}",
            "在 图 1 的 {place} 加上 图 2 的 {thing}",
            "把 图 2 的 {thing} 复制 到 图 1 的 {place}",
            "在 图 1 的 {place} 画 图 2 的 {thing}",
            "请 将 图 2 的 {thing} 放到 图 1 的 {place}",
            "将 图 2 中 的 {thing} 复制 到 图 1 的 {place}",
            "请 在 图 1 的 {place} 加上 图 2 的 {thing}",
        ),
    },
    "compose_background": {
        "en": (
            "give picture 1 the background of picture 2",
            "use the background of picture 2 for picture 1",
            "change the background of picture 1 to that of picture 2",
            "replace the background of picture 1 with that of picture 2",
            "put picture 1 on the background of picture 2",
            "picture 1 with the background of picture 2",
            "draw picture 1 with the background of picture 2",
            "change the background of picture 1 to the background of picture 2",
        ),
        "zh": (
            "把 图 1 的 背景 换成 图 2 的 背景",
            "给 图 1 换成 图 2 的 背景",
            "用 图 2 的 背景 替换 图 1 的 背景",
            "将 图 1 的 背景 改为 图 2 的 背景",
            "让 图 1 用 图 2 的 背景",
            "图 1 的 背景 改成 图 2 的 背景",
            "请 把 图 1 的 背景 换成 图 2 的 背景",
            "将 图 1 的 背景 替换为 图 2 的 背景",
        ),
    },
    "compose_color": {
        "en": (
            "give {thing} of picture 1 the color of {other} of picture 2",
            "make {thing} of picture 1 the color of {other} of picture 2",
            "paint {thing} of picture 1 in the color of {other} of picture 2",
            "change the color of {thing} of picture 1 to that of {other} of picture 2",
            "color {thing} of picture 1 as {other} of picture 2",
            "{thing} of picture 1 should be the color of {other} of picture 2",
            "turn {thing} of picture 1 the color of {other} of picture 2",
            "paint {thing} of picture 1 as {other} of picture 2",
        ),
        "zh": (
            "把 图 1 的 {thing} 变成 图 2 的 {other} 的 颜色",
            "将 图 1 的 {thing} 涂成 图 2 的 {other} 的 颜色",
            "用 图 2 的 {other} 的 颜色 画 图 1 的 {thing}",
            "给 图 1 的 {thing} 涂上 图 2 的 {other} 的 颜色",
            "把 图 1 的 {thing} 的 颜色 换成 图 2 的 {other} 的 颜色",
            "让 图 1 的 {thing} 变成 图 2 的 {other} 的 颜色",
            "请 把 图 1 的 {thing} 涂成 图 2 的 {other} 的 颜色",
            "将 图 1 的 {thing} 的 颜色 改为 图 2 的 {other} 的 颜色",
        ),
    },
    "reconstruct": {
        "en": (
            "keep the picture as it is",
            "change nothing",
            "the same picture",
            "copy the picture",
            "do not change the picture",
            "the picture as it is",
            "copy the picture as it is",
            "keep the same picture",
        ),
        "zh": (
            "保持 图片 不变",
            "复制 图片",
            "不要 改变 图片",
            "画 同一张 图片",
            "让 图片 保持 不变",
            "把 图片 复制 一张",
            "请 复制 图片",
            "请 保持 图片 不变",
        ),
    },
}  # fmt: skip
"""The wordings of every task, and of every way of those that have several."""

PLACES_SAID: Final[dict[Language, dict[str, tuple[str, str]]]] = {
    "en": {
        "top left": ("at the top left", "to the top left"),
        "top": ("at the top", "to the top"),
        "top right": ("at the top right", "to the top right"),
        "left": ("on the left side", "to the left side"),
        "middle": ("in the middle", "to the middle"),
        "right": ("on the right side", "to the right side"),
        "bottom left": ("at the bottom left", "to the bottom left"),
        "bottom": ("at the bottom", "to the bottom"),
        "bottom right": ("at the bottom right", "to the bottom right"),
    },
    "zh": {
        "top left": ("左上角", "左上角"),
        "top": ("上方", "上方"),
        "top right": ("右上角", "右上角"),
        "left": ("左边", "左边"),
        "middle": ("中间", "中间"),
        "right": ("右边", "右边"),
        "bottom left": ("左下角", "左下角"),
        "bottom": ("下方", "下方"),
        "bottom right": ("右下角", "右下角"),
    },
}
"""Every place as where something is, and as where it goes."""

GROWTH_SAID: Final[dict[Language, dict[str, tuple[str, str]]]] = {
    "en": {"larger": ("larger", "enlarge"), "smaller": ("smaller", "shrink")},
    "zh": {"larger": ("变大", "放大"), "smaller": ("变小", "缩小")},
}
"""Both changes of size as what a thing becomes, and as what is done to it."""

STYLES_SAID: Final[dict[Language, dict[str, str]]] = {
    "en": {
        "outline": "an outline drawing",
        "sketch": "a pencil sketch",
        "pixel": "pixel art",
        "neon": "a neon picture",
        "watercolor": "a watercolor",
    },
    "zh": {
        "outline": "线描画",
        "sketch": "铅笔素描",
        "pixel": "像素画",
        "neon": "霓虹画",
        "watercolor": "水彩画",
    },
}

POSES_SAID: Final[dict[Language, dict[str, str]]] = {
    "en": {
        "standing": "standing with its arms down",
        "arms up": "with both arms up",
        "arms out": "with both arms out",
        "one arm up": "with one arm up",
        "hands on hips": "with its hands on its hips",
        "sitting": "sitting",
        "kicking": "kicking",
        "jumping": "jumping",
    },
    "zh": {
        "standing": "垂手站立",
        "arms up": "举起双臂",
        "arms out": "张开双臂",
        "one arm up": "举起单臂",
        "hands on hips": "双手叉腰",
        "sitting": "坐下",
        "kicking": "踢腿",
        "jumping": "跳跃",
    },
}
