"""Stick figures in poses that have names, and the edit that changes a pose.

A pose is lines between joints around the hip at (0, 0); y points down, and the neck is at distance
0.4. Right is the right side of the picture.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random
from typing import Any, Final

from PIL import Image, ImageDraw

from danqing.data.edits.base import TASKS, Edit
from danqing.data.edits.scenes import worked_out
from danqing.data.edits.wordings import POSES_SAID
from danqing.data.synthesis.draw import shade
from danqing.data.synthesis.placed import SUPERSAMPLE, Placed, Stencil, box
from danqing.data.synthesis.world import World
from danqing.scorers.world import BACKGROUNDS, PALETTE, Color, Point

_Limb = tuple[Point, Point]
"""Where its middle joint and its end are."""

_HIP: Final = (0.0, 0.0)
_NECK: Final = (0.0, -0.4)
_SHOULDER: Final = (0.0, -0.33)
_HEAD: Final = (0.0, -0.56)
_HEAD_RADIUS: Final = 0.15
_THICKNESS: Final = 0.085
_REACH: Final = 0.8
"""No part of a figure is further from its hip."""
_HEIGHT: Final = (0.55, 0.66)
"""Range of the picture's shorter side that a length of 1 takes; a figure is 1.3 high."""
_UNIT: Final = 100.0
"""Pixels that a length of 1 takes where a figure is measured."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Where arms and legs are."""

    arms: tuple[_Limb, _Limb]
    """The left one first; they begin at the shoulder."""
    legs: tuple[_Limb, _Limb]
    """Likewise; they begin at the hip."""


def _mirrored(limb: _Limb) -> tuple[_Limb, _Limb]:
    """Return a left limb and its mirror image."""
    (x0, y0), (x1, y1) = limb
    return limb, ((-x0, y0), (-x1, y1))


_DOWN: Final = ((-0.16, -0.16), (-0.19, 0.05))
_STRAIGHT: Final = _mirrored(((-0.09, 0.26), (-0.13, 0.54)))

POSES: Final = {
    "standing": Pose(_mirrored(_DOWN), _STRAIGHT),
    "arms up": Pose(_mirrored(((-0.24, -0.44), (-0.28, -0.7))), _STRAIGHT),
    "arms out": Pose(_mirrored(((-0.22, -0.33), (-0.46, -0.33))), _STRAIGHT),
    "one arm up": Pose((_DOWN, ((0.24, -0.44), (0.28, -0.7))), _STRAIGHT),
    "hands on hips": Pose(_mirrored(((-0.3, -0.16), (-0.06, -0.02))), _STRAIGHT),
    "sitting": Pose(
        (((0.12, -0.16), (0.34, -0.12)), ((0.12, -0.16), (0.34, -0.12))),
        (((0.3, 0.02), (0.32, 0.34)), ((0.3, 0.02), (0.32, 0.34))),
    ),
    "kicking": Pose(
        _mirrored(((-0.2, -0.26), (-0.42, -0.2))),
        (((-0.07, 0.26), (-0.11, 0.54)), ((0.26, 0.04), (0.5, -0.06))),
    ),
    "jumping": Pose(
        _mirrored(((-0.24, -0.44), (-0.42, -0.64))),
        _mirrored(((-0.24, 0.16), (-0.22, 0.42))),
    ),
}
"""Every pose by its name."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One stick figure in its place."""

    pose: str
    color: str
    """The name of its colour in the palette."""
    shade: Color
    hip: Point
    """In pixels."""
    scale: float
    """Pixels that a length of 1 takes."""

    @property
    def record(self) -> dict[str, Any]:
        """Its pose and its colour."""
        return {"pose": self.pose, "color": self.color}

    def stencil(self) -> Stencil:
        """Return its lines with round joints, and its head."""
        reach = math.ceil(_REACH * self.scale)
        left, top = (math.floor(c) - reach for c in self.hip)
        mask = Image.new("L", (2 * reach * SUPERSAMPLE, 2 * reach * SUPERSAMPLE))
        canvas, radius = ImageDraw.Draw(mask), SUPERSAMPLE * self.scale * _THICKNESS / 2

        def at(joint: Point) -> Point:
            x, y = (c + self.scale * j for c, j in zip(self.hip, joint, strict=True))
            return SUPERSAMPLE * (x - left), SUPERSAMPLE * (y - top)

        def dot(joint: Point, radius: float) -> None:
            x, y = at(joint)
            canvas.ellipse((x - radius, y - radius, x + radius, y + radius), 255)

        pose = POSES[self.pose]
        arms, legs = [(_SHOULDER, *arm) for arm in pose.arms], [(_HIP, *leg) for leg in pose.legs]
        for line in (*arms, *legs, (_NECK, _HIP)):
            for start, end in pairwise(line):
                canvas.line([at(start), at(end)], 255, round(2 * radius))
            for joint in line:
                dot(joint, radius)
        dot(_HEAD, SUPERSAMPLE * self.scale * _HEAD_RADIUS)
        return Stencil(left, top, mask.reduce(SUPERSAMPLE))


def fitted(record: Mapping[str, Any]) -> Figure:
    """Return the figure of a record that has a box, to about half a pixel, in a plain colour."""
    pose, color = record["pose"], record["color"]
    unit = Figure(pose, color, PALETTE[color], (0.0, 0.0), _UNIT)
    left, top, right, bottom = record["box"]
    unit_left, unit_top, unit_right, unit_bottom = box(unit)
    ratio = (bottom - top) / (unit_bottom - unit_top)
    x = (left + right - ratio * (unit_left + unit_right)) / 2
    y = (top + bottom - ratio * (unit_top + unit_bottom)) / 2
    return replace(unit, hip=(x, y), scale=ratio * _UNIT)


@TASKS.register("pose")
def pose(rng: Random, world: World) -> Edit | None:
    """Let a figure take another pose where it stands."""
    first, second = rng.sample(tuple(POSES), 2)
    color, ground = rng.choice(world.text_colors), rng.choice(tuple(BACKGROUNDS))
    x, y = (
        length * (share + rng.uniform(-0.05, 0.05))
        for length, share in zip(world.size, (0.5, 0.54), strict=True)
    )
    scale = min(world.size) * rng.uniform(*_HEIGHT)
    figure = Figure(first, color, shade(PALETTE[color], rng, world.jitter), (x, y), scale)
    before = Placed(world.size, ground, shade(BACKGROUNDS[ground], rng, world.jitter), (figure,))
    after = before.exchanged(figure, replace(figure, pose=second))
    return worked_out(
        "pose", [before], after, {"pose": second}, lambda said: {"pose": POSES_SAID[said][second]}
    )
