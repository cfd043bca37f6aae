"""Every rule of GenEval, on things placed by hand."""

import json
from collections import Counter

import pytest
from PIL import Image

from danqing.evaluation.benchmark import Ask
from danqing.evaluation.benchmarks.geneval import GenEval
from danqing.evaluation.harness import run
from danqing.evaluation.measures.clauses import counted, no_more, verdict
from danqing.scorers.chat.base import digest
from danqing.scorers.instances import Replay
from danqing.scorers.things import Thing, called


def dog(confidence=0.8, box=(0, 0, 10, 10), color=None, label="dog"):
    return Thing(label, confidence, tuple(map(float, box)), color)


def cat(*args, **told):
    return dog(*args, label="cat", **told)


def one(label="dog", count=1, **more):
    return {"class": label, "count": count, **more}


def right(things, include, exclude=(), tag="two_object", same=None):
    record = {"tag": tag, "include": list(include), "exclude": list(exclude)}
    return verdict(counted(things, tag, same), record).right


def test_a_thing_must_be_surer_than_the_threshold():
    assert right([dog(0.31)], [one()])
    assert not right([dog(0.3)], [one()])
    assert right([dog(0.91)], [one()], tag="counting")
    assert not right([dog(0.9)], [one()], tag="counting")


def test_all_that_is_included_must_be_there_and_more_does_no_harm():
    assert right([dog(), cat()], [one(), one("cat")])
    assert not right([dog()], [one(), one("cat")])
    assert right([dog(), dog(), cat()], [one()])


def test_counting_excludes_one_more():
    three = [dog(0.95, (20 * i, 0, 20 * i + 10, 10)) for i in range(3)]
    clauses = ([one(count=2)], [one(count=3)])
    assert not right(three[:1], *clauses, tag="counting")
    assert right(three[:2], *clauses, tag="counting")
    assert not right(three, *clauses, tag="counting")
    # A third one that is not sure is none.
    assert right([*three[:2], dog(0.5)], *clauses, tag="counting")


def test_at_most_sixteen_of_a_class_are_counted():
    many = [dog(0.95) for _ in range(40)]
    assert len(counted(many, "counting")["dog"]) == 16
    assert right(many, [one(count=16)], [one(count=17)], tag="counting")


def test_a_thing_that_is_found_twice_is_one_only_where_that_is_mended():
    twice = [dog(0.95), dog(0.92, (0, 0, 10, 9.5))]
    clauses = ([one()], [one(count=2)])
    assert not right(twice, *clauses, tag="counting")
    assert right(twice, *clauses, tag="counting", same=0.9)
    # An IoU of exactly .9 is enough to be one; a little less is not.
    for edge, count in ((9.0, 1), (8.9, 2)):
        found = counted([dog(0.95), dog(0.92, (0, 0, 10, edge))], "counting", 0.9)
        assert len(found["dog"]) == count
    assert len(counted([dog(), cat()], "two_object", 0.9)) == 2


def test_the_surest_one_stands_for_all_that_are_the_same():
    (kept,) = counted([dog(0.5), dog(0.9), dog(0.7)], "colors", 0.9)["dog"]
    assert kept.confidence == 0.9


def test_only_the_surest_things_have_a_colour():
    red, blue = dog(0.9, color="red"), dog(0.8, color="blue")
    assert right([red, blue], [one(color="red")])
    assert not right([red, blue], [one(color="blue")])
    assert not right([dog(0.9)], [one(color="red")])


def test_each_of_several_must_have_the_colour():
    red = [dog(0.9, color="red"), dog(0.8, color="red")]
    assert right(red, [one(count=2, color="red")])
    assert not right([red[0], dog(0.7, color="blue"), dog(0.6, color="red")],
                     [one(count=2, color="red")])  # fmt: skip


def place(box, anchor, relation):
    return right(
        [dog(box=box), cat(box=anchor)], [one("cat"), one(position=[relation, 0])], tag="position"
    )


