"""How ink lies on a surface: printed, painted, carved, chalked, or as a neon tube.

Dimension key: H height, W width.
"""

import numpy as np
from jaxtyping import Float32

from danqing.data.typeset.noise import Pixels, Plane, clouds, grain
from danqing.data.typeset.surfaces import Finish
from danqing.scorers.world import Color


def apply(
    pixels: Pixels, mask: Plane, color: Color, finish: Finish, rng: np.random.Generator
) -> Pixels:
    """Return a surface with text on it.

    Args:
        pixels: The surface.
        mask: Where the ink is, 0 to 1.
        color: Of the ink; carving keeps the surface's own and darkens it.
        finish: How the ink lies.
        rng: Decides where chalk skips.
    """
    ink = np.asarray(color, np.float32) / 255
    cover = mask[..., None]
    light = pixels.mean(-1, keepdims=True)
    shade = np.clip(light / max(float(light.mean()), 1e-3), 0.6, 1.4)
    if finish == "neon":
        glow = sum(_blurred(mask, mask.shape[0] * s) * w for s, w in ((0.01, 0.5), (0.045, 0.9)))
        core = 0.35 * ink + 0.65
        lit = pixels + np.asarray(glow, np.float32)[..., None] * ink
        return np.clip(lit * (1 - cover) + core * cover, 0, 1).astype(np.float32)
    if finish == "chalk":
        size = mask.shape[1], mask.shape[0]
        skips = clouds(rng, size, (size[0] / 5, size[1] / 5), 2) + 0.5 * grain(rng, size)
        cover = cover * np.clip(0.9 + 0.16 * skips, 0.55, 1)[..., None]
        return (pixels * (1 - cover) + ink * cover).astype(np.float32)
    if finish == "carve":
        depth = max(1, round(mask.shape[0] / 240))
        edge = _shifted(mask, depth) - _shifted(mask, -depth)
        floor = pixels * _carved(ink)
        carved = pixels * (1 - cover) + floor * cover
        return np.clip(carved - 0.3 * edge[..., None], 0, 1).astype(np.float32)
    strength = 0.94 if finish == "paint" else 0.9
    texture = shade**0.6 if finish == "paint" else shade
    return np.clip(pixels * (1 - strength * cover) + ink * texture * strength * cover, 0, 1).astype(
        np.float32
    )


def seen(pixels: Pixels, color: Color) -> Color:
    """Return the colour that letters have when they are carved into a surface."""
    floor = pixels.mean((0, 1)) * _carved(np.asarray(color, np.float32) / 255)
    red, green, blue = (round(float(c) * 255) for c in floor)
    return red, green, blue


def _carved(ink: Float32[np.ndarray, "3"]) -> Float32[np.ndarray, "3"]:
    """Return how much of the surface's light comes back from the ground of a letter."""
    return (0.42 + 0.25 * ink).astype(np.float32)


def _blurred(plane: Plane, sigma: float) -> Plane:
    import cv2

    return cv2.GaussianBlur(plane, (0, 0), max(0.5, sigma)).astype(np.float32)


def _shifted(plane: Plane, by: int) -> Plane:
    return np.roll(plane, (by, by), (0, 1))
