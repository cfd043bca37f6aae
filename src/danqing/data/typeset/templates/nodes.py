"""The language of templates: boxes in boxes, which share their room by weights.

A template is a tree of these. Texts have placeholders in braces; their roles say which of them
have one size. All lengths are shares: of the box for weights, of an em for leading, of the
picture's unit (the root of its area) for everything else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from danqing.data.typeset.layout import Align

Tone = Literal["ground", "panel", "ink", "muted", "accent", "second", "on_accent", "line"]
"""A colour by what it does; a theme says which it is."""

Voice = Literal["title", "body", "strong", "hand", "mono"]
"""A typeface by what it does."""

Vertical = Literal["top", "middle", "bottom"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """A string, as large as its box and its fellows of one role allow."""

    text: str
    """With placeholders, such as `{title}`."""
    role: str
    """What it does; all strings of one role have one size."""
    most: float
    """Largest size: an em as a share of the unit."""
    voice: Voice = "body"
    tone: Tone = "ink"
    align: Align = "left"
    stand: Vertical = "middle"
    """Where it stands in a box that is taller than it."""
    leading: float = 1.35
    tracking: float = 0.0
    lines: int | None = 1
    """No more lines than this; none means as many as there is height for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """A line through the middle of its box, along the longer side."""

    tone: Tone = "line"
    weight: float = 0.002
    dashed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Art:
    """A drawing that says nothing; see `art.py` for their names."""

    name: str
    tone: Tone = "accent"


@dataclass(frozen=True, slots=True)
class Space:
    """Nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stack:
    """Boxes below or beside each other, in a panel of their own if they have a fill or an edge."""

    parts: tuple[tuple[float, "Node"], ...]
    """Weights and boxes."""
    across: bool = False
    """Whether they stand beside each other."""
    gap: float = 0.0
    pad: tuple[float, float] = (0.0, 0.0)
    """Free on the left and right, and above and below."""
    fill: Tone | None = None
    edge: Tone | None = None
    weight: float = 0.002
    """Of the edge."""
    round: float = 0.0
    """Radius of the panel's corners."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Layers:
    """Boxes over each other, the first at the bottom."""

    parts: tuple[tuple[tuple[float, float, float, float], "Node"], ...]
    """Left, top, right and bottom as shares of the box, and what is there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Each:
    """One box for every item of a list; placeholders are filled from the item first."""

    of: str
    """Name of the list."""
    node: "Node"
    across: bool = False
    gap: float = 0.0
    room: int | None = None
    """Boxes to leave room for, where there may be fewer; none means as many as there are."""


Node: TypeAlias = Text | Rule | Art | Space | Stack | Layers | Each

Part = tuple[float, Node]


def column(*parts: Part, **settings: Any) -> Stack:
    """Return boxes below each other."""
    return Stack(parts=parts, **settings)


def row(*parts: Part, **settings: Any) -> Stack:
    """Return boxes beside each other."""
    return Stack(parts=parts, across=True, **settings)


def text(words: str, role: str, most: float, **settings: Any) -> Text:
    """Return a string."""
    return Text(text=words, role=role, most=most, **settings)


def over(*parts: Node) -> Layers:
    """Return boxes over each other that all have the whole room."""
    return Layers(parts=tuple(((0.0, 0.0, 1.0, 1.0), part) for part in parts))


def table(
    of: str,
    columns: Sequence[tuple[float, str, str, Align]],
    *,
    most: float,
    rows: int,
    head: Tone = "accent",
    on_head: Tone = "on_accent",
    role: str = "cell",
) -> Stack:
    """Return a table with a head, ruled rows and aligned columns.

    Args:
        of: Name of the list that has an item a row.
        columns: Weight, head, cell and alignment of each; heads and cells have placeholders.
        most: Largest size of cells.
        rows: Rows to leave room for.
        head: Fill of the head.
        on_head: Ink of the head.
        role: Role of the cells.
    """
    heads = tuple(
        (w, text(h, "head", most, tone=on_head, align=a, voice="strong")) for w, h, _, a in columns
    )
    cells = tuple((w, text(c, role, most, align=a)) for w, _, c, a in columns)
    pad = (0.012, 0.0)
    line = column((1.0, row(*cells, gap=0.012, pad=pad)), (0.02, Rule(tone="line", weight=0.0012)))
    return column(
        (1.0, row(*heads, gap=0.012, pad=pad, fill=head)),
        (float(rows), Each(of=of, node=line, room=rows)),
    )


def fill(node: Node, values: Mapping[str, Any]) -> Node:
    """Return a tree whose placeholders are replaced; boxes, alignment and format stay as they are.

    Args:
        node: The template's tree.
        values: Strings by placeholder, and lists of such mappings by name.
    """
    match node:
        case Text():
            return replace(node, text=node.text.format_map(values))
        case Stack():
            return replace(node, parts=tuple((w, fill(part, values)) for w, part in node.parts))
        case Layers():
            return replace(node, parts=tuple((b, fill(part, values)) for b, part in node.parts))
        case Each():
            filled = [(1.0, fill(node.node, {**values, **item})) for item in values[node.of]]
            rest = (node.room or 0) - len(filled)
            spare: list[Part] = [(float(rest), Space())] if rest > 0 else []
            return Stack(parts=(*filled, *spare), across=node.across, gap=node.gap)
        case Rule() | Art() | Space():
            return node
