"""Instructions are made of known words, and captions are read as before."""

import re
from itertools import cycle

import pytest

from danqing.data.edits.refer import SIDES, Reference
from danqing.data.edits.things import one
from danqing.data.edits.wordings import (
    GROWTH_SAID,
    HELD_OUT_WORDINGS,
    PLACES_SAID,
    POSES_SAID,
    STYLES_SAID,
    WORDINGS,
)
from danqing.data.edits.words import vocabulary as edit_words
from danqing.data.synthesis import Synthesis, captions
from danqing.data.synthesis.captions import COLORS_SAID, QUOTES, fill
from danqing.data.synthesis.placed import Thing
from danqing.data.synthesis.words import PHRASES, WORDS
from danqing.data.vocabulary import vocabulary
from danqing.models.conditioner.tokenizer import build_tokenizer
from danqing.scorers.world import BACKGROUNDS, PALETTE, SHAPES


def fields(language):
    """Return all that may stand in the fields of a language, and much that is quoted."""
    things = [
        Thing(shape, color, (0, 0, 0), (0.0, 0.0), 1.0) for shape in SHAPES for color in PALETTE
    ]
    told = [
        Reference(shape, color, side).said(language)
        for shape in SHAPES
        for color, side in zip((None, *PALETTE), cycle((None, *SIDES)), strict=False)
    ]
    quotes = [QUOTES[language].format(string) for string in (*WORDS[::40], *PHRASES[::20])]
    places, growth = PLACES_SAID[language].values(), GROWTH_SAID[language].values()
    return {
        "thing": told,
        "other": told,
        "new": [one(thing, language) for thing in things],
        "old": quotes,
        "color": [COLORS_SAID[language][color] for color in PALETTE],
        "ground": [COLORS_SAID[language][ground] for ground in BACKGROUNDS],
        "place": [place for place, _ in places],
        "to": [to for _, to in places],
        "grown": [grown for grown, _ in growth],
        "grow": [grow for _, grow in growth],
        "style": [*STYLES_SAID[language].values()],
        "pose": [*POSES_SAID[language].values()],
    }


@pytest.fixture(scope="module")
def instructions():
    """Return every wording with every entry of its fields, and its language."""
    found = []
    for task, wordings in WORDINGS.items():
        for language, frames in wordings.items():
            entries = fields(language)
            if task == "replace_text":
                entries["new"] = entries["old"][::-1]
            for frame in frames:
                names = re.findall(r"\{(\w+)\}", frame)
                for i in range(max((len(entries[name]) for name in names), default=1)):
                    filled = {name: entries[name][i % len(entries[name])] for name in names}
                    found.append((fill(frame, filled, language), language))
    return found


def test_the_vocabulary_covers_all_instructions_and_has_nothing_idle(instructions):
    known, used = vocabulary(), set()
    pieces = sorted({*known.chinese, *known.marks, "1", "2"}, key=len, reverse=True)
    for sentence, language in instructions:
        rest = re.sub('"(.*?)"|“(.*?)”', "", sentence)
        if language == "en":
            words = rest.replace(",", " ").split()
            assert not sentence[0].isalpha() or words[0] in known.starters
        else:
            # Longest words first, as a tokenizer would read.
            words = re.findall("|".join(map(re.escape, pieces)), rest)
            assert "".join(words) == rest
        used |= set(words)
    everything = {*known.english, *known.chinese, *known.marks}
    assert used <= everything
    idle = {*edit_words().english, *edit_words().chinese} - used
    assert not idle


def test_a_tokenizer_reads_captions_as_it_did_without_edits(instructions):
    def tokens(known, sentence):
        tokenizer = build_tokenizer(
            (*known.english, *known.chinese, *known.marks), known.characters
        )
        return [tokenizer.encode(text).tokens for text in sentence]

    said = [Synthesis(max_phrase=4, max_word=8).prompt(index).prompt for index in range(800)]
    assert tokens(vocabulary(), said) == tokens(captions.vocabulary(), said)
    # Of what is Chinese nothing is spelled in bytes: every token is a word or a character.
    chinese = [sentence for sentence, language in instructions if language == "zh"]
    for sentence, read in zip(chinese, tokens(vocabulary(), chinese), strict=True):
        assert len(read) <= len(sentence)


def test_held_out_wordings_are_made_of_words_that_training_knows():
    for language in ("en", "zh"):
        trained, kept = (
            {
                word
                for wordings in WORDINGS.values()
                for frame in wordings[language][part]
                for word in frame.split()
            }
            for part in (slice(None, -HELD_OUT_WORDINGS), slice(-HELD_OUT_WORDINGS, None))
        )
        assert kept <= trained


def test_vocabularies_add_up():
    both = vocabulary()
    assert both.english[: len(captions.vocabulary().english)] == captions.vocabulary().english
    assert (both | both) == both
