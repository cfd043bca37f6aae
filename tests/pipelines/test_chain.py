"""Edits in a row: what none of them touched stays as it was."""

from dataclasses import replace
from itertools import cycle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from danqing.core.download import resolve
from danqing.core.errors import RequestError
from danqing.data.synthesis.sample import Synthesis
from danqing.evaluation.measures.drift import drift
from danqing.flow.schedule import DynamicShift
from danqing.pipelines.chain import Anchor, chain, reconstruct
from danqing.pipelines.load import load_vae
from danqing.pipelines.model import Model
from danqing.testing import MMDIT, toy, toy_conditioner, toy_mmdit

ROUNDS = 10


def noise(width, height, seed=0):
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8))


def squares(side, length, through):
    """Edits that each paint a square somewhere and go through a VAE."""
    rng = np.random.default_rng(1)

    def edit(x, y, color):
        def painted(image):
            image = image.copy()
            ImageDraw.Draw(image).rectangle((x, y, x + length, y + length), fill=color)
            return through(image)

        return painted

    places = rng.integers(0, side - length, (ROUNDS, 2)).tolist()
    colors = cycle([(200, 60, 50), (60, 90, 190), (60, 150, 80)])
    return [edit(*place, color) for place, color in zip(places, colors, strict=False)], places


def test_ten_edits_lose_nothing_where_none_of_them_was():
    """With the VAE of the embedded model."""
    vae = load_vae(resolve("danqing-nano"), torch.float32, "cpu")
    channels = vae.config.latent_channels
    fitting = replace(MMDIT, in_channels=channels * MMDIT.patch**2, out_channels=channels)
    model = Model(toy_mmdit(config=fitting), vae, toy_conditioner(), DynamicShift())
    side, length = 256, 24
    first = Synthesis(size=(side, side)).sample(3).image

    def through(image):
        return reconstruct(model, image)

    edits, places = squares(side, length, through)
    kept = np.ones((side, side), bool)
    for x, y in places:
        kept[max(0, y - 24) : y + length + 24, max(0, x - 24) : x + length + 24] = False
    assert kept.mean() > 0.3

    *_, last = chain(first, edits, through)
    untouched = last.changed[0, 0].numpy() == 0
    assert untouched[kept].mean() > 0.9
    assert (np.asarray(last.image)[untouched] == np.asarray(first)[untouched]).all()
    loose = first
    for edit in edits:
        loose = edit(loose)
    anchored, drifted = drift(first, last.image, kept), drift(first, loose, kept)
    assert anchored.psnr > 50
    assert drifted.psnr < anchored.psnr - 15
    assert anchored.shift.length < 0.1
    x, y = places[-1]
    assert last.changed[0, 0, y : y + length, x : x + length].min() == 1


@settings(max_examples=20)
@given(width=st.integers(1, 40), height=st.integers(1, 40), seed=st.integers(0, 99))
def test_edits_that_change_nothing_give_the_first_picture_again(width, height, seed):
    """However bad the VAE is: what it alone does to a picture is no change."""
    first = noise(width, height, seed)

    def bad(image):
        return image.quantize(4).convert("RGB")

    for link in chain(first, [bad, bad, lambda image: image], bad):
        assert link.image.tobytes() == first.tobytes()
        assert not link.changed.any()


def test_edits_that_change_everything_are_taken_as_they_are():
    first, second, third = (noise(32, 24, seed) for seed in range(3))
    links = list(chain(first, [lambda _: second, lambda _: third], lambda image: image))
    assert [link.image.tobytes() for link in links] == [second.tobytes(), third.tobytes()]
    assert links[-1].changed.min() == 1


def test_what_was_changed_once_counts_for_the_rest_of_the_chain():
    first = Image.new("RGB", (64, 16))
    marks = [Image.new("L", first.size), Image.new("L", first.size)]
    marks[0].paste(255, (0, 0, 8, 16))
    marks[1].paste(255, (56, 0, 64, 16))

    def edit(mark):
        return lambda image: Image.composite(Image.new("RGB", image.size, "white"), image, mark)

    one, both = chain(first, map(edit, marks), lambda image: image, Anchor(radius=1))
    assert one.changed[0, 0, 0, [0, 7, 30, 60]].tolist() == [1, 1, 0, 0]
    assert both.changed[0, 0, 0, [0, 7, 30, 60]].tolist() == [1, 1, 0, 1]


@pytest.mark.parametrize("size", [(1, 1), (33, 17), (100, 70)])
def test_a_vae_gives_a_picture_of_the_size_it_got(size):
    assert reconstruct(toy(), noise(*size)).size == size


@pytest.mark.parametrize("wrong", [{"threshold": 0.0}, {"threshold": 256.0}, {"radius": -1}])
def test_an_anchor_that_holds_all_or_nothing_is_refused(wrong):
    with pytest.raises(RequestError, match="an anchor must have a threshold"):
        Anchor(**wrong)
