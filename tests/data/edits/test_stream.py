"""Edits are exact, the same every time, and show nothing that is kept for tests."""

import json
import re
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danqing.core.config import dump, parse
from danqing.core.errors import RecipeError, UnknownName
from danqing.data.edits import STYLES, TASKS, Edits, change, held_out
from danqing.data.edits.wordings import HELD_OUT_WORDINGS, WORDINGS
from danqing.data.synthesis.captions import fill
from danqing.data.synthesis.prompts import normalized
from danqing.data.synthesis.split import (
    HELD_OUT_COLORS,
    HELD_OUT_COUNTS,
    HELD_OUT_PAIRS,
    bucket,
    dealt,
    held_out_string,
)
from danqing.scorers.detector import ShapeDetector
from danqing.scorers.world import Object, Scene, TextSpec
from danqing.seeing import sentences

CHANGING = tuple(task for task in TASKS if task not in sentences.TASKS)
"""Tasks that change a picture; the others ask what it shows."""
SMALL = Edits(size=(96, 96), max_phrase=2, tasks=dict.fromkeys(CHANGING, 1.0))
SINGLE = ("add", "remove", "replace", "recolor", "move", "resize")
"""Tasks that change one thing of the first source."""


@pytest.fixture(scope="module")
def stream():
    return [SMALL.sample(index) for index in range(400)]


@pytest.fixture(scope="module")
def kept_out():
    return {task: held_out(task, 8, world=SMALL) for task in CHANGING}


def pixels(image):
    return np.asarray(image).astype(int)


def test_a_sample_depends_on_its_settings_and_index_only(stream):
    for index in (70, 3, 70, 399):
        one, two = replace(SMALL).sample(index), stream[index]
        assert (one.instruction, one.change, one.language) == (
            two.instruction,
            two.change,
            two.language,
        )
        assert [i.tobytes() for i in (*one.sources, one.target)] == [
            i.tobytes() for i in (*two.sources, two.target)
        ]
        assert (one.kept == two.kept).all()
    other = replace(SMALL, seed=1)
    assert sum(other.sample(i).change == stream[i].change for i in range(30)) < 3


def test_what_is_kept_is_kept_to_the_pixel_and_the_rest_changes(stream):
    for sample in stream:
        assert {image.size for image in (*sample.sources, sample.target)} == {(96, 96)}
        differs = (pixels(sample.sources[0]) != pixels(sample.target)).any(-1)
        assert not (differs & sample.kept).any()
        if sample.task == "reconstruct":
            assert sample.kept.all()
            assert sample.change.region is None
            continue
        if sample.task == "restyle":
            assert not sample.kept.any()
            target = STYLES[sample.change.asked["style"]](sample.sources[0])
            assert target.tobytes() == sample.target.tobytes()
            continue
        # Plainly visible, and most of what may change does; two poses share their trunk.
        assert differs.mean() > 0.004
        assert differs.sum() > (0.15 if sample.task == "pose" else 0.6) * (~sample.kept).sum()
        left, top, right, bottom = sample.change.region
        inside = np.zeros_like(sample.kept)
        inside[top:bottom, left:right] = True
        assert sample.kept[~inside].all()


def test_what_stays_is_all_but_the_thing_that_is_asked_for(stream):
    for sample in stream:
        if sample.task in SINGLE:
            before, after = (
                s["marks"]
                for s in (sample.change.shown["sources"][0], sample.change.shown["target"])
            )
            gone = [mark for mark in before if mark not in after]
            come = [mark for mark in after if mark not in before]
            assert (len(gone), len(come)) == (sample.task != "add", sample.task != "remove")
            if gone and "thing" in sample.change.asked:
                thing = sample.change.asked["thing"]
                assert (gone[0]["shape"], gone[0]["color"]) == (thing["shape"], thing["color"])


def box_of(mark):
    left, top, right, bottom = mark["box"]
    return np.array([(left + right) / 2, (top + bottom) / 2]), np.array(
        [right - left, bottom - top]
    )


