"""Figures in all poses lie in their pictures, and no two poses look alike."""

from itertools import combinations

import numpy as np
import pytest

from danqing.data.edits import POSES, Edits
from danqing.data.edits.figures import Figure, fitted
from danqing.data.edits.wordings import POSES_SAID
from danqing.data.synthesis.placed import Placed, box


def drawn(pose, size=(256, 256)):
    side = min(size)
    hip = (size[0] / 2, 0.54 * size[1])
    figure = Figure(pose, "blue", (32, 78, 208), hip, 0.6 * side)
    image = Placed(size, "mint", (188, 220, 204), (figure,)).draw()
    return (np.asarray(image) == (32, 78, 208)).all(-1)


def test_every_pose_has_a_name_in_both_languages():
    for names in POSES_SAID.values():
        assert list(names) == list(POSES)
        assert len(set(names.values())) == len(POSES)


def test_no_two_poses_look_alike():
    shown = {pose: drawn(pose) for pose in POSES}
    for one, other in combinations(POSES, 2):
        shared = (shown[one] & shown[other]).sum() / (shown[one] | shown[other]).sum()
        assert shared < 0.85, (one, other)


@pytest.mark.parametrize("size", [(256, 256), (128, 224)])
def test_figures_lie_whole_in_their_pictures(size):
    edits = Edits(tasks={"pose": 1.0}, size=size)
    for index in range(40):
        for image in ((sample := edits.sample(index)).sources[0], sample.target):
            pixels = np.asarray(image)
            border = np.concatenate(
                [pixels[[0, -1]].reshape(-1, 3), pixels[:, [0, -1]].reshape(-1, 3)]
            )
            assert (border == pixels[0, 0]).all()


@pytest.mark.parametrize("pose", POSES)
def test_a_figure_is_found_again_by_its_box(pose):
    for hip, scale in (((120.3, 140.8), 150.0), ((61.5, 70.2), 81.3)):
        figure = Figure(pose, "blue", (32, 78, 208), hip, scale)
        found = fitted(figure.record | {"box": list(box(figure))})
        assert np.hypot(*np.subtract(found.hip, hip)) < 1
        assert found.scale == pytest.approx(scale, rel=0.02)
        assert (found.pose, found.color) == (pose, "blue")
