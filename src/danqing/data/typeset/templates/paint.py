"""Boxes become a picture: panels, rules, drawings and texts, in the order of the tree."""

from PIL import Image, ImageDraw

from danqing.data.typeset.ink import write
from danqing.data.typeset.placed import Placed
from danqing.data.typeset.templates.arrange import Box, Sized, boxes, sized
from danqing.data.typeset.templates.art import draw
from danqing.data.typeset.templates.nodes import Art, Node, Rule, Stack, Text
from danqing.data.typeset.templates.theme import Theme
from danqing.scorers.world import Language

_SUPERSAMPLE = 3
"""Panels and drawings are painted so much larger and then reduced, which smooths their edges."""

_MOST = 4096
"""Pixels of the larger side of that; larger pictures are supersampled twice."""


def paint(
    tree: Node, size: tuple[int, int], look: Theme, language: Language, seed: int
) -> tuple[Image.Image, tuple[Placed, ...]]:
    """Return the picture of a filled tree, and its strings in the order of the tree.

    Args:
        tree: What to paint.
        size: Width and height in pixels.
        look: Colours and typefaces.
        language: Of strings whose characters leave it open.
        seed: Decides the details of drawings.

    Raises:
        Refused: the texts do not fit, or a glyph is missing.
    """
    width, height = size
    unit = (width * height) ** 0.5
    leaves = list(boxes(tree, (0.0, 0.0, float(width), float(height)), unit))
    texts = [(leaf, box) for leaf, box in leaves if isinstance(leaf, Text) and leaf.text.strip()]
    set_texts = sized(texts, unit, look, language)
    times = max(2, min(_SUPERSAMPLE, _MOST // max(size)))
    large = Image.new("RGB", (times * width, times * height), look.palette.ground)
    for number, (leaf, box) in enumerate(leaves):
        if not isinstance(leaf, Text):
            _shape(large, leaf, _scaled(box, times), times * unit, look, seed + number)
    image = large.reduce(times)
    return image, tuple(_string(image, one, look, language) for one in set_texts)


def _scaled(box: Box, times: int) -> Box:
    left, top, right, bottom = (times * side for side in box)
    return left, top, right, bottom


def _shape(
    image: Image.Image, leaf: Rule | Art | Stack, box: Box, unit: float, look: Theme, seed: int
) -> None:
    pen = ImageDraw.Draw(image)
    if isinstance(leaf, Art):
        draw(image, leaf, box, look.palette, seed)
    elif isinstance(leaf, Rule):
        _rule(pen, leaf, box, unit, look)
    else:
        fill = None if leaf.fill is None else look.palette.color(leaf.fill)
        edge = None if leaf.edge is None else look.palette.color(leaf.edge)
        pen.rounded_rectangle(
            box,
            radius=leaf.round * unit,
            fill=fill,
            outline=edge,
            width=max(1, round(leaf.weight * unit)),
        )


def _rule(pen: ImageDraw.ImageDraw, rule: Rule, box: Box, unit: float, look: Theme) -> None:
    left, top, right, bottom = box
    thick = max(1.0, rule.weight * unit)
    color = look.palette.color(rule.tone)
    level = right - left >= bottom - top
    start, end = (left, right) if level else (top, bottom)
    middle = (top + bottom) / 2 if level else (left + right) / 2
    step = 5 * thick if rule.dashed else end - start
    at = start
    while at < end:
        to = min(end, at + (0.6 * step if rule.dashed else step))
        low, high = middle - thick / 2, middle + thick / 2
        pen.rectangle((at, low, to, high) if level else (low, at, high, to), fill=color)
        at += max(step, 1.0)


def _string(image: Image.Image, one: Sized, look: Theme, language: Language) -> Placed:
    left, top, _, bottom = one.box
    spare = bottom - top - one.block.height
    top += {"top": 0.0, "middle": spare / 2, "bottom": spare}[one.text.stand]
    color = look.palette.color(one.text.tone)
    return write(image, one.block, (left, top), color, role=one.text.role, language=language)
