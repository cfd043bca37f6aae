"""A curriculum is data: shares follow weights stage by stage, and a resumed run sees the same."""

from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danqing.core.config import dump, parse
from danqing.core.errors import RecipeError
from danqing.training.sources import sources
from danqing.training.sources.mixture import Mixture, Stage, Turns

NAMES = ("words", "lines", "pages", "plain")

weights = st.dictionaries(st.sampled_from(NAMES), st.floats(0.01, 10.0), min_size=1)


@st.composite
def stages(draw):
    ends = sorted(draw(st.sets(st.integers(1, 150), max_size=3)))
    return tuple(Stage(weights=draw(weights), until=end) for end in [*ends, None])


@given(stages())
def test_no_part_is_a_batch_ahead_of_its_share_in_a_stage(stages):
    """So the most that one can be behind is a batch for each other part."""
    turns, start = Turns(stages), 0
    for stage in stages:
        whole, counts = sum(stage.weights.values()), Counter()
        for done, step in enumerate(range(start, stage.until or start + 100), start=1):
            counts[turns[step].part] += 1
            for name, weight in stage.weights.items():
                share = done * weight / whole
                assert share - len(stage.weights) + 1 - 1e-9 < counts[name] < share + 1
        assert set(counts) <= set(stage.weights)
        start = stage.until


@given(stages())
def test_every_part_gives_its_batches_one_after_the_other(stages):
    turns, counts = Turns(stages), Counter()
    for step in range(200):
        part, number = turns[step]
        assert number == counts[part]
        counts[part] += 1


@given(stages(), st.lists(st.integers(0, 200), min_size=1, max_size=4))
def test_whose_turn_it_is_does_not_depend_on_what_was_asked_before(stages, steps):
    together = Turns(stages)
    assert [together[step] for step in steps] == [Turns(stages)[step] for step in steps]


@given(weights, st.integers(-3, 3))
def test_only_ratios_of_weights_count(weights, power):
    scaled = {name: 2.0**power * weight for name, weight in weights.items()}
    turns, others = Turns([Stage(weights=weights)]), Turns([Stage(weights=scaled)])
    assert all(turns[step] == others[step] for step in range(100))


@sources.register("counted for a test")
@dataclass(frozen=True, kw_only=True)
class Counted:
    """Batch n is n and a name; it notes what was passed."""

    label: str

    def open(self, model, seed):
        return _Counted(self.label, seed)


class _Counted:
    def __init__(self, name, seed):
        self.name, self.seed, self.told = name, seed, []

    def __getitem__(self, step):
        return (self.name, step)

    def passed(self, step):
        self.told.append(step)


def mixture(*stages):
    parts = {name: Counted(label=name) for name in NAMES}
    return Mixture(parts=parts, stages=stages)


def test_a_curriculum_is_told_by_its_stages(tmp_path, caplog):
    batches = mixture(
        Stage(weights={"plain": 1.0}, until=4),
        Stage(weights={"plain": 1.0, "words": 1.0}, until=8),
        Stage(weights={"pages": 3.0, "lines": 1.0}),
    ).open(tmp_path, 0)
    with caplog.at_level("INFO"):
        found = [batches[step] for step in range(12)]
    assert found[:4] == [("plain", n) for n in range(4)]
    assert sorted(found[4:8]) == [("plain", 4), ("plain", 5), ("words", 0), ("words", 1)]
    assert sorted(found[8:]) == [("lines", 0), *(("pages", n) for n in range(3))]
    assert caplog.text.count("batches are of") == 3
    assert "from step 8 on, batches are of pages, lines" in caplog.text
    assert len({part.seed for part in batches.parts.values()}) == len(NAMES)
    batches.passed(9)
    told = {name: part.told[0] for name, part in batches.parts.items()}
    assert told == {**Counter(name for name, _ in found[:9]), "lines": told["lines"]}


def test_a_mixture_is_written_as_it_was_read():
    told = mixture(Stage(weights={"plain": 1.0}, until=4), Stage(weights={"words": 1.0}))
    assert parse(Mixture, dump(told)) == told


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ([], "until must rise"),
        ([Stage(weights={"plain": 1.0}, until=4)], "until must rise"),
        ([Stage(weights={"plain": 1.0}, until=0), Stage(weights={"plain": 1.0})], "must rise"),
        ([Stage(weights={"plain": 1.0}), Stage(weights={"plain": 1.0})], "until must rise"),
        ([Stage(weights={"plane": 1.0})], "Did you mean 'plain'"),
        ([Stage(weights={"plain": 0.0})], "weights must be above 0"),
        ([Stage(weights={})], "weights must be above 0"),
    ],
)
def test_stages_that_make_no_sense_are_refused(stages, message):
    with pytest.raises(RecipeError, match=message):
        mixture(*stages)


def test_a_model_cannot_paint_a_part():
    rollouts = {"name": "rollouts", "rewards": [{"scorer": "scene"}]}
    told = {"parts": {"mine": rollouts}, "stages": [{"weights": {"mine": 1.0}}]}
    with pytest.raises(RecipeError, match="must not depend on what is learned, got rollouts as mi"):
        parse(Mixture, told)
