"""How much of a gradient from rewards is signal, with noise shared by a group's pictures or not.

    python benchmarks/reward_gradient.py --recipe recipes/train/nano/nft.toml --batches 20

The weights stand still. Gradients of different batches have the true gradient in common and nothing
else, so their mean scalar product is its square; a gradient's own square has the noise in it too.
"""

from dataclasses import replace
from pathlib import Path

import torch
import tyro
from race import surroundings
from torch import Tensor

from danqing.core.config import load
from danqing.core.seed import generator
from danqing.training.objectives.nft import NFT
from danqing.training.policy import Policy
from danqing.training.recipe import Recipe, prepare
from danqing.training.sources.rollouts import RolloutBatch, Rollouts
from danqing.training.weights import Weights


def main(*, recipe: Path, batches: int = 20, threads: int = 1) -> None:
    """Print a table of scalar products.

    Args:
        recipe: A recipe of rollouts and `nft`.
        batches: How many are painted.
        threads: CPU threads.
    """
    torch.set_num_threads(threads)
    settings = load(Recipe, recipe, ("run=runs/none",))
    assert isinstance(settings.source, Rollouts), "the recipe must learn from rollouts"
    assert isinstance(settings.objective, NFT), "the recipe must learn by nft"
    state = prepare(settings)
    policy = Policy(state.weights, state.past)
    painted = settings.source.paint_with(policy, settings.model, settings.seed)
    ways = {f"{kind}, {n} draws": (kind, n) for kind in ("apart", "shared") for n in (1, 4)}
    found: dict[str, list[Tensor]] = {way: [] for way in ways}
    for number in range(batches):
        batch = painted[number]
        for way, (kind, draws) in ways.items():
            noised = batch if kind == "shared" else replace(batch, group=1)
            objective = replace(settings.objective, draws=draws, kl=0.0)
            found[way].append(gradient(objective, state.weights, noised, number))
    print(surroundings(threads))
    print(f"{batches} batches of {settings.source.batch} x {settings.source.group} pictures")
    print(f"{'noise':18}{'square':>12}{'in common':>12}{'signal':>9}")
    for way, each in found.items():
        rows = torch.stack(each)
        square = rows.square().sum(1).mean()
        total = rows.sum(0).square().sum() - rows.square().sum()
        common = total / (batches * (batches - 1))
        print(f"{way:18}{square:12.2e}{common:12.2e}{common / square:9.1%}")


def gradient(objective: NFT, weights: Weights, batch: RolloutBatch, seed: int) -> Tensor:
    """Return the gradient of all weights as one row."""
    objective(weights.module, batch, generator(seed)).value.backward()
    weights.collect()
    row = torch.cat([w.grad.flatten() for w in weights.masters.values() if w.grad is not None])
    for weight in weights.masters.values():
        weight.grad = None
    return row


if __name__ == "__main__":
    tyro.cli(main)
