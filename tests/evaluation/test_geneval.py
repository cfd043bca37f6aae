"""What raters saw becomes a verdict by the prompt's clauses, and the greater part decides."""

import csv
import json
from itertools import combinations

import pytest

from danqing.core.errors import SourceError
from danqing.evaluation.geneval import MODELS, agreement, saw, votes

TWO = {"class": "dog", "count": 1}, {"class": "cat", "count": 1}


def answers(count=(1, ""), color=("", ""), sides=("", "")):
    return {
        "Input.prompt_id": "0",
        "Input.image_id": "3",
        "Input.object_0_name": "dog",
        "Input.object_1_name": "cat",
        **{f"Answer.task-count-{n}": str(value) for n, value in enumerate(count)},
        **{f"Answer.task-color-{n}": value for n, value in enumerate(color)},
        "Answer.task-objects": "a dog",
        "Answer.task-position-x": sides[0],
        "Answer.task-position-y": sides[1],
    }


def test_as_many_must_be_there_and_no_more_where_that_is_excluded():
    asked = {"include": [{"class": "dog", "count": 2}], "exclude": [{"class": "dog", "count": 3}]}
    assert [saw(answers((n, "")), asked) for n in ("", 1, 2, 3, "5")] == [0, 0, 1, 0, 0]
    assert saw(answers((3, "")), {"include": asked["include"]})
    assert saw(answers((1, "2.0")), {"include": TWO})
    assert not saw(answers((1, "0.0")), {"include": TWO})


def test_a_colour_may_be_one_of_several_and_belongs_to_its_thing():
    asked = {"include": [TWO[0] | {"color": "red"}, TWO[1] | {"color": "blue"}]}
    assert saw(answers((1, "1.0"), ("red|white", "blue")), asked)
    assert not saw(answers((1, "1.0"), ("blue", "red")), asked)
    assert not saw(answers((1, "1.0"), ("red", "")), asked)


@pytest.mark.parametrize("relation", ["left of", "right of", "above", "below"])
def test_a_place_is_that_of_the_second_thing(relation):
    asked = {"include": [TWO[0], TWO[1] | {"position": [relation, 0]}]}
    for x in ("left", "right", "neither_x", ""):
        for y in ("above", "below", "neither_y", ""):
            seen = saw(answers((1, "1.0"), sides=(x, y)), asked)
            assert seen == (relation.split()[0] in (x, y))


@pytest.fixture
def folder(tmp_path):
    asked = {"tag": "single_object", "include": [TWO[0]], "prompt": "a photo of a dog"}
    (tmp_path / "evaluation_metadata.jsonl").write_text(json.dumps(asked) + "\n")
    (tmp_path / "annotations").mkdir()
    for model in MODELS:
        with (tmp_path / "annotations" / f"annotations_{model}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, answers())
            writer.writeheader()
            writer.writerows([answers((1, "")), answers((0, "")), answers((1, ""))])
    return tmp_path


def test_raters_of_a_picture_come_together_also_where_a_line_is_broken(folder):
    wanted = {(model, 0, 3): [True, False, True] for model in MODELS}
    assert votes(folder) == wanted
    path = folder / "annotations" / "annotations_sdv2.csv"
    path.write_text(path.read_text().replace("a dog", "1.a dog\n2.a hill"))
    assert votes(folder) == wanted


def test_what_is_missing_is_said_in_one_line(folder):
    path = folder / "annotations" / "annotations_sdv2.csv"
    path.write_text(path.read_text().replace("Answer.task-count-0", "count"))
    with pytest.raises(SourceError, match=r"annotations must be .*, got .*sdv2.csv; check the"):
        votes(folder)
    path.unlink()
    with pytest.raises(SourceError, match=r"annotations must be .*, got .*sdv2.csv; check the"):
        votes(folder)


def test_a_detector_is_held_against_the_greater_part_of_raters():
    said = {("m", n, 0): some for n, some in enumerate(
        ([True] * 5, [True, True, True, False, False], [False] * 5, [True, True, False, False])
    )}  # fmt: skip
    truth = {("m", 0, 0): True, ("m", 1, 0): True, ("m", 2, 0): False, ("m", 3, 0): False}
    assert agreement(truth, said) == (1, 1, 4)
    wrong = truth | {("m", 1, 0): False, ("m", 9, 9): True}
    assert agreement(wrong, said) == (0.75, pytest.approx(0.5), 4)
    assert agreement(wrong, said, unanimous=True) == (1, 1, 2)
    assert agreement({("m", 0, 0): True}, said) == (1, None, 1)
    assert agreement({("m", 9, 9): True}, said) is None


def test_the_published_answers_are_6000_and_people_agree_on_most_pictures(records):
    said = votes(records("geneval"))
    assert len(said) == 1200
    assert {len(some) for some in said.values()} == {5}
    pairs = [a == b for some in said.values() for a, b in combinations(some, 2)]
    assert sum(pairs) / len(pairs) == pytest.approx(0.868, abs=0.001)
    right = {model: sum(sum(s) > 2 for p, s in said.items() if p[0] == model) for model in MODELS}
    assert right["clip"] < right["sdv2"] < right["if-xl"]
    majority = {picture: sum(some) > 2 for picture, some in said.items()}
    assert agreement(majority, said) == (1, 1, 1200)
