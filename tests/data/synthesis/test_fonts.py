"""Every face draws every character it may be asked for."""

import string

import pytest
from PIL import Image, ImageDraw

from danqing.data.synthesis.fonts import FACES, FOLDER, TRAINING_FACES
from danqing.data.synthesis.words import CHARACTERS, UNSEEN_CHARACTERS

ALPHABETS = {
    "en": string.digits + string.ascii_letters + string.punctuation,
    "zh": CHARACTERS + UNSEEN_CHARACTERS,
}
ABSENT = "\ue000"  # private use: no face has it, so it shows the box for missing characters


def picture(face, character):
    image = Image.new("L", (64, 64))
    ImageDraw.Draw(image).text((8, 0), character, font=face.at(40), fill=255)
    return image.tobytes()


@pytest.mark.parametrize("name", FACES)
def test_no_character_is_missing_empty_or_drawn_as_another(name):
    face = FACES[name]
    alphabet = ALPHABETS[face.script]
    drawn = {picture(face, character) for character in alphabet}
    assert len(drawn) == len(alphabet)
    assert picture(face, ABSENT) not in drawn
    assert picture(face, " ") not in drawn


def test_each_script_has_two_faces_to_train_with_and_one_held_out():
    for script, at_least in (("en", 3), ("zh", 2)):
        ours = [face for face in FACES.values() if face.script == script]
        assert sum(face.name in TRAINING_FACES for face in ours) >= at_least
        assert sum(face.held_out for face in ours) == 1


def test_faces_are_small_and_come_with_their_licences():
    assert sum(face.file.stat().st_size for face in FACES.values()) < 1_200_000
    table = (FOLDER / "README.md").read_text(encoding="utf-8")
    for face in FACES.values():
        assert f"`{face.file.name}`" in table
        licences = (FOLDER / "OFL.txt", FOLDER / "DEJAVU.txt")
        assert any(face.name in licence.read_text(encoding="utf-8") for licence in licences)
