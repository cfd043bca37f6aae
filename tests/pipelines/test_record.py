"""A picture carries what made it, and strangers' pictures do no harm."""

import json
import struct
import zlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from danqing.core.errors import RequestError
from danqing.pipelines.record import KEYWORD, LARGEST, Picture, Record, read, request_from

RECORD = Record(
    prompt="a red square, 红色方块, “字”",
    negative=" ",
    size=(30, 20),
    steps=4,
    guidance=2.5,
    interval=(0.1, 0.9),
    sampler="heun",
    seed=7,
    batch=3,
    index=1,
    model="toy",
    weights="00ff",
    dtype="float32",
    device="cpu",
    versions={"danqing": "0"},
)


def stranger(path, text):
    """A PNG whose record is any text."""
    info = PngInfo()
    info.add_itxt(KEYWORD, text)
    Image.new("RGB", (2, 2)).save(path, pnginfo=info)
    return path


def changed(**values):
    from danqing.core.config import dump

    return json.dumps(dump(RECORD) | values)


def test_what_a_picture_is_saved_with_is_read_back(tmp_path):
    path = Picture(Image.new("RGB", (30, 20)), RECORD).save(tmp_path / "a.png")
    assert read(path) == RECORD
    assert request_from(path) == RECORD.request
    assert RECORD.request.index == 1
    with Image.open(path) as image:
        assert image.size == (30, 20)


texts = st.text(st.characters(codec="utf-8"), min_size=1)


@settings(max_examples=25)
@given(prompt=texts.filter(str.strip), negative=texts)
def test_any_text_survives(tmp_path_factory, prompt, negative):
    path = tmp_path_factory.mktemp("any") / "a.png"
    record = replace(RECORD, prompt=prompt, negative=negative)
    assert read(Picture(Image.new("RGB", (2, 2)), record).save(path)) == record


def test_only_png_keeps_a_record(tmp_path):
    with pytest.raises(RequestError, match=r"got a\.jpg; try a\.png"):
        Picture(Image.new("RGB", (2, 2)), RECORD).save(tmp_path / "a.jpg")
    assert list(tmp_path.iterdir()) == []


def test_a_record_after_the_pixels_is_found(tmp_path):
    path = Picture(Image.new("RGB", (2, 2)), RECORD).save(tmp_path / "a.png")
    data = path.read_bytes()
    start = data.index(b"iTXt") - 4
    length = struct.unpack(">I", data[start : start + 4])[0] + 12
    chunk, end = data[start : start + length], data.index(b"IEND") - 4
    path.write_bytes(data[:start] + data[start + length : end] + chunk + data[end:])
    assert read(path) == RECORD


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        "3",
        "[" * 100_000,
        '{"prompt": "only"}',
        changed(prompt=""),
        changed(prompt=3),
        changed(steps="4"),
        changed(steps=True),
        changed(steps=10**9),
        changed(guidance=float("nan")),
        changed(interval=[0.9, 0.1]),
        changed(size=[10**9, 10**9]),
        changed(size=[1]),
        changed(seed=-1),
        changed(batch=10**6),
        changed(index=3),
        changed(sampler="evil"),
        changed(versions={"a": 3}),
        changed(extra=1),
    ],
)
def test_a_record_that_makes_no_sense_is_refused_in_one_line(tmp_path, text):
    path = stranger(tmp_path / "a.png", text)
    with pytest.raises(RequestError, match=r"the record in a\.png cannot be used") as error:
        read(path)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


def test_an_oversized_record_is_not_read(tmp_path):
    path = stranger(tmp_path / "a.png", changed(prompt="x" * LARGEST))
    with pytest.raises(RequestError, match="must be a PNG with a record, got none"):
        read(path)


def test_a_chunk_that_lies_about_its_length_is_harmless(tmp_path):
    body = KEYWORD.encode() + b"\0\0\0\0\0{"
    chunk = struct.pack(">I", 1000) + b"iTXt" + body + struct.pack(">I", zlib.crc32(body))
    for tail in (chunk, b"\0\0\0", struct.pack(">I", 2**32 - 1) + b"IDAT", b""):
        (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + tail)
        with pytest.raises(RequestError):
            read(tmp_path / "a.png")


@pytest.mark.parametrize("data", [b"", b"\x89PNG", b"not a picture"])
def test_other_files_carry_no_record(tmp_path, data):
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(RequestError, match="must be a PNG with a record"):
        read(tmp_path / "a.png")


def test_a_picture_without_a_record_says_so(tmp_path):
    Image.new("RGB", (2, 2)).save(tmp_path / "a.png")
    with pytest.raises(RequestError, match="got none; only pictures saved by danqing"):
        read(tmp_path / "a.png")


def test_a_missing_picture_is_one_line(tmp_path):
    with pytest.raises(RequestError, match="picture must be a file that can be read"):
        read(tmp_path / "no.png")
    with pytest.raises(RequestError, match="picture must be a file that can be read"):
        read(tmp_path)
