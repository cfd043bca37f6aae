"""Whether a picture was changed as asked, and nothing else about it.

Three questions, by programs alone, for the tasks of `danqing.data.edits` that change pictures:

- *done*: does the picture show what the true one shows? Things are found by the detector, strings
  are read, each at its place. A look or a pose has nothing to be found: it is right where the
  picture is clearly more like the right one than like the picture in any other look or pose.
- *kept*: decibels against the first source, where nothing was asked for. Beside what may change,
  a seam is not compared, since a VAE smears what is new over it.
- *shift*: how far what is kept has moved, in pixels; what is new has its place judged by `done`.
  Where nothing is kept but a plain ground, nothing can be seen to move. Where the ground is new
  too, the picture as a whole is compared with its source or with the true picture, whichever it is
  more like, so that an edit that was not made is not taken for a shift.

Dimension key:
    H, W  picture in pixels
"""

from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Float
from PIL import Image, ImageFilter

from danqing.data.edits import POSES, STYLES, TASKS, Change
from danqing.data.edits.figures import fitted
from danqing.data.synthesis.placed import Placed
from danqing.evaluation.measures.drift import Shift, shift_within
from danqing.evaluation.measures.pixels import pixels, psnr
from danqing.scorers.base import Score
from danqing.scorers.likeness import LikenessJudge
from danqing.scorers.shown import PlaceJudge
from danqing.scorers.world import BACKGROUNDS
from danqing.seeing import sentences

CHANGING: Final = tuple(task for task in TASKS if task not in sentences.TASKS)
"""Tasks that change a picture; the others ask what it shows."""
ANEW: Final = ("background", "compose", "restyle")
"""Tasks whose answers have another ground."""
UNCHANGED: Final = "unchanged"
"""The look that a picture has already."""


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """An edit with its pictures, all of one size."""

    change: Change
    source: Image.Image
    """The first one."""
    target: Image.Image
    kept: Bool[np.ndarray, "H W"]
    """Where both are equal."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EditJudge:
    """Judges edited pictures: 1 where the change is there, else 0; the rest is in the details."""

    places: PlaceJudge = field(default_factory=PlaceJudge)
    looks: LikenessJudge = field(default_factory=LikenessJudge)
    poses: LikenessJudge = field(default_factory=lambda: LikenessJudge(clear=0.5))
    seam: float = 1 / 32
    """How far from all that may change pixels are compared, as a share of the shorter side."""
    faithful: float = 25.0
    """Decibels from which on the rest is kept."""
    still: float = 0.5
    """Pixels below which a picture has not moved."""

    def judge(self, image: Image.Image, truth: Truth) -> Score:
        """Return the verdict on a picture; one of another size is resized first.

        Its details have `kept` in decibels and `shift` in pixels, and `held` and `still`, 1 where
        these are as they should be, else 0. Where all may change nothing is `kept`, and where
        nothing could be seen to move there is no `shift`.

        Raises:
            MissingPackage: the picture should show a string, and there is no reader.
        """
        image = image.convert("RGB")
        if image.size != truth.target.size:
            image = image.resize(truth.target.size, Image.Resampling.BICUBIC)
        details = self._details(image, truth)
        done = self._done(image, truth)
        if truth.change.task == "reconstruct" and done.value and not details["held"]:
            done = Score(0.0, f"{details['kept']:.1f} dB from the source", done.details)
        return replace(done, details={**done.details, **details})

    def _done(self, image: Image.Image, truth: Truth) -> Score:
        asked, shown = truth.change.asked, truth.change.shown["target"]
        match truth.change.task:
            case "restyle":
                looks = {name: STYLES[name](truth.source) for name in STYLES}
                looks[UNCHANGED] = truth.source
                return self.looks.judge(image, looks, asked["style"])
            case "pose":
                (mark,) = shown["marks"]
                figure, ground = fitted(mark), shown["background"]
                empty = Placed(image.size, ground, BACKGROUNDS[ground])
                poses = {
                    pose: replace(empty, marks=(replace(figure, pose=pose),)).draw()
                    for pose in POSES
                }
                return self.poses.judge(image, poses, asked["pose"])
            case _:
                return self.places.judge(image, shown)

    def _details(self, image: Image.Image, truth: Truth) -> dict[str, Any]:
        """Return what became of the rest."""
        seen, source = pixels(image), pixels(truth.source)
        details: dict[str, Any] = {}
        mask = self._compared(truth.kept)
        if (moved := _moved(seen, source, truth, mask)) is not None:
            details |= {"shift": moved.length, "still": float(moved.length < self.still)}
        if mask.any():
            kept = psnr(seen, source, mask)
            details |= {"kept": kept, "held": float(kept >= self.faithful)}
        return details

    def _compared(self, kept: Bool[np.ndarray, "H W"]) -> Bool[np.ndarray, "H W"]:
        """Return what is kept without its seam."""
        side = 2 * round(self.seam * min(kept.shape)) + 1
        inner = Image.fromarray(kept).convert("L").filter(ImageFilter.MinFilter(side))
        return np.asarray(inner) > 0


def _moved(
    seen: Float[np.ndarray, "H W 3"],
    source: Float[np.ndarray, "H W 3"],
    truth: Truth,
    mask: Bool[np.ndarray, "H W"],
) -> Shift | None:
    """Return how far a picture has moved; None: nothing could be seen to."""
    like = source
    if truth.change.task in ANEW:
        like = max(source, pixels(truth.target), key=lambda one: psnr(seen, one))
        mask = np.ones_like(mask)
    return shift_within(like.mean(-1), seen.mean(-1), mask)
