"""Strangers' pictures are read as they look, with a word for changes, or refused in a line."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms

from danqing.core.errors import RequestError
from danqing.core.pictures import fingerprint, read_picture

RED, WHITE = (255, 0, 0), (255, 255, 255)


def halves(left, right, size=(8, 4)):
    image = Image.new("RGB", size, right)
    image.paste(left, (0, 0, size[0] // 2, size[1]))
    return image


@pytest.mark.parametrize("size", [(1, 1), (37, 1999), (10_000, 150)])
def test_pixels_of_any_size_are_kept(tmp_path, size):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    image, remarks = read_picture(tmp_path / "a.png")
    assert np.array_equal(np.asarray(image), pixels)
    assert remarks == ()


def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path):
    values = np.array([[0, 255, 0x80FF, 0xFFFF]], dtype=np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    image, remarks = read_picture(tmp_path / "a.png")
    assert [image.getpixel((x, 0))[0] for x in range(4)] == [0, 0, 0x80, 255]
    assert remarks == ("16 bits scaled to 8",)


@pytest.mark.parametrize("mode", ["P", "RGBA", "LA"])
def test_transparency_lies_on_white(tmp_path, mode):
    image = Image.new("RGBA", (4, 2), (0, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, 2, 2))
    image.convert(mode).save(tmp_path / "a.png")
    opened, remarks = read_picture(tmp_path / "a.png")
    assert opened.getpixel((0, 0)) == WHITE
    assert opened.getpixel((3, 0)) == (0, 0, 0)
    assert remarks == ("transparency laid on white",)


def test_one_colour_that_is_transparent_lies_on_white_too(tmp_path):
    halves(RED, (0, 0, 255)).save(tmp_path / "a.png", transparency=RED)
    assert read_picture(tmp_path / "a.png").image.getpixel((0, 0)) == WHITE


def test_an_alpha_that_hides_nothing_is_not_spoken_of(tmp_path):
    Image.new("RGBA", (4, 2), (*RED, 255)).save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png") == (Image.new("RGB", (4, 2), RED), ())


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_is_turned_as_its_exif_says(tmp_path, orientation):
    # What the camera saw upright, turned as it lay in the hand.
    way = [None, None, 0, 3, 1, 5, 2, 6, 4][orientation]
    upright = halves(RED, WHITE, (16, 8))
    lying = upright if way is None else upright.transpose(way)
    exif = Image.Exif()
    exif[0x0112] = orientation
    lying.save(tmp_path / "a.png", exif=exif)
    image, remarks = read_picture(tmp_path / "a.png")
    assert image.tobytes() == upright.tobytes()
    assert (remarks == ()) == (orientation == 1)


def test_of_a_moving_picture_the_first_frame_counts(tmp_path):
    frames = [Image.new("RGB", (4, 2), colour) for colour in (RED, WHITE)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    image, remarks = read_picture(tmp_path / "a.gif")
    assert image.getpixel((0, 0)) == RED
    assert remarks == ("only its first frame taken",)


def test_cmyk_becomes_rgb(tmp_path):
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=100)
    image, remarks = read_picture(tmp_path / "a.jpg")
    assert np.allclose(image.getpixel((0, 0)), RED, atol=3)
    assert remarks == ("CMYK without a profile converted to RGB",)


def test_colours_of_another_space_are_converted(tmp_path):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # In this space red is what is green elsewhere.
    other = srgb.replace(b"rXYZ", b"????").replace(b"gXYZ", b"rXYZ").replace(b"????", b"gXYZ")
    other = other.replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be"))
    expected = {srgb: (RED, 0), other: ((0, 255, 0), 1), b"nothing": (RED, 1)}
    for profile, (colour, count) in expected.items():
        Image.new("RGB", (4, 4), RED).save(tmp_path / "a.png", icc_profile=profile)
        image, remarks = read_picture(tmp_path / "a.png")
        assert np.allclose(image.getpixel((0, 0)), colour, atol=3)
        assert len(remarks) == count


def png_head(width, height):
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def whole():
    file = BytesIO()
    halves(RED, WHITE, (64, 64)).save(file, "PNG")
    return file.getvalue()


def floats():
    file = BytesIO()
    Image.new("F", (4, 4), 0.5).save(file, "TIFF")
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "must be a file, got"),
        (b"", "must be a JPEG, PNG"),
        (b"<svg/>", "must be a JPEG, PNG"),
        (whole()[:-40], "must be whole, got a.png, which cannot be decoded"),
        (png_head(12_000, 12_000), "promises 144,000,000 pixels, more than 120,000,000"),
        (png_head(16_000, 16_000), "promises far more than 120,000,000 pixels"),
        (png_head(11_000, 9_000)[:60], "must be whole"),
        (png_head(100_000, 2), "longer than 16,384 pixels"),
        (floats(), "must have 8 or 16 bits, got 32"),
    ],
    ids=[
        "missing",
        "empty",
        "no picture",
        "cut short",
        "large",
        "bomb",
        "head alone",
        "long",
        "floats",
    ],
)
def test_what_cannot_be_read_costs_one_line(tmp_path, data, message):
    if data is not None:
        (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(RequestError, match=message) as error:
        read_picture(tmp_path / "a.png")
    assert "\n" not in str(error.value)


def test_a_fingerprint_is_of_the_pixels_and_of_nothing_else(tmp_path):
    image = halves(RED, WHITE)
    for name in ("a.png", "b.bmp"):
        image.save(tmp_path / name)
        assert fingerprint(read_picture(tmp_path / name).image) == fingerprint(image)
    # The same bytes in other rows are another picture.
    plain = Image.new("RGB", (8, 4), RED)
    assert fingerprint(plain) != fingerprint(plain.resize((4, 8))) != fingerprint(image)
