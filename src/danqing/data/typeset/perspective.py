"""Sheets are bent, turned in space and seen by a camera; their strings' polygons go with them.

A *bend* takes a flat sheet to the outline of a curved one, and a homography takes that into the
picture. Both are undone exactly for each pixel of the picture, so a sheet is sampled only once.

Dimension key: N points; H, W height and width of a picture, h, w those of a sheet.
"""

import math
from dataclasses import dataclass
from random import Random
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Float64

from danqing.data.typeset.noise import Pixels, Plane
from danqing.data.typeset.placed import Points

Matrix = Float64[np.ndarray, "3 3"]

_SUPERSAMPLE = 2


@runtime_checkable
class Bend(Protocol):
    """A sheet's shape: pixels of the flat sheet to pixels of the bent one, and back."""

    def forward(self, points: Points) -> Points:
        """Return where points of the flat sheet go."""
        ...

    def inverse(self, points: Points) -> Points:
        """Return which points of the flat sheet are seen; what is off the sheet is far away."""
        ...

    def light(self, across: Float64[np.ndarray, "w"]) -> Float64[np.ndarray, "w"]:
        """Return how bright each column of the flat sheet is, about 1."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Flat:
    """No bend."""

    def forward(self, points: Points) -> Points:
        """Return the points."""
        return points

    def inverse(self, points: Points) -> Points:
        """Return the points."""
        return points

    def light(self, across: Float64[np.ndarray, "w"]) -> Float64[np.ndarray, "w"]:
        """Return 1 everywhere."""
        return np.ones_like(across)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cylinder:
    """A sheet around an upright cylinder, seen a little from above or from below."""

    width: float
    """Of the flat sheet, in pixels."""
    half: float
    """How far the sheet reaches around to each side, in radians below a quarter turn."""
    sag: float
    """How much lower its middle is seen than its edges, as a share of the width."""

    def forward(self, points: Points) -> Points:
        """Return where points of the flat sheet go."""
        angle = (points[:, 0] / self.width - 0.5) * 2 * self.half
        x = self.width / 2 * (1 + np.sin(angle) / math.sin(self.half))
        y = points[:, 1] + self.sag * self.width * (np.cos(angle) - math.cos(self.half))
        return np.stack([x, y], axis=1)

    def inverse(self, points: Points) -> Points:
        """Return which points of the flat sheet are seen."""
        sine = (2 * points[:, 0] / self.width - 1) * math.sin(self.half)
        angle = np.arcsin(np.clip(sine, -1, 1))
        x = np.where(np.abs(sine) <= 1, (angle / self.half / 2 + 0.5) * self.width, -1e4)
        y = points[:, 1] - self.sag * self.width * (np.cos(angle) - math.cos(self.half))
        return np.stack([x, y], axis=1)

    def light(self, across: Float64[np.ndarray, "w"]) -> Float64[np.ndarray, "w"]:
        """Return light from the left front, with a faint gleam."""
        angle = (across / self.width - 0.5) * 2 * self.half
        gleam = 0.16 * np.exp(-(((angle + 0.55) / 0.16) ** 2))
        return 0.34 + 0.72 * np.clip(np.cos(angle + 0.35), 0, 1) + gleam

    def end(self, height: float) -> Points:
        """Return the outline of the end that is seen, the upper or the lower one, of a sheet.

        Args:
            height: Of the flat sheet, in pixels.
        """
        angle = np.linspace(0, 2 * np.pi, 96, endpoint=False)
        x = self.width / 2 * (1 + np.sin(angle) / math.sin(self.half))
        y = self.sag * self.width * (np.cos(angle) - math.cos(self.half))
        return np.stack([x, y + (0.0 if self.sag > 0 else height)], axis=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ripple:
    """A cloth in waves."""

    width: float
    """Of the flat sheet, in pixels."""
    height: float
    """From the middle to a crest, in pixels."""
    waves: float
    """How many crests."""
    phase: float = 0.0

    def forward(self, points: Points) -> Points:
        """Return where points of the flat sheet go."""
        return points + np.stack([np.zeros(len(points)), self._lift(points[:, 0])], axis=1)

    def inverse(self, points: Points) -> Points:
        """Return which points of the flat sheet are seen."""
        return points - np.stack([np.zeros(len(points)), self._lift(points[:, 0])], axis=1)

    def light(self, across: Float64[np.ndarray, "w"]) -> Float64[np.ndarray, "w"]:
        """Return light that falls on rising slopes."""
        return 1 + 0.2 * np.cos(2 * np.pi * self.waves * across / self.width + self.phase)

    def _lift(self, across: Float64[np.ndarray, "N"]) -> Float64[np.ndarray, "N"]:
        return self.height * np.sin(2 * np.pi * self.waves * across / self.width + self.phase)


def pose(rng: Random, strength: float) -> Matrix:
    """Return a turn in space: yaw, pitch and roll, up to about 50, 30 and 12 degrees.

    Args:
        rng: Decides the angles.
        strength: How much of them to use, 0 to 1.
    """
    yaw, pitch, roll = (
        math.radians(rng.uniform(-most, most) * strength) for most in (50.0, 30.0, 12.0)
    )
    about_y = _rotation(0, 2, yaw)
    about_x = _rotation(1, 2, pitch)
    about_z = _rotation(0, 1, roll)
    return about_z @ about_x @ about_y


def view(
    outline: Points, turn: Matrix, room: tuple[float, float, float, float], away: float = 2.6
) -> Matrix:
    """Return the homography that shows a turned sheet as large as a room in the picture allows.

    Args:
        outline: Points around the bent sheet, in its pixels.
        turn: Its rotation in space.
        room: Left, top, right and bottom in pixels of the picture.
        away: How far the camera stands, in sizes of the sheet; nearer is steeper.
    """
    low, high = outline.min(0), outline.max(0)
    middle, extent = (low + high) / 2, float((high - low).max())
    # A point (x, y) of the sheet is (x, y, 0) in space; the camera looks along z.
    centred = np.array([[1, 0, -middle[0]], [0, 1, -middle[1]], [0, 0, 1]]) / extent
    centred[2] = 0, 0, 1
    space = np.stack([turn[:, 0], turn[:, 1], np.zeros(3)], axis=1)
    space[2, 2] = away
    seen = space @ centred
    points = apply(seen, outline)
    left, top, right, bottom = room
    span = points.max(0) - points.min(0)
    scale = float(min((right - left) / span[0], (bottom - top) / span[1]))
    shift = np.array([left + right, top + bottom]) / 2 - scale * (points.max(0) + points.min(0)) / 2
    fitted = np.array([[scale, 0, shift[0]], [0, scale, shift[1]], [0, 0, 1]])
    return fitted @ seen


def apply(matrix: Matrix, points: Points) -> Points:
    """Return where a homography takes points."""
    ahead = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ matrix.T
    return ahead[:, :2] / ahead[:, 2:]


def outline(width: float, height: float, each: int = 32) -> Points:
    """Return points around a sheet, `each` to an edge, clockwise from the upper left corner."""
    t = np.linspace(0, 1, each, endpoint=False)
    zero, one = np.zeros(each), np.ones(each)
    xs = np.concatenate([t, one, 1 - t, zero]) * width
    ys = np.concatenate([zero, t, one, 1 - t]) * height
    return np.stack([xs, ys], axis=1)


def project(
    sheet: Float32[np.ndarray, "h w 3"], bend: Bend, matrix: Matrix, size: tuple[int, int]
) -> tuple[Pixels, Plane]:
    """Return a sheet as it is seen in a picture, and how much of each pixel it covers.

    Args:
        sheet: The flat sheet.
        bend: Its shape.
        matrix: From the bent sheet into the picture.
        size: Of the picture.
    """
    import cv2

    height, width = sheet.shape[:2]
    shade = bend.light(np.arange(width, dtype=np.float64)).astype(np.float32)
    lit = np.clip(sheet * shade[None, :, None], 0, 1)
    layer = np.dstack([lit, np.ones((height, width), np.float32)])
    corners = apply(matrix, bend.forward(outline(float(width), float(height))))
    low = np.maximum(np.floor(corners.min(0)).astype(int) - 2, 0)
    high = np.minimum(np.ceil(corners.max(0)).astype(int) + 2, size)
    across, down = (high - low).tolist()
    where = _sources(bend, matrix, (int(low[0]), int(low[1])), (across, down))
    # A border of nothing around the sheet makes its edges smooth.
    fine = cv2.remap(layer, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)  # pyright: ignore[reportCallIssue, reportArgumentType]
    coarse = cv2.resize(fine, (across, down), interpolation=cv2.INTER_AREA)
    seen = np.zeros((size[1], size[0], 4), np.float32)
    seen[low[1] : high[1], low[0] : high[0]] = coarse
    cover = seen[..., 3]
    pixels = seen[..., :3] / np.maximum(cover, 1e-4)[..., None]
    return np.clip(pixels, 0, 1).astype(np.float32), cover


def _sources(
    bend: Bend, matrix: Matrix, corner: tuple[int, int], extent: tuple[int, int]
) -> Float32[np.ndarray, "H W 2"]:
    """Return, for fine pixels of a part of the picture, the pixel of the sheet to take."""
    across, down = (side * _SUPERSAMPLE for side in extent)
    xs = corner[0] + (np.arange(across) + 0.5) / _SUPERSAMPLE
    ys = corner[1] + (np.arange(down) + 0.5) / _SUPERSAMPLE
    grid = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    points = bend.inverse(apply(np.linalg.inv(matrix), grid)) - 0.5
    return points.reshape(down, across, 2).astype(np.float32)


def _rotation(one: int, other: int, angle: float) -> Matrix:
    turn = np.eye(3)
    turn[one, one] = turn[other, other] = math.cos(angle)
    turn[one, other], turn[other, one] = -math.sin(angle), math.sin(angle)
    return turn
