"""Depth shown as a picture, with each data set's ranges and crops."""

import numpy as np
import pytest
from PIL import Image

from danqing.core.errors import SourceError
from danqing.evaluation.benchmarks.depth import Depth
from danqing.evaluation.harness import run

SHAPE = (24, 32)


def ramp(shape=SHAPE, low=1.0, high=5.0):
    return np.broadcast_to(np.linspace(low, high, shape[1]), shape).copy()


def gray(values):
    low, high = values.min(), values.max()
    levels = np.round(255 * (values - low) / (high - low)).astype(np.uint8)
    return Image.fromarray(levels).convert("RGB")


@pytest.fixture
def given(tmp_path, listed):
    """Write a depth and, maybe, what of it is valid; return the listing."""

    def write(depth, valid=None, name="depth.npy"):
        height, width = depth.shape
        Image.new("RGB", (width, height)).save(tmp_path / "source.png")
        np.save(tmp_path / "depth.npy", depth)
        line = {"source": "source.png", "depth": name}
        if valid is not None:
            Image.fromarray(valid).save(tmp_path / "valid.png")
            line["valid"] = "valid.png"
        return listed(line)

    return write


def test_a_shown_ramp_is_right_but_for_its_eight_bits(given, tmp_path, painter, rows):
    data = given(ramp())
    shown = painter(lambda ask: gray(ramp()))
    found = rows(run(Depth(data=data), shown, tmp_path))
    assert found["delta1"] == found["all"] == 1
    assert 0 < found["AbsRel"] < 0.003
    inverted = painter(lambda ask: gray(-ramp()), "far is dark")
    assert rows(run(Depth(data=data), inverted, tmp_path))["AbsRel"] < 0.003
    flat = painter(lambda ask: Image.new("RGB", (32, 24)), "flat")
    assert rows(run(Depth(data=data), flat, tmp_path))["AbsRel"] > 0.4


def test_disparity_is_fitted_to_the_inverse(given, tmp_path, painter, rows):
    data = given(ramp())
    shown = painter(lambda ask: gray(1 / ramp()))
    told = rows(run(Depth(data=data, shows="disparity"), shown, tmp_path))["AbsRel"]
    assert told < 0.02 < rows(run(Depth(data=data), shown, tmp_path))["AbsRel"]


def test_what_is_not_valid_does_not_count(given, tmp_path, painter, rows):
    depth = ramp()
    shown = gray(depth)
    depth[:, :8] = 40
    assert rows(run(Depth(data=given(depth)), painter(lambda ask: shown), tmp_path))["delta1"] < 1
    valid = np.full(SHAPE, 255, np.uint8)
    valid[:, :8] = 0
    data = given(depth, valid)
    assert rows(run(Depth(data=data), painter(lambda ask: shown), tmp_path))["AbsRel"] < 0.003


def test_nobody_is_judged_where_nothing_is_known(given, tmp_path, painter, rows):
    result = run(Depth(data=given(np.zeros(SHAPE))), painter(lambda ask: gray(ramp())), tmp_path)
    assert rows(result)["delta1"] is None


def test_a_missing_picture_counts_as_the_mode_says(given, tmp_path, painter, rows):
    data, none = given(ramp()), painter(lambda ask: "no lamp")
    found = rows(run(Depth(data=data), none, tmp_path))
    assert (found["delta1"], found["AbsRel"]) == (0, 1)
    assert rows(run(Depth(data=data, mode="official"), none, tmp_path))["delta1"] is None


@pytest.mark.parametrize(
    ("survey", "shape", "counted"),
    [
        ("plain", SHAPE, SHAPE[0] * SHAPE[1]),
        ("scannet", SHAPE, SHAPE[0] * SHAPE[1]),
        ("eth3d", SHAPE, SHAPE[0] * SHAPE[1]),
        ("nyuv2", (480, 640), (471 - 45) * (601 - 41)),
        ("kitti", (375, 1242), (321 - 117) * (1172 - 43)),
    ],
)
def test_each_data_set_counts_its_own_part(given, survey, shape, counted):
    benchmark = Depth(data=given(ramp(shape)), survey=survey)
    (ask,) = benchmark.asks()
    with Image.open(ask.sources[0]) as source:
        assert source.size == ((1216, 352) if survey == "kitti" else shape[::-1])
        seen = benchmark.look(ask, gray(ramp((source.height, source.width))))
    assert seen["pixels"] == counted
    assert seen["abs_rel"] < 0.003


def test_ranges_are_open_but_diode_has_a_mask_of_its_own(given):
    depth = ramp()
    depth[0, :4] = 1e-3, 10.0, 11.0, np.inf
    shown = gray(ramp())
    scannet = Depth(data=given(depth), survey="scannet")
    assert scannet.look(scannet.asks()[0], shown)["pixels"] == depth.size - 4
    with pytest.raises(SourceError, match="lines of diode must have a mask under valid"):
        Depth(data=given(depth), survey="diode").look(scannet.asks()[0], shown)
    diode = Depth(data=given(depth, np.full(SHAPE, 255, np.uint8)), survey="diode")
    assert diode.look(diode.asks()[0], shown)["pixels"] == depth.size - 1


@pytest.mark.parametrize(("survey", "levels"), [("scannet", 1000), ("kitti", 256)])
def test_a_png_of_sixteen_bits_holds_the_data_sets_levels(given, tmp_path, survey, levels):
    shape = (352, 1216) if survey == "kitti" else SHAPE
    depth = ramp(shape)
    data = given(depth, name="depth.png")
    Image.fromarray(np.round(depth * levels).astype(np.uint16)).save(tmp_path / "depth.png")
    benchmark = Depth(data=data, survey=survey)
    truth, known = benchmark._truth(benchmark.asks()[0])
    assert truth[known] == pytest.approx(depth[known], abs=0.6 / levels)


def test_sizes_that_do_not_fit_are_refused(given):
    data = given(ramp())
    with pytest.raises(SourceError, match="must be at least 352x1216, got 24x32"):
        Depth(data=data, survey="kitti").asks()
    (ask,) = Depth(data=data).asks()
    with pytest.raises(SourceError, match="must be 480x640, got 24x32; take"):
        Depth(data=data, survey="nyuv2").look(ask, gray(ramp()))
    (ask,) = Depth(data=given(ramp(), np.zeros((3, 3), np.uint8))).asks()
    with pytest.raises(SourceError, match=r"the shape of their depth, got \(3, 3\)"):
        Depth(data=data).look(ask, gray(ramp()))
