"""Layers as a slide: every layer a picture of the slide's size, to be moved about in PowerPoint.

A presentation is a zip of parts, mostly XML, that refer to each other (ECMA-376). These are the
fewest that make one: a slide, the layout and the master it follows, and a theme for its colours
and typefaces. Lengths are in EMU, 914,400 to the inch.
"""

import io
import posixpath
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import quoteattr

from danqing.core.errors import RequestError
from danqing.core.files import atomic_path
from danqing.pipelines.latents import Size
from danqing.pipelines.layers.stack import Stack

PIXEL = 9525
"""EMU of a pixel, at 96 to the inch."""

SHORTEST, LONGEST = 914_400, 51_206_400
"""EMU of a slide's side, at least and at most."""

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
_NAMES = (
    f'xmlns:a="{_DRAWING}" xmlns:r="{_OFFICE}" '
    'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
)

_ORIGIN = '<a:off x="0" y="0"/>'
_BEGIN = '<p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>'
"""What every tree of shapes begins with."""

_COLORS = {
    **{"dk1": "000000", "lt1": "FFFFFF", "dk2": "1F2A44", "lt2": "EEEBE3"},
    **{"accent1": "2E5E8C", "accent2": "B5482F", "accent3": "4B7F52"},
    **{"accent4": "C99A2E", "accent5": "6B4E8A", "accent6": "3C8C8C"},
    **{"hlink": "2E5E8C", "folHlink": "6B4E8A"},
}
_ROLES = {"bg1": "lt1", "tx1": "dk1", "bg2": "lt2", "tx2": "dk2"} | {
    color: color for color in _COLORS if color[:2] not in ("dk", "lt")
}
"""Which colour of the theme a master uses for what."""


class Part(NamedTuple):
    """One file of the zip."""

    kind: str
    """What it is, as the end of its content type."""
    body: str
    """XML."""
    refers: tuple[tuple[str, str], ...] = ()
    """The parts it refers to as rId1, rId2, ...: as what, and their places."""


