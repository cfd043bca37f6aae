"""Work that is divided adds up, and boxes of a tensor are all of it: laws, without processes."""

from dataclasses import replace
from functools import partial
from itertools import pairwise, product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.testing import assert_close

from danqing.core.errors import RecipeError
from danqing.core.seed import generator
from danqing.models.lora import LowRank, adapt, adapted
from danqing.pipelines.reading import Reader
from danqing.scorers.scene import SceneScorer
from danqing.testing import SEEING, ToyEdits, toy_conditioner, toy_mmdit, toy_vae
from danqing.training.model import TextToImageModel
from danqing.training.objectives.dpo import DPO, Preference
from danqing.training.objectives.flow_matching import FlowMatching
from danqing.training.objectives.grpo import GRPO
from danqing.training.objectives.reconstruction import Reconstruction
from danqing.training.parallel.plan import Parallel
from danqing.training.parallel.recompute import recompute
from danqing.training.parallel.shares import Share
from danqing.training.parallel.work import Work, cut
from danqing.training.recipe import Recipe, prepare
from danqing.training.rewards import Reward
from danqing.training.saved import Saved, write
from danqing.training.sources import LatentBatch, PairBatch, PictureBatch
from danqing.training.sources.edits import as_batch
from danqing.training.sources.rollouts import Rollouts
from danqing.training.trainees.adapter import AdapterTrainee
from danqing.training.weights import Weights

counts = st.integers(1, 4)
sizes = st.lists(st.integers(1, 7), min_size=1, max_size=3).map(tuple)


def learner() -> TextToImageModel:
    return TextToImageModel(toy_mmdit(), toy_conditioner())


def seer() -> TextToImageModel:
    return TextToImageModel(toy_mmdit(), toy_conditioner(config=SEEING))


def adapter() -> TextToImageModel:
    mmdit, conditioner = toy_mmdit(), toy_conditioner()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        adapt(mmdit, r"\.(to_|mlp\.)", partial(LowRank.fresh, rank=2, alpha=2.0))
        for layer in adapted(mmdit).values():
            for change in layer.changes:
                nn.init.normal_(change.up, std=0.02)
    return TextToImageModel(mmdit, conditioner, Reader(conditioner, "toy"))


WORDS = ["a red circle", "a blue square and a green triangle", "a", "a red square", "a circle"]
LATENTS = torch.randn(2, 5, 4, 6, 4, generator=generator(1))
CASES = {
    "flow_matching": (FlowMatching(), learner, LatentBatch(LATENTS[0], WORDS)),
    "edits": (
        FlowMatching(changed=2.0),
        seer,
        as_batch([ToyEdits().sample(n) for n in range(3)], toy_vae()),
    ),
    "dpo": (
        Preference(DPO(beta=10.0), learner()),
        adapter,
        PairBatch(LATENTS[0], LATENTS[1], WORDS),
    ),
    "reconstruction": (
        Reconstruction(),
        toy_vae,
        PictureBatch(torch.rand(5, 3, 8, 8, generator=generator(2))),
    ),
}


def gradient(weights: Weights) -> dict[str, torch.Tensor]:
    found = {name: w.grad for name, w in weights.masters.items() if w.grad is not None}
    for weight in weights.masters.values():
        weight.grad = None
    return found


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("rounds", [2, 7])
def test_pieces_of_a_batch_have_its_loss_and_its_gradient(name, rounds):
    """In float32, up to the order of sums; seven pieces of five samples are some of them empty."""
    objective, build, batch = CASES[name]
    weights = Weights(build())
    whole = Work().learn(objective, weights, batch, generator(3))
    expected = gradient(weights)
    pieces = Work(rounds=rounds).learn(objective, weights, batch, generator(3))
    assert_close(pieces.value, whole.value, rtol=1e-6, atol=1e-6)
    assert pieces.parts.keys() == whole.parts.keys()
    assert expected
    assert_close(gradient(weights), expected, rtol=1e-4, atol=1e-6)


@given(samples=st.integers(1, 9), ranks=counts, rounds=counts)
def test_every_sample_is_in_one_piece_and_counts_once(samples, ranks, rounds):
    batch = LatentBatch(
        torch.arange(samples).float().reshape(-1, 1, 1, 1), [str(n) for n in range(samples)]
    )
    seen: list[float] = []
    shares: list[float] = []
    for rank in range(ranks):
        pieces = list(Work(rank, ranks, rounds).pieces(batch))
        # Ranks wait for each other in every piece, so all have as many.
        assert len(pieces) == rounds
        for share, piece in pieces:
            assert [float(word) for word in piece.captions] == piece.latents.flatten().tolist()
            assert len(piece.captions)
            shares.append(share)
            seen += piece.latents.flatten().tolist() if share else []
    assert sorted(seen) == list(range(samples))
    assert sum(shares) == pytest.approx(1)


