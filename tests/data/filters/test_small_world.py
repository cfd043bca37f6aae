"""Pictures of the small world are held against what they were drawn from."""

import io
import json
from random import Random

import numpy as np
import pytest
from PIL import Image

from danqing.core.errors import RecipeError
from danqing.data.filters.base import Batch
from danqing.data.filters.small_world import AsSpecified, HeldOut
from danqing.data.sources import SmallWorld
from danqing.data.synthesis import Synthesis, bucket, draw, held_out

MADE = SmallWorld(count=12, pictures=Synthesis(max_word=2), sizes={"256x256": 1.0, "288x224": 1.0})


def batch(records):
    columns = ("name", "image", "meta", "recaption")
    return Batch({name: [getattr(r, name) for r in records] for name in columns}, 256)


def reasons(part, rows):
    return [part.cut.reason(m.value) for m in part.measure(rows)]


def test_what_training_draws_is_as_specified_and_not_held_out():
    rows = batch([item.read() for item in MADE.items()])
    assert not any(reasons(HeldOut(), rows))
    assert not any(reasons(AsSpecified(), rows))


def test_pictures_have_the_sizes_asked_for_and_follow_from_their_number():
    records = [item.read() for item in MADE.items()]
    sizes = {Image.open(io.BytesIO(record.image)).size for record in records}
    assert sizes == {(256, 256), (288, 224)}
    assert records[5] == MADE.record(5) != MADE.record(6)


@pytest.mark.parametrize("category", ["color_attr", "text_zh"])
def test_what_is_held_out_is_found(category):
    metas = [
        json.dumps({"specification": prompt.spec.record})
        for prompt in held_out(category, 8, "test_iid")
    ]
    found = HeldOut().measure(Batch({"meta": metas}, 256))
    assert [m.value for m in found] == [1.0] * 8
    assert found[0].note == "it belongs to test_iid"


def test_another_picture_is_not_what_was_specified():
    records = [MADE.record(n) for n in range(12)]
    metas = [records[n - 1].meta for n in range(12)]
    rows = Batch({"name": [r.name for r in records], "image": [r.image for r in records],
                  "meta": metas}, 256)  # fmt: skip
    measured = AsSpecified().measure(rows)
    assert sum(m.value == 0 for m in measured) >= 10
    assert all(m.note for m in measured if m.value == 0)


@pytest.mark.parametrize("meta", [None, "{}", "[]", "no JSON", '{"specification": 3}'])
def test_rows_without_a_specification_are_dropped_with_a_reason(meta):
    pixels = Image.fromarray(np.zeros((8, 8, 3), np.uint8))
    buffer = io.BytesIO()
    pixels.save(buffer, "PNG")
    rows = Batch({"name": ["a.png"], "image": [buffer.getvalue()], "meta": [meta]}, 256)
    for part in (HeldOut(), AsSpecified()):
        (measured,) = part.measure(rows)
        assert measured.note == "it has no specification"
        assert part.cut.reason(measured.value)


def test_drawing_is_of_the_specification():
    spec = held_out("colors", 1)[0].spec
    assert bucket(spec) == "test_iid"
    assert draw(spec, Random(0), size=(256, 256)).size == (256, 256)


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(RecipeError, match="like 288x224"):
        SmallWorld(sizes={"288": 1.0})
    with pytest.raises(RecipeError, match="above 0"):
        SmallWorld(sizes={"256x256": 0.0})
    with pytest.raises(RecipeError, match="at least 0"):
        SmallWorld(count=-1)
