"""Prompt to picture.

Read the prompt, draw noise, walk down the schedule along the (guided) velocity, decode. The state
is float32 and is cast at the transformer's door.

Dimension key:
    B batch    I image tokens    D channels of a token    C latent channels
    h w latent height and width    H W pixels    L text tokens    E text channels
"""

import platform
from dataclasses import dataclass, replace

import torch
from einops import rearrange
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from danqing import __version__
from danqing.core.errors import CheckpointError
from danqing.core.log import logger
from danqing.flow.guidance import guide
from danqing.flow.noise import draw
from danqing.flow.samplers import Watch, ignore, samplers
from danqing.flow.schedule import Schedule
from danqing.models.conditioner.model import Conditioner
from danqing.models.mmdit.model import MMDiT
from danqing.models.mmdit.rope import Grid
from danqing.models.vae.model import VAE
from danqing.pipelines.latents import Canvas, pack, parse_size, unpack
from danqing.pipelines.reading import Reader
from danqing.pipelines.record import Picture, Record, Result
from danqing.pipelines.request import Defaults, Request
from danqing.pipelines.steering import Steerer
from danqing.pipelines.velocity import Towards

_log = logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Which model this is, for the records of its pictures."""

    name: str = "unnamed"
    """What it is called."""
    weights: str = "unknown"
    """Fingerprint of its weights, LoRAs included."""
    loras: tuple[str, ...] = ()
    """LoRAs that were added to it, as `FILE:STRENGTH`."""


class TextToImage:
    """A model ready to paint: three networks, a schedule, and what the model does best.

    Raises:
        CheckpointError: the networks do not fit each other.
    """

    def __init__(
        self,
        mmdit: MMDiT,
        vae: VAE,
        conditioner: Conditioner,
        schedule: Schedule,
        defaults: Defaults | None = None,
        identity: Identity | None = None,
    ) -> None:
        self.mmdit = mmdit
        self.vae = vae
        self.conditioner = conditioner
        self.schedule = schedule
        self.defaults = defaults or Defaults()
        self.identity = identity or Identity()
        self.reader = Reader(conditioner, self.identity.weights)
        self.steerer = Steerer(mmdit, self.identity.weights)

        config = mmdit.config
        gives = vae.config.latent_channels * config.patch**2
        if config.in_channels != gives or config.out_channels != vae.config.latent_channels:
            raise CheckpointError(
                f"the transformer must take and give {gives} channels as the VAE does, got "
                f"{config.in_channels} and {config.out_channels * config.patch**2}; "
                "take both from one model."
            )

    @property
    def multiple(self) -> int:
        """Pixels along one side of a token."""
        return self.vae.factor * self.mmdit.config.patch

    @property
    def dtype(self) -> torch.dtype:
        """The number format of the networks."""
        return self.mmdit.dtype

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return self.mmdit.device

    def plan(self, request: Request) -> Record:
        """Return everything that will make the (first) picture of a request, nothing left open.

        Raises:
            RequestError: the size is not possible.
        """
        usual = self.defaults
        size = usual.sizes[0] if request.size is None else request.size
        return Record(
            prompt=request.prompt,
            negative=usual.negative if request.negative is None else request.negative,
            size=parse_size(size, usual.sizes, self.multiple),
            steps=usual.steps if request.steps is None else request.steps,
            guidance=usual.guidance if request.guidance is None else request.guidance,
            interval=usual.interval if request.interval is None else request.interval,
            sampler=usual.sampler if request.sampler is None else request.sampler,
            seed=request.seed,
            batch=request.batch,
            index=request.index or 0,
            model=self.identity.name,
            weights=self.identity.weights,
            loras=self.identity.loras,
            dtype=str(self.dtype).removeprefix("torch."),
            device=self.device.type,
            versions={
                "danqing": __version__,
                "torch": torch.__version__,
                "python": platform.python_version(),
            },
        )

    @torch.no_grad()
    def paint(self, request: Request, watch: Watch = ignore) -> Result:
        """Paint what is requested; the same request gives the same bits on the same machine.

        Args:
            request: What to paint.
            watch: Sees every sampling step, on packed tokens; it may raise to stop.

        Raises:
            RequestError: the size is not possible.
            CheckpointError: the networks gave something other than numbers.
        """
        plan = self.plan(request)
        if doubt := self.defaults.doubt(plan.size):
            _log.warning(doubt)
        canvas = Canvas.around(plan.size, self.multiple)
        latents = self._sample(plan, canvas, watch)
        kept = range(plan.batch) if request.index is None else [request.index]
        return Result(
            tuple(
                Picture(self._decode(latents[k : k + 1], canvas), replace(plan, index=k))
                for k in kept
            ),
            latents[list(kept)],
        )

    def _sample(self, plan: Record, canvas: Canvas, watch: Watch) -> Float[Tensor, "B C h w"]:
        patch, factor = self.mmdit.config.patch, self.vae.factor
        height, width = canvas.outer_height // factor, canvas.outer_width // factor
        grid = Grid(1, height // patch, width // patch)

        prompts = [plan.prompt, plan.negative] if plan.guidance > 1 else [plan.prompt]
        texts = [
            text.to(self.device, self.dtype).expand(plan.batch, -1, -1)
            for text in self.reader(prompts)
        ]
        towards = Towards(self.mmdit, self.steerer, [grid], texts)
        pair = towards.pair if len(texts) > 1 else None
        velocity = guide(towards, pair, plan.guidance, interval=plan.interval)

        noise = draw(plan.batch, self.vae.config.latent_channels, height, width, plan.seed)
        x = pack(noise, patch).to(self.device)
        sigmas = self.schedule(plan.steps, grid.tokens)
        self.steerer.prepare(sigmas[:-1])
        latents = unpack(samplers[plan.sampler](velocity, x, sigmas, watch), height, width, patch)
        if not latents.isfinite().all():
            raise CheckpointError(
                f"latents must be finite, got NaN or infinity in {plan.dtype}; "
                "load the model in float32."
            )
        return latents

    def _decode(self, latents: Float[Tensor, "1 C h w"], canvas: Canvas) -> Image.Image:
        """Return one picture; decoding them one by one keeps memory and bits the same."""
        dtype = next(self.vae.parameters()).dtype
        return to_image(canvas.crop(self.vae.decode(self.vae.denormalize(latents.to(dtype)))))


def to_image(image: Float[Tensor, "1 3 H W"]) -> Image.Image:
    """Return a picture in [-1, 1] as one to look at."""
    pixels = (image.float() / 2 + 0.5).mul(255).round().to(torch.uint8)
    return Image.fromarray(rearrange(pixels, "1 c h w -> h w c").cpu().numpy())
