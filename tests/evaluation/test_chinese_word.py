"""Single characters: levels, the readable subset, and what the reader makes of print."""

from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from danqing.data.typeset.fonts import faces
from danqing.evaluation.benchmark import Item
from danqing.evaluation.benchmarks.chinese_word import ChineseWord
from danqing.evaluation.pages import character, page
from danqing.evaluation.readings import reading
from danqing.scorers.ocr import Line
from danqing.scorers.readers import RapidReader

FACES = [face for face in faces() if face.writes("zh")]


@dataclass(frozen=True, kw_only=True)
class Knows:
    """Reads some characters in print, and takes everything else for another one."""

    characters: str
    identity: str = "knows"

    def lines(self, image):
        known = {character(c, face, 160).tobytes(): c for c in self.characters for face in FACES}
        text = known.get(image.tobytes(), "口")
        return [Line(text, np.zeros((4, 2), np.float32))]


@pytest.fixture
def benchmark(tmp_path):
    for level, text in enumerate(("天\n地\n", "强\n", "𬬭\n"), start=1):
        (tmp_path / f"level-{level}.txt").write_text(text, encoding="utf-8")
    return ChineseWord(data=tmp_path, reader=Knows(characters="天强"))


def found(benchmark, *reads):
    items = []
    for ask, text in zip(benchmark.asks(), reads, strict=True):
        box = [[0, 0], [9, 0], [9, 9], [0, 9]]
        line = {"text": text, "box": box, "sure": 1.0}
        seen = None if text is None else {"lines": [line], "size": [9, 9], "black": False}
        items.append(Item(ask, 0, None, None, seen, benchmark.judge(ask, seen)))
    return benchmark.fold(items)


def test_a_character_is_right_if_it_is_all_that_is_read_in_any_regional_form(benchmark):
    table = found(benchmark, "天", "天地", "強", None)
    assert {row.name: row.score for row in table.rows} == {
        "level 1": 0.5, "level 2": 1, "level 3": 0, "all": 0.5}  # fmt: skip


def test_the_readable_subset_has_what_is_read_in_every_typeface_that_has_it(benchmark):
    table = found(benchmark, "天", "天", "口", "口")
    assert table.row("level 1").more == {"readable": 1, "readable count": 1}
    assert table.row("level 2").more == {"readable": 0, "readable count": 1}
    assert table.row("level 3").more == {"readable": None, "readable count": 0}
    assert table.row("all").more == {"readable": 0.5, "readable count": 2}


def test_what_the_reader_makes_of_print_stands_beside_each_level(benchmark):
    assert benchmark.references() == {
        "level 1": {"oracle": 0.5, "printed": 1},
        "level 2": {"oracle": 1, "printed": 1},
        "level 3": {"oracle": None, "printed": 0},
        "all": {"oracle": pytest.approx(2 / 3, abs=0.15), "printed": 0.75},
    }


def test_a_prompt_names_its_character_and_is_the_same_in_every_run(benchmark):
    asks = benchmark.asks()
    assert [ask.id for ask in asks] == ["5929", "5730", "5f3a", "2cb2d"]
    assert all(f"“{ask.data['text']}”" in ask.prompt for ask in asks)
    assert asks == benchmark.asks()


def test_the_real_reader_reads_common_characters_and_whole_pages():
    reader = RapidReader()
    assert reader.identity.startswith("rapidocr ")
    text = reading(reader, character("永", FACES[0], 160))
    assert [line["text"] for line in text["lines"]] == ["永"]
    sheet = page(["Fresh bread", "every day"], (256, 256), "en")
    assert [line["text"] for line in reading(reader, sheet)["lines"]] == [
        "Fresh bread",
        "every day",
    ]
    assert reading(reader, Image.new("RGB", (64, 64)))["black"]


def test_what_fits_no_page_or_no_typeface_is_no_page():
    assert page(["word " * 400], (64, 64), "en") is None
    assert page(["𬬭"], (64, 64), "zh") is None
    assert page([], (64, 64), "en") is None


def test_the_table_has_8105_characters_on_three_levels(records):
    asks = ChineseWord(data=records("chinese_chars")).asks()
    assert len({ask.data["text"] for ask in asks}) == len(asks) == 8105
    levels = [ask.category for ask in asks]
    assert [levels.count(f"level {n}") for n in (1, 2, 3)] == [3500, 3000, 1605]
