"""What decides a picture.

A `Request` says what is wanted and leaves the rest to the model's `Defaults`; together they make
a request without gaps, which decides the picture, given the weights and the machine.
"""

import math
from dataclasses import KW_ONLY, dataclass

from PIL.Image import Image

from danqing.core.errors import RequestError
from danqing.flow.samplers import samplers
from danqing.pipelines.control import Control
from danqing.pipelines.frame import sizings
from danqing.pipelines.latents import LONGEST, Size, parse_size
from danqing.pipelines.mask import FEATHER, parse_mask

MOST_STEPS = 1000
MOST_PICTURES = 256
MOST_GUIDANCE = 100.0
MOST_SHIFT = 100.0
SEEDS = 2**63
LEAST_STRENGTH = 1 / MOST_STEPS
MOST_ASPECT = 100
"""Longer side of a source divided by its shorter side, at most; eyes see up to twice that."""


@dataclass(frozen=True, slots=True)
class Request:
    """One or more pictures to paint; what is None is the model's to choose.

    Raises:
        RequestError: a setting is not possible; the text says what is.
    """

    prompt: str
    """What to paint, or what to change in the sources."""
    _: KW_ONLY
    negative: str | None = None
    """What not to paint. It has no effect without guidance."""
    sources: tuple[Image, ...] = ()
    """Pictures to be changed, or to take things from."""
    sizing: str = "exact"
    """Name of the rule by which sources get onto the grid of tokens."""
    size: Size | str | None = None
    """Width and height in pixels, as a pair or as `1024x768`, or a ratio such as `16:9`; of an
    edit, None is the size of the first source."""
    steps: int | None = None
    """Sampling steps."""
    guidance: float | None = None
    """How closely to follow the prompt; 1 is off."""
    interval: tuple[float, float] | None = None
    """Lowest and highest sigma at which there is guidance."""
    sampler: str | None = None
    """Name of the sampler."""
    shift: float | None = None
    """A constant shift of the noise levels at every size, in place of the model's schedule."""
    seed: int = 0
    """Seed of the first picture; the next ones count up."""
    batch: int = 1
    """How many pictures, painted together."""
    controls: tuple[Control, ...] = ()
    """Pictures that lead."""
    index: int | None = None
    """The one picture of the batch to keep, counted from 0; None keeps all.

    Pictures are painted together to the last bit only if they were painted together before, so
    one picture of a batch is made again by making the batch again."""
    over: Image | None = None
    """The picture that is painted over; it needs a mask, a strength, or both."""
    mask: Image | None = None
    """White where it is painted, black where it is kept; a grey is a strength. Of its size."""
    strength: float | None = None
    """Share of the steps that are walked, beginning from it; None: all."""
    feather: int | None = None
    """Pixels beyond the mask over which new pixels fade into old ones; None: 8."""
    crop: int | None = None
    """Pixels around the mask that are worked on with it, at a size that the model knows best;
    None: the whole picture."""

    def __post_init__(self) -> None:
        if not self.prompt.strip():
            raise RequestError("prompt must not be empty; say what to paint.")
        _check("steps", self.steps, 1, MOST_STEPS, 50)
        _check("guidance", self.guidance, 1, MOST_GUIDANCE, 4)
        _check("shift", self.shift, 1, MOST_SHIFT, 3)
        _check("batch", self.batch, 1, MOST_PICTURES, 1)
        _check("seed", self.seed, 0, SEEDS - MOST_PICTURES, 0)
        _check("index", self.index, 0, self.batch - 1, 0)
        if self.size is not None:
            # What no model can paint is refused before one is loaded.
            parse_size(self.size, [(1024, 1024)], 16)
        if self.sampler is not None:
            samplers[self.sampler]
        _check("strength", self.strength, LEAST_STRENGTH, 1, 0.6)
        _check("feather", self.feather, 0, LONGEST, FEATHER)
        _check("crop", self.crop, 0, LONGEST, 32)
        self._check_over()
        sizings[self.sizing]
        for source in self.sources:
            if max(source.size) > MOST_ASPECT * min(source.size):
                raise RequestError(
                    f"sources must be at most {MOST_ASPECT} times as long as they are wide, "
                    f"got {source.width}x{source.height}; cut one out of it."
                )
        if self.interval is not None and not 0 <= self.interval[0] <= self.interval[1] <= 1:
            raise RequestError(
                f"interval must be two rising sigmas from 0 to 1, got {self.interval}; try 0 and 1."
            )

    def _check_over(self) -> None:
        if self.over is None:
            if self.mask is not None or self.strength is not None:
                raise RequestError(
                    "mask and strength must come with a picture to paint over, got none; give it."
                )
            return
        if self.mask is not None:
            parse_mask(self.mask, self.over.size)
        elif self.strength is None or self.crop is not None:
            missing = "a mask" if self.strength is not None else "a mask or a strength"
            raise RequestError(
                f"a picture to paint over must come with {missing}, got none; "
                "give a mask, or a strength of 0.6."
            )
        if self.size not in (None, self.over.size):
            raise RequestError(
                f"size must be that of the picture to paint over, {self.over.size[0]}x"
                f"{self.over.size[1]}, got {self.size}; leave it out."
            )


Number = int | float


def _check(name: str, value: Number | None, low: Number, high: Number, usual: Number) -> None:
    # Said this way round, NaN is refused too.
    if value is not None and not low <= value <= high:
        raise RequestError(f"{name} must be from {low:g} to {high:g}, got {value}; try {usual:g}.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Defaults:
    """What a model does best, and where it has been; as given here, Qwen-Image's."""

    sizes: tuple[Size, ...] = (
        (1328, 1328),
        (1664, 928),
        (928, 1664),
        (1472, 1104),
        (1104, 1472),
        (1584, 1056),
        (1056, 1584),
    )
    """Sizes it was trained on last, the best one first."""
    area: tuple[int, int] = (256 * 256, 1328 * 1328)
    """Fewest and most pixels it was trained on."""
    aspect: float = 3.0
    """Longer side divided by shorter side, at most, in training."""
    steps: int = 50
    """Sampling steps."""
    guidance: float = 4.0
    """Scale of guidance; 1 is off."""
    interval: tuple[float, float] = (0.0, 1.0)
    """Sigmas at which there is guidance."""
    negative: str = " "
    """The customary way to say nothing."""
    sampler: str = "euler"
    """Name of the sampler."""

    def wanted(self, request: Request) -> Size | str:
        """Return the size that a request means, as `parse_size` takes it.

        If it says none, that is the size of its first control picture, scaled evenly into the
        trained area; if there is none, the model's own.
        """
        if request.size is not None:
            return request.size
        if not request.controls:
            return self.sizes[0]
        width, height = request.controls[0].picture.size
        few, many = self.area
        area = width * height
        scale = math.sqrt(min(max(few, area), many) / area)
        return max(1, round(width * scale)), max(1, round(height * scale))

    def doubt(self, size: Size) -> str | None:
        """Return what to say of a size beyond the trained range, or None."""
        (few, many), (short, long) = self.area, sorted(size)
        if few <= short * long <= many and long <= self.aspect * short:
            return None
        return (
            f"{size[0]}x{size[1]} is beyond what this model was trained on, pictures from "
            f"{math.isqrt(few)}x{math.isqrt(few)} to {math.isqrt(many)}x{math.isqrt(many)} in area "
            f"and up to {self.aspect:g}:1; expect repetition or blur."
        )