def test_moves_are_far_and_growth_is_plain(stream):
    for sample in stream:
        marks = [
            s["marks"] for s in (*sample.change.shown["sources"], sample.change.shown["target"])
        ]
        if sample.task in ("move", "resize"):
            before, after = marks
            (old,), (new,) = (
                [m for m in before if m not in after],
                [m for m in after if m not in before],
            )
            (from_, was), (to, becomes) = box_of(old), box_of(new)
            if sample.task == "move":
                assert np.hypot(*(to - from_)) > 0.23 * 96
                assert np.abs(was - becomes).max() <= 1
            else:
                ratio = (becomes / was).mean()
                larger = sample.change.asked["growth"] == "larger"
                assert 1.45 < (ratio if larger else 1 / ratio) < 1.8


def test_the_judge_sees_in_the_target_what_is_recorded(kept_out):
    """The record is held against pixels by a detector that knows nothing of it."""
    eye, seen = ShapeDetector(), 0
    for task in (*SINGLE, "compose", "background"):
        for sample in held_out(task, 3):
            marks = sample.change.shown["target"]["marks"]
            if any("shape" not in mark for mark in marks):
                continue
            sight = eye.look(sample.target)
            assert sight.background == sample.change.shown["target"]["background"]
            found = sorted((thing.shape, thing.color) for thing in sight.detections)
            assert found == sorted((mark["shape"], mark["color"]) for mark in marks)
            seen += 1
    assert seen > 16


def test_a_record_is_plain_data_that_gives_the_change_back(stream):
    for sample in stream[:200]:
        record = json.loads(json.dumps(sample.change.record))
        assert change(record) == sample.change
        assert change(record).id == sample.change.id
        assert len(sample.change.id) == 64
    with pytest.raises(ValueError, match="it is no change"):
        change({"task": "add"})


def test_an_identity_does_not_depend_on_places_words_or_shades(stream):
    sample = next(s for s in stream if s.task == "move")
    record = sample.change.record
    assert change(record | {"shown": {}, "region": None}).id == sample.change.id
    assert change(record | {"task": "resize"}).id != sample.change.id
    assert not any(key in json.dumps(sample.change.asked) for key in ("box", "centre"))


def shown_things(picture):
    return [mark for mark in picture["marks"] if "shape" in mark]


def test_training_shows_nothing_that_is_held_out(stream, kept_out):
    """Nor do the edits of the benchmark: it asks for new edits, not for new pictures."""
    for sample in (*stream, *(s for samples in kept_out.values() for s in samples)):
        for picture in (*sample.change.shown["sources"], sample.change.shown["target"]):
            things = shown_things(picture)
            shapes = [thing["shape"] for thing in things]
            assert not any(thing["color"] == HELD_OUT_COLORS[thing["shape"]] for thing in things)
            assert not any(frozenset(pair) in HELD_OUT_PAIRS for pair in combinations(shapes, 2))
            assert not HELD_OUT_COUNTS & {(shape, shapes.count(shape)) for shape in shapes}
            for spec in described(picture):
                assert bucket(spec) == "train"


def described(picture):
    """Return what a caption with all details could say of a picture."""
    ground, things = picture["background"], shown_things(picture)
    for mark in picture["marks"]:
        if "string" in mark:
            assert not held_out_string(mark["string"])
            language = mark["lang"]
            yield TextSpec(f"text_{language}", mark["string"], language, mark["color"], ground)
    kinds = {(thing["shape"], thing["color"]) for thing in things}
    if len(things) == 1:
        yield Scene("colors", (Object(things[0]["shape"], color=things[0]["color"]),), ground)
    elif len(kinds) == 1:
        yield Scene("counting", (Object(things[0]["shape"], len(things)),), ground)
    elif len(things) == 2:
        one, other = (Object(thing["shape"], color=thing["color"]) for thing in things)
        yield Scene("color_attr", (one, other), ground)


def test_training_and_the_benchmark_share_neither_changes_nor_sentences(stream, kept_out):
    trained = {sample.change.id for sample in stream}
    assert {dealt(digest) for digest in trained} == {"train"}
    for task, samples in kept_out.items():
        ids = {sample.change.id for sample in samples}
        assert len(ids) == 8
        assert not ids & trained
        assert {dealt(digest) for digest in ids} == {"test"}
        assert {sample.task for sample in samples} == {task}
        assert [sample.language for sample in samples[:4]] == ["en", "zh", "en", "zh"]
    asked = {normalized(s.instruction) for samples in kept_out.values() for s in samples}
    assert not asked & {normalized(sample.instruction) for sample in stream}


