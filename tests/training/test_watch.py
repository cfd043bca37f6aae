"""A watched run ships what is best by gold, and ends when it fools its reward."""

import json
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from danqing.core.errors import RecipeError
from danqing.data.synthesis import Synthesis, bucket
from danqing.pipelines.load import load
from danqing.pipelines.save import save
from danqing.scorers.base import Score
from danqing.scorers.scene import SceneScorer
from danqing.testing import toy
from danqing.training.objectives.nft import NFT
from danqing.training.optim import AdamW, LRSchedule
from danqing.training.recipe import Recipe, prepare, run
from danqing.training.rewards import Reward
from danqing.training.sources.rollouts import Rollouts
from danqing.training.sources.synthesis import SynthesisLatents
from danqing.training.trainees import TextToImageTrainee
from danqing.training.watch import Look, Watch, Watcher, fooled


def seen(golds, rewards):
    return [Look(i, r, g, 0.0, 0.0) for i, (g, r) in enumerate(zip(golds, rewards, strict=True))]


@pytest.mark.parametrize(
    ("golds", "rewards", "verdict"),
    [
        ((1, 3, 2, 2), (1, 2, 3, 4), True),
        ((1, 3, 2), (1, 2, 3), False),  # not for long enough
        ((1, 3, 2, 3), (1, 2, 3, 4), False),  # it came back
        ((1, 3, 2, 2), (1, 2, 2, 1), False),  # the reward fell too: nothing was fooled
        ((1, 2, 3, 4), (1, 2, 3, 4), False),
        ((3,), (3,), False),
    ],
)
def test_a_reward_is_fooled_when_gold_falls_and_it_rises(golds, rewards, verdict):
    assert fooled(seen(golds, rewards), patience=2) is verdict


@given(st.lists(st.integers(0, 5), min_size=1, max_size=8))
def test_a_run_whose_reward_is_its_gold_is_never_ended(values):
    assert not fooled(seen(values, values), patience=1)


@pytest.fixture
def recipe(tmp_path):
    save(toy(), tmp_path / "model")
    scene = (Reward(scorer=SceneScorer(mode="soft")),)
    return Recipe(
        model=tmp_path / "model",
        run=tmp_path / "run",
        trainee=TextToImageTrainee(start="model", stored="float32"),
        objective=NFT(),
        source=Rollouts(
            rewards=scene,
            asked=Synthesis(size=(64, 64), categories={"colors": 1.0, "counting": 0.0}),
            batch=1,
            group=2,
            steps=2,
        ),
        optimizer=AdamW(lr=1e-3),
        lr_schedule=LRSchedule(warmup=0),
        steps=6,
        watch=Watch(gold=(Reward(scorer=SceneScorer()),), every=1, prompts=2, steps=2, patience=2),
    )


def test_a_run_is_looked_at_from_its_start(recipe):
    recipe = replace(recipe, steps=2, watch=replace(recipe.watch, every=2, prompts=1))
    run(recipe)
    lines = [json.loads(line) for line in (recipe.run / "watch.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [0, 2]
    assert lines[0]["drift"] == 0 < lines[1]["drift"]
    assert all(0 <= line["reward"] <= 1 and line["diversity"] > 0 for line in lines)


def test_the_best_is_shipped_and_a_fooled_run_ends(recipe, monkeypatch):
    golds = [0.1, 0.3, 0.2, 0.2, 0.9]
    shipped = []

    def look(self):
        step = self.state.step
        shipped.append({name: value.clone() for name, value in self.state.ema.state().items()})
        return Look(step, 0.1 * step, golds[step], 0.0, 0.0)

    monkeypatch.setattr(Watcher, "look", look)
    run(recipe)
    # It looked at steps 0 to 3, and ended there.
    assert len(shipped) == 4
    assert json.loads((recipe.run / "state/progress.json").read_text())["step"] == 3
    found = dict(load(recipe.model, dtype=torch.float32).mmdit.named_parameters())
    for name, value in shipped[1].items():
        if name.startswith("mmdit."):
            assert torch.equal(found[name.removeprefix("mmdit.")], value)
    assert any(not torch.equal(shipped[1][name], shipped[3][name]) for name in shipped[1])


def test_looks_beyond_the_state_are_forgotten_on_resuming(recipe):
    state = prepare(recipe)
    begin = recipe.watch.begin
    recipe.run.mkdir()
    lines = [Look(step, 0.5, gold, 0, 0)._asdict() for step, gold in ((0, 0.1), (5, 0.9))]
    (recipe.run / "watch.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    watcher = begin(recipe.source, state, recipe.model, recipe.run)
    assert [look.step for look in watcher.looks] == [0]
    assert {bucket(asked.wanted) for asked in watcher.prompts} == {"dev"}
    assert {asked.wanted.category for asked in watcher.prompts} == {"colors"}


class Chosen:
    """Scores sentences of some words, and nothing else."""

    def __init__(self, *sentences):
        self.sentences = sentences

    def score(self, images, wanted):
        return [Score(0.5 if one in self.sentences else None, "") for one in wanted]


def test_given_prompts_are_looked_at_and_what_is_unscored_does_not_count(recipe, tmp_path):
    path = tmp_path / "prompts.txt"
    path.write_text("a cat\na dog\n")
    state = prepare(recipe)

    def look(*sentences):
        gold = (Reward(scorer=Chosen(*sentences)),)
        watch = replace(recipe.watch, prompts=path, gold=gold)
        source = replace(recipe.source, rewards=gold)
        return watch.begin(source, state, recipe.model, recipe.run).look()

    assert look("a cat").gold == look("a cat", "a dog").gold == 0.5
    with pytest.raises(RecipeError, match="reward must score pictures that are looked at"):
        look("a bird")


def test_only_rollouts_can_be_watched(recipe):
    with pytest.raises(RecipeError, match="source must be rollouts to be watched, got synthesis_l"):
        replace(recipe, source=SynthesisLatents())
    with pytest.raises(RecipeError, match="seeds must be at least 2, got 1"):
        replace(recipe.watch, seeds=1)
