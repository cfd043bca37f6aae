"""What is given back is compared with what was given, after one stated cut."""

import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from danqing.core.errors import RecipeError, SourceError
from danqing.evaluation.benchmark import Ask
from danqing.evaluation.benchmarks.reconstruction import Reconstruction
from danqing.evaluation.generators import RoundTrip
from danqing.evaluation.harness import run
from danqing.evaluation.listing import picture
from danqing.pipelines.save import save
from danqing.testing import toy


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "given"
    (folder / "photos").mkdir(parents=True)
    Image.linear_gradient("L").resize((96, 64)).convert("RGB").save(folder / "a.png")
    Image.radial_gradient("L").resize((64, 128)).convert("RGB").save(folder / "photos/b.jpg")
    (folder / "notes.txt").write_text("no picture")
    return folder


def given(ask):
    return picture(ask.sources[0])


def test_a_picture_given_back_as_it_is_has_eighty_decibels(folder, tmp_path, painter, rows):
    benchmark = Reconstruction(folder=folder, size=32, text=False)
    result = run(benchmark, painter(given), tmp_path)
    assert rows(result) == {"PSNR (dB)": pytest.approx(80), "SSIM": pytest.approx(1)}
    blurred = painter(lambda ask: given(ask).filter(ImageFilter.GaussianBlur(3)), "blurred")
    worse = rows(run(benchmark, blurred, tmp_path))
    assert worse["PSNR (dB)"] < 60
    assert worse["SSIM"] < 1


def test_a_missing_picture_counts_or_is_left_out_as_the_mode_says(folder, tmp_path, painter, rows):
    half = painter(lambda ask: given(ask) if ask.id == "a.png" else "no lamp")
    told = {"folder": folder, "size": 32, "text": False}
    assert rows(run(Reconstruction(**told), half, tmp_path))["PSNR (dB)"] == pytest.approx(40)
    official = run(Reconstruction(**told, mode="official"), half, tmp_path)
    assert rows(official)["PSNR (dB)"] == pytest.approx(80)


def test_pictures_are_cut_as_the_setting_says(folder):
    cover, crop, whole = (
        Reconstruction(folder=folder, size=32, text=False, fit=fit).asks()
        for fit in ("cover", "crop", "whole")
    )
    assert [ask.id for ask in cover] == ["a.png", "photos/b.jpg"]
    assert [ask.category for ask in cover] == ["all", "photos"]
    assert given(cover[0]).size == given(crop[0]).size == (32, 32)
    assert given(crop[0]).tobytes() == given(whole[0]).crop((32, 16, 64, 48)).tobytes()
    assert given(whole[1]).size == (64, 128)
    # Twice as many rows are seen through half as many pixels.
    reach = [high - low for low, high in (given(a[0]).getextrema()[0] for a in (cover, crop))]
    assert reach[0] > 1.5 * reach[1]


def test_what_cannot_be_cut_is_refused_in_one_line(folder, tmp_path):
    with pytest.raises(SourceError, match="at least 128 pixels a side to be cut, got 96x64; set"):
        Reconstruction(folder=folder, size=128, text=False, fit="crop").asks()
    with pytest.raises(SourceError, match="must hold pictures, got none in"):
        Reconstruction(folder=tmp_path / "none", text=False).asks()
    with pytest.raises(RecipeError, match="size must be at least 16, got 8"):
        Reconstruction(folder=folder, size=8)


def test_text_is_read_in_both_and_only_originals_with_text_count(tmp_path, painter, rows):
    folder = tmp_path / "given"
    folder.mkdir()
    page = Image.new("RGB", (192, 64), "white")
    ImageDraw.Draw(page).text((20, 14), "HOUSE", "black", ImageFont.load_default(34))
    page.save(folder / "text.png")
    Image.new("RGB", (192, 64), "white").save(folder / "blank.png")
    benchmark = Reconstruction(folder=folder, fit="whole")
    kept = run(benchmark, painter(given), tmp_path)
    assert rows(kept)["NED of text"] == 1
    assert kept["table"]["rows"][2]["count"] == 1
    gone = run(benchmark, painter(lambda ask: Image.new("RGB", (192, 64)), "black"), tmp_path)
    assert rows(gone)["NED of text"] == 0


def test_the_vae_of_a_model_is_a_painter(folder, tmp_path):
    save(toy(), tmp_path / "toy")
    vae = RoundTrip(model=str(tmp_path / "toy"))
    (ask, _) = Reconstruction(folder=folder, size=32, text=False).asks()
    (kept,) = vae.paint(ask)
    assert kept.size == (32, 32)
    assert kept.tobytes() == vae.whole.round_trip(given(ask)).tobytes() != given(ask).tobytes()
    assert set(vae.identity()) == {"name", "weights"}
    odd = tmp_path / "odd.png"
    Image.new("RGB", (33, 32)).save(odd)
    (why,) = vae.paint(Ask(id="odd", prompt="", category="all", sources=(odd,)))
    assert why == "33x32 is no multiple of 2"
    assert vae.paint(Ask(id="no", prompt="", category="all")) == ["there is nothing to keep"]
