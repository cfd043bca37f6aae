"""Control pictures of photographs, made without a network.

Edges as OpenCV's Canny finds them, which control networks were trained on; soft edges, blur and
grey, which stand in for what networks would see. Depth and pose are for networks, or for files.

Dimension key:
    H W pixels
"""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from PIL import Image, ImageFilter
from torch import Tensor

from danqing.core.registry import Registry

Tracer = Callable[[Image.Image], Image.Image]
"""From an RGB photograph to an RGB control picture of its size."""

tracers: Registry[Tracer] = Registry("tracer")

LOW, HIGH = 100, 200
"""Gradients from which on an edge is followed, and from which on it begins; of 0 to 2,040."""

BLUR = 1 / 100
"""Radius of the blur, as a share of the longer side."""

SLOPES = (13_573, 13_573 + 2 * 32_768)
"""The slopes of 22.5 and of 67.5 degrees in 32,768ths, as OpenCV rounds them."""


@tracers.register("canny")
def canny(picture: Image.Image) -> Image.Image:
    """Return thin white edges on black (Canny, PAMI 1986), those of OpenCV to the pixel."""
    across, down = _steepest(_gradients(picture))
    strength = across.abs() + down.abs()
    ridge = _ridge(strength, across, down) & (strength > LOW)
    return _white(_connected(ridge & (strength > HIGH), ridge).to(torch.uint8) * 255)


@tracers.register("soft-edge")
def soft_edge(picture: Image.Image) -> Image.Image:
    """Return grey edges: the steepness of the blurred picture, its steepest place white."""
    smooth = picture.filter(ImageFilter.GaussianBlur(1.5))
    across, down = _steepest(_gradients(smooth))
    strength = torch.hypot(across, down)
    return _white((255 * strength / strength.max().clamp(min=1)).round().to(torch.uint8))


@tracers.register("blur")
def blur(picture: Image.Image) -> Image.Image:
    """Return the picture without its details."""
    return picture.filter(ImageFilter.GaussianBlur(BLUR * max(picture.size)))


@tracers.register("gray")
def gray(picture: Image.Image) -> Image.Image:
    """Return the picture without its colours."""
    return picture.convert("L").convert("RGB")


Plane = Float[Tensor, "H W"]


def _gradients(picture: Image.Image) -> Float[Tensor, "2 3 H W"]:
    """Return Sobel's slopes across and down of each colour."""
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[:, None].float()
    sobel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    kernels = torch.stack((sobel, sobel.T))[:, None]
    return F.conv2d(F.pad(pixels, (1, 1, 1, 1), mode="replicate"), kernels).transpose(0, 1)


def _steepest(gradients: Float[Tensor, "2 3 H W"]) -> tuple[Plane, Plane]:
    """Return the slopes of the colour that is steepest at each pixel, the first of equals."""
    best = gradients.abs().sum(0).argmax(0)
    across, down = gradients.gather(1, best.expand(2, 1, -1, -1))[:, 0]
    return across, down


def _ridge(strength: Plane, across: Plane, down: Plane) -> Bool[Tensor, "H W"]:
    """Return where the strength is highest along its own direction, rounded to one of four."""
    height, width = strength.shape
    around = F.pad(strength, (1, 1, 1, 1))

    def beside(dy: int, dx: int) -> Plane:
        return around[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]

    def higher(dy: int, dx: int, *, tie: bool) -> Bool[Tensor, "H W"]:
        first, second = beside(-dy, -dx), beside(dy, dx)
        return (strength > first) & (strength >= second if tie else strength > second)

    x, y = across.abs().double(), down.abs().double() * 32_768
    level, steep = y < x * SLOPES[0], y > x * SLOPES[1]
    falling = (across < 0) != (down < 0)
    diagonal = torch.where(falling, higher(1, -1, tie=False), higher(1, 1, tie=False))
    upright = torch.where(steep, higher(1, 0, tie=True), diagonal)
    return torch.where(level, higher(0, 1, tie=True), upright)


def _connected(seeds: Bool[Tensor, "H W"], within: Bool[Tensor, "H W"]) -> Bool[Tensor, "H W"]:
    """Return the parts of a region that hold a seed, corners touching."""
    found, region = seeds[None].float(), within[None].float()
    while True:
        grown = F.max_pool2d(found, 3, 1, 1) * region
        if torch.equal(grown, found):
            return found[0] > 0
        found = grown


def _white(levels: Tensor) -> Image.Image:
    return Image.fromarray(levels.numpy()).convert("RGB")
