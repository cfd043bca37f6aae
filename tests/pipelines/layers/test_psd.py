"""Layers in a PSD file are read back by a strict reader of the published format, and by Pillow."""

import struct
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from danqing.pipelines.layers import psd
from danqing.pipelines.layers.stack import Layer, compose


class Bytes:
    """A file from front to back; every length in it must be that of what it holds."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        assert self.at + count <= len(self.data), "the file ends early"
        self.at += count
        return self.data[self.at - count : self.at]

    def numbers(self, form):
        return struct.unpack(">" + form, self.take(struct.calcsize(">" + form)))

    def number(self, form):
        (value,) = self.numbers(form)
        return value

    def section(self):
        return Bytes(self.take(self.number("I")))

    def end(self):
        assert self.at == len(self.data), f"{len(self.data) - self.at} bytes are left"


class Read(NamedTuple):
    """What a file holds."""

    whole: np.ndarray
    transparent: bool
    layers: list[tuple[str, tuple[int, int], np.ndarray]]
    """Names, offsets and pixels."""


def unpack_row(data):
    """PackBits, as TIFF 6.0 (section 9) tells how to read it."""
    row, at = bytearray(), 0
    while at < len(data):
        code = data[at]
        assert code != 128, "a code without meaning"
        if code < 128:
            row += data[at + 1 : at + 2 + code]
            at += 2 + code
        else:
            row += data[at + 1 : at + 2] * (257 - code)
            at += 2
    assert at == len(data)
    return bytes(row)


def channels(file, height, width, count):
    lengths = [file.numbers(f"{height}H") for _ in range(count)]
    rows = [[unpack_row(file.take(n)) for n in one] for one in lengths]
    assert all(len(row) == width for one in rows for row in one)
    flat = b"".join(row for one in rows for row in one)
    return np.frombuffer(flat, np.uint8).reshape(count, height, width)


def record(file):
    top, left, bottom, right = file.numbers("4i")
    assert bottom >= top
    assert right >= left
    heads = [file.numbers("hI") for _ in range(file.number("H"))]
    assert file.take(8) == b"8BIMnorm"
    opacity, clipping, flags, filler = file.numbers("4B")
    assert (opacity, clipping, flags & 2, filler) == (255, 0, 0, 0), "must be seen as it is"
    extra = file.section()
    extra.section().end()  # mask
    extra.section().end()  # blending ranges
    length = extra.number("B")
    old = extra.take(length).decode("ascii")
    extra.take(-(length + 1) % 4)
    assert extra.take(8) == b"8BIMluni"
    text = extra.section()
    name = text.take(2 * text.number("I")).decode("utf-16-be")
    assert set(text.data[text.at :]) <= {0}
    assert old == name.encode("ascii", "replace").decode()
    extra.end()
    return name, (left, top, right, bottom), heads


def read(path):
    file = Bytes(path.read_bytes())
    assert file.take(4) == b"8BPS"
    version, zeros, count, height, width, depth, mode = file.numbers("H6sHIIHH")
    assert (version, zeros, depth, mode) == (1, bytes(6), 8, 3)
    file.section().end()  # palette
    file.section().end()  # resources
    both = file.section()
    info = both.section()
    assert len(info.data) % 2 == 0
    both.section().end()  # mask of all layers
    both.end()

    number = info.number("h")
    records = [record(info) for _ in range(abs(number))]
    layers = []
    for name, (left, top, right, bottom), heads in records:
        assert sorted(number for number, _ in heads) == [-1, 0, 1, 2]
        planes = {}
        for number_, length in heads:
            data = Bytes(info.take(length))
            assert data.number("H") == 1
            (planes[number_],) = channels(data, bottom - top, right - left, 1)
            data.end()
        pixels = np.stack([planes[n] for n in (0, 1, 2, -1)], axis=-1)
        layers.append((name, (left, top), pixels))
    assert set(info.data[info.at :]) <= {0}
    assert len(info.data) - info.at < 2

    assert file.number("H") == 1
    whole = channels(file, height, width, count).transpose(1, 2, 0)
    file.end()
    assert count == (4 if number < 0 else 3)
    return Read(whole, number < 0, layers)


def back(found):
    """The layers of a file, each on a canvas of its own."""
    height, width = found.whole.shape[:2]
    for name, (left, top), pixels in found.layers:
        canvas = np.zeros((height, width, 4), np.uint8)
        canvas[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
        yield Layer(name, Image.fromarray(canvas))


def noisy(size, box, seed=0):
    """A layer that is empty outside a box."""
    left, top, right, bottom = box
    pixels = np.zeros((size[1], size[0], 4), np.uint8)
    values = np.random.default_rng(seed).integers(1, 256, (bottom - top, right - left, 4))
    pixels[top:bottom, left:right] = values
    return Image.fromarray(pixels)


@pytest.fixture
def stack():
    size = (301, 40)
    ground = Image.new("RGBA", size, (200, 100, 50, 255))
    return [
        Layer("1", ground),
        Layer("2", noisy(size, (17, 3, 300, 40))),
        Layer("2.1 花", noisy(size, (0, 0, 1, 1), seed=1)),
        Layer("empty", Image.new("RGBA", size, (9, 9, 9, 0))),
    ]


def test_every_layer_comes_back_with_its_name_place_and_bytes(stack, tmp_path):
    psd.write(stack, tmp_path / "a.psd")
    found = read(tmp_path / "a.psd")
    assert [name for name, _, _ in found.layers] == [layer.name for layer in stack]
    assert [place for _, place, _ in found.layers] == [(0, 0), (17, 3), (0, 0), (0, 0)]
    assert [pixels.shape[:2] for _, _, pixels in found.layers][1:] == [(37, 283), (1, 1), (0, 0)]
    for layer, again in zip(stack[:3], back(found), strict=False):
        assert np.array_equal(np.asarray(layer.image), np.asarray(again.image))
    assert compose(list(back(found))) == compose(stack)


def test_programs_that_know_no_layers_see_the_whole(stack, tmp_path):
    psd.write(stack, tmp_path / "a.psd")
    assert not read(tmp_path / "a.psd").transparent
    with Image.open(tmp_path / "a.psd") as image:
        assert (image.format, image.mode, image.size) == ("PSD", "RGB", (301, 40))
        assert np.array_equal(np.asarray(image), np.asarray(compose(stack).convert("RGB")))


def test_pillow_sees_the_layers_too(stack, tmp_path):
    psd.write(stack[:3], tmp_path / "a.psd")
    with Image.open(tmp_path / "a.psd") as image:
        boxes = [(name, mode, box) for name, mode, box, _ in image.layers]
        assert [box for _, _, box in boxes] == [(0, 0, 301, 40), (17, 3, 300, 40), (0, 0, 1, 1)]
        assert {mode for _, mode, _ in boxes} == {"RGBA"}
        image.seek(2)
        seen = np.asarray(image.convert("RGBA"))
    wanted = np.asarray(stack[1].image)
    assert np.array_equal(seen[3:, 17:300], wanted[3:, 17:300])


def test_a_transparent_whole_lies_on_white_and_says_its_alpha(stack, tmp_path):
    psd.write(stack[1:], tmp_path / "a.psd")
    found = read(tmp_path / "a.psd")
    whole = compose(stack[1:])
    ground = Image.new("RGBA", whole.size, "white")
    assert found.transparent
    assert np.array_equal(found.whole[..., 3], np.asarray(whole)[..., 3])
    seen = np.asarray(Image.alpha_composite(ground, whole))[..., :3]
    assert np.array_equal(found.whole[..., :3], seen)


rows = st.one_of(
    st.binary(min_size=1, max_size=400),
    st.lists(st.tuples(st.sampled_from(b"ab"), st.integers(1, 300)), min_size=1, max_size=8).map(
        lambda runs: b"".join(bytes([value]) * count for value, count in runs)
    ),
)


@given(rows)
def test_a_row_comes_back_and_grows_by_a_byte_in_128_at_most(row):
    packed = psd.pack_row(np.frombuffer(row, np.uint8))
    assert unpack_row(packed) == row
    assert len(packed) <= len(row) + -(-len(row) // 128)


@pytest.mark.parametrize("count", [1, 2, 3, 127, 128, 129, 256, 257, 1000])
def test_a_row_of_one_value_takes_two_bytes_for_each_128(count):
    packed = psd.pack_row(np.full(count, 7, np.uint8))
    assert unpack_row(packed) == bytes([7]) * count
    assert len(packed) <= 2 * -(-count // 128) + (count == 2)
