"""Whole words where they mean something, single characters where they are to be drawn."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danqing.models.conditioner.template import TEMPLATES
from danqing.models.conditioner.tokenizer import PAD

TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('“”"「」红色圆 \n'))
LETTERS = st.text(st.characters(categories=["L", "N"], max_codepoint=0x9FFF), min_size=1)
QUOTES = ['""', "“”", "「」", "『』"]


def spelling(tokenizer, text):
    return [tokenizer.decode([index]) for index in tokenizer.encode(text).ids]


@given(text=TEXT)
@settings(deadline=None)
def test_every_string_comes_back_in_normal_form_c(tokenizer, text):
    assert tokenizer.decode(
        tokenizer.encode(text).ids, skip_special_tokens=False
    ) == unicodedata.normalize("NFC", text)


@given(text=TEXT)
@settings(deadline=None)
def test_nothing_is_unknown(tokenizer, text):
    if "<|" not in text:
        assert tokenizer.token_to_id(PAD) not in tokenizer.encode(text).ids


@given(word=LETTERS | st.sampled_from(["red", "circle", "red circle", "红色", "红色的圆形"]))
@pytest.mark.parametrize("quotes", QUOTES)
@settings(deadline=None, max_examples=50)
def test_what_is_quoted_is_spelled_one_character_at_a_time(tokenizer, quotes, word):
    opening, closing = quotes
    word = unicodedata.normalize("NFC", word)
    tokens = tokenizer.encode(f"a red {opening}{word}{closing} on blue").ids
    ends = len(tokenizer.encode(opening).ids), len(tokenizer.encode(closing).ids)
    apart = []
    for character in word:
        ids = tokenizer.encode(f"{opening}{character}{closing}").ids
        apart += ids[ends[0] : len(ids) - ends[1]]
    before = tokenizer.encode("a red ").ids + tokenizer.encode(opening).ids
    after = tokenizer.encode(closing).ids + tokenizer.encode(" on blue").ids
    assert tokens == [*before, *apart, *after]


def test_known_words_are_one_token(tokenizer):
    assert spelling(tokenizer, "two red circles, red") == ["two", " red", " circles", ",", " red"]
    assert spelling(tokenizer, "红色的圆形，red") == ["红色", "的", "圆形", "，", "red"]


def test_the_longest_word_wins_however_long_the_sentence(tokenizer):
    assert spelling(tokenizer, "一红色" * 40) == ["一", "红色"] * 40


@pytest.mark.parametrize("word", ["LOVE", "infrared", "redness", "redred", "réd", "Red"])
def test_other_words_are_spelled(tokenizer, word):
    assert spelling(tokenizer, f"a {word}") == ["a", " ", *word.replace("é", "\ufffd\ufffd")]


def test_without_words_everything_is_spelled():
    from danqing.models.conditioner.tokenizer import build_tokenizer

    tokenizer = build_tokenizer([], [])
    assert spelling(tokenizer, "a red circle") == list("a red circle")


def test_a_character_outside_the_vocabulary_is_its_bytes(tokenizer):
    assert len(tokenizer.encode("红").ids) == 1
    assert len(tokenizer.encode("龘").ids) == 3


def test_control_tokens_are_single_and_first(tokenizer):
    from danqing.models.conditioner.tokenizer import CONTROL

    assert tokenizer.encode("".join(CONTROL)).ids == list(range(len(CONTROL)))
    assert tokenizer.token_to_id(PAD) == 0


def test_a_long_run_without_spaces_does_not_take_forever(tokenizer):
    assert len(tokenizer.encode("x" * 100_000).ids) == 100_000
    assert len(tokenizer.encode('"' + "x" * 50_000).ids) == 50_001


def test_a_saved_tokenizer_reads_the_same(tokenizer, tmp_path):
    from transformers import AutoTokenizer

    from danqing.models.conditioner.tokenizer import load_tokenizer, save_tokenizer

    save_tokenizer(tokenizer, tmp_path / "tokenizer")
    assert load_tokenizer(tmp_path / "tokenizer").to_str() == tokenizer.to_str()
    again = AutoTokenizer.from_pretrained(tmp_path / "tokenizer")
    text = TEMPLATES["nano"].render('two red circles and “红色” "LOVE"')
    assert again(text).input_ids == tokenizer.encode(text).ids
    assert again.decode(again(text).input_ids) == text
    assert (again.padding_side, again.pad_token_id) == ("right", tokenizer.token_to_id(PAD))


@pytest.mark.parametrize("name", ["nano", "nano_edit", "nano_edit_plus"])
def test_the_nano_template_opens_with_three_tokens(tokenizer, name):
    assert len(tokenizer.encode(TEMPLATES[name].dropped).ids) == 3
