"""How it is said that a solid shall be seen from another side, in English and Chinese.

The colour of a face that is hidden cannot be guessed, so the sentence names the colour of each face
that comes into view. (Two views as sources would show them, too, but few models take two pictures,
and which of both views is to be turned would need a sentence of its own.) Names of sides are those
of the one who looks, who sees a left one and a right one; so "a quarter turn to the left" also says
that the right side comes to the left.
"""

from random import Random
from typing import Final, Literal

from danqing.data.synthesis.captions import COLORS_SAID
from danqing.scorers.polyhedra import BOTTOM, TOP, Kind, Solid
from danqing.scorers.world import Language
from danqing.seeing.sentences import SOLIDS_ZH

Change = Literal["left", "right", "behind", "below", "described"]
"""How the solid is to be turned, or that it is only described and there is no picture of it."""
TURNS: Final[tuple[Change, ...]] = ("left", "right", "behind", "below")
CHANGES: Final[tuple[Change, ...]] = (*TURNS, "described")

_NAMES: Final[dict[Kind, dict[Language, str]]] = {
    "cuboid": {"en": "cuboid", "zh": SOLIDS_ZH["cuboid"]},
    "pyramid": {"en": "four-sided pyramid", "zh": SOLIDS_ZH["pyramid"]},
    "prism": {"en": "triangular prism", "zh": SOLIDS_ZH["prism"]},
}
_FRAMES: Final[dict[Language, dict[Change, tuple[str, ...]]]] = {
    "en": {
        "left": (
            "turn the {kind} a quarter turn to the left: its right side comes to the left, and "
            "the side that comes into view on the right is {right}",
            "rotate the {kind} by 90 degrees so that its right side moves to the left; the side "
            "that then appears on the right is {right}",
        ),
        "right": (
            "turn the {kind} a quarter turn to the right: its left side comes to the right, and "
            "the side that comes into view on the left is {left}",
            "rotate the {kind} by 90 degrees so that its left side moves to the right; the side "
            "that then appears on the left is {left}",
        ),
        "behind": (
            "show the {kind} from behind, where its left side is {left} and its right side {right}",
            "turn the {kind} by 180 degrees; then its left side is {left} and its right side "
            "is {right}",
        ),
        "below": (
            "show the {kind} from below instead of from above; its underside is {bottom}",
            "look at the {kind} from under it, with its {bottom} underside in view and its two "
            "sides where they are",
        ),
        "described": (
            "a {kind} on a {ground} background, seen from above and from a corner, its left side "
            "{left}, its right side {right}{top}",
            "on a {ground} background a {kind} with a corner to the front, seen from above: its "
            "left side is {left}, its right side {right}{top}",
        ),
    },
    "zh": {
        "left": (
            "把{kind}向左转四分之一圈：右侧面转到左边，右边露出{right}的侧面",
            "将{kind}旋转90度，使右侧面移到左边，右边出现{right}的侧面",
        ),
        "right": (
            "把{kind}向右转四分之一圈：左侧面转到右边，左边露出{left}的侧面",
            "将{kind}旋转90度，使左侧面移到右边，左边出现{left}的侧面",
        ),
        "behind": (
            "从背面看{kind}，左侧面是{left}，右侧面是{right}",
            "将{kind}旋转180度，转过来后左侧面是{left}，右侧面是{right}",
        ),
        "below": (
            "改为从下方看{kind}，底面是{bottom}",
            "从{kind}的下面往上看，露出{bottom}的底面，两个侧面的位置不变",
        ),
        "described": (
            "{ground}背景上的{kind}，从上方对着一条棱看，左侧面是{left}，右侧面是{right}{top}",
            "画一个{kind}，{ground}背景，棱角朝前，从上方看：左侧面{left}，右侧面{right}{top}",
        ),
    },
}
_TOPS: Final[dict[Language, str]] = {"en": ", its top {top}", "zh": "，顶面是{top}"}


def instruction(
    change: Change, outcome: Solid, ground: str, language: Language, rng: Random
) -> str:
    """Return a sentence that asks for a solid as it is to be seen.

    Args:
        change: How it is to be turned.
        outcome: The solid as it is to be seen.
        ground: The background's colour.
        language: The language of the sentence.
        rng: Decides the wording.
    """
    said = COLORS_SAID[language]
    top = outcome.colors.get(TOP)
    return rng.choice(_FRAMES[language][change]).format(
        kind=_NAMES[outcome.kind][language],
        ground=said[ground],
        left=said[outcome.left],
        right=said[outcome.right],
        bottom=said[outcome.colors[BOTTOM]],
        top=_TOPS[language].format(top=said[top]) if top else "",
    )
