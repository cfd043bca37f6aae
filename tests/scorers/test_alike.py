"""How alike a picture and a sentence are is a cosine, on the scale that settings say."""

import pytest
from PIL import Image

from danqing.core.errors import RecipeError
from danqing.scorers.alike import AlikeScorer
from danqing.scorers.world import Object, Scene


def test_the_better_a_picture_fits_the_higher_its_value(mean_color):
    red, blue = (Image.new("RGB", (8, 8), color) for color in ("red", "blue"))
    scene = Scene("colors", (Object("star", color="red"),))
    wanted = ["a red box", scene, "a red box"]
    found = AlikeScorer(embedder=mean_color).score([red, red, blue], wanted)
    assert found[0].value == pytest.approx(1, abs=1e-6)
    assert (found[1].value, found[1].reason) == (None, "no sentence was asked for")
    assert found[2].value == 0 > found[2].details["cosine"]
    assert AlikeScorer(embedder=mean_color).score([red], [scene])[0].value is None


def test_values_are_straight_between_two_cosines_and_cut_beyond(mean_color):
    shades = [Image.new("RGB", (8, 8), (255, green, 0)) for green in range(0, 256, 51)]
    cosines = [
        one.details["cosine"]
        for one in AlikeScorer(embedder=mean_color).score(shades, ["red"] * len(shades))
    ]
    low, high = cosines[4], cosines[1]
    scorer = AlikeScorer(embedder=mean_color, low=low, high=high)
    values = [one.value for one in scorer.score(shades, ["red"] * len(shades))]
    expected = [min(max((c - low) / (high - low), 0), 1) for c in cosines]
    assert values == pytest.approx(expected)
    assert (values[0], values[5]) == (1, 0)
    with pytest.raises(RecipeError, match="high must be above low"):
        AlikeScorer(embedder=mean_color, low=0.5, high=0.5)
