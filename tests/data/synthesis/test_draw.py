"""Drawn pictures show what was asked for; the pixels themselves are counted."""

from collections import deque
from dataclasses import replace
from hashlib import sha256
from itertools import product
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from danqing.data.synthesis.draw import Style, draw, place
from danqing.data.synthesis.fonts import FACES
from danqing.data.synthesis.placed import kept
from danqing.data.synthesis.propose import COMMON_SHAPES, Limits, propose
from danqing.data.synthesis.split import allowed_colors
from danqing.data.synthesis.words import CHARACTERS, WORDS
from danqing.scorers.world import (
    BACKGROUNDS,
    CATEGORIES,
    PALETTE,
    RELATIONS,
    SCENE_CATEGORIES,
    SHAPES,
    TEXT_COLORS,
    Object,
    Scene,
    TextSpec,
)

EXACT = Style(jitter=0, rotation=0.0)
SIZES = [(256, 256), (320, 208), (192, 336)]


def lab(color):
    """Return CIELAB (D65) of an sRGB colour or an array of them."""
    rgb = np.asarray(color, float) / 255
    linear = np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    t = linear @ np.array(to_xyz).T / [0.9505, 1.0, 1.089]
    f = np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.stack(
        [116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1
    )


def blobs(mask):
    """Return the coordinates (x, y) of every connected region of at least 5 cells."""
    left, found = mask.copy(), []
    for start in zip(*np.nonzero(mask), strict=True):
        if not left[start]:
            continue
        queue, region = deque([start]), []
        left[start] = False
        while queue:
            y, x = queue.popleft()
            region.append((x, y))
            for ny, nx in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                if 0 <= ny < left.shape[0] and 0 <= nx < left.shape[1] and left[ny, nx]:
                    left[ny, nx] = False
                    queue.append((ny, nx))
        if len(region) >= 5:
            found.append(np.array(region))
    return found


def seen(image):
    """Return the regions of each palette colour, from every second pixel both ways."""
    cells = np.asarray(image)[::2, ::2]
    regions = {color: blobs((cells == rgb).all(-1)) for color, rgb in PALETTE.items()}
    return {color: [2 * cell for cell in found] for color, found in regions.items() if found}


@pytest.mark.parametrize("category", SCENE_CATEGORIES)
def test_a_scene_holds_exactly_what_it_demands(category):
    rng = Random(category)
    for size in SIZES * 4:
        spec = propose(rng, category, Limits())
        image = draw(spec, rng, size=size, style=EXACT)
        assert image.size == size
        regions = seen(image)
        assert len(regions) == len(spec.objects)
        ground = image.getpixel((0, 0))
        assert ground in BACKGROUNDS.values()
        if spec.background:
            assert ground == BACKGROUNDS[spec.background]
        counts = sorted(len(found) for found in regions.values())
        assert counts == sorted(thing.count for thing in spec.objects)
        for thing in spec.objects:
            if thing.color:
                assert len(regions[thing.color]) == thing.count
        for region in (region for found in regions.values() for region in found):
            assert 4 * len(region) >= 0.004 * size[0] * size[1]
            assert region.min() > 1
            assert (region.max(0) < np.subtract(size, 2)).all()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize("counts", [(1, 1), (2, 3), (1, 2)])
def test_things_stand_where_they_should_and_nowhere_else(relation, counts, size):
    anchors, subjects = counts
    things = Object("square", anchors, "red"), Object("star", subjects, "blue", (relation, 0))
    rng = Random(3)
    for _ in range(3):
        regions = seen(draw(Scene("compound", things), rng, size=size, style=EXACT))
        middle = {color: np.mean([r.mean(0) for r in found], 0) for color, found in regions.items()}
        offset = middle["blue"] - middle["red"]
        along = offset @ RELATIONS[relation]
        # GenEval accepts a direction from half of the unit vector on; both at once is no answer.
        assert along / np.linalg.norm(offset) > 0.87
        nearest = min(
            float((a.mean(0) - b.mean(0)) @ RELATIONS[relation])
            for a, b in product(regions["blue"], regions["red"])
        )
        assert nearest > 0.3 * min(size)


def middles(count, freedom, rng, size=(256, 256)):
    """Return where squares of one colour stand, as shares of the sides, from the top left."""
    style = Style(jitter=0, rotation=0.0, freedom=freedom)
    scene = Scene("counting", (Object("square", count, "red"),))
    (found,) = seen(draw(scene, rng, size=size, style=style)).values()
    return np.array(sorted(tuple(np.round(r.mean(0) / size, 2)) for r in found))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("size", SIZES)
def test_without_freedom_shapes_always_stand_in_one_even_arrangement(count, size):
    first, second = (middles(count, 0.0, Random(seed), size) for seed in (1, 2))
    assert np.abs(first - second).max() <= 0.01
    assert np.abs(first.mean(0) - 0.5).max() < 0.08


def test_shapes_stray_as_far_as_they_are_free_and_no_farther():
    spread = {
        freedom: np.ptp([middles(1, freedom, Random(seed))[0] for seed in range(40)], axis=0).max()
        for freedom in (0.2, 0.5, 1.0)
    }
    # The smallest square leaves half the side to move in.
    assert all(0.3 * freedom < wide < 0.52 * freedom for freedom, wide in spread.items())


def test_left_is_a_smaller_x_and_above_a_smaller_y():
    for relation, axis in (("left of", 0), ("above", 1)):
        things = Object("square", color="red"), Object("star", color="blue", position=(relation, 0))
        regions = seen(draw(Scene("position", things), Random(0), style=EXACT))
        assert regions["blue"][0].mean(0)[axis] < regions["red"][0].mean(0)[axis]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_fills_its_outline(shape):
    image = draw(Scene("colors", (Object(shape, color="red"),)), Random(0), style=EXACT)
    region = np.argwhere((np.asarray(image) == PALETTE["red"]).all(-1))
    corners = np.array(SHAPES[shape])
    x, y = corners.T
    outline = abs(x @ np.roll(y, 1) - y @ np.roll(x, 1)) / 2 / np.prod(np.ptp(corners, axis=0))
    assert len(region) / np.prod(np.ptp(region, axis=0) + 2) == pytest.approx(outline, rel=0.06)
    assert np.hypot(x, y).max() == pytest.approx(1)


def test_an_open_color_is_never_a_held_out_one():
    rng = Random(0)
    for shape in COMMON_SHAPES:
        scene = Scene("single_object", (Object(shape),))
        shown = {
            color for _ in range(60) for color in seen(draw(scene, rng, size=(64, 64), style=EXACT))
        }
        assert shown == set(allowed_colors(shape))


def test_grounds_are_clear_of_every_color_even_at_full_jitter():
    for ground, color in product(BACKGROUNDS.values(), PALETTE.values()):
        assert np.linalg.norm(lab(ground) - lab(color)) > 12
    corners = np.array(list(product((-14, 14), repeat=3)))
    names, colors = list(PALETTE), np.array(list(PALETTE.values()))
    for i in range(len(names)):
        shaken = lab(np.clip(colors[i] + corners, 0, 255))
        nearest = np.linalg.norm(shaken[:, None] - lab(colors), axis=-1).argmin(1)
        assert (nearest == i).all()


def test_jitter_stays_within_its_bound():
    rng = Random(0)
    for _ in range(50):
        spec = Scene("colors", (Object("square", color="blue"),), "mint")
        image = draw(spec, rng, size=(64, 64), style=Style(jitter=5))
        assert np.abs(np.subtract(image.getpixel((0, 0)), BACKGROUNDS["mint"])).max() <= 5


@pytest.mark.parametrize("name", FACES)
def test_strings_are_large_whole_and_in_their_color(name):
    face, rng = FACES[name], Random(name)
    strings = ("W", "I", "WWWW", "Q", "ILL", *rng.sample(WORDS, 8))
    if face.script == "zh":
        strings = ("上", "国家", *rng.sample(CHARACTERS, 8))
    for string, size in zip(strings, SIZES * 5, strict=False):
        color = rng.choice(TEXT_COLORS)
        spec = TextSpec(f"text_{face.script}", string, face.script, color, "cream")
        image = draw(spec, rng, size=size, style=Style(jitter=0, fonts=(name,)))
        pixels = np.asarray(image).astype(int)
        touched = (pixels != BACKGROUNDS["cream"]).any(-1)
        assert not touched[[0, -1]].any()
        assert not touched[:, [0, -1]].any()
        rows, columns = np.nonzero(touched)
        assert np.ptp(columns) > 0.55 * size[0] or np.ptp(rows) > 0.3 * size[1]
        ink = (pixels == PALETTE[color]).all(-1)
        assert ink.sum() > 0.3 * touched.sum()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("string", ["W", "IF", "MWM", "ZOOM"])
def test_letters_in_cells_stand_apart_each_in_the_middle_of_its_own(string, size):
    style = Style(jitter=0, sway=0.0, stretch=0.0, cells=True, fonts=("grotesque",))
    spec = TextSpec("text_en", string, "en", "black", "cream")
    touched = np.asarray(draw(spec, Random(0), size=size, style=style)) != BACKGROUNDS["cream"]
    columns = touched.any((0, 2))
    # Where ink begins and ends, with bare columns between letters.
    edges = np.flatnonzero(np.diff(columns.astype(int), prepend=0, append=0)).reshape(-1, 2)
    middles = edges.mean(1) / size[0]
    expected = 0.5 + 0.25 * (np.arange(len(string)) - (len(string) - 1) / 2)
    assert np.abs(middles - expected).max() < 0.01


def test_a_quarter_of_a_million_pixels_is_no_other_picture():
    spec = Scene("colors", (Object("heart", color="red"),), "sky")
    small = draw(spec, Random(4), size=(128, 128), style=EXACT)
    large = draw(spec, Random(4), size=(512, 512), style=EXACT).reduce(4)
    assert np.abs(np.subtract(small, large, dtype=int)).mean() < 1.5


def test_a_seed_gives_the_pictures_it_always_gave():
    """Checkpoints and benchmarks were made of these; a change would make them others."""
    rng, seen_bytes = Random("pinned"), sha256()
    for category in SCENE_CATEGORIES:
        seen_bytes.update(draw(propose(rng, category, Limits()), rng).tobytes())
    assert seen_bytes.hexdigest().startswith("0305205d1d53fd12")


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_placed_picture_says_what_it_shows_and_where(category):
    rng = Random(category)
    placed = place(propose(rng, category, Limits()), rng, style=EXACT)
    pixels = np.asarray(placed.draw())
    elsewhere = np.ones(pixels.shape[:2], bool)
    for mark in placed.record["marks"]:
        left, top, right, bottom = map(int, mark["box"])
        ink = (pixels[top:bottom, left:right] == PALETTE[mark["color"]]).all(-1)
        assert ink.any()
        elsewhere[top:bottom, left:right] = False
    assert (pixels[elsewhere] == BACKGROUNDS[placed.record["background"]]).all()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("script", ["en", "zh"])
def test_letters_look_as_if_written_at_once(script, size):
    """Half a pixel otherwise, and pictures would not be those that checkpoints were made of."""
    rng = Random(script)
    for _ in range(12):
        spec = propose(rng, f"text_{script}", Limits(max_word=8, max_phrase=4))
        placed = place(spec, rng, size=size)
        image = Image.new("RGB", size, placed.shade)
        for letters in placed.marks:
            for corner, piece in letters.pieces:
                font = letters.face.at(letters.em)
                ImageDraw.Draw(image).text(corner, piece, font=font, fill=letters.shade)
        assert image.tobytes() == placed.draw().tobytes()


@given(st.integers(0, 10**6))
def test_what_is_kept_is_all_that_a_change_does_not_touch(seed):
    rng = Random(seed)
    before = place(propose(rng, "compound", Limits()), rng)
    gone = rng.randrange(len(before.marks))
    after = replace(before, marks=before.marks[:gone] + before.marks[gone + 1 :])
    differs = (np.asarray(before.draw()) != np.asarray(after.draw())).any(-1)
    same = kept(before, after)
    assert (same == kept(after, before)).all()
    assert not (differs & same).any()
    # A nearly transparent pixel may look the same; hardly more than the rim can.
    assert differs.sum() > 0.9 * (~same).sum()
    assert kept(before, before).all()