def write(stack: Stack, path: str | Path) -> None:
    """Write layers as a presentation of one slide, whole or not at all.

    Raises:
        RequestError: there is no layer, or they are too long and thin for a slide.
        StorageError: the disk cannot take it.
    """
    if not stack:
        raise RequestError("a slide must have a layer, got none; give some.")
    parts = _parts(stack, slide_size(stack[0].image.size))
    with atomic_path(path) as staged, zipfile.ZipFile(staged, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("[Content_Types].xml", _types(parts))
        file.writestr("_rels/.rels", _relations([("officeDocument", "ppt/presentation.xml")]))
        for place, part in parts.items():
            file.writestr(place, _HEAD + part.body)
            if part.refers:
                folder, name = posixpath.split(place)
                file.writestr(f"{folder}/_rels/{name}.rels", _relations(part.refers))
        for number, layer in enumerate(stack, start=1):
            png = io.BytesIO()
            layer.image.save(png, "PNG")
            file.writestr(_picture(number), png.getvalue(), zipfile.ZIP_STORED)


def slide_size(size: Size) -> Size:
    """Return the EMU of a slide for a picture: its shape, and its size if slides may have it.

    Raises:
        RequestError: it is too long and thin.
    """
    short, long = sorted(size)
    if long * SHORTEST > short * LONGEST:
        raise RequestError(
            f"a slide must be at most {LONGEST // SHORTEST} times as long as wide, "
            f"got {size[0]}x{size[1]}; write a PSD or a folder."
        )
    scale = min(max(PIXEL, SHORTEST / short), LONGEST / long)
    return round(size[0] * scale), round(size[1] * scale)


def _parts(stack: Stack, size: Size) -> dict[str, Part]:
    """Return all parts but the pictures, by their places in the zip."""
    master, layout = "ppt/slideMasters/slideMaster1.xml", "ppt/slideLayouts/slideLayout1.xml"
    slide, theme = "ppt/slides/slide1.xml", "ppt/theme/theme1.xml"
    roles = " ".join(f'{role}="{color}"' for role, color in _ROLES.items())
    pictures = [("image", _picture(number + 1)) for number in range(len(stack))]
    return {
        "ppt/presentation.xml": Part(
            "presentationml.presentation.main",
            f'<p:presentation {_NAMES}><p:sldMasterIdLst><p:sldMasterId id="2147483648" '
            'r:id="rId1"/></p:sldMasterIdLst><p:sldIdLst><p:sldId id="256" r:id="rId2"/>'
            f'</p:sldIdLst><p:sldSz cx="{size[0]}" cy="{size[1]}"/>'
            f'<p:notesSz cx="{size[1]}" cy="{size[0]}"/></p:presentation>',
            (("slideMaster", master), ("slide", slide)),
        ),
        master: Part(
            "presentationml.slideMaster",
            f"<p:sldMaster {_NAMES}>{_shapes('')}"
            f"<p:clrMap {roles}/>"
            '<p:sldLayoutIdLst><p:sldLayoutId id="2147483649" r:id="rId1"/></p:sldLayoutIdLst>'
            "</p:sldMaster>",
            (("slideLayout", layout), ("theme", theme)),
        ),
        layout: Part(
            "presentationml.slideLayout",
            f'<p:sldLayout {_NAMES} type="blank">{_shapes("")}</p:sldLayout>',
            (("slideMaster", master),),
        ),
        slide: Part(
            "presentationml.slide",
            f"<p:sld {_NAMES}>{_shapes(''.join(_placed(stack, size)))}</p:sld>",
            (*pictures, ("slideLayout", layout)),
        ),
        theme: Part("theme", _theme()),
    }


def _placed(stack: Stack, size: Size) -> Iterator[str]:
    """Yield every layer as a picture that fills the slide."""
    for number, layer in enumerate(stack, start=1):
        # The tree of shapes is itself number 1.
        yield (
            f'<p:pic><p:nvPicPr><p:cNvPr id="{number + 1}" name={quoteattr(layer.name)}/>'
            "<p:cNvPicPr/><p:nvPr/></p:nvPicPr>"
            f'<p:blipFill><a:blip r:embed="rId{number}"/><a:stretch><a:fillRect/></a:stretch>'
            f'</p:blipFill><p:spPr><a:xfrm>{_ORIGIN}<a:ext cx="{size[0]}" cy="{size[1]}"/></a:xfrm>'
            '<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></p:spPr></p:pic>'
        )


def _shapes(inside: str) -> str:
    return f"<p:cSld><p:spTree>{_BEGIN}{inside}</p:spTree></p:cSld>"


def _theme() -> str:
    colors = "".join(
        f'<a:{name}><a:srgbClr val="{value}"/></a:{name}>' for name, value in _COLORS.items()
    )
    face = '<a:latin typeface="Arial"/><a:ea typeface=""/><a:cs typeface=""/>'
    fill = '<a:solidFill><a:schemeClr val="phClr"/></a:solidFill>'
    # A theme has three of each: subtle, moderate and intense.
    return (
        f'<a:theme xmlns:a="{_DRAWING}" name="Layers"><a:themeElements>'
        f'<a:clrScheme name="Layers">{colors}</a:clrScheme><a:fontScheme name="Layers">'
        f"<a:majorFont>{face}</a:majorFont><a:minorFont>{face}</a:minorFont></a:fontScheme>"
        f'<a:fmtScheme name="Layers"><a:fillStyleLst>{3 * fill}</a:fillStyleLst>'
        f"<a:lnStyleLst>{3 * f'<a:ln>{fill}</a:ln>'}</a:lnStyleLst><a:effectStyleLst>"
        f"{3 * '<a:effectStyle><a:effectLst/></a:effectStyle>'}</a:effectStyleLst>"
        f"<a:bgFillStyleLst>{3 * fill}</a:bgFillStyleLst></a:fmtScheme>"
        "</a:themeElements></a:theme>"
    )


def _types(parts: dict[str, Part]) -> str:
    kinds = "".join(
        f'<Override PartName="/{place}" ContentType='
        f'"application/vnd.openxmlformats-officedocument.{part.kind}+xml"/>'
        for place, part in parts.items()
    )
    return (
        f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="png" ContentType="image/png"/>{kinds}</Types>'
    )


def _relations(refers: Iterable[tuple[str, str]]) -> str:
    lines = "".join(
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/{kind}" Target="/{place}"/>'
        for number, (kind, place) in enumerate(refers, start=1)
    )
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{lines}</Relationships>'


def _picture(number: int) -> str:
    return f"ppt/media/image{number}.png"