def test_a_piece_has_of_everything_what_belongs_to_its_samples():
    objective, build, batch = CASES["dpo"]
    drawn = objective.draw(build(), batch, generator(0))
    piece = cut(drawn, slice(1, 3))
    assert torch.equal(piece.pairs.rejected, batch.rejected[1:3])
    assert list(piece.pairs.captions) == WORDS[1:3]
    assert torch.equal(piece.noise, drawn.noise[1:3])


def test_an_objective_that_is_no_mean_over_samples_is_not_divided(tmp_path):
    recipe = Recipe(
        model=tmp_path,
        run=tmp_path,
        trainee=AdapterTrainee(file=tmp_path / "a.safetensors"),
        objective=GRPO(),
        source=Rollouts(rewards=(Reward(scorer=SceneScorer()),)),
        steps=1,
        accumulate=2,
    )
    with pytest.raises(RecipeError, match="a mean over samples to be divided, got grpo"):
        prepare(recipe)
    for wrong in ({"accumulate": 0}, {"recompute": 1.5}):
        with pytest.raises(RecipeError, match=f"{next(iter(wrong))} must be"):
            replace(recipe, **wrong)


def grid(shape: tuple[int, ...], ranks: dict[int, int]) -> list[Share]:
    """Return the boxes of a tensor that is cut along some dimensions, one after the other."""
    boxes: list[Share] = []
    for places in product(*(range(count) for count in ranks.values())):
        share = Share.all_of(torch.empty(shape))
        for place, (dim, count) in zip(places, ranks.items(), strict=True):
            share = share.cut(dim, place, count)
        boxes.append(share)
    return boxes


@given(shape=sizes, ranks=st.dictionaries(st.integers(0, 2), counts, max_size=2))
def test_boxes_cover_a_tensor_once(shape, ranks):
    covered = torch.zeros(shape)
    for share in grid(shape, {dim: n for dim, n in ranks.items() if dim < len(shape)}):
        assert covered[share.box].shape == share.shape
        covered[share.box] += 1
    assert torch.equal(covered, torch.ones(shape))


@settings(max_examples=30)
@given(shape=sizes, before=counts, columns=counts, after=counts)
def test_what_some_ranks_saved_any_other_number_of_ranks_reads(
    tmp_path_factory, shape, before, columns, after
):
    folder = tmp_path_factory.mktemp("saved")
    tensor = torch.randn(shape, generator=generator(0))
    step = torch.tensor(3.0)
    last = len(shape) - 1
    # By columns, then by rows, as sharding does with what tensor parallelism has left.
    writers = grid(shape, {last: columns, 0: before})
    for number, share in enumerate(writers):
        count = Share((), (), (), answers=number == 0)
        boxes = {"weight": (share, tensor[share.box]), "step": (count, step)}
        write(folder / f"model-{number}.safetensors", boxes)
    saved = Saved(folder, "model")
    assert saved.shapes == {"weight": shape, "step": ()}
    assert torch.equal(saved.read("weight"), tensor)
    assert saved.read("step") == 3
    for share in grid(shape, {0: after}):
        assert torch.equal(saved.read("weight", share), tensor[share.box])


def test_blocks_that_compute_again_have_the_same_gradient_to_the_bit():
    objective, build, batch = CASES["flow_matching"]
    plain, again = Weights(build()), Weights(build())
    recompute(again.module, 0.5)
    losses = [Work().learn(objective, w, batch, generator(3)).value for w in (plain, again)]
    assert torch.equal(*losses)
    assert_close(gradient(again), gradient(plain), rtol=0, atol=0)


@given(depth=st.integers(1, 12), chosen=st.integers(0, 12))
def test_blocks_that_compute_again_are_as_many_as_asked_and_spread_evenly(depth, chosen):
    network, chosen = nn.Module(), min(depth, chosen)
    block = toy_mmdit().blocks[0]
    network.blocks = nn.ModuleList(type(block)(4, 1) for _ in range(depth))
    recompute(network, chosen / depth)
    again = [at for at, block in enumerate(network.blocks) if "forward" in vars(block)]
    assert len(again) == chosen
    gaps = {b - a for a, b in pairwise(again)}
    assert max(gaps, default=0) - min(gaps, default=0) <= 1


def test_a_plan_is_for_a_number_of_processes():
    assert Parallel(tensor=2).shards(8) == 4
    assert Parallel(shard=2, replicate=4).shards(8) == 2
    with pytest.raises(RecipeError, match="a plan for 2 processes, got one for 4"):
        Parallel(tensor=2, context=2).shards(2)
    with pytest.raises(RecipeError, match="a plan for 1 processes, got one for 2"):
        Parallel(shard=2).shards(1)
    with pytest.raises(RecipeError, match="replicate must be at least 1"):
        Parallel(replicate=0)
    with pytest.raises(RecipeError, match="recompute must be 0 for a model without blocks"):
        recompute(nn.Linear(1, 1), 0.5)
