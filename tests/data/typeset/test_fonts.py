"""Our typefaces draw all that the package writes, and nothing is drawn without a glyph."""

import dataclasses
import re
import shutil
from pathlib import Path
from random import Random

import pytest

from danqing.core.errors import SourceError
from danqing.data.typeset import fonts
from danqing.data.typeset.fonts import BUNDLED, choose, faces

PACKAGE = Path(fonts.__file__).parent
OURS = faces()


def test_every_chinese_face_has_every_character_that_the_package_writes():
    text = "".join(f.read_text(encoding="utf-8") for f in PACKAGE.rglob("*.py"))
    written = "".join(sorted(set(re.findall("[\u3400-\u9fff]", text))))
    assert len(written) > 900
    chinese = [face for face in OURS if face.writes("zh")]
    assert len(chinese) >= 4
    for face in chinese:
        assert face.missing(written) == ""


def test_there_are_faces_of_every_kind_in_english():
    english = [face for face in OURS if face.writes("en") and not face.writes("zh")]
    assert {face.kind for face in english} == {"sans", "serif", "script", "mono"}
    assert {face.bold for face in english} == {True, False}


def test_faces_are_small_and_come_with_their_licence():
    files = sorted(BUNDLED.glob("*.otf"))
    assert sum(file.stat().st_size for file in files) < 3_000_000
    table = (BUNDLED / "README.md").read_text(encoding="utf-8")
    assert (BUNDLED / "OFL.txt").is_file()
    for file in files:
        assert f"`{file.name}`" in table


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", [None, "sans", "serif", "script", "mono"])
@pytest.mark.parametrize("bold", [None, True, False])
def test_a_chosen_face_draws_everything(language, kind, bold):
    text = {"en": "Price: $3.50 (each)", "zh": "今天天气很好。"}[language]
    face = choose(Random(1), OURS, [text], language=language, kind=kind, bold=bold)
    assert face is not None
    assert face.draws(text)


def test_one_missing_glyph_refuses_the_whole_text():
    assert choose(Random(1), OURS, ["good text", "and one rune: ᚠ"], language="en") is None
    assert choose(Random(1), OURS, ["今天", "龘"], language="zh") is None
    assert OURS[0].missing("aᚠᚠ") == "ᚠ"


def test_white_space_without_a_glyph_is_missing_too():
    english = next(face for face in OURS if not face.writes("zh"))
    assert english.missing("a b") == ""
    assert english.missing("a\u3000b") == "\u3000"


def test_a_face_of_another_region_does_not_write_chinese():
    ours = next(face for face in OURS if face.name == "Danqing Hei Regular")
    other = dataclasses.replace(ours, name="Some Sans CJK JP Regular")
    assert (ours.writes("zh"), other.writes("zh"), other.writes("en")) == (True, False, True)


def test_a_folder_of_the_users_replaces_ours(tmp_path):
    shutil.copy(BUNDLED / "plain.otf", tmp_path)
    (only,) = faces(tmp_path)
    assert only.name == "Danqing Plain Sans Regular"


def test_a_folder_without_typefaces_is_refused(tmp_path):
    with pytest.raises(SourceError, match="add some"):
        faces(tmp_path)
    with pytest.raises(SourceError, match="must be a folder"):
        faces(tmp_path / "none")
