"""Questions about pictures: exact, the same every time, and never those that are held out."""

import json
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danqing.core.config import parse
from danqing.core.errors import RecipeError
from danqing.data.seeing import asked, example, held_out, questions
from danqing.data.synthesis.solids import ASKED, TRAINED, turns
from danqing.data.synthesis.split import bucket
from danqing.scorers.polyhedra import KINDS
from danqing.scorers.world import Object, Scene
from danqing.seeing.sentences import FRAMES, TASKS

SIZE = (96, 96)
tasks = pytest.mark.parametrize("task", TASKS)


def test_every_task_has_a_question():
    assert set(questions) == set(TASKS)


@tasks
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_record_gives_the_question_and_its_pictures_back(task, seed):
    question = questions[task].propose(Random(seed))
    again = asked(task, json.loads(json.dumps(question.record)))
    assert (again, again.id, again.part) == (question, question.id, question.part)
    pictures = question.pictures((96, 64))
    assert all((image.size, image.mode) == ((96, 64), "RGB") for image in pictures)
    for one, other in zip(pictures, again.pictures((96, 64)), strict=True):
        assert one.tobytes() == other.tobytes()


@tasks
def test_training_never_draws_what_is_held_out(task):
    rng = Random(0)
    trained = [example(task, rng, SIZE) for _ in range(12)]
    assert {one.question.part for one in trained} == {"train"}
    assert {one.language for one in trained} == {"en", "zh"}
    for part in ("dev", "test"):
        found = held_out(task, 4, part)
        assert {question.part for question, *_ in found} == {part}
        assert len({question.id for question, *_ in found}) == 4
        assert [language for *_, language in found] == ["en", "zh", "en", "zh"]
        assert not {said for _, said, _ in found} & {one.instruction for one in trained}
        assert held_out(task, 2, part) == found[:2]


@tasks
def test_both_held_out_wordings_are_asked(task):
    found = [said for _, said, language in held_out(task, 4, language="en") if language == "en"]
    openings = {frame.partition(" {")[0].partition(" ,")[0] for frame in FRAMES[task]["en"][4:]}
    assert {opening for opening in openings for said in found if said.startswith(opening)} == (
        openings
    )


def test_training_shows_no_scene_that_text_to_image_holds_out_by_family():
    rng = Random(3)
    for task in ("depth", "segmentation", "detection"):
        for _ in range(12):
            question = example(task, rng, SIZE).question
            things = question.room.things if task == "depth" else question.scene.things
            named = [(t.kind if task == "depth" else t.shape, t.color) for t in things]
            objects = tuple(Object(s, color=c) for s, c in named if s not in KINDS)
            assert bucket(Scene("compound", objects)) in ("train", "dev", "test_iid")


def test_solids_of_benchmarks_are_never_trained_on():
    assert not set(ASKED[0]) & set(TRAINED[0])
    assert not set(ASKED[1]) & set(TRAINED[1])
    asked_for = [turn.solid.extent for turn, *_ in turns("left", 30)]
    rng = Random(0)
    trained = [example("viewpoint", rng, SIZE).question.turn.solid.extent for _ in range(30)]
    assert not set(asked_for) & set(trained)
    for turn, *_ in turns("left", 5):
        viewpoint = parse(questions["viewpoint"], {"turn": turn.record})
        assert viewpoint.part == "test"


def test_a_record_of_something_else_is_refused():
    with pytest.raises(RecipeError, match="unknown setting 'lamp'"):
        asked("depth", {"lamp": 1})


def test_boxes_hold_their_things_and_labels_their_pixels():
    rng = Random(5)
    for _ in range(6):
        question = example("detection", rng, SIZE).question
        masks = question.scene.masks(SIZE)
        wanted = [
            mask
            for thing, mask in zip(question.scene.things, masks, strict=True)
            if thing.shape in question.classes
        ]
        for box, mask in zip(question.boxes(SIZE), wanted, strict=True):
            left, top, right, bottom = box.box
            inside = mask[top:bottom, left:right]
            assert inside.sum() == mask.sum()
            assert inside[0].any()
            assert inside[-1].any()
            assert inside[:, 0].any()
            assert inside[:, -1].any()
        asked_for = example("segmentation", rng, SIZE).question
        labels = asked_for.labels(SIZE)
        for shape in asked_for.classes:
            of_shape = [
                mask
                for thing, mask in zip(
                    asked_for.scene.things, asked_for.scene.masks(SIZE), strict=True
                )
                if thing.shape == shape
            ]
            assert (labels.mask(shape) == np.any(of_shape, axis=0)).all()
