"""Steering made beforehand is the steering of the step, bit for bit."""

from dataclasses import replace

import pytest
import torch

from danqing.models.mmdit import Grid
from danqing.pipelines.steering import Steerer, modulation_bytes
from danqing.pipelines.velocity import Towards
from danqing.testing import MMDIT, toy_mmdit

SIGMAS = [1.0, 0.75, 0.3, 0.02]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DANQING_CACHE", str(tmp_path))
    return tmp_path / "modulations"


def rows(steering):
    return [row for pair in steering.blocks for row in pair] + [steering.out]


def assert_same(one, other):
    for a, b in zip(rows(one), rows(other), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("zero_cond_t", [False, True])
@pytest.mark.parametrize("keep", [False, True])
@torch.no_grad()
def test_a_table_gives_the_velocity_that_the_network_gives_in_place(dtype, zero_cond_t, keep):
    mmdit = toy_mmdit(config=replace(MMDIT, zero_cond_t=zero_cond_t)).to(dtype)
    layout = [Grid(1, 3, 4), Grid(1, 2, 2)]
    x = torch.randn(1, 16, 16)
    texts = [torch.randn(1, 5, 32).to(dtype), torch.randn(1, 3, 32).to(dtype)]
    for _ in range(2):  # the second time, kept rows are read
        steerer = Steerer(mmdit, "toy", keep=keep)
        steerer.prepare(SIGMAS)
        towards = Towards(mmdit, steerer, layout, texts)
        for sigma in SIGMAS:
            # The timestep is rounded to the dtype, as the reference does.
            rounded = torch.tensor([1000 * sigma]).to(dtype) / 1000
            for text, got in zip(texts, towards.pair(x, sigma), strict=True):
                alone = mmdit(x.to(dtype), text, rounded, [layout]).to(x.dtype)
                assert torch.equal(got, alone)


@torch.no_grad()
def test_the_modulation_weights_are_not_touched_after_a_schedule_is_known():
    mmdit = toy_mmdit()
    steerer = Steerer(mmdit, "toy")
    steerer.prepare(SIGMAS)
    for name, weight in mmdit.named_parameters():
        if ".modulate." in name or name.startswith(("modulate_out.", "time.")):
            weight.fill_(torch.nan)
    towards = Towards(mmdit, steerer, [Grid(1, 4, 4)], [torch.randn(1, 5, 32)])
    assert all(towards(torch.randn(1, 16, 16), sigma).isfinite().all() for sigma in SIGMAS)


@torch.no_grad()
def test_rows_are_kept_for_their_schedule_and_weights_only(cache):
    mmdit = toy_mmdit()

    def prepare(weights, sigmas, network=mmdit):
        Steerer(network, weights, keep=True).prepare(sigmas)
        return len(list(cache.iterdir()))

    assert prepare("a", SIGMAS) == 1
    assert prepare("a", SIGMAS) == 1
    assert prepare("b", SIGMAS) == 2
    assert prepare("a", SIGMAS[:2]) == 3
    assert prepare("a", SIGMAS, toy_mmdit().bfloat16()) == 4


@torch.no_grad()
def test_a_damaged_table_is_made_anew(cache, caplog):
    mmdit = toy_mmdit()
    Steerer(mmdit, "toy", keep=True).prepare(SIGMAS)
    (file,) = cache.iterdir()
    file.write_bytes(file.read_bytes()[:100])
    steerer = Steerer(mmdit, "toy", keep=True)
    steerer.prepare(SIGMAS)
    assert "made anew" in caplog.text
    assert_same(steerer(0.3), Steerer(mmdit, "other")(0.3))
    assert file.stat().st_size > 100


@torch.no_grad()
def test_a_small_model_leaves_nothing_on_disk(cache):
    Steerer(toy_mmdit(), "toy").prepare(SIGMAS)
    assert not cache.exists()


def test_a_third_of_the_published_network_is_modulation():
    from danqing.models.mmdit import MMDiT, MMDiTConfig

    with torch.device("meta"):
        mmdit = MMDiT(MMDiTConfig()).to(torch.bfloat16)
    total = sum(2 * weight.numel() for weight in mmdit.parameters())
    assert 0.33 < modulation_bytes(mmdit) / total < 0.34
