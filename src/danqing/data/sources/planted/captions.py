"""Sound captions, and faults of stages 1 and 3: captions that are none, or unsafe."""

from typing import Final

import numpy as np

from danqing.data.sources.planted.plant import Plant, of_caption

_SOUND: Final = (
    ("a quiet valley of {a} and {b} hills under a soft evening sky", "en"),
    ("round {a} stones beside a {b} wall, seen from above", "en"),
    ("close view of a {a} leaf lying on {b} sand", "en"),
    ("傍晚柔和的天空下，{a}色与{b}色相间的山谷", "zh"),
    ("从上方看去，{b}色墙边有几块{a}色的圆石", "zh"),
    # Words that hold unsafe ones, and are not.
    ("{a} grapes and {b} peacocks in a Middlesex garden", "en"),
    ("{a}色性能跑车停在{b}色自然风景区", "zh"),
)
_WORDS: Final = {
    "en": ("red", "green", "blue", "gray", "brown", "golden"),
    "zh": ("红", "绿", "蓝", "灰", "棕", "金"),
}


def caption(rng: np.random.Generator) -> str:
    """Return a sound caption in English or Chinese."""
    text, language = _SOUND[rng.integers(len(_SOUND))]
    first, second = rng.choice(_WORDS[language], 2, replace=False)
    return text.format(a=first, b=second)


CAPTIONS: Final[dict[str, Plant]] = {
    "token_length-none": Plant("token_length", of_caption("", "tree", "树"), ("invalid_caption",)),
    "invalid_caption-refused": Plant(
        "invalid_caption",
        of_caption(
            "I'm sorry, but I cannot describe this picture.",
            "As an AI language model I am unable to see images.",
            "抱歉，我无法描述这张图片的内容。",
        ),
    ),
    "invalid_caption-markup": Plant(
        "invalid_caption",
        of_caption("<a href='x.html'>more views</a> of the valley", "see https://example.org/a1"),
    ),
    "invalid_caption-file": Plant(
        "invalid_caption", of_caption("IMG_20240312_0001.jpg", "DSC 0042")
    ),
    "invalid_caption-repeated": Plant(
        "invalid_caption", of_caption("cheap red shoes buy now " * 8, "红色运动鞋" * 12)
    ),
    "unsafe_words-en": Plant(
        "unsafe_words",
        of_caption(
            "Two people in a sex scene on a hotel bed",
            "still from a pornographic film, faces not visible",
            "A tortured prisoner lies on the floor of a cell",
            "old photograph of a massacre in a village street",
            "a wall painted with large swastikas",
        ),
    ),
    "unsafe_words-zh": Plant(
        "unsafe_words",
        of_caption(
            "一张色情海报贴在墙上",
            "房间里一名裸体女子的照片",
            "恐怖片里血腥的屠杀场面",
            "地上躺着一具尸体，旁边有警察",
        ),
    ),
}
