"""Each kind of model is asked in its own words and colours."""

import pytest

from danqing.core.errors import RequestError
from danqing.seeing.labels import legend
from danqing.seeing.manners import Manner, manners


@pytest.mark.parametrize("name", list(manners))
def test_every_manner_names_what_is_asked_for(name):
    manner = manners[name]()
    assert isinstance(manner, Manner)
    colors = manner.legend(["star", "heart"])
    for said in (manner.segmentation(colors), manner.detection(colors)):
        assert "every star" in said
        assert "every heart" in said
    assert "depth" in manner.depth()


def test_plain_words_say_each_colour():
    manner = manners["plain"]()
    assert manner.legend(["dog", "cat"]) == legend(["dog", "cat"])
    assert manner.detection(manner.legend(["dog", "cat"])).startswith(
        "Mark every dog with a frame in red, every cat with a frame in orange;"
    )


def test_the_small_world_has_one_colour_a_shape_and_no_dogs():
    manner = manners["small_world"]()
    assert manner.legend(["star"])["star"] == manner.legend(["heart", "star"])["star"]
    with pytest.raises(RequestError, match=r"classes must be of circle, .*, got dog"):
        manner.legend(["dog"])
    with pytest.raises(RequestError, match="classes must be 1 to 7 different names"):
        manner.legend([])
