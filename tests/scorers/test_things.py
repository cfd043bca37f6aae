"""A thing's colour is that of its mask alone, by phrases of which each counts as much."""

from types import MappingProxyType

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import CLIPModel, CLIPProcessor

from danqing.scorers.embed import Towers
from danqing.scorers.instances import Instance
from danqing.scorers.things import COLORS, Thing, alone, colors, thing

from .conftest import save_clip

DOG = Thing("dog", 0.8, (1.0, 2.0, 30.0, 40.0), "brown")


def test_a_thing_goes_into_plain_data_and_back():
    assert thing(DOG.record) == DOG


def masked(box, *pixels, size=(20, 12)):
    mask = np.zeros(size[::-1], bool)
    for row, column in pixels:
        mask[row, column] = True
    return Instance("cat", 0.9, tuple(map(float, box)), mask)


def test_what_is_not_the_thing_is_painted_grey_and_its_box_is_cut_out():
    noise = np.random.default_rng(0).integers(0, 256, (12, 20, 3), np.uint8)
    cut = np.asarray(alone(Image.fromarray(noise), masked((3, 2, 8, 6), (2, 3), (5, 7))))
    wanted = np.full((4, 5, 3), 0x99, np.uint8)
    wanted[0, 0], wanted[3, 4] = noise[2, 3], noise[5, 7]
    assert np.array_equal(cut, wanted)


def test_a_thing_without_a_mask_keeps_what_is_around_it():
    noise = np.random.default_rng(0).integers(0, 256, (12, 20, 3), np.uint8)
    cut = alone(Image.fromarray(noise), Instance("cat", 0.9, (3.0, 2.0, 8.0, 6.0)))
    assert np.array_equal(np.asarray(cut), noise[2:6, 3:8])


@pytest.mark.parametrize("color", COLORS)
@pytest.mark.parametrize("around", ["red", "white", "black"])
def test_a_speck_has_its_own_colour_whatever_is_around_it(mean_color, color, around):
    # One pixel of 240: were the ground not grey, it would decide.
    image = Image.new("RGB", (20, 12), around)
    image.putpixel((4, 5), Image.new("RGB", (1, 1), color).getpixel((0, 0)))
    assert colors(mean_color, image, [masked((0, 0, 20, 12), (5, 4))], "cat") == [color]


def test_several_things_are_named_in_their_order_and_none_needs_nobody(mean_color):
    image = Image.new("RGB", (20, 12), "blue")
    image.paste("pink", (0, 0, 10, 12))
    found = [Instance("cat", 0.9, (x, 0.0, x + 10, 12.0)) for x in (10.0, 0.0)]
    assert colors(mean_color, image, found, "cat") == ["blue", "pink"]
    assert colors(mean_color, image, [], "cat") == []


class Scattered:
    """Tells red by three phrases of one direction, and blue by ones that lie far apart."""

    identity = MappingProxyType({"embedder": "scattered"})

    def texts(self, texts):
        told = {
            "red": [[1.0, 0.0, 0.0]] * 3,
            "blue": [[0.0, 0.6, 0.8], [0.0, 0.6, -0.8], [0.0, 1.0, 0.0]],
        }
        return np.concatenate([told.get(color, [[0.0, -1.0, 0.0]] * 3) for color in COLORS])

    def images(self, images):
        return np.array([[0.65, 0.76, 0.0]] * len(images))


def test_a_colour_is_the_direction_of_its_phrases_however_far_they_lie_apart():
    # Blue's mean is .73 long, so without stretching red would win by .65 to .56.
    image = Image.new("RGB", (20, 12))
    assert colors(Scattered(), image, [masked((0, 0, 5, 5), (1, 1))], "cat") == ["blue"]


def test_published_kinds_of_networks_tell_colours_as_the_library_does(detector, tmp_path):
    torch.manual_seed(0)
    network, processor = save_clip()
    network.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    towers = Towers(model=str(tmp_path), device="cpu", dtype="float32")
    noise = np.random.default_rng(1).integers(0, 256, (50, 70, 3), np.uint8)
    image = Image.fromarray(noise)
    (found,) = detector.detect([image])
    assert len(found) > 2

    clip, process = CLIPModel.from_pretrained(tmp_path).eval(), CLIPProcessor.from_pretrained(
        tmp_path
    )  # fmt: skip
    scores = []
    for color in COLORS:
        texts = [f"a photo of a {color} cat", f"a photo of a {color}-colored cat",
                 f"a photo of a {color} object"]  # fmt: skip
        inputs = process(
            text=texts, images=[alone(image, one) for one in found], padding="max_length",
            truncation=True, return_tensors="pt",
        )  # fmt: skip
        with torch.inference_mode():
            told = clip(**inputs)
        mean = told.text_embeds.mean(0)
        scores.append(told.image_embeds @ (mean / mean.norm()))
    wanted = [COLORS[place] for place in torch.stack(scores).argmax(0).tolist()]
    assert colors(towers, image, found, "cat") == wanted
