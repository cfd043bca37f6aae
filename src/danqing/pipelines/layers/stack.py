"""Layers, and the picture they make when they lie on each other.

From the bottom up, with straight alpha a in [0, 1] and nothing under the first one (Qwen-Image-
Layered, arXiv 2512.15603; Porter & Duff's "over", 1984):

    C_i = a_i RGB_i + (1 - a_i) C_(i-1)        A_i = a_i + (1 - a_i) A_(i-1)

It is computed in float64 and rounded once, so a stack always makes the same bytes.

Dimension key:
    H W pixels
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from PIL import Image

from danqing.core.errors import RequestError

CORRECTION = "correction"
"""Name of the layer that makes a stack exact."""

BAND = 64
"""Rows that are computed at a time: what they take stays in the cache."""

_EPSILON = 1e-8
"""Added to the mean squared error, so that equal pictures have 80 dB."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A picture with alpha that lies on others of its size.

    Raises:
        RequestError: the picture has no alpha.
    """

    name: str
    """Its number counted from the bottom, as `2`, or `2.1` if layer 2 was itself taken apart."""
    image: Image.Image
    """RGBA, of the size of the whole."""

    def __post_init__(self) -> None:
        if self.image.mode != "RGBA":
            raise RequestError(
                f"layer {self.name} must be RGBA, got {self.image.mode}; convert it."
            )

    @property
    def coverage(self) -> float:
        """Mean alpha, from 0 (empty) to 1 (hides all below)."""
        return float(np.asarray(self.image)[..., 3].mean() / 255)


Stack = Sequence[Layer]
"""Layers from the bottom to the top."""


def compose(stack: Stack) -> Image.Image:
    """Return the RGBA picture that a stack makes.

    Raises:
        RequestError: there is no layer, or they differ in size.
    """
    bands: list[np.ndarray] = []
    for color, alpha in _over(stack):
        # Where nothing is, colour is nothing.
        straight = np.divide(color, alpha, out=np.zeros_like(color), where=alpha > 0)
        bands.append(np.rint(np.concatenate((straight, alpha), axis=-1) * 255).astype(np.uint8))
    return Image.fromarray(np.concatenate(bands))


def likeness(stack: Stack, picture: Image.Image) -> float:
    """Return how near a stack comes to a picture, in dB of PSNR; 80 if they are equal.

    Both are seen on black and on white, and the worse counts: on one ground alone a hole in a
    layer might not be seen.

    Raises:
        RequestError: there is no layer, or sizes differ.
    """
    squares = np.zeros(2)
    made = Layer("stack", compose(stack))
    for (color, alpha), (wanted, extent) in zip(
        _over([made]), _over([_like(stack, picture)]), strict=True
    ):
        on_black = color - wanted
        squares += [(each**2).sum() for each in (on_black, on_black + extent - alpha)]
    error = squares.max() / (3 * picture.width * picture.height)
    return -10 * float(np.log10(error + _EPSILON))


def correction(stack: Stack, picture: Image.Image) -> Layer:
    """Return the layer that, on top of a stack, makes it equal to an opaque picture, byte by byte.

    It is opaque where the stack is not the picture, and empty elsewhere.

    Raises:
        RequestError: the picture is not opaque; or sizes differ.
    """
    check_opaque(picture)
    wanted = np.asarray(_like(stack, picture).image)
    wrong = (np.asarray(compose(stack)) != wanted).any(axis=-1, keepdims=True)
    return Layer(CORRECTION, Image.fromarray(np.where(wrong, wanted, 0).astype(np.uint8)))


def check_opaque(picture: Image.Image) -> None:
    """See that a correction can make a stack equal to a picture.

    Raises:
        RequestError: the picture is transparent somewhere, and nothing laid on top mends that.
    """
    if (np.asarray(picture.convert("RGBA"))[..., 3] < 255).any():
        raise RequestError(
            "an exact stack must be of an opaque picture, got one with transparency; "
            "leave the correction out."
        )


def _like(stack: Stack, picture: Image.Image) -> Layer:
    if stack and picture.size != stack[0].image.size:
        (w, h), (x, y) = stack[0].image.size, picture.size
        raise RequestError(f"picture must be {w}x{h} as its layers are, got {x}x{y}; resize it.")
    return Layer("picture", picture.convert("RGBA"))


def _over(
    stack: Stack,
) -> Iterator[tuple[Float64[np.ndarray, "H W 3"], Float64[np.ndarray, "H W 1"]]]:
    """Yield colour times alpha, and alpha, of the whole, in [0, 1], a band of rows at a time."""
    sizes = {layer.image.size for layer in stack}
    if len(sizes) != 1:
        raise RequestError(
            f"a stack must be layers of one size, got {sorted(sizes)}; bring them to one size."
        )
    layers = [np.asarray(layer.image) for layer in stack]
    for top in range(0, len(layers[0]), BAND):
        color, alpha = np.zeros((1, 1, 3)), np.zeros((1, 1, 1))
        for layer in layers:
            pixels = layer[top : top + BAND] / 255
            above = pixels[..., 3:]
            color = above * pixels[..., :3] + (1 - above) * color
            alpha = above + (1 - above) * alpha
        yield color, alpha
