"""Layers on disk: whole, named, and never over what is not ours."""

import json

import numpy as np
import pytest
from PIL import Image

from danqing.core.config import parse
from danqing.core.errors import RequestError
from danqing.pipelines.layers.save import MANIFEST, Made, check_name, save
from danqing.pipelines.layers.stack import Layer
from danqing.pipelines.request import Request
from danqing.testing import toy_layered


@pytest.fixture(scope="module")
def made():
    record = toy_layered().plan(Request("a red square", size=(8, 6)))
    return Made(picture="0" * 64, count=2, side=32, again=("2",), likeness=31.5, record=record)


@pytest.fixture(scope="module")
def stack():
    pixels = np.random.default_rng(0).integers(0, 256, (3, 6, 8, 4), np.uint8)
    pixels[2, ..., 3] = 51
    named = zip(("1", "2.1", "2.2"), pixels, strict=True)
    return [Layer(name, Image.fromarray(one)) for name, one in named]


def test_a_folder_holds_every_layer_and_what_made_them(stack, made, tmp_path):
    assert save(stack, tmp_path / "layers", made) == tmp_path / "layers"
    about = json.loads((tmp_path / "layers" / MANIFEST).read_text())
    assert parse(Made, about["made"]) == made
    assert [one["name"] for one in about["layers"]] == ["1", "2.1", "2.2"]
    assert about["layers"][2]["coverage"] == 0.2
    for layer, one in zip(stack, about["layers"], strict=True):
        with Image.open(tmp_path / "layers" / one["file"]) as image:
            assert image.mode == "RGBA"
            assert image.tobytes() == layer.image.tobytes()
    assert len(list((tmp_path / "layers").iterdir())) == 4


def test_layers_replace_layers_and_nothing_else(stack, made, tmp_path):
    save(stack, tmp_path / "layers", made)
    save(stack[:1], tmp_path / "layers", made)
    assert {file.name for file in (tmp_path / "layers").iterdir()} == {"1.png", MANIFEST}

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(RequestError, match="which holds other things; choose another name"):
        save(stack, tmp_path / "mine", made)
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(("name", "start"), [("a.psd", b"8BPS"), ("a.PPTX", b"PK")])
def test_the_end_of_a_name_says_the_kind(stack, made, tmp_path, name, start):
    save(stack, tmp_path / name, made)
    assert (tmp_path / name).read_bytes().startswith(start)


def test_a_kind_that_is_not_written_is_refused(tmp_path):
    with pytest.raises(RequestError, match=r"a folder, \.pptx or \.psd, got a\.png; try a\.psd"):
        check_name(tmp_path / "a.png")
