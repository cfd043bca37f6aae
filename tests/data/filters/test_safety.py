"""Words of a list are found as words, and a list can be one's own."""

import pytest

from danqing.core.errors import RecipeError
from danqing.data.filters import Batch, filters
from danqing.data.filters.safety import WORDS


def measured(*captions, **settings):
    none = [None] * len(captions)
    batch = Batch({"raw": list(captions), "recaption": none, "fused": none}, 256)
    part = filters["unsafe_words"](**settings)
    part.load()
    return part.measure(batch)


@pytest.mark.parametrize(
    "caption",
    [
        "Middlesex county, autumn",
        "grapes on a table",
        "an analysis of peacock feathers",
        "a drapery in nude tones",
        "a category of categories",
        "跑车的性能很好",
        "自然风光",
        "红色的情侣装",
        "凝血酶的结构图",
    ],
)
def test_what_holds_a_word_by_chance_is_kept(caption):
    assert measured(caption)[0].value == 0


@pytest.mark.parametrize(
    "caption", ["Swastikas on a wall", "NSFW: two people", "这是一张色情图片", "a still with gore"]
)
def test_what_says_a_word_is_found(caption):
    (found,) = measured(caption)
    assert found.value == 1
    assert found.note


def test_different_words_count_once_each():
    (found,) = measured("porn, PORN and torture")
    assert found.value == 2
    assert found.note == "it says 'porn'"
    assert measured(None)[0].value is None


def test_the_list_has_no_word_twice_and_is_short():
    lines = [line for line in WORDS.read_text(encoding="utf-8").splitlines() if line]
    words = [line for line in lines if not line.startswith("#")]
    assert len(set(words)) == len(words) < 150


def test_a_list_of_one_s_own_takes_its_place(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("cat # a remark\n\n猫\n", encoding="utf-8")
    values = [m.value for m in measured("two cats", "a category", "小猫", "porn", words=str(path))]
    assert values == [1, 0, 1, 0]
    path.with_name("empty.txt").write_text("# nothing\n")
    with pytest.raises(RecipeError, match="add one a line"):
        measured("a", words=str(path.with_name("empty.txt")))
    with pytest.raises(RecipeError, match="cannot be read"):
        measured("a", words=str(tmp_path / "none.txt"))
