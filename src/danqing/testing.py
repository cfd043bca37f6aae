"""Toy models for tests, ours and those of plug-ins: the real classes, tiny, with random weights.

They paint nothing, but they paint it in milliseconds, and every path of the code is run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from jaxtyping import Bool
from PIL import Image, ImageDraw
from torch import nn

from danqing.flow.schedule import DynamicShift, LayeredShift
from danqing.models.conditioner.config import ConditionerConfig, EyesConfig
from danqing.models.conditioner.model import Conditioner
from danqing.models.conditioner.tokenizer import build_tokenizer
from danqing.models.mmdit.config import MMDiTConfig
from danqing.models.mmdit.model import MMDiT
from danqing.models.vae.config import VAEConfig
from danqing.models.vae.model import VAE
from danqing.pipelines.model import Identity
from danqing.pipelines.pipeline import Pipeline
from danqing.pipelines.request import Defaults

M = TypeVar("M", bound=nn.Module)

MMDIT = MMDiTConfig(
    in_channels=16,
    out_channels=4,
    depth=2,
    heads=2,
    head_dim=16,
    text_channels=32,
    rope_axes=(4, 6, 6),
)
VAE_ = VAEConfig(
    base=8,
    latent_channels=4,
    multipliers=(1, 2),
    res_blocks=1,
    latents_mean=(0.1, -0.2, 0.3, 0.0),
    latents_std=(1.5, 0.8, 1.0, 1.2),
)
CONDITIONER = ConditionerConfig(width=32, depth=1, heads=2, kv_heads=1, mlp=48)
SEEING = replace(CONDITIONER, eyes=EyesConfig(width=32, mlp=48))
"""A conditioner that is shown pictures too."""
WORDS = ("a", "and", "blue", "circle", "green", "red", "square", "triangle")


def toy(seed: int = 0, *, edits: bool = False) -> Pipeline:
    """Return a pipeline whose pictures are noise of 32x32 pixels, in float32 on the CPU.

    Args:
        seed: Decides the weights.
        edits: Whether it looks at pictures.
    """
    return Pipeline(
        toy_mmdit(seed),
        toy_vae(seed),
        toy_conditioner(seed, SEEING if edits else CONDITIONER),
        DynamicShift(),
        Defaults(sizes=((32, 32),), area=(16 * 16, 64 * 64), steps=3, guidance=2.0),
        Identity(name="toy", weights=f"toy-{seed}"),
    )


def toy_layered(seed: int = 0) -> Pipeline:
    """Return a pipeline that takes pictures apart, at 32x32 pixels, as `toy` paints them."""
    return Pipeline(
        toy_mmdit(seed, replace(MMDIT, layered=True, addition_t_cond=True)),
        toy_vae(seed, replace(VAE_, image_channels=4)),
        toy_conditioner(seed),
        LayeredShift(),
        Defaults(sizes=((32, 32), (48, 48)), area=(16 * 16, 64 * 64), steps=3, guidance=2.0),
        Identity(name="toy-layered", weights=f"toy-layered-{seed}"),
    )


def toy_mmdit(seed: int = 0, config: MMDiTConfig = MMDIT) -> MMDiT:
    """Return a transformer with random weights."""
    return _random(lambda: MMDiT(config), seed)


def toy_vae(seed: int = 0, config: VAEConfig = VAE_) -> VAE:
    """Return a VAE with random weights."""
    return _random(lambda: VAE(config), seed)


def toy_conditioner(seed: int = 0, config: ConditionerConfig = CONDITIONER) -> Conditioner:
    """Return a conditioner with random weights and a tokenizer of a few words."""
    return _random(lambda: Conditioner.build(config, build_tokenizer(WORDS, "红方")), seed)


def _random(build: Callable[[], M], seed: int) -> M:
    """Return a module in evaluation, its weights decided by the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = build()
        with torch.no_grad():
            # Fresh networks predict zero; that would hide every mistake.
            for weight in module.parameters():
                weight.add_(0.05 * torch.randn_like(weight))
    return module.eval()


class ToyEdit(NamedTuple):
    """An example of `ToyEdits`."""

    sources: Sequence[Image.Image]
    instruction: str
    target: Image.Image
    kept: Bool[np.ndarray, "H W"]


@dataclass(frozen=True, kw_only=True)
class ToyEdits:
    """A stream of edits: a square is to be green, and all else stays.

    A second picture has another size than the first; it shows another square and means nothing.
    """

    size: tuple[int, int] = (32, 32)
    """Width and height of answers in pixels."""
    other: tuple[int, int] = (64, 32)
    """Width and height of second pictures."""
    sources: tuple[int, ...] = (1, 2)
    """How many pictures are given, in turn."""

    def sample(self, index: int) -> ToyEdit:
        """Return the example of an index, always the same one."""
        rng = np.random.default_rng(index)
        ground, thing = (tuple(map(int, rng.integers(0, 256, 3))) for _ in range(2))
        side = min(self.size) // 2
        left, top = (int(rng.integers(0, length - side)) for length in self.size)
        kept = np.ones(self.size[::-1], bool)
        kept[top : top + side, left : left + side] = False

        def drawn(size: tuple[int, int], color: tuple[int, ...]) -> Image.Image:
            image = Image.new("RGB", size, ground)
            ImageDraw.Draw(image).rectangle((left, top, left + side - 1, top + side - 1), color)
            return image

        given = [drawn(self.size, thing), drawn(self.other, thing)]
        given = given[: self.sources[index % len(self.sources)]]
        return ToyEdit(given, "a green square", drawn(self.size, (0, 255, 0)), kept)
