"""A corpus keeps what it was given, in pieces of any size, and says what went wrong on the way."""

import pytest

pytest.importorskip("lance", reason="a corpus needs the extra `data`")

import pyarrow as pa

from danqing.core.errors import RecipeError, SourceError
from danqing.data import corpus as module
from danqing.data.corpus import Corpus
from danqing.data.record import Item, Record

IMAGES = [bytes([row]) * (1 + 37 * row % 100) for row in range(50)]


class Source:
    """Made rows; the source may break off."""

    def __init__(self, end: int = len(IMAGES), whole: bool = True):
        self.end, self.whole = end, whole

    def items(self):
        for row in range(self.end):
            yield Item(f"{row:02d}", lambda row=row: Record(name="a.jpg", image=IMAGES[row]))
        if not self.whole:
            raise SourceError("the place is gone.")


@pytest.mark.parametrize(("rows", "size"), [(1024, 8 << 20), (7, 8 << 20), (1024, 64), (7, 64)])
def test_rows_come_back_whatever_the_pieces(tmp_path, monkeypatch, rows, size):
    monkeypatch.setattr(module, "CHUNK_ROWS", rows)
    monkeypatch.setattr(module, "PIECE_BYTES", size)
    corpus, told = Corpus(tmp_path), []
    assert corpus.add("made", Source(), 2, told.append) == len(IMAGES) == sum(told)
    assert max(told) <= rows
    assert corpus.read(["image"])["image"].to_pylist() == IMAGES
    assert corpus.read(["key"])["key"].to_pylist() == [f"made/{row:02d}" for row in range(50)]
    assert corpus.add("made", Source(), 2) == 0


def test_an_error_of_a_source_is_its_own_and_a_part_of_what_came_before_it_stays(tmp_path):
    corpus = Corpus(tmp_path)
    with pytest.raises(SourceError, match="the place is gone"):
        corpus.add("made", Source(end=20, whole=False))
    before = len(corpus)
    assert 0 < before <= 20
    assert corpus.add("made", Source()) == 50 - before
    assert corpus.read(["image"])["image"].to_pylist() == IMAGES


def test_values_are_laid_over_some_rows_and_the_others_keep_theirs(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CHUNK_ROWS", 8)
    corpus = Corpus(tmp_path)
    corpus.add("made", Source())
    schema = pa.schema([("score_a", pa.int64())])
    spans = list(corpus.spans(5))
    wanted: list[int | None] = [None] * 50
    for factor, step in ((1, 2), (2, 3)):
        rows = [[row for row in span if row % step == 0 and row < 44] for span in spans]
        parts = [
            pa.table(
                {"row": some, "score_a": [row * factor for row in some]},
                schema=pa.schema([("row", pa.int64()), *schema]),
            )
            if some
            else None
            for some in rows
        ]
        corpus.lay(schema, spans, parts)
        for row in (row for some in rows for row in some):
            wanted[row] = row * factor
        assert corpus.read(["score_a"])[0].to_pylist() == wanted


def test_sketches_are_read_in_pieces_or_at_places(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_SKETCHES", 4)
    corpus = Corpus(tmp_path)
    corpus.add("made", Source())
    values = [b"" if row % 3 == 0 else bytes([row]) for row in range(50)]
    corpus.fill({"sketch_a": pa.array(values, pa.binary())})
    rows = list(range(1, 50, 2))
    expected = [values[row] or None for row in rows]
    found = corpus.sketches("a", rows)
    assert len(found) == len(rows)
    assert list(found) == expected
    assert found.at([20, 0, 7, 0]) == [expected[i] for i in (20, 0, 7, 0)]


def test_a_second_run_is_refused_while_one_is_at_work(tmp_path):
    with (
        Corpus(tmp_path / "new").alone(),
        pytest.raises(RecipeError, match="one run at a time"),
        Corpus(tmp_path / "new").alone(),
    ):
        pass
    with Corpus(tmp_path / "new").alone():
        assert not Corpus(tmp_path / "new").exists
