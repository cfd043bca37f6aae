"""A slide of layers is a whole presentation: every part is of a known kind and leads somewhere."""

import io
import posixpath
import zipfile
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from danqing.core.errors import RequestError
from danqing.pipelines.layers import pptx
from danqing.pipelines.layers.stack import Layer

NAMES = {
    "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
    "p": "http://schemas.openxmlformats.org/presentationml/2006/main",
    "r": "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    "k": "http://schemas.openxmlformats.org/package/2006/relationships",
    "t": "http://schemas.openxmlformats.org/package/2006/content-types",
}
ID = f"{{{NAMES['r']}}}id"
EMBED = f"{{{NAMES['r']}}}embed"


@pytest.fixture(scope="module")
def stack():
    pixels = np.random.default_rng(0).integers(0, 256, (3, 30, 40, 4), np.uint8)
    return [
        Layer(name, Image.fromarray(one))
        for name, one in zip(("1", '2.1 "<&>花', "correction"), pixels, strict=True)
    ]


@pytest.fixture(scope="module")
def deck(stack, tmp_path_factory):
    path = tmp_path_factory.mktemp("decks") / "a.pptx"
    pptx.write(stack, path)
    with zipfile.ZipFile(path) as file:
        assert file.testzip() is None
        assert len(file.namelist()) == len(set(file.namelist()))
        return {name: file.read(name) for name in file.namelist()}


def refers(deck, place):
    """What a part refers to: for each id, as what and where."""
    folder, name = posixpath.split(place)
    root = ElementTree.fromstring(deck[posixpath.join(folder, "_rels", f"{name}.rels")])
    return {
        each.get("Id"): (
            each.get("Type").rpartition("/")[2],
            posixpath.normpath(posixpath.join("/", folder, each.get("Target"))).lstrip("/"),
        )
        for each in root.findall("k:Relationship", NAMES)
    }


def follow(deck, place, kind):
    (target,) = [where for what, where in refers(deck, place).values() if what == kind]
    return target


def test_every_part_has_a_kind_and_is_referred_to(deck):
    types = ElementTree.fromstring(deck["[Content_Types].xml"])
    ends = {each.get("Extension") for each in types.findall("t:Default", NAMES)}
    own = {each.get("PartName").lstrip("/") for each in types.findall("t:Override", NAMES)}
    parts = set(deck) - {"[Content_Types].xml"}
    assert own <= parts
    assert {part for part in parts if part.rpartition(".")[2] not in ends} == own

    reached, ahead = set(), {""}
    while ahead:
        place = ahead.pop()
        reached.add(place)
        folder, name = posixpath.split(place)
        if posixpath.join(folder, "_rels", f"{name}.rels") in deck:
            ahead |= {target for _, target in refers(deck, place).values()} - reached
    assert reached - {""} == {part for part in parts if not part.endswith(".rels")}


def test_every_reference_in_a_part_is_one_it_has(deck):
    for place, data in deck.items():
        if not place.endswith(".xml") or place.startswith("["):
            continue
        used = {
            value
            for element in ElementTree.fromstring(data).iter()
            for name, value in element.attrib.items()
            if name in (ID, EMBED)
        }
        folder, name = posixpath.split(place)
        has = f"{folder}/_rels/{name}.rels" in deck
        known = refers(deck, place) if has else {}
        assert used <= set(known)


def test_the_slide_follows_a_layout_and_a_master_with_a_theme(deck):
    presentation = follow(deck, "", "officeDocument")
    slide = follow(deck, presentation, "slide")
    master = follow(deck, presentation, "slideMaster")
    layout = follow(deck, slide, "slideLayout")
    assert follow(deck, layout, "slideMaster") == master
    assert follow(deck, master, "slideLayout") == layout
    theme = ElementTree.fromstring(deck[follow(deck, master, "theme")])
    (colors,) = theme.iter(f"{{{NAMES['a']}}}clrScheme")
    known = {color.tag.rpartition("}")[2] for color in colors}
    (used,) = ElementTree.fromstring(deck[master]).findall("p:clrMap", NAMES)
    assert len(used.attrib) == 12
    assert set(used.attrib.values()) <= known


def test_layers_fill_the_slide_from_the_bottom_to_the_top_with_all_their_bytes(deck, stack):
    presentation = follow(deck, "", "officeDocument")
    slide = follow(deck, presentation, "slide")
    (size,) = ElementTree.fromstring(deck[presentation]).findall("p:sldSz", NAMES)
    pictures = ElementTree.fromstring(deck[slide]).findall("p:cSld/p:spTree/p:pic", NAMES)
    assert len(pictures) == len(stack)
    ids = set()
    for layer, picture in zip(stack, pictures, strict=True):
        named = picture.find("p:nvPicPr/p:cNvPr", NAMES)
        assert named.get("name") == layer.name
        ids.add(named.get("id"))
        assert picture.find("p:spPr/a:xfrm/a:off", NAMES).attrib == {"x": "0", "y": "0"}
        assert picture.find("p:spPr/a:xfrm/a:ext", NAMES).attrib == size.attrib
        kind, place = refers(deck, slide)[picture.find("p:blipFill/a:blip", NAMES).get(EMBED)]
        assert kind == "image"
        with Image.open(io.BytesIO(deck[place])) as image:
            assert (image.format, image.mode) == ("PNG", "RGBA")
            assert np.array_equal(np.asarray(image), np.asarray(layer.image))
    assert len(ids | {"1"}) == len(stack) + 1


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        ((1280, 720), (12192000, 6858000)),  # PowerPoint's own 16:9
        ((40, 30), (1219200, 914400)),
        ((8192, 4096), (51206400, 25603200)),
        ((1, 56), (914400, 51206400)),
    ],
)
def test_a_slide_has_the_picture_s_shape_within_what_slides_may_be(size, wanted):
    assert pptx.slide_size(size) == wanted


def test_what_no_slide_can_hold_is_refused(tmp_path):
    with pytest.raises(RequestError, match="at most 56 times as long as wide, got 1x57"):
        pptx.write([Layer("1", Image.new("RGBA", (1, 57)))], tmp_path / "a.pptx")
    with pytest.raises(RequestError, match="must have a layer"):
        pptx.write([], tmp_path / "a.pptx")
    assert not list(tmp_path.iterdir())
