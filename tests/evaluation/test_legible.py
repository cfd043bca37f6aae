"""What a reader takes for something else is found, with where and as what."""

from PIL import ImageDraw

from danqing.data.synthesis import held_out
from danqing.data.synthesis.fonts import FACES
from danqing.data.synthesis.words import CHARACTERS, ILLEGIBLE, PHRASES, UNSEEN_CHARACTERS, WORDS
from danqing.evaluation.degradations import clean
from danqing.evaluation.legible import characters_misread, misread

ENGLISH = {name for name, face in FACES.items() if face.script == "en"}


def blank(image):
    image = image.copy()
    ImageDraw.Draw(image).rectangle((0, 0, *image.size), fill=image.getpixel((0, 0)))
    return image


def test_plain_words_are_read_in_every_face_and_gone_ones_in_none():
    assert list(misread(["SUN"], "en", conditions={"clean": clean})) == []
    found = list(misread(["SUN"], "en", conditions={"clean": clean, "gone": blank}))
    assert {(wrong.face, wrong.condition) for wrong in found} == {
        (face, condition) for face in ENGLISH for condition in ("gone", "gone, apart")
    }
    assert {(wrong.string, wrong.read) for wrong in found} == {("SUN", "")}


def test_a_misread_neighbour_speaks_only_against_itself():
    def hidden(image):
        """Hide the first quarter, where four characters have the first one."""
        image = image.copy()
        box = (0, 0, image.width // 4, image.height)
        ImageDraw.Draw(image).rectangle(box, fill=image.getpixel((0, 0)))
        return image

    assert list(characters_misread("山水火日", conditions={"clean": clean})) == []
    found = list(characters_misread("山水火日", conditions={"hidden": hidden}))
    assert all("in four" in wrong.condition for wrong in found)
    assert found


def test_prompts_ask_for_nothing_that_is_illegible():
    assert {*WORDS, *PHRASES, *CHARACTERS, *UNSEEN_CHARACTERS} >= ILLEGIBLE
    for category in ("text_en", "text_zh"):
        asked = {prompt.spec.string for prompt in held_out(category, 120)}
        assert not asked & ILLEGIBLE