@pytest.mark.parametrize(
    ("box", "holds"),
    [
        # Both are 20 wide: an offset of 4 is within the margin of a tenth of 40.
        ((96, 100, 116, 120), []),
        # Of 8, half is left, which is not more than half.
        ((92, 100, 112, 120), []),
        ((91, 100, 111, 120), ["left of"]),
        ((109, 100, 129, 120), ["right of"]),
        ((100, 60, 120, 80), ["above"]),
        ((100, 140, 120, 160), ["below"]),
        # On a diagonal far away, both hold: each is .7 of the way.
        ((40, 40, 60, 60), ["left of", "above"]),
        ((160, 160, 180, 180), ["right of", "below"]),
        # Near by, the margin takes too much of both.
        ((88, 88, 108, 108), []),
        ((100, 100, 120, 120), []),
    ],
)
def test_positions(box, holds):
    anchor = (100, 100, 120, 120)
    for relation in ("left of", "right of", "above", "below"):
        assert place(box, anchor, relation) == (relation in holds)


def test_every_pair_must_stand_as_asked():
    cats = [cat(0.9, (100, 0, 110, 10)), cat(0.8, (0, 0, 10, 10))]
    clauses = [one("cat"), one(position=["left of", 0])]
    middle = dog(box=(50, 0, 60, 10))
    assert right([middle, *cats], clauses)
    assert not right([middle, *cats], [one("cat", count=2), one(position=["left of", 0])])
    two = [dog(0.9, (20, 0, 30, 10)), dog(0.8, (200, 0, 210, 10)), cats[0]]
    assert right(two, clauses)
    assert not right(two, [one("cat"), one(count=2, position=["left of", 0])])


def test_nothing_stands_beside_what_is_wrong():
    things = [dog(box=(0, 0, 10, 10)), cat(box=(100, 0, 110, 10), color="red")]
    clauses = [one("cat", color="blue"), one(position=["left of", 0])]
    told = verdict(counted(things, "position"), {"include": clauses})
    assert told.reason == "cat red where blue was asked; nothing for dog to be left of"
    assert right(things, [one("cat", color="red"), one(position=["left of", 0])])


def test_strict_wants_no_more_of_what_is_asked_for():
    record = {"include": [one(), one("cat")]}
    found = counted([dog(), cat(), dog(0.4), dog(0.35, label="fork")], "two_object")
    assert verdict(found, record).right
    assert not no_more(found, record)
    assert no_more(counted([dog(), cat(), dog(0.4, label="fork")], "two_object"), record)
    assert no_more(counted([dog(), dog()], "two_object"), {"include": [one(), one()]})


@pytest.fixture
def replayed(tmp_path):
    """Return a detector that sees in each picture what is told, by its pixels."""

    def make(*told):
        path = tmp_path / f"{len(list(tmp_path.glob('found*')))}found.jsonl"
        path.write_text("".join(json.dumps(line(image, things)) + "\n" for image, things in told))
        return Replay(path=path)

    def line(image, things):
        return {
            "picture": digest(image),
            "size": image.size,
            "who": {"detector": "told"},
            "things": [thing.record | {"mask": None} for thing in things],
        }

    return make


def picture(color="red"):
    return Image.new("RGB", (64, 64), color)


@pytest.fixture
def data(listed):
    return listed(
        {"tag": "single_object", "include": [one()], "prompt": "a photo of a dog"},
        {"tag": "single_object", "include": [one("cat")], "prompt": "a photo of a cat"},
        {"tag": "colors", "include": [one(color="red")], "prompt": "a photo of a red dog"},
    )


