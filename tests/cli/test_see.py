"""From a picture on the command line to what a toy model sees in it."""

import json

import numpy as np
import pytest
from PIL import Image

from danqing.cli.main import main


@pytest.fixture
def see(editor, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (50, 30), "red").save("photo.png")

    def run(*words: str) -> list[str]:
        capsys.readouterr()
        main(["see", *words, "--model", editor, "--steps", "1"])
        return capsys.readouterr().out.splitlines()

    return run


def test_every_pixel_has_a_depth(see, tmp_path):
    assert see("depth", "photo.png") == ["seen"]
    metres = np.load(tmp_path / "seen" / "depth.npy")
    assert metres.shape == (30, 50)
    assert (metres > 0).all()


@pytest.mark.parametrize(("task", "told"), [("segment", "legend"), ("detect", "boxes")])
def test_classes_are_told_apart_and_found(see, tmp_path, task, told):
    assert see(task, "photo.png", "star", "heart", "--out", "there") == ["there"]
    seen = json.loads((tmp_path / "there" / "seen.json").read_text())
    assert told in seen
    assert "star" in seen["instruction"]
    with Image.open(tmp_path / "there" / "overlay.png") as overlay:
        assert overlay.size == (50, 30)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("depth", "photo.png", "star"), "classes must be left out for depth"),
        (("segment", "photo.png"), "classes must be given for segment"),
        (("detect", "photo.png", "horse"), "classes must be of circle"),
        (("depth", "none.png"), "picture must be a file"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(see, tmp_path, words, message):
    with pytest.raises(SystemExit) as stop:
        see(*words)
    assert str(stop.value.code).startswith(f"danqing: {message}")
    assert not (tmp_path / "seen").exists()
