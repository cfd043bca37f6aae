"""Depth as a picture, and a picture as depth in metres.

Dimension key:
    H, W  picture in pixels
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from jaxtyping import Bool, Float
from PIL import Image

from danqing.core.errors import RequestError

Colors = Literal["gray", "spectral"]
Shows = Literal["depth", "disparity", "ratio"]

_SPECTRAL: Final = (
    (158, 1, 66), (213, 62, 79), (244, 109, 67), (253, 174, 97), (254, 224, 139), (255, 255, 191),
    (230, 245, 152), (171, 221, 164), (102, 194, 165), (50, 136, 189), (94, 79, 162),
)  # fmt: skip
"""ColorBrewer's Spectral of 11 colours, in which Marigold shows depth."""

_LEVELS: Final = 1001
_REACH: Final = 60.0
"""How far a pixel may be from the colours of depth, in steps of 1/255, to be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Which colour stands for which depth.

    Raises:
        RequestError: the ends are not in their order.
    """

    near: float = 2.0
    """Metres at the near end of the colours."""
    far: float = 6.0
    """Metres at the far end."""
    colors: Literal["gray", "fog", "spectral"] = "fog"
    """`gray` from white for what is near to black, `fog` the other way round, or `spectral` from
    red to violet."""
    shows: Shows = "ratio"
    """What goes evenly from end to end: depth, disparity, which is its inverse, or the ratio of
    depths, which is its logarithm."""

    def __post_init__(self) -> None:
        if not 0 < self.near < self.far:
            raise RequestError(
                f"near and far must be rising and above 0, got {self.near:g} and {self.far:g}; "
                "exchange them, or try 2 and 6."
            )


WORLD: Final = Scale()
"""How the small world shows depth: a VAE of it keeps this best, whose errors are ratios and whose
far walls are white at the picture's border."""


@dataclass(frozen=True, slots=True)
class Depth:
    """What a picture of depth says."""

    metres: Float[np.ndarray, "H W"]
    """Depth of every pixel, float32."""
    read: Bool[np.ndarray, "H W"]
    """Where it was read; elsewhere the colour is none of depth, and the nearest one counts."""

    @property
    def unread(self) -> float:
        """The share of pixels that could not be read."""
        return float(1 - self.read.mean())


def show(metres: Float[np.ndarray, "H W"], scale: Scale) -> Image.Image:
    """Return depth as an RGB picture; what is beyond an end has the end's colour."""
    near, far = (_even(np.float64(end), scale.shows) for end in (scale.near, scale.far))
    place = np.clip((_even(metres, scale.shows) - near) / (far - near), 0, 1)
    if scale.colors == "spectral":
        values = _spectral(place)
    else:
        light = place if scale.colors == "fog" else 1 - place
        values = np.repeat(light[..., None] * 255, 3, axis=-1)
    return Image.fromarray(np.rint(values).astype(np.uint8))


def read(image: Image.Image, scale: Scale) -> Depth:
    """Return the depth that a picture shows."""
    shown, distance = _nearest(image, "spectral" if scale.colors == "spectral" else "gray")
    place = 1 - shown if scale.colors == "gray" else shown
    near, far = (_even(np.float64(end), scale.shows) for end in (scale.near, scale.far))
    even = near + place * (far - near)
    metres = {"depth": even, "disparity": 1 / even, "ratio": np.exp(even)}[scale.shows]
    return Depth(metres.astype(np.float32), distance <= _REACH)


def levels(image: Image.Image, colors: Colors) -> Float[np.ndarray, "H W"]:
    """Return what a picture's colours stand for, from 0 to 1.

    Args:
        image: The picture.
        colors: `gray`: the mean of the channels; `spectral`: the place of the nearest colour of
            the map, from its red end.
    """
    return _nearest(image, colors)[0]


def _even(metres: Any, shows: Shows) -> Any:
    """Return what goes evenly from end to end."""
    return metres if shows == "depth" else 1 / metres if shows == "disparity" else np.log(metres)


def _nearest(
    image: Image.Image, colors: Colors
) -> tuple[Float[np.ndarray, "H W"], Float[np.ndarray, "H W"]]:
    """Return levels, and how far each pixel is from the colour of its level."""
    values = np.asarray(image.convert("RGB"), np.float64)
    if colors == "gray":
        means = values.mean(-1)
        return means / 255, np.sqrt(((values - means[..., None]) ** 2).sum(-1))
    places = np.linspace(0, 1, _LEVELS)
    map_ = _spectral(places)
    # |v - m|^2 without |v|^2, which is the same for all of a pixel's candidates.
    flat = [(row @ map_.T * -2 + (map_**2).sum(1)).argmin(1) for row in values]
    best = np.stack(flat)
    return places[best], np.sqrt(((values - map_[best]) ** 2).sum(-1))


def _spectral(places: Float[np.ndarray, "*S"]) -> Float[np.ndarray, "*S 3"]:
    stops = np.linspace(0, 1, len(_SPECTRAL))
    return np.stack([np.interp(places, stops, c) for c in np.transpose(_SPECTRAL)], axis=-1)