def test_held_out_edits_are_always_the_same_ones():
    few, more = held_out("move", 3, world=SMALL), held_out("move", 6, world=SMALL)
    assert [s.change for s in few] == [s.change for s in more[:3]]
    assert {s.language for s in held_out("move", 3, "zh", world=SMALL)} == {"zh"}
    dev = held_out("move", 6, part="dev", world=SMALL)
    assert {dealt(s.change.id) for s in dev} == {"dev"}
    with pytest.raises(UnknownName, match="Did you mean 'move'"):
        held_out("moev", 1)


def worded(sample):
    """Return the places of the wordings that give a sample's instruction."""
    keys = [sample.task] if sample.task in WORDINGS else [f"compose_{sample.change.asked['way']}"]
    return {
        (key, sample.language, number)
        for key in keys
        for number, frame in enumerate(WORDINGS[key][sample.language])
        if fits(frame, sample.instruction, sample.language)
    }


def fits(frame, instruction, language):
    """Return whether an instruction can come of a frame, whatever its fields."""
    pattern = fill(re.sub(r"\{\w+\}", "FIELD", frame), {}, language)
    return re.fullmatch(re.escape(pattern).replace("FIELD", ".+"), instruction) is not None


def test_training_uses_every_training_wording_and_the_benchmark_only_others(stream, kept_out):
    last = {
        (task, language): len(frames) - HELD_OUT_WORDINGS
        for task, wordings in WORDINGS.items()
        for language, frames in wordings.items()
    }
    for sample in stream:
        assert any(number < last[task, language] for task, language, number in worded(sample))
    for sample in (s for samples in kept_out.values() for s in samples):
        assert any(number >= last[task, language] for task, language, number in worded(sample))
    plain = Edits(size=(64, 64), tasks={"reconstruct": 1.0})
    said = {plain.sample(index).instruction for index in range(120)}
    assert said == {
        fill(frame, {}, language)
        for language, frames in WORDINGS["reconstruct"].items()
        for frame in frames[:-HELD_OUT_WORDINGS]
    }


def test_every_task_has_eight_wordings_in_both_languages():
    for wordings in WORDINGS.values():
        assert set(wordings) == {"en", "zh"}
        for frames in wordings.values():
            assert len(set(frames)) == len(frames) >= 8
    assert set(CHANGING) == {key.split("_")[0] if "compose" in key else key for key in WORDINGS}


@settings(max_examples=40)
@given(st.sampled_from(sorted(TASKS)), st.integers(0, 10**9))
def test_sizes_need_not_be_square(task, index):
    edits = Edits(size=(96, 160), tasks={task: 1.0})
    sample = edits.sample(index)
    assert {image.size for image in (*sample.sources, sample.target)} == {(96, 160)}
    assert sample.kept.shape == (160, 96)


def test_settings_narrow_the_stream():
    only = Edits(
        size=(96, 96),
        tasks={"remove": 1.0, "replace_text": 1.0},
        languages={"zh": 1.0},
        fonts=("hei",),
    )
    samples = [only.sample(index) for index in range(60)]
    assert {sample.task for sample in samples} == {"remove", "replace_text"}
    assert {sample.language for sample in samples} == {"zh"}
    strings = [m for s in samples for m in s.change.shown["target"]["marks"] if "string" in m]
    assert {mark["lang"] for mark in strings} == {"zh"}


def test_a_recipe_can_hold_the_settings():
    edits = Edits(size=(320, 192), tasks={"add": 2.0}, max_word=8)
    assert parse(Edits, dump(edits)) == edits


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"tasks": {"paint": 1.0}}, "tasks must be some of .* got paint"),
        ({"tasks": {"add": 0.0}}, "tasks must have weights"),
        ({"jitter": 15}, "jitter must be 0 to 14, got 15"),
    ],
)
def test_impossible_settings_are_refused_in_one_line(chosen, message):
    with pytest.raises(RecipeError, match=message) as refusal:
        Edits(**chosen)
    assert "\n" not in str(refusal.value)


def test_more_than_there_are_is_refused():
    few = Edits(
        size=(64, 64),
        min_word=1,
        max_word=1,
        max_phrase=1,
        characters=2,
        fonts=("hei",),
        text_colors=("red",),
    )
    with pytest.raises(RecipeError, match="for test of replace_text, got 50"):
        held_out("replace_text", 50, world=few)
