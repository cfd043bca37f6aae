"""What a task makes of a request: all that a sampler needs, and how its tokens become pictures.

Tasks differ in what they start from and in what lies beside the tokens that are denoised. They
say so here, once, and are walked by the same few lines.

Dimension key:
    B batch    I image tokens    S tokens of sources    D channels of a token    E text channels
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jaxtyping import Float
from PIL import Image
from torch import Tensor

from danqing.core.errors import CheckpointError
from danqing.flow.guidance import guide
from danqing.flow.samplers import Velocity, Watch, samplers
from danqing.models.mmdit.rope import Grid
from danqing.pipelines.model import Model
from danqing.pipelines.record import Record
from danqing.pipelines.velocity import Leads, Towards, unled


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A picture, or a batch of them, before its first step."""

    texts: Sequence[Float[Tensor, "B _ E"]]
    """What was read of the prompt, then, if there is guidance, of the negative prompt."""
    grid: Grid
    """The tokens that are denoised."""
    x: Float[Tensor, "B I D"]
    """What they are at the first sigma, float32."""
    sigmas: Sequence[float]
    """Noise levels, falling."""
    finish: Callable[[Float[Tensor, "1 I D"]], Image.Image]
    """Makes one picture of its denoised tokens."""
    sources: Float[Tensor, "#B S D"] | None = None
    """Tokens of pictures that are looked at, free of noise."""
    source_grids: Sequence[Grid] = ()
    """The pictures they are of."""
    held: Callable[[Velocity], Velocity] = lambda velocity: velocity
    """Changes the velocity where the picture is known beforehand."""
    leads: Leads = unled
    """Changes the image stream inside the transformer, as control pictures do."""


def walk(model: Model, plan: Record, job: Job, watch: Watch) -> Float[Tensor, "B I D"]:
    """Return denoised tokens.

    Raises:
        CheckpointError: the networks gave something other than numbers.
    """
    layout = [job.grid, *job.source_grids]
    towards = Towards(model.mmdit, model.steerer, layout, job.texts, job.sources, job.leads)
    pair = towards.pair if len(job.texts) > 1 else None
    velocity = job.held(guide(towards, pair, plan.guidance, interval=plan.interval))
    model.steerer.prepare(job.sigmas[:-1])
    tokens = samplers[plan.sampler](velocity, job.x, job.sigmas, watch)
    if not tokens.isfinite().all():
        raise CheckpointError(
            f"latents must be finite, got NaN or infinity in {plan.dtype}; "
            "load the model in float32."
        )
    return tokens
