"""A filled tree becomes boxes in pixels, and its texts get their sizes: one for every role."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from danqing.data.typeset.fonts import Face
from danqing.data.typeset.layout import Block, Setting, fit, set_text
from danqing.data.typeset.placed import Refused
from danqing.data.typeset.templates.nodes import Art, Each, Layers, Node, Rule, Space, Stack, Text
from danqing.data.typeset.templates.theme import Theme
from danqing.scorers.world import Language

SMALLEST: Final = 9
"""Pixels an em; a template with more text than this allows is refused."""

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in pixels."""

Leaf = Text | Rule | Art | Stack
"""What is drawn; of a stack, the panel."""


@dataclass(frozen=True, slots=True)
class Sized:
    """A text with its place and its size."""

    text: Text
    box: Box
    block: Block


def boxes(node: Node, box: Box, unit: float) -> Iterator[tuple[Leaf, Box]]:
    """Yield what is drawn and where, in the order of painting.

    Args:
        node: A filled tree.
        box: Its room, in pixels.
        unit: The root of the picture's area, in pixels.
    """
    match node:
        case Text() | Rule() | Art():
            yield node, box
        case Space():
            return
        case Layers():
            width, height = box[2] - box[0], box[3] - box[1]
            for (left, top, right, bottom), part in node.parts:
                inner = (
                    box[0] + left * width,
                    box[1] + top * height,
                    box[0] + right * width,
                    box[1] + bottom * height,
                )
                yield from boxes(part, inner, unit)
        case Stack():
            if node.fill is not None or node.edge is not None:
                yield node, box
            yield from _shared(node, box, unit)
        case Each():
            raise AssertionError(f"{node.of} was not filled")


def _shared(stack: Stack, box: Box, unit: float) -> Iterator[tuple[Leaf, Box]]:
    left, top = box[0] + stack.pad[0] * unit, box[1] + stack.pad[1] * unit
    right, bottom = box[2] - stack.pad[0] * unit, box[3] - stack.pad[1] * unit
    length = (right - left if stack.across else bottom - top) - stack.gap * unit * (
        len(stack.parts) - 1
    )
    if min(length, right - left, bottom - top) <= 0:
        raise Refused("a box has no room")
    whole = sum(weight for weight, _ in stack.parts)
    at = left if stack.across else top
    for weight, part in stack.parts:
        extent = length * weight / whole
        inner = (at, top, at + extent, bottom) if stack.across else (left, at, right, at + extent)
        yield from boxes(part, inner, unit)
        at += extent + stack.gap * unit


def sized(
    texts: list[tuple[Text, Box]], unit: float, look: Theme, language: Language
) -> list[Sized]:
    """Return texts set at the largest size at which all of one role fit their boxes.

    Args:
        texts: Texts and their boxes; empty ones are left out.
        unit: The root of the picture's area, in pixels.
        look: Gives typefaces.
        language: Of strings whose characters leave it open.

    Raises:
        Refused: a size would be too small, or a typeface lacks a glyph.
    """
    faces = [look.face(text.text, text.voice, language) for text, _ in texts]
    ems: dict[str, int] = {}
    for (text, box), face in zip(texts, faces, strict=True):
        most = ems.get(text.role, round(text.most * unit))
        block = fit(text.text, face, _room(box), _setting(text), largest=most, smallest=SMALLEST)
        if block is None:
            raise Refused(f"{text.role} {text.text!r} is too long for its box")
        ems[text.role] = block.em
    return [
        Sized(text, box, _set(text, box, face, ems[text.role]))
        for (text, box), face in zip(texts, faces, strict=True)
    ]


def _set(text: Text, box: Box, face: Face, em: int) -> Block:
    block = set_text(text.text, face, em, _room(box)[0], _setting(text))
    if block is None or block.height > _room(box)[1]:
        # Smaller print nearly always fits where larger did; hinting makes the exceptions.
        raise Refused(f"{text.role} {text.text!r} does not fit")
    return block


def _room(box: Box) -> tuple[float, float]:
    return box[2] - box[0], box[3] - box[1]


def _setting(text: Text) -> Setting:
    return Setting(
        align=text.align,
        leading=text.leading,
        tracking=text.tracking,
        balance=text.lines is not None and text.align != "justify",
        lines=text.lines,
    )
