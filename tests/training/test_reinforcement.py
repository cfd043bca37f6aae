"""Batches that a model paints itself: rated, of prompts for training, and the same on resuming."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from torch.testing import assert_close

from danqing.core.config import parse
from danqing.core.errors import CheckpointError, RecipeError
from danqing.core.seed import generator
from danqing.data.synthesis import Synthesis, bucket, held_out
from danqing.pipelines.save import save
from danqing.scorers.base import Score
from danqing.scorers.scene import SceneScorer
from danqing.scorers.world import Object, Scene, TextSpec
from danqing.testing import toy
from danqing.training.loop import train
from danqing.training.objectives.grpo import GRPO
from danqing.training.objectives.nft import NFT
from danqing.training.optim import AdamW
from danqing.training.painting import Noise
from danqing.training.policy import Policy, guided
from danqing.training.prompts import Asked, read_prompts
from danqing.training.recipe import Recipe, _open, prepare
from danqing.training.rewards import (
    Reward,
    advantages,
    diversity,
    in_groups,
    lively,
    rate,
)
from danqing.training.sources.rollouts import Follow, Rollouts
from danqing.training.sources.synthesis import SynthesisLatents
from danqing.training.trainees import TextToImageTrainee


class Redness:
    """Likes red pictures, and judges nothing else."""

    def score(self, images, wanted):
        means = [np.asarray(image).mean((0, 1)) for image in images]
        return [
            Score(float(r - (g + b) / 2) / 255, "red", {"dark": float(255 - r)})
            for r, g, b in means
        ]


class Mute:
    """Judges strings only."""

    def score(self, images, wanted):
        return [Score(0.5 if isinstance(spec, TextSpec) else None, "") for spec in wanted]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    save(toy(), folder)
    return folder


ASKED = Synthesis(size=(64, 64), categories={"colors": 1.0})


def recipe(model, run, objective, steps=3, **changes):
    source = Rollouts(
        rewards=(Reward(scorer=Redness()),),
        **{"asked": ASKED, "batch": 1, "group": 2, "steps": 2, **changes},
    )
    return Recipe(
        model=model,
        run=run,
        trainee=TextToImageTrainee(start="model"),
        objective=objective,
        source=source,
        optimizer=AdamW(lr=3e-3),
        steps=steps,
        log_every=1,
    )


def go(recipe, state, on_step=lambda step: None):
    train(
        state,
        recipe.objective,
        _open(recipe, state),
        steps=recipe.steps,
        lr_schedule=replace(recipe.lr_schedule, warmup=0),
        clip=1.0,
        seed=recipe.seed,
        run=recipe.run,
        log_every=1,
        on_step=on_step,
    )
    lines = (recipe.run / "metrics.jsonl").read_text().splitlines()
    return [
        {k: v for k, v in json.loads(line).items() if k not in ("seconds", "time")}
        for line in lines
    ]


KINDS = {
    "nft": (NFT(), {"old": Follow(every=2, rise=0.1, limit=0.5)}),
    "grpo": (GRPO(kl=0.01), {"noise": Noise(), "old": Follow(every=2), "guidance": 2.0}),
    "guard": (
        GRPO(guard=True, measure="mean", clip=2e-6),
        {"noise": Noise(kernel="flow_sde", window=1, dwell=1)},
    ),
}


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_resumed_run_paints_and_learns_what_an_unbroken_one_does(model, tmp_path, kind):
    objective, source = KINDS[kind]
    dtype = "bfloat16" if kind == "nft" else "float32"
    unbroken = replace(recipe(model, tmp_path / "whole", objective, **source), dtype=dtype)
    whole = go(unbroken, prepare(unbroken))

    def interrupt(step):
        if step == 1:
            raise KeyboardInterrupt

    broken = replace(unbroken, run=tmp_path / "broken")
    with pytest.raises(KeyboardInterrupt):
        go(broken, prepare(broken), interrupt)
    assert go(broken, prepare(broken)) == whole
    assert {"reward", "diversity", "lively"} <= set(whole[0])


class Preset:
    """Gives the scores it was told, whatever it sees."""

    def __init__(self, *values):
        self.values = values

    def score(self, images, wanted):
        told = zip(self.values, wanted, strict=False)
        return [Score(None if isinstance(one, str) else value, "") for value, one in told]


@pytest.mark.parametrize(
    ("values", "heard"),
    [((0.0, 1.0, 0.5, 0.5, 1.0, 0.0), [0, 1, 4, 5]), ((0.5,) * 6, [0, 1])],
)
def test_groups_that_teach_nothing_are_left_out(model, tmp_path, values, heard):
    told = recipe(model, tmp_path, GRPO(), batch=3, noise=Noise())
    every = _open(told, prepare(told))[0]
    source = replace(told.source, rewards=(Reward(scorer=Preset(*values)),))
    batch = _open(replace(told, source=source), prepare(told))[0]
    assert (batch.painted, batch.group, len(every.latents)) == (6, 2, 6)
    assert_close(batch.latents, every.latents[heard])
    assert batch.captions == [every.captions[i] for i in heard]
    assert_close(batch.hops[0].end, every.hops[0].end[heard])
    assert (batch.advantages.abs().max() > 0.9) == (len(set(values)) > 1)


def test_a_state_of_another_source_is_refused(model, tmp_path):
    told = recipe(model, tmp_path, NFT())
    plain = replace(told, source=SynthesisLatents())
    prepare(plain).save(tmp_path / "state")
    with pytest.raises(CheckpointError, match=r"must have the weights past_old\.safetensors"):
        prepare(told)


def test_old_weights_are_those_of_a_setting_and_the_reference_stays(model, tmp_path):
    told = recipe(model, tmp_path, NFT(), old=Follow(every=2))
    state = prepare(told)
    policy = Policy(state.weights, state.past)
    x, sigma = torch.randn(2, 4, 32, 32, generator=generator(0)), torch.tensor([0.4, 0.9])
    now = state.weights.module
    first = now(x, ["a", "b"], sigma).detach()
    assert_close(policy.was("old")(x, ["a", "b"], sigma), first)
    with torch.no_grad():
        for weight in state.weights.masters.values():
            weight.add_(0.01)
    second = now(x, ["a", "b"], sigma).detach()
    for step, answer in ((0, first), (1, second)):
        for average in state.past.values():
            average.update(state.weights.masters, step)
        assert_close(policy.was("old")(x, ["a", "b"], sigma), answer)
        assert_close(policy.was("reference")(x, ["a", "b"], sigma), first)
    assert not torch.allclose(first, second)
    assert torch.equal(now(x, ["a", "b"], sigma), second)


def test_what_outlives_a_change_rises_to_its_limit():
    follow = Follow(every=2, rise=0.2, limit=0.5)
    assert [follow(step) for step in range(8)] == [1, 0.2, 1, 0.4, 1, 0.5, 1, 0.5]
    assert [Follow()(step) for step in range(3)] == [0, 0, 0]


def test_guidance_of_1_is_none_and_more_goes_away_from_the_empty_caption():
    def velocity(x, captions, sigma):
        return x * torch.tensor([0.0 if c == " " else 1.0 for c in captions])[:, None, None, None]

    x, sigma = torch.randn(2, 4, 4, 4, generator=generator(0)), torch.ones(2)
    assert guided(velocity, 1.0) is velocity
    # The way from nothing to x has the direction of x, and a token keeps its length.
    assert_close(guided(velocity, 3.0)(x, ["a", "b"], sigma), x)


# Rewards


@given(
    arrays.arrays(np.float64, (3, 4), elements=st.integers(-1000, 1000).map(lambda n: n / 100)),
    st.booleans(),
)
@settings(max_examples=50, deadline=None)
def test_advantages_are_centred_in_their_groups_and_keep_their_order(rewards, shared):
    rewards = torch.from_numpy(rewards)
    found = advantages(rewards, shared=shared, limit=1e9)
    assert_close(found.mean(1), torch.zeros(3).double(), atol=1e-6, rtol=0)
    gain = rewards[:, :, None] - rewards[:, None]
    assert (gain * (found[:, :, None] - found[:, None]) >= 0).all()
    assert advantages(rewards, shared=shared, limit=0.5).abs().max() <= 0.5


def test_advantages_count_deviations_of_the_group_or_of_all():
    rewards = torch.tensor([[0.0, 1.0], [0.5, 0.5], [0.4, 0.6]])
    assert_close(
        advantages(rewards), torch.tensor([[-1.0, 1.0], [0, 0], [-1, 1]]), atol=2e-3, rtol=0
    )
    shared = advantages(rewards, shared=True)
    assert (shared[0] / shared[2]).tolist() == pytest.approx([5.0, 5.0])


def test_what_is_unscored_counts_as_the_mean_of_its_group():
    known = torch.tensor([[1.0, 2.0, 4.0], [5.0, 5.0, 5.0]])
    gaps = torch.tensor([[1.0, math.nan, 2.0, 4.0], [5.0, 5.0, math.nan, 5.0], [math.nan] * 4])
    for shared in (False, True):
        found = advantages(gaps, shared=shared)
        scored = ~gaps.isnan()
        assert_close(found[scored], advantages(known, shared=shared).flatten())
        assert (found[~scored] == 0).all()
    assert lively(gaps).tolist() == [True, False, False]


def test_a_reward_is_the_mean_of_those_that_can_judge():
    images = [Image.new("RGB", (8, 8), "red")] * 2
    scene = Asked("a red star", Scene("colors", (Object("star", color="red"),)))
    text = Asked("AB", TextSpec("text_en", "AB", "en", "red", "mint"))

    def values(*rewards):
        return in_groups(rate(rewards, images, [scene, text]), 2).flatten().tolist()

    assert values(Reward(scorer=Redness()), Reward(scorer=Mute(), weight=3.0)) == [1.0, 0.625]
    assert values(Reward(scorer=Redness(), detail="dark")) == [0.0, 0.0]
    none, half = values(Reward(scorer=Mute()))
    assert (math.isnan(none), half) == (True, 0.5)
    with pytest.raises(RecipeError, match="detail must be one of dark, got 'light'"):
        values(Reward(scorer=Redness(), detail="light"))


def test_a_run_on_sentences_pays_its_judge_once(model, tmp_path, endpoint):
    endpoint.play = lambda asked: endpoint.reply(str(asked.row % 6))
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("a cat in the rain\na dog in the sun\n")
    judge = {
        "name": "judge",
        "chat": {"name": "endpoint", "url": endpoint.url, "model": "eyes"},
        "question": "{prompt}",
        "tape": str(tmp_path / "tape.jsonl"),
    }

    def lines(run):
        reward = parse(Reward, {"scorer": judge})
        told = recipe(model, tmp_path / run, NFT(), steps=2, prompts=prompts, batch=2)
        told = replace(told, source=replace(told.source, rewards=(reward,)))
        return go(told, prepare(told))

    first = lines("one")
    assert [one.prompt for one in endpoint.asked].count("a cat in the rain") == 4
    assert len(endpoint.asked) == 8
    assert all(0 <= line["reward"] <= 1 and line["unscored"] == 0 for line in first)
    assert lines("again") == first
    assert len(endpoint.asked) == 8


def test_a_reward_that_misses_pictures_counts_for_them_with_its_mean():
    """Else a picture whose bad score was lost would be the best of its group."""
    asked = [Asked("a cat", "a cat")] * 3 + [Asked("a dog", "a dog")]
    images = [Image.new("RGB", (8, 8))] * 4
    kind = Told(0.9, 0.9, 0.8, 0.7)
    harsh = Told(0.1, None, 0.3, None)
    found = rate([Reward(scorer=kind), Reward(scorer=harsh)], images, asked)
    assert found == pytest.approx([0.5, 0.55, 0.55, 0.7])
    alone = rate([Reward(scorer=harsh)], images, asked)
    assert alone == [0.1, None, 0.3, None]


class Told:
    """Gives the scores it was told, whatever it sees."""

    def __init__(self, *values):
        self.values = values

    def score(self, images, wanted):
        return [Score(value, "") for value in self.values]


class Sentences:
    """Scores sentences by their length, and remembers what it was told."""

    def __init__(self):
        self.told = []

    def score(self, images, wanted):
        self.told += wanted
        return [Score(float(len(one)) if isinstance(one, str) else None, "") for one in wanted]


def test_scorers_are_told_the_sentence_where_a_specification_says_them_nothing():
    scorer, spec = Sentences(), Scene("colors", (Object("star", color="red"),))
    asked = [Asked("a red star", spec), Asked("a cat", "a cat")]
    images = [Image.new("RGB", (8, 8))] * 2
    assert rate([Reward(scorer=scorer)], images, asked) == [10, 5]
    assert scorer.told == [spec, "a cat", "a red star"]


def test_a_judge_that_loses_answers_does_not_end_a_run(model, tmp_path):
    told = recipe(model, tmp_path, NFT(), batch=3)
    source = replace(told.source, rewards=(Reward(scorer=Preset(0.0, 1.0, *[None] * 3, 0.5)),))
    told = replace(told, source=source)
    batch = _open(told, prepare(told))[0]
    assert batch.advantages.tolist() == pytest.approx([-1, 1], abs=1e-3)
    assert {name: value.item() for name, value in batch.told.items()} | {"diversity": 0} == {
        "reward": 0.5, "unscored": 0.5, "lively": pytest.approx(1 / 3), "diversity": 0
    }  # fmt: skip
    deaf = replace(source, rewards=(Reward(scorer=Preset(*[None] * 6)),))
    lines = go(replace(told, source=deaf, steps=1), prepare(told))
    assert (lines[0]["unscored"], lines[0]["reward"], lines[0]["lively"]) == (1.0, None, 0.0)


def test_pictures_that_are_alike_have_no_diversity():
    latents = torch.randn(3, 1, 4, 8, 8, generator=generator(0)).expand(3, 5, 4, 8, 8)
    assert diversity(latents) == 0
    free = torch.randn(3, 500, 4, 8, 8, generator=generator(0))
    assert diversity(free) == pytest.approx(2**0.5, rel=0.01)


@pytest.mark.parametrize("kind", ["nft", "grpo"])
def test_an_anchor_adds_flow_matching_on_pictures_from_elsewhere(model, tmp_path, kind):
    objective, source = KINDS[kind]
    pictures = SynthesisLatents(pictures=ASKED, batch=4, pool=4)
    held = recipe(model, tmp_path, objective, anchor=pictures, **source)
    state = prepare(held)
    batch, plain = _open(held, state)[0], replace(_open(held, state)[0], anchor=None)
    network = state.weights.module
    drawn = generator(0)
    alone = objective(network, plain, drawn)
    matched = objective.anchor.matching(network, batch.anchor, drawn)
    heavy = replace(objective, anchor=replace(objective.anchor, weight=3.0))
    both = heavy(network, batch, generator(0))
    assert_close(both.value, alone.value + 3 * matched.value)
    assert both.parts["anchor"] == matched.value.detach()
    assert "anchor" not in alone.parts


# Prompts


def test_prompts_are_those_of_training(model, tmp_path):
    told = recipe(model, tmp_path, NFT())
    asked = told.source.asked
    for i in range(5):
        prompt, sample = asked.prompt(i), asked.sample(i)
        assert (prompt.prompt, prompt.spec) == (sample.caption, sample.spec)
        assert bucket(prompt.spec) == "train"


def test_prompts_of_tests_are_refused(tmp_path):
    path = tmp_path / "prompts.jsonl"
    told = held_out("counting", 2, "dev")
    path.write_text("\n".join(json.dumps(prompt.record) for prompt in told))
    assert [one.wanted.id for one in read_prompts(path)] == [prompt.spec.id for prompt in told]
    for split in ("test_iid", "test_count", "test_para"):
        path.write_text(json.dumps(held_out("counting", 1, split)[0].record))
        with pytest.raises(RecipeError, match="prompts must be of the buckets train and dev, got"):
            read_prompts(path)
    for text in ("{}", "7", "no JSON", '{"prompt": "a"}', ""):
        path.write_text(text)
        with pytest.raises(RecipeError, match="prompts must"):
            read_prompts(path)
    with pytest.raises(RecipeError, match="or a JSONL file of prompts and what"):
        read_prompts(tmp_path / "none.jsonl")


def test_lines_of_text_are_prompts_and_those_of_tests_are_refused(tmp_path):
    path = tmp_path / "prompts.txt"
    (known,) = held_out("counting", 1, "dev", "en")
    path.write_text(f"\n  a cat in the rain \n{known.prompt.upper()}!\n")
    cat, counted = read_prompts(path)
    assert cat == ("a cat in the rain", "a cat in the rain")
    assert (counted.prompt, counted.wanted) == (f"{known.prompt.upper()}!", known.spec)
    for split, category in (("test_iid", "text_zh"), ("test_pair", "position")):
        for kept in held_out(category, 5, split):
            path.write_text(f"a cat\n{kept.prompt}\n")
            with pytest.raises(RecipeError, match=f"train and dev, got .* of {split}; take it out"):
                read_prompts(path)
    path.write_text(" \n")
    with pytest.raises(RecipeError, match="at least one line"):
        read_prompts(path)


def test_given_prompts_come_in_turn(model, tmp_path):
    path = tmp_path / "prompts.jsonl"
    told = held_out("colors", 3, "dev")
    path.write_text("\n".join(json.dumps(prompt.record) for prompt in told))
    one = recipe(model, tmp_path / "run", NFT(), prompts=path)
    batches = _open(one, prepare(one))
    captions = [caption for step in range(4) for caption in batches[step].captions[::2]]
    assert captions == [told[i % 3].prompt for i in range(4)]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"group": 1}, "group must be at least 2, got 1"),
        ({"rewards": ()}, r"len\(rewards\) must be at least 1"),
        ({"steps": 1}, "steps must be at least 2"),
    ],
)
def test_settings_that_teach_nothing_are_refused(change, complaint):
    with pytest.raises(RecipeError, match=complaint):
        Rollouts(**{"rewards": (Reward(scorer=SceneScorer()),), **change})


def test_a_size_between_tokens_is_refused(model, tmp_path):
    told = recipe(model, tmp_path, NFT(), asked=replace(ASKED, size=(66, 65)))
    with pytest.raises(RecipeError, match="size must be multiples of"):
        _open(told, prepare(told))


@pytest.mark.parametrize("one_start", [False, True])
def test_pictures_of_a_prompt_may_begin_as_the_same_noise(model, tmp_path, one_start):
    told = recipe(model, tmp_path, GRPO(), batch=2, noise=Noise(one_start=one_start))
    source = replace(told.source, rewards=(Reward(scorer=Preset(0.0, 1.0, 0.0, 1.0)),))
    batch = _open(replace(told, source=source), prepare(told))[0]
    first, second, other, _ = batch.hops[0].x
    assert first.equal(second) == one_start
    assert not first.equal(other), "another prompt begins otherwise"
    assert not batch.latents[0].equal(batch.latents[1]), "steps tell them apart"


def test_a_window_slides_and_never_takes_the_last_step():
    noise = Noise(window=2, dwell=3)
    found = [noise.steps(batch, 5) for batch in range(12)]
    assert found == [range(i, i + 2) for i in (0, 1, 2, 0) for _ in range(3)]
    assert Noise().steps(7, 5) == range(4)
    assert Noise(window=9).steps(7, 5) == range(4)
    with pytest.raises(RecipeError, match="window must be above 0"):
        Noise(window=0)
