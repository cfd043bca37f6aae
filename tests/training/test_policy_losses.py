"""Objectives of reinforcement are held to what they reduce to, on velocities of one weight."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from danqing.core.errors import RecipeError
from danqing.core.seed import generator
from danqing.flow.path import denoised, mix
from danqing.flow.sde import kernels, walk
from danqing.training.objectives.grpo import GRPO, divergence
from danqing.training.objectives.nft import NFT
from danqing.training.painting import Noise
from danqing.training.rewards import advantages
from danqing.training.sources.rollouts import RolloutBatch


def linear(weight):
    """Return a model whose velocity is a learned multiple of its input."""

    class Linear(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.tensor(weight))

        def forward(self, x, captions, sigma):
            return self.weight * x

    return Linear()


def batch_of(advantage, old=0.3, reference=0.1, hops=(), noise=None, group=1):
    latents = torch.randn(len(advantage), 2, 4, 4, generator=generator(0))
    return RolloutBatch(
        latents=latents,
        captions=["a"] * len(advantage),
        advantages=torch.tensor(advantage),
        group=group,
        painted=len(advantage),
        hops=hops,
        noise=noise,
        guidance=1.0,
        old=lambda x, captions, sigma: old * x,
        reference=lambda x, captions, sigma: reference * x,
        told={},
    )


def gradient(objective, model, batch):
    loss = objective(model, batch, generator(1)).value
    return torch.autograd.grad(loss, model.weight)[0].item(), loss.item()


def test_nft_of_good_pictures_is_flow_matching_on_them():
    """With r = 1 and beta 1 only v+ = v counts: the weighted error of the picture it means."""
    batch, model = batch_of([5.0] * 6), linear(0.7)
    _, loss = gradient(NFT(kl=0.0), model, batch)
    draws = generator(1)
    sigma = NFT().sigmas(6, draws)[:, None, None, None]
    x = mix(batch.latents, torch.randn(batch.latents.shape, generator=draws), sigma)
    error = (denoised(x, 0.7 * x, sigma) - batch.latents).flatten(1)
    expected = 5 * (error.square().mean(1) / error.abs().mean(1)).mean()
    assert loss == pytest.approx(expected.item(), rel=1e-5)


def test_nft_goes_from_the_old_velocity_as_far_as_pictures_are_good():
    """Where v = v_old both errors are one, and the slope is that of flow matching times 2r - 1."""
    slopes = []
    for advantage in (5.0, 2.5, 0.0, -2.5, -9.0):
        slope, loss = gradient(NFT(kl=0.0), linear(0.3), batch_of([advantage] * 6))
        slopes.append(slope)
        assert loss == pytest.approx(gradient(NFT(kl=0.0), linear(0.3), batch_of([0.0] * 6))[1])
    assert [slope / slopes[0] for slope in slopes] == pytest.approx([1, 0.5, 0, -0.5, -1], abs=1e-5)


@pytest.mark.parametrize("beta", [0.1, 1.0, 2.0])
def test_nft_at_the_old_velocity_does_not_depend_on_beta(beta):
    batch = batch_of([3.0, -1.0, 0.5])
    slope, loss = gradient(NFT(kl=0.0, beta=beta), linear(0.3), batch)
    plain, whole = gradient(NFT(kl=0.0), linear(0.3), batch)
    assert (slope, loss * beta) == pytest.approx((plain, whole), rel=1e-4)


def test_nft_draws_several_versions_of_each_picture():
    batch, model = batch_of([3.0, -1.0, 0.5]), linear(0.7)
    thrice = replace(
        batch,
        latents=batch.latents.repeat(3, 1, 1, 1),
        captions=batch.captions * 3,
        advantages=batch.advantages.repeat(3),
        painted=9,
    )
    assert gradient(NFT(draws=3), model, batch) == gradient(NFT(), model, thrice)


def test_nft_shares_noise_within_a_group():
    """Pictures that are the same and were rated apart teach nothing, whatever the noise."""
    batch = batch_of([2.0, -2.0], group=2)
    same = replace(batch, latents=batch.latents[:1].repeat(2, 1, 1, 1))
    assert gradient(NFT(kl=0.0), linear(0.3), same)[0] == pytest.approx(0, abs=1e-6)
    assert abs(gradient(NFT(kl=0.0), linear(0.3), replace(same, group=1))[0]) > 0.01


@pytest.mark.parametrize("objective", [NFT(kl=0.0), GRPO()])
def test_pictures_left_out_count_in_the_mean(objective):
    batch = walked(0.3, [1.0, -2.0, 0.5, 0.5])
    slope, loss = gradient(objective, linear(0.3), batch)
    among_more = gradient(objective, linear(0.3), replace(batch, painted=8))
    assert among_more == pytest.approx((slope / 2, loss / 2))


def test_nft_is_held_to_the_reference():
    batch = batch_of([0.0] * 4, reference=0.1)
    (held, _), (free, _) = (gradient(NFT(kl=kl), linear(0.3), batch) for kl in (10.0, 0.0))
    assert held > free + 0.1
    with pytest.raises(RecipeError, match="beta must be above 0"):
        NFT(beta=0.0)


def walked(weight, advantage, noise=None):
    noise = noise or Noise()
    x = torch.randn(len(advantage), 2, 4, 4, generator=generator(2))
    _, hops = walk(
        lambda x, sigma: weight * x,
        x,
        (1.0, 0.7, 0.4, 0.0),
        kernels[noise.kernel],
        noise.level,
        noise.steps(0, 3),
        generator(3),
    )
    return batch_of(advantage, reference=weight, hops=hops, noise=noise)


SETTINGS = [
    (GRPO(), Noise()),
    (GRPO(measure="mean"), Noise(kernel="flow_sde")),
    (GRPO(measure="sum", kl=0.1), Noise(kernel="flow_sde")),
    (GRPO(measure="mean", guard=True), Noise(kernel="flow_sde")),
]


@pytest.mark.parametrize(("objective", "noise"), SETTINGS)
def test_on_policy_ratios_are_1_and_the_slope_is_the_policy_gradient(objective, noise):
    advantage = [1.0, -2.0, 0.5, 0.5]
    batch, model = walked(0.3, advantage, noise), linear(0.3)
    loss = objective(model, batch, generator(0))
    assert loss.parts["ratio"].item() == 0
    assert loss.parts["clipped"].item() == 0
    slope = torch.autograd.grad(loss.value, model.weight)[0].item()

    def likelihood(weight):
        return [
            (batch.advantages * objective.log_ratio(step_of(weight, hop, noise), hop)).mean()
            / ((hop.sigma - hop.after) if objective.guard else 1)
            for hop in batch.hops
        ]

    tiny = 1e-2
    ahead, behind = (torch.stack(likelihood(0.3 + d)).mean().item() for d in (tiny, -tiny))
    assert slope == pytest.approx(-(ahead - behind) / (2 * tiny), rel=2e-2)


def step_of(weight, hop, noise):
    return kernels[noise.kernel](hop.x, weight * hop.x, hop.sigma, hop.after, noise.level)


def test_ratios_beyond_the_clip_are_not_pushed_further():
    model = linear(0.35)
    batch = walked(0.3, [1.0, 1.0, 1.0, 1.0])
    ratios = torch.stack(
        [GRPO().log_ratio(step_of(0.35, hop, batch.noise), hop) for hop in batch.hops]
    )
    assert ratios.abs().min() > 1e-6
    # The better ones are pushed only where they are less likely than before.
    for sign in (1.0, -1.0):
        signed = replace(batch, advantages=batch.advantages * sign)
        held, _ = gradient(GRPO(clip=1e-6), model, signed)
        pushed = (ratios < 0) if sign > 0 else (ratios > 0)
        free = []
        for i, hop in enumerate(batch.hops):
            ratio = GRPO().log_ratio(step_of(model.weight, hop, batch.noise), hop).exp()
            free.append((-sign * ratio * pushed[i]).mean())
        expected = torch.autograd.grad(torch.stack(free).mean(), model.weight)[0].item()
        assert held == pytest.approx(expected, rel=1e-4, abs=1e-9)


def test_guard_centres_ratios_that_are_below_1():
    noise = Noise(kernel="flow_sde")
    batch = walked(0.3, [0.0] * 2000, noise)
    for hop in batch.hops:
        step = step_of(0.5, hop, noise)
        plain = GRPO(measure="mean").log_ratio(step, hop)
        guarded = GRPO(measure="mean", guard=True).log_ratio(step, hop)
        assert plain.mean() < -3 * plain.std() / 2000**0.5
        assert guarded.mean().abs() < 4 * guarded.std() / 2000**0.5


def test_the_divergence_is_that_of_gaussians():
    noise = Noise(kernel="flow_sde")
    hop = walked(0.3, [0.0] * 3, noise).hops[0]
    step = step_of(0.5, hop, noise)
    ours, theirs = (torch.distributions.Normal(s.mean, s.std) for s in (step, hop.step))
    exact = torch.distributions.kl_divergence(ours, theirs).flatten(1).mean(1)
    assert_close(divergence(step, hop.step), exact)


def test_grpo_asks_for_noise_and_guard_for_its_kernel():
    with pytest.raises(RecipeError, match=r"source.noise must be set for grpo, got none"):
        GRPO()(linear(0.1), batch_of([0.0]), generator(0))
    with pytest.raises(RecipeError, match="kernel must be flow_sde with guard, got cps"):
        GRPO(guard=True, measure="mean")(linear(0.1), walked(0.1, [0.0]), generator(0))
    with pytest.raises(RecipeError, match="measure must be mean with guard, got distance"):
        GRPO(guard=True)


class Gaussian(nn.Module):
    """The exact flow of pictures N(middle, 0.3^2), whose middle is learned."""

    def __init__(self):
        super().__init__()
        self.middle = nn.Parameter(torch.tensor(0.0))

    def forward(self, x, captions, sigma):
        level = sigma[:, None, None, None]
        away = x - (1 - level) * self.middle
        variance = (1 - level) ** 2 * 0.09 + level**2
        return (level - (1 - level) * 0.09) * away / variance - self.middle


@pytest.mark.parametrize(
    ("objective", "noise"),
    [(NFT(), Noise()), *SETTINGS],
)
def test_what_is_rewarded_becomes_likelier(objective, noise):
    model = Gaussian()
    reference = Gaussian()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    rewards = []
    for number in range(40):
        with torch.no_grad():
            x = torch.randn(16, 1, 2, 2, generator=generator(100 + number))
            latents, hops = walk(
                lambda x, sigma: model(x, None, torch.full((len(x),), sigma)),
                x,
                (1.0, 0.75, 0.5, 0.25, 0.0),
                kernels[noise.kernel],
                noise.level,
                noise.steps(0, 4),
                generator(number),
            )
        reward = -(latents.mean((1, 2, 3)) - 1).square()
        batch = replace(
            batch_of([0.0] * 16, hops=hops, noise=noise),
            latents=latents,
            advantages=advantages(reward[None])[0],
            old=lambda *asked: model(*asked).detach(),
            reference=reference,
        )
        objective(model, batch, generator(number)).value.backward()
        optimizer.step()
        optimizer.zero_grad()
        rewards.append(reward.mean().item())
    assert model.middle.item() > 0.6
    assert sum(rewards[-5:]) > sum(rewards[:5]) + 2
