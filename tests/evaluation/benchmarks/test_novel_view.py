"""Turned things against their true views."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from danqing.core.errors import SourceError
from danqing.evaluation.benchmarks.novel_view import NovelView
from danqing.evaluation.harness import run


def thing(color, box=(8, 8, 16, 16), ground=(0, 0, 0, 0)):
    image = Image.new("RGBA", (32, 32), ground)
    ImageDraw.Draw(image).rectangle(box, color)
    return image


@pytest.fixture
def data(tmp_path, listed):
    thing("red").save(tmp_path / "front.png")
    thing("blue").save(tmp_path / "back.png")
    told = {"source": "front.png", "target": "back.png", "prompt": "turn it", "category": "180"}
    return listed({"id": "cube", **told})


def on_white(image):
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)


def test_the_true_view_on_white_is_without_error(data, tmp_path, painter, rows):
    result = run(NovelView(data=data), painter(lambda ask: on_white(thing("blue"))), tmp_path)
    assert rows(result) == {
        "PSNR (dB)": pytest.approx(80),
        "SSIM": pytest.approx(1),
        "PSNR of the thing (dB)": pytest.approx(80),
        "180": pytest.approx(80),
    }


def test_the_thing_is_judged_without_its_ground(data, tmp_path, painter, rows):
    grounded = painter(lambda ask: thing("blue", ground="black"))
    found = rows(run(NovelView(data=data), grounded, tmp_path))
    assert found["PSNR of the thing (dB)"] == pytest.approx(80)
    assert found["PSNR (dB)"] < 1
    # Red where blue should be: two of three channels are as wrong as can be.
    unturned = painter(lambda ask: on_white(thing("red")), "unturned")
    found = rows(run(NovelView(data=data), unturned, tmp_path))
    assert found["PSNR of the thing (dB)"] == pytest.approx(-10 * np.log10(2 / 3), abs=1e-6)
    assert found["PSNR (dB)"] == pytest.approx(-10 * np.log10(2 / 3 * 81 / 1024), abs=1e-5)


def test_a_mask_beside_says_where_the_thing_is(tmp_path, listed, painter, rows):
    on_white(thing("red")).convert("RGB").save(tmp_path / "t.png")
    Image.new("RGB", (32, 32)).save(tmp_path / "s.png")
    half = Image.new("L", (32, 32))
    half.paste(255, (0, 0, 32, 4))
    half.save(tmp_path / "m.png")
    line = {"source": "s.png", "target": "t.png", "mask": "m.png", "prompt": "turn"}
    white = painter(lambda ask: Image.new("RGB", (64, 64), "white"))
    found = rows(run(NovelView(data=listed(line)), white, tmp_path))
    assert found["PSNR of the thing (dB)"] == pytest.approx(80)
    assert found["PSNR (dB)"] < 20


def test_a_missing_picture_counts_as_the_mode_says(data, tmp_path, painter, rows):
    none = painter(lambda ask: "no lamp")
    assert rows(run(NovelView(data=data), none, tmp_path))["PSNR (dB)"] == 0
    official = run(NovelView(data=data, mode="official"), none, tmp_path)
    assert rows(official)["PSNR (dB)"] is None


@pytest.mark.parametrize("lacks", ["source", "target", "prompt"])
def test_lines_must_be_whole(lacks, listed):
    line = {"source": "s.png", "target": "t.png", "prompt": "turn"}
    del line[lacks]
    with pytest.raises(SourceError, match=f"lines of data.jsonl must have a {lacks}, got"):
        NovelView(data=listed(line)).asks()


def test_files_that_are_not_there_or_no_json_are_refused(tmp_path, painter, listed):
    with pytest.raises(SourceError, match="must be a JSONL file, got"):
        NovelView(data=tmp_path / "none").asks()
    bad = listed({})
    bad.write_text("[1]\n")
    with pytest.raises(SourceError, match=r"must be JSON objects, got '\[1\]' in line 1"):
        NovelView(data=bad).asks()
    line = {"source": "s.png", "target": "t.png", "prompt": "turn"}
    with pytest.raises(SourceError, match=r"must be there, got none at .*s\.png"):
        run(NovelView(data=listed(line)), painter(lambda ask: "no"), tmp_path)
