"""The source as the rest of the house sees it."""

import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from danqing.core import config
from danqing.core.errors import RecipeError, SourceError, UnknownName
from danqing.data.record import Source, sources
from danqing.data.typeset import RenderedText
from danqing.data.typeset.source import KINDS

SMALL = {"side": 256, "count": 6, "seed": 3}


def test_it_is_a_registered_source_whose_recipe_reads_back():
    assert sources["rendered_text"] is RenderedText
    recipe = {"count": 5, "kinds": {"pure": 1.0}, "languages": {"zh": 1.0}, "ratios": ["4:3"]}
    source = config.parse(RenderedText, recipe)
    assert isinstance(source, Source)
    assert config.parse(RenderedText, config.dump(source)) == source


def test_items_are_numbered_and_depend_on_number_and_settings_alone():
    items = list(RenderedText(**SMALL).items())
    assert [item.key for item in items] == [f"{i:08d}" for i in range(6)]
    backwards = {item.key: item.read() for item in reversed(list(RenderedText(**SMALL).items()))}
    for item in items:
        assert item.read() == backwards[item.key]
    more = RenderedText(side=256, count=100, seed=3)
    assert more.record(4) == backwards["00000004"]
    assert RenderedText(side=256, seed=4).record(4).image != more.record(4).image


def test_another_process_draws_the_same():
    code = (
        "import hashlib; from danqing.data.typeset import RenderedText;"
        "r = [RenderedText(side=256, seed=3).record(i) for i in range(4)];"
        "print(hashlib.sha256(b''.join(x.image + x.raw.encode() + x.meta.encode() for x in r))"
        ".hexdigest())"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1
    assert len(runs.pop().strip()) == 64


@pytest.mark.parametrize(("format", "kind"), [("png", "PNG"), ("jpeg", "JPEG")])
def test_records_hold_a_file_a_caption_and_the_layout(format, kind):
    source = RenderedText(**SMALL, format=format)
    for number in range(4):
        record = source.record(number)
        assert record.trouble is None
        image = Image.open(io.BytesIO(record.image))
        assert (image.format, image.mode) == (kind, "RGB")
        known = json.loads(record.meta)
        assert known["size"] == list(image.size)
        assert known["kind"] in KINDS
        for string in known["strings"]:
            assert string["text"] in record.raw
            assert set(string) == {
                "text", "polygon", "lines", "face", "size", "color", "language", "role"
            }  # fmt: skip


def test_sides_have_the_area_and_the_ratio_that_were_asked_for():
    source = RenderedText(side=384, ratios=("16:9", "1:2"), kinds={"pure": 1.0}, multiple=32)
    seen = {source.picture(number).image.size for number in range(8)}
    assert seen == {(512, 288), (288, 544)} or seen <= {(512, 288), (256, 544), (288, 544)}
    for width, height in seen:
        assert width % 32 == height % 32 == 0
        assert (width * height) ** 0.5 == pytest.approx(384, rel=0.06)


def test_weights_choose_kinds_languages_and_languages_of_captions():
    source = RenderedText(
        side=256, kinds={"pure": 1.0}, languages={"zh": 1.0}, captions={"en": 1.0}
    )
    for number in range(3):
        picture, record = source.picture(number), source.record(number)
        assert (picture.kind, picture.language) == ("pure", "zh")
        assert record.raw.startswith("A page of printed text")


def test_only_the_templates_that_are_named_are_drawn():
    source = RenderedText(side=512, kinds={"complex": 1.0}, templates=("chat", "ticket"))
    assert {source.picture(n).template for n in range(6)} == {"chat", "ticket"}


def test_photographs_stand_behind_things(tmp_path):
    Image.new("RGB", (300, 200), (10, 200, 30)).save(tmp_path / "a.png")
    settings = {"side": 256, "kinds": {"compositional": 1.0}, "seed": 2}
    source = RenderedText(**settings, photographs=tmp_path)
    boards = [p for p in map(source.picture, range(8)) if not p.template.startswith("close")]
    assert boards
    for picture in boards:
        assert "photographed scene" in picture.said["en"]
        pixels = np.asarray(picture.image).reshape(-1, 3).astype(int)
        green = (pixels[:, 1] > 90) & (pixels[:, 0] < 70) & (pixels[:, 2] < 80)
        assert green.mean() > 0.05


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"kinds": {"pur": 1.0}}, RecipeError, "Did you mean 'pure'"),
        ({"kinds": {"pure": 0.0}}, RecipeError, "not all 0"),
        ({"languages": {"fr": 1.0}}, RecipeError, "unknown one of languages"),
        ({"side": 64}, RecipeError, "side must be 256 to 2048, got 64"),
        ({"ratios": ("wide",)}, RecipeError, "ratios must be like 4:3"),
        ({"ratios": ("9:1",)}, RecipeError, "ratios must be 1:3 to 3:1"),
        ({"ratios": ()}, RecipeError, "at least one"),
        ({"templates": ("menus",)}, UnknownName, "Did you mean 'menu'"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_one_line(settings, error, said):
    with pytest.raises(error, match=said):
        RenderedText(**settings)


def test_places_that_are_not_there_are_refused_before_the_first_picture(tmp_path):
    english = tmp_path / "english.txt"
    english.write_text("Only English here.\n", encoding="utf-8")
    for settings, said in (
        ({"fonts": tmp_path / "none"}, "fonts .* must be a folder"),
        ({"photographs": tmp_path / "none"}, "photographs .* must be a folder"),
        ({"texts": tmp_path / "none"}, "texts .* must be a UTF-8 file"),
        ({"texts": english}, "got none in zh"),
    ):
        with pytest.raises(SourceError, match=said):
            next(RenderedText(**settings).items())
