"""Pictures of a run under way, to be looked at: what no number in a log can tell.

They are made with the averaged weights, always from the same noise or of the same originals, and
change nothing of the run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor, nn
from torch.func import functional_call

from danqing.core.config import at_least
from danqing.core.errors import RecipeError
from danqing.core.files import atomic_path
from danqing.core.registry import Registry
from danqing.models.vae.model import VAE
from danqing.pipelines.model import to_image
from danqing.training.painting import Painter
from danqing.training.policy import Model, Policy
from danqing.training.sheet import Row, sheet
from danqing.training.sources.base import Batches
from danqing.training.sources.edits import Stream, as_batch, streams
from danqing.training.state import State
from danqing.training.trainees import TextToImageTrainee, Trainee

Rows = Callable[[], Sequence[Row]]
"""Makes the rows of a sheet with the averaged weights as they are when it is called."""


class Live(NamedTuple):
    """A run under way."""

    trainee: Trainee
    model: Path
    state: State
    batches: Batches


@runtime_checkable
class Samples(Protocol):
    """Pictures that a run can show of what it trains."""

    @property
    def every(self) -> int:
        """Steps from one sheet to the next."""
        ...

    def begin(self, live: Live) -> Rows:
        """Return what makes the sheets of a run."""
        ...


displays: Registry[type[Samples]] = Registry("kind of samples")


@displays.register("painted")
@dataclass(frozen=True, kw_only=True, slots=True)
class Painted:
    """Pictures of prompts, for what paints."""

    prompts: tuple[str, ...]
    """A row of pictures for each."""
    every: int = 500
    """Steps from one sheet to the next."""
    seeds: int = 4
    """Pictures of each prompt."""
    size: tuple[int, int] = (256, 256)
    """Width and height in pixels."""
    steps: int = 20
    """Sampling steps."""
    guidance: float = 3.0
    """Scale of guidance."""

    def __post_init__(self) -> None:
        at_least(1, every=self.every, seeds=self.seeds, prompts=len(self.prompts))

    def begin(self, live: Live) -> Rows:
        """Return what paints."""
        painter, shipped = _painting(live, self.size, self.steps, self.guidance)

        def row(prompt: str) -> Row:
            latents, _ = painter.paint(shipped, [prompt] * self.seeds, seed=0)
            return Row(prompt, painter.show(latents))

        return lambda: [row(prompt) for prompt in self.prompts]


@displays.register("edited")
@dataclass(frozen=True, kw_only=True, slots=True)
class Edited:
    """What becomes of pictures: a row of the sources, what is painted, and the right answer."""

    stream: Annotated[Stream, streams]
    """What is asked; its first examples are shown, which no run learns from."""
    count: int = 6
    """Examples."""
    every: int = 500
    """Steps from one sheet to the next."""
    steps: int = 20
    """Sampling steps."""
    guidance: float = 3.0
    """Scale of guidance."""

    def __post_init__(self) -> None:
        at_least(1, every=self.every, count=self.count)

    def begin(self, live: Live) -> Rows:
        """Return what edits."""
        edits = [self.stream.sample(index) for index in range(self.count)]
        painter, shipped = _painting(live, edits[0].target.size, self.steps, self.guidance)
        asked = as_batch(edits, painter.vae).captions

        def rows() -> list[Row]:
            latents, _ = painter.paint(shipped, asked, seed=0)
            return [
                Row(edit.instruction, [*edit.sources, painted, edit.target])
                for edit, painted in zip(edits, painter.show(latents), strict=True)
            ]

        return rows


@displays.register("reconstructed")
@dataclass(frozen=True, kw_only=True, slots=True)
class Reconstructed:
    """Pictures of the first batch and, below them, what a VAE makes of them."""

    every: int = 500
    """Steps from one sheet to the next."""
    count: int = 4
    """Pictures, no more than a batch has."""

    def __post_init__(self) -> None:
        at_least(1, every=self.every, count=self.count)

    def begin(self, live: Live) -> Rows:
        """Return what gives pictures back.

        Raises:
            RecipeError: something else than a VAE is trained.
        """
        state = live.state
        if not isinstance(vae := state.weights.module, VAE):
            raise RecipeError(
                "reconstructed samples must be a VAE's, got those of another trainee; "
                'set samples.name = "painted".'
            )
        there_and_back, originals = _Both(vae), live.batches[0].images[: self.count]

        @torch.no_grad()
        def rows() -> list[Row]:
            values = {
                f"vae.{name}": value.to(state.weights.dtype)
                for name, value in state.ema.state().items()
            }
            given = originals.to(vae.device, state.weights.dtype)
            back = functional_call(there_and_back, values, (given,))
            return [Row("originals", _images(originals)), Row("reconstructions", _images(back))]

        return rows


def shower(settings: Samples, live: Live, run: Path) -> Callable[[int], None]:
    """Return what writes `run/samples/STEP.png` when it is time to, as `on_step` of the loop."""
    rows = settings.begin(live)

    def show(step: int) -> None:
        if step % settings.every == 0:
            with atomic_path(run / "samples" / f"{step:06}.png") as staged:
                sheet(rows()).save(staged)

    return show


def _painting(
    live: Live, size: tuple[int, int], steps: int, guidance: float
) -> tuple[Painter, Model]:
    """Return a painter, and the model with the weights that would be shipped now."""
    # A model that starts from nothing has no schedule in its folder yet.
    schedule = live.trainee.schedule if isinstance(live.trainee, TextToImageTrainee) else None
    painter = Painter.load(live.model, size, steps, guidance, schedule)
    return painter, Policy(live.state.weights, {"shipped": live.state.ema}).was("shipped")


class _Both(nn.Module):
    """A VAE as one function, so that it can be called with other weights."""

    def __init__(self, vae: VAE) -> None:
        super().__init__()
        self.vae = vae

    def forward(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        return self.vae.decode(self.vae.encode(images).mode())


def _images(batch: Float[Tensor, "B C H W"]) -> list[Image.Image]:
    return [to_image(image[None]) for image in batch]
