"""`danqing layers`, from a picture to files, with a toy model."""

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from danqing.cli.main import main
from danqing.pipelines.layers.stack import Layer, compose
from danqing.pipelines.save import save
from danqing.testing import toy, toy_layered


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    save(toy_layered(), folder / "apart")
    save(toy(), folder / "paints")
    return folder


@pytest.fixture(autouse=True)
def _logs():
    """Take away what `main` does to the loggers of its process."""
    root, ours = logging.getLogger(), logging.getLogger("danqing")
    handlers, level = list(root.handlers), ours.level
    yield
    root.handlers[:] = handlers
    ours.setLevel(level)


@pytest.fixture
def layers(models, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (20, 26, 3), np.uint8)
    Image.fromarray(pixels).save("picture.png")

    def run(*words, model="apart"):
        capsys.readouterr()
        main(["layers", *words, "--model", str(models / model)])
        return capsys.readouterr().out.splitlines()

    return run


def test_a_picture_becomes_layers_in_every_kind_of_file(layers, caplog):
    words = ("picture.png", "a red square", "--count", "2", "--again", "2", "--exact")
    out = ("--out", "apart", "--out", "apart.psd", "--out", "apart.pptx")
    with caplog.at_level(logging.INFO):
        assert layers(*words, *out, "--seed", "5") == ["apart", "apart.psd", "apart.pptx"]
    assert any("dB from the picture" in line for line in caplog.messages)
    about = json.loads(Path("apart/layers.json").read_text())
    names = [one["name"] for one in about["layers"]]
    assert names == ["1", "2.1", "2.2", "correction"]
    assert about["made"]["record"]["seed"] == 5
    stack = [Layer(name, Image.open(f"apart/{name}.png")) for name in names]
    with Image.open("picture.png") as picture:
        assert compose(stack).convert("RGB").tobytes() == picture.tobytes()
    with Image.open("apart.psd") as whole, Image.open("picture.png") as picture:
        assert len(whole.layers) == 4
        assert whole.tobytes() == picture.tobytes()


def test_layers_go_into_a_folder_if_nothing_is_said(layers):
    assert layers("picture.png", "a red square", "--count", "1", "--side", "48") == ["layers"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("picture.png", " "), "prompt must say what the picture shows"),
        (("none.png", "a"), "picture must be a file"),
        (("picture.png", "a", "--out", "a.jpg"), "layers must be saved as a folder"),
        (("picture.png", "a", "--again", "9"), "layers to take apart again must be of 1, 2, 3, 4"),
        (("picture.png", "a", "--count", "50"), "count must be from 1 to 20"),
        (("picture.png", "a", "--side", "640"), "side must be 32 or 48"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(layers, tmp_path, words, message):
    with pytest.raises(SystemExit) as stop:
        layers(*words)
    assert str(stop.value.code).startswith(f"danqing: {message}")
    assert "\n" not in str(stop.value.code)
    assert [file.name for file in tmp_path.iterdir()] == ["picture.png"]


def test_a_model_that_only_paints_says_which_one_takes_apart(layers):
    with pytest.raises(SystemExit) as stop:
        layers("picture.png", "a", model="paints")
    assert "choose Qwen/Qwen-Image-Layered" in str(stop.value.code)
