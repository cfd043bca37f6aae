"""How things are asked for."""

import pytest

from danqing.seeing.sentences import (
    FRAMES,
    HELD_OUT_WORDINGS,
    TASKS,
    TRAINING_WORDINGS,
    every,
    sentence,
)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("task", TASKS)
def test_held_out_wordings_are_others_made_of_known_words(task, language):
    frames = FRAMES[task][language]
    assert len(set(frames)) == len(frames) == 6
    told = {w for t in TASKS for i in TRAINING_WORDINGS for w in FRAMES[t][language][i].split()}
    assert {word for i in HELD_OUT_WORDINGS for word in frames[i].split()} <= told


def test_chinese_has_no_spaces_and_english_none_before_commas():
    things = {lang: every(names, lang) for lang, names in (("en", ["star", "heart"]), ("zh", "星"))}
    assert sentence("segmentation", "en", 0, {"things": things["en"]}) == (
        "paint every star and every heart in its color, the rest gray"
    )
    assert sentence("segmentation", "zh", 0, {"things": things["zh"]}) == (
        "把每个星涂成它的颜色，其余是灰色"
    )
