"""Painting over pictures from the command line, with a toy model."""

import json

import numpy as np
import pytest
from PIL import Image

from danqing.cli.main import main


@pytest.fixture
def run(model, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (30, 40, 3), np.uint8)).save("photo.png")
    mask = Image.new("L", (40, 30))
    mask.paste(255, (10, 8, 20, 18))
    mask.save("mask.png")

    def run(*words: str) -> list[str]:
        capsys.readouterr()
        main([*words, "--model", model])
        return capsys.readouterr().out.splitlines()

    return run


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def record(path, capsys):
    capsys.readouterr()
    main(["info", str(path), "--json"])
    return json.loads(capsys.readouterr().out)


def refused(run, *words):
    with pytest.raises(SystemExit) as stop:
        run(*words)
    assert "\n" not in str(stop.value.code)
    return str(stop.value.code)


def test_a_masked_part_is_painted_and_made_again(run, capsys):
    words = ("inpaint", "photo.png", "mask.png")
    how = ("--feather", "2", "--crop", "4", "--strength", "0.7", "--steps", "4")
    assert run(*words, "a red circle", *how, "--out", "a.png") == ["a.png"]
    old, new = pixels("photo.png"), pixels("a.png")
    changed = (old != new).any(-1)
    assert changed[8:18, 10:20].mean() > 0.9
    changed[6:20, 8:22] = False
    assert not changed.any()

    kept = record("a.png", capsys)
    assert kept["size"] == [40, 30]
    assert kept["frame"]["size"] == [18, 18]
    under = {name: kept["under"][name] for name in ("feather", "crop", "strength")}
    assert under == {"feather": 2, "crop": 4, "strength": 0.7}

    run(*words, "--like", "a.png", "--out", "again.png")
    assert (pixels("again.png") == new).all()
    run(*words, "--like", "a.png", "--feather", "0", "--out", "sharp.png")
    assert not (pixels("sharp.png") == new).all()
    told = refused(run, "inpaint", "mask.png", "mask.png", "--like", "a.png")
    assert "must be a picture and a mask, the same as when the picture was made" in told
    told = refused(run, "generate", "--like", "a.png")
    assert "must be a picture and a mask, the same as when the picture was made" in told


def test_a_picture_grows(run, capsys):
    run("outpaint", "photo.png", "a red circle", "--ratio", "2:1", "--feather", "0", "--steps", "1")
    assert (pixels("picture.png")[:, 10:50] == pixels("photo.png")).all()
    assert record("picture.png", capsys)["size"] == [60, 30]
    margins = ("--left", "3", "--bottom", "6")
    run("outpaint", "photo.png", "a red circle", *margins, "--steps", "1", "--out", "b.png")
    assert pixels("b.png").shape == (36, 43, 3)


def test_a_prompt_is_painted_over_a_picture(run, capsys):
    run("generate", "a red circle", "--over", "photo.png", "--strength", "0.4", "--steps", "5")
    kept = record("picture.png", capsys)
    assert kept["size"] == [40, 30]
    assert kept["under"]["strength"] == 0.4
    again = ("generate", "--like", "picture.png", "--over", "photo.png", "--out", "again.png")
    run(*again)
    assert (pixels("again.png") == pixels("picture.png")).all()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("inpaint", "photo.png", "none.png", "a"), "picture must be a file, got none.png"),
        (("outpaint", "photo.png", "a"), "margins must be pixels to add to a 40x30 picture"),
        (("outpaint", "photo.png", "a", "--ratio", "wide"), "ratio must be two numbers"),
        (
            ("outpaint", "photo.png", "a", "--ratio", "2:1", "--left", "3"),
            "margins must be pixels or a ratio, got both",
        ),
        (("generate", "a", "--strength", "0.5"), "mask and strength must come with a picture"),
        (("generate", "a", "--over", "photo.png"), "must come with a mask or a strength"),
    ],
)
def test_a_mistake_is_one_line(run, words, message):
    assert message in refused(run, *words)