def test_overall_is_the_plain_mean_of_the_kinds(
    data, replayed, mean_color, tmp_path, painter, rows
):
    detector = replayed((picture(), [dog(0.9), dog(0.8, (30, 30, 40, 40))]))
    benchmark = GenEval(data=data, detector=detector, embedder=mean_color, seeds=2)
    result = run(benchmark, painter(lambda ask: picture()), tmp_path)
    assert rows(result) == {
        "single_object": 0.5,
        "colors": 1,
        "overall": 0.75,
        "overall, strict": 0,
    }
    assert result["table"]["rows"][0]["more"]["any of a prompt"] == 0.5
    assert json.loads(result["looker"]) == {
        "detector": {"detector": "told"},
        "colors": {"embedder": "mean color"},
    }
    page = (tmp_path / "index.html").read_text()
    assert "<rect" in page


def test_modes_differ_in_seeds_in_duplicates_and_in_what_is_missing(
    data, replayed, mean_color, tmp_path, painter, rows
):
    told = {"data": data, "detector": replayed((picture(), [dog(0.9)])), "embedder": mean_color}
    official, fixed = GenEval(**told, mode="official"), GenEval(**told)
    assert {ask.seeds for ask in official.asks()} == {(42, 43, 44, 45)}
    assert len({ask.seeds for ask in fixed.asks()}) == 3
    assert [ask.id for ask in fixed.asks()] == ["00000", "00001", "00002"]
    half = painter(lambda ask: "no lamp" if ask.id == "00001" else picture())
    assert rows(run(fixed, half, tmp_path))["single_object"] == 0.5
    assert rows(run(official, half, tmp_path))["single_object"] == 1


def looked(benchmark, clauses, image):
    ask = Ask(id="0", prompt="", category="colors", data={"include": clauses})
    return [(one["label"], one["color"]) for one in benchmark.look(ask, image)["things"]]


def test_colours_are_told_of_what_may_count_and_of_nothing_else(data, replayed, mean_color):
    image = picture("blue")
    image.paste("yellow", (0, 0, 10, 10))
    sure = [dog(0.9 - 0.01 * n, (20, 0, 30, 10)) for n in range(16)]
    found = [*sure, dog(0.4, (0, 0, 10, 10)), dog(0.3), cat(0.7)]
    benchmark = GenEval(data=data, detector=replayed((image, found)), embedder=mean_color)
    # A seventeenth dog never counts, nor does one that is not sure; nobody asked for cats.
    told = looked(benchmark, [one(color="blue"), one("cat")], image)
    assert Counter(told) == {("dog", "blue"): 16, ("dog", None): 2, ("cat", None): 1}
    assert {color for _, color in looked(benchmark, [one()], image)} == {None}


def test_things_of_the_prompt_have_the_benchmark_s_names(data, replayed, mean_color):
    image = picture("green")
    found = [dog(label="mouse"), dog(label="sofa")]
    benchmark = GenEval(data=data, detector=replayed((image, found)), embedder=mean_color)
    told = looked(benchmark, [one("computer mouse", color="green")], image)
    assert told == [("computer mouse", "green"), ("couch", None)]


def test_names_are_geneval_s_own(records):
    names = (records("geneval") / "object_names.txt").read_text().splitlines()
    assert len(names) == 80
    coco = [{"computer mouse": "mouse", "tv remote": "remote", "computer keyboard": "keyboard"}
            .get(name, name) for name in names]  # fmt: skip
    assert [called(name) for name in coco] == names
    voc = ("motorbike", "aeroplane", "sofa", "pottedplant", "diningtable", "tvmonitor")
    assert {called(name) for name in voc} <= set(names)


def test_the_benchmarks_own_prompts(records):
    path = records("geneval") / "evaluation_metadata.jsonl"
    asks = GenEval(data=path).asks()
    assert Counter(ask.category for ask in asks) == {
        "single_object": 80,
        "two_object": 99,
        "counting": 80,
        "colors": 94,
        "position": 100,
        "color_attr": 100,
    }
    # A position is to things of an earlier clause, and strict counts need no clause twice.
    for ask in asks:
        clauses = ask.data["include"]
        assert len({clause["class"] for clause in clauses}) == len(clauses)
        for number, clause in enumerate(clauses):
            assert clause.get("position", ("", -1))[1] < number
