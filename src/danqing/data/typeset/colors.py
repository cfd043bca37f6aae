"""Colours that can be read on one another, and what to call them in two languages."""

from functools import lru_cache
from typing import Final

from danqing.scorers.color import lab, nearest, swatches
from danqing.scorers.world import Color, Language

NAMES: Final[dict[tuple[str, str], Color]] = {
    ("black", "黑色"): (18, 18, 20),
    ("dark gray", "深灰色"): (78, 80, 84),
    ("gray", "灰色"): (140, 142, 146),
    ("light gray", "浅灰色"): (206, 208, 212),
    ("white", "白色"): (250, 250, 250),
    ("cream", "米色"): (244, 234, 210),
    ("beige", "浅棕色"): (208, 184, 146),
    ("brown", "棕色"): (122, 76, 40),
    ("dark brown", "深棕色"): (62, 40, 28),
    ("red", "红色"): (206, 36, 40),
    ("dark red", "深红色"): (128, 26, 34),
    ("coral", "珊瑚色"): (240, 116, 96),
    ("pink", "粉色"): (246, 164, 190),
    ("orange", "橙色"): (242, 132, 28),
    ("gold", "金色"): (202, 158, 66),
    ("yellow", "黄色"): (248, 214, 60),
    ("olive", "橄榄色"): (118, 120, 52),
    ("green", "绿色"): (44, 146, 76),
    ("dark green", "深绿色"): (24, 74, 52),
    ("mint", "薄荷色"): (186, 226, 206),
    ("teal", "青色"): (24, 128, 132),
    ("sky blue", "天蓝色"): (132, 190, 236),
    ("blue", "蓝色"): (38, 92, 204),
    ("navy", "深蓝色"): (24, 36, 84),
    ("purple", "紫色"): (120, 66, 170),
    ("lavender", "淡紫色"): (204, 190, 232),
}
"""English and Chinese names, and the middle of what they mean, as sRGB."""


@lru_cache(maxsize=4096)
def name(color: Color, language: Language) -> str:
    """Return what a colour is called."""
    import numpy as np

    pixel = lab(np.asarray([[color]], np.uint8))[:, 0, 0]
    index, _, _ = nearest(pixel, swatches(NAMES.values()))
    return list(NAMES)[index][0 if language == "en" else 1]


def contrast(one: Color, other: Color) -> float:
    """Return how much lighter one colour is, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def mix(one: Color, other: Color, share: float) -> Color:
    """Return a colour between two.

    Args:
        one: What there is at share 0.
        other: What there is at share 1.
        share: How much of the other, 0 to 1.
    """
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _luminance(color: Color) -> float:
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (value / 255 for value in color)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
