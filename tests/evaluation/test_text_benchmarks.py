"""Benchmarks that read: each rule and each mistake of the official code, computed by hand."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from danqing.core.errors import RecipeError, SourceError
from danqing.evaluation.benchmark import Ask, Item, evenly
from danqing.evaluation.benchmarks.cvtg import Cvtg
from danqing.evaluation.benchmarks.longtext import LongText
from danqing.evaluation.benchmarks.oneig_text import OneIGText
from danqing.evaluation.benchmarks.tiif_text import TiifText
from danqing.evaluation.harness import run
from danqing.scorers.ocr import Line
from danqing.scorers.readers import readers


def seen(*lines, black=False):
    """Return a reading of lines, one below the other."""
    boxes = [[[0, y], [90, y], [90, y + 10], [0, y + 10]] for y in range(0, 20 * len(lines), 20)]
    found = [{"text": t, "box": b, "sure": 1.0} for t, b in zip(lines, boxes, strict=True)]
    return {"lines": found, "size": [100, 100], "black": black}


def longtext(*texts, language="en"):
    return Ask(id="0", prompt="", category="sign", data={"text": texts, "length": "short"},
               language=language)  # fmt: skip


def cvtg(*texts):
    return Ask(id="0", prompt="", category="CVTG/2", data={"texts": texts})


def oneig(printed):
    return Ask(id="0", prompt="", category="text", data={"printed": printed})


def tiif(*texts):
    return Ask(id="0", prompt="", category="short", data={"texts": texts})


def value(benchmark, ask, found):
    return benchmark.score(ask, [found])[0].value


def both(benchmark, ask, found):
    return tuple(value(replace(benchmark, mode=m), ask, found) for m in ("official", "fixed"))


def details(benchmark, ask, found):
    return benchmark.score(ask, [found])[0].details


def folded(benchmark, *pairs):
    items = [
        Item(replace(ask, id=f"{n}"), 0, None, None, found, benchmark.judge(ask, found))
        for n, (ask, found) in enumerate(pairs)
    ]
    return benchmark.fold(items)


# LongText


def test_longtext_matches_words_whatever_their_case_order_and_punctuation():
    ask = longtext("Open Now,", "Open: 24 hours")
    assert both(LongText(), ask, seen("HOURS!", "open now... now")) == (3 / 5, 3 / 5)


def test_longtext_matches_characters_in_chinese_and_keeps_their_case():
    ask = longtext("每日新鲜 A", "每日", language="zh")
    assert both(LongText(language="zh"), ask, seen("日，鲜每a")) == (3 / 7, 3 / 7)


def test_longtext_leaves_the_first_keyword_where_the_official_code_does():
    ask = longtext("Open now")
    assert both(LongText(), ask, seen("OpenaddCriterion now")) == (1 / 2, 1)
    assert both(LongText(), ask, seen("Open No text recognized. now")) == (1, 1)


def test_that_there_is_no_text_counts_as_text_officially_where_it_was_said_without_a_full_stop():
    ask = longtext("No text")
    assert both(LongText(), ask, seen("No text recognized.")) == (0, 0)
    assert both(LongText(), ask, seen("No text recognized")) == (1, 0)
    for said, edits in (("No text recognized", 18), ("No text recognized.", 1)):
        assert details(OneIGText(), oneig("['a']"), seen(said))["ED"] == edits
        assert details(OneIGText(mode="fixed"), oneig("['a']"), seen(said))["ED"] == 1


def test_longtext_punishes_nothing_that_was_not_asked_for():
    assert both(LongText(), longtext("a"), seen("a b c d")) == (1, 1)


def test_longtext_sums_over_all_pictures_and_shows_the_other_mode():
    pairs = [(longtext("one"), seen("one")), (longtext("a b c d e f g h i"), seen("addCriterion")),
             (longtext("a b"), None)]  # fmt: skip
    row = folded(LongText(), *pairs).row("text score")
    assert (row.score, row.count) == (1 / 10, 2)
    assert row.more["fixed"] == pytest.approx(1 / 12)
    assert folded(LongText(mode="fixed"), *pairs).row("text score").more["official"] == 1 / 10
    assert folded(LongText(), *pairs).row("long").score is None


# CVTG-2K


def test_one_word_that_was_read_serves_all_that_ask_for_it_in_official_alone():
    assert both(Cvtg(), cvtg("Be Kind", "be free"), seen("BE kind")) == (3 / 4, 2 / 4)


def test_cvtg_punctuation_counts():
    assert both(Cvtg(), cvtg("free!"), seen("free")) == (0, 0)


def test_the_nearest_word_is_that_of_difflib_or_that_of_the_fewest_edits():
    ask, read = cvtg("abcd"), seen("abxd bcda")
    assert details(Cvtg(), ask, read)["near"] == pytest.approx(1 - 2 / 4, abs=1e-5)
    assert details(Cvtg(mode="fixed"), ask, read)["near"] == pytest.approx(1 - 1 / 4, abs=1e-5)


def test_cvtg_folds_words_and_has_precision_where_it_is_fixed():
    pairs = [(cvtg("a b"), seen("a", "zz zz zz")), (cvtg("c", "d"), seen("c d")),
             (cvtg("e f g h"), None)]  # fmt: skip
    official, fixed = (folded(Cvtg(mode=m), *pairs) for m in ("official", "fixed"))
    assert (official.row("word accuracy").score, fixed.row("word accuracy").score) == (3 / 4, 3 / 8)
    assert official.row("word accuracy").more == {"NED": pytest.approx(3 / 4, abs=1e-4),
                                                  "fixed": 3 / 8}  # fmt: skip
    assert fixed.row("precision").score == 3 / 6
    assert "precision" not in [row.name for row in official.rows]


# OneIG


def test_oneig_counts_case_in_official_alone():
    found = 1 - 3 * (1 - 2 / 3) / 100
    ask = oneig("['Open', 'Day 1']")
    assert both(OneIGText(), ask, seen("OPEN", "Day, 1")) == (pytest.approx(found), 1)
    assert both(OneIGText(), ask, seen("Open", "Day 1")) == (1, 1)


def test_oneig_official_takes_a_line_break_of_the_printed_list_for_the_letter_n():
    ask = oneig(r"['A\nB c']")
    assert both(OneIGText(), ask, seen("A", "B c")) == (pytest.approx(1 - 1 * 0.5 / 100), 1)


def test_oneig_compares_chinese_without_spaces_by_characters():
    ask = oneig("['每日', '新鲜']")
    assert (
        both(OneIGText(language="zh"), ask, seen("每 日", "新品"))
        == (pytest.approx(1 - 1 * (1 - 3 / 4) / 50),) * 2
    )


def test_oneig_black_pictures_and_those_not_there_leave_official_means_and_are_empty_in_fixed():
    ask = oneig("['abcd']")
    for found in (None, seen(black=True)):
        assert both(OneIGText(), ask, found) == (None, pytest.approx(1 - 4 / 100))


def test_oneig_makes_its_score_of_means():
    pairs = [(oneig("['a b c d e']"), seen("a b c d e")), (oneig("['v w x y z']"), seen("q" * 200)),
             (oneig("['a']"), None)]  # fmt: skip
    table = folded(OneIGText(), *pairs)
    assert {row.name: row.score for row in table.rows} == {
        "ED": 100, "CR": 0.5, "WAC": 0.5, "text score": 0.75}  # fmt: skip
    low, high = table.row("text score").interval
    assert 0 <= low <= 0.75 <= high == 1
    numbers = table.row("text score").more["fixed"]
    assert numbers == pytest.approx(1 - (201 / 3) * (1 - 1 / 3) * (1 - 5 / 11) / 100)


# TIIF


def test_tiif_pairs_words_parted_at_each_single_space():
    ask = tiif("Drink", "Tea")
    found = details(TiifText(), ask, seen("drink  TEAS"))
    assert found["GNED"] == pytest.approx((0 + 1 / 4 + 1) / 3)
    assert found["recall"] == 1


def test_tiif_recall_takes_the_first_free_word_that_is_near():
    assert details(TiifText(), tiif("tests", "test"), seen("test"))["recall"] == 1 / 2


def test_tiif_counts_what_is_not_there_as_wrong_in_fixed_alone():
    assert both(TiifText(), tiif("a", "b"), None) == (None, 0)
    pairs = [(tiif("a"), seen("a")), (replace(tiif("a"), category="long"), seen("b"))]
    assert folded(TiifText(), *pairs).row("1 - GNED").score == 0.5


# All of them

MAKERS = [
    (LongText(), longtext, "text score"),
    (Cvtg(), cvtg, "word accuracy"),
    (OneIGText(), lambda *texts: oneig(repr(list(texts))), "text score"),
    (TiifText(), tiif, "1 - GNED"),
]
MODES = pytest.mark.parametrize("mode", ["official", "fixed"])
EACH = pytest.mark.parametrize(("benchmark", "make", "headline"), MAKERS)
WORDS = st.lists(st.text("abcDEF19", min_size=1, max_size=6), min_size=1, max_size=6)


@MODES
@EACH
@given(texts=WORDS)
def test_a_perfect_reading_scores_one(benchmark, make, headline, mode, texts):
    found = value(replace(benchmark, mode=mode), make(*texts), seen(*texts))
    assert found == pytest.approx(1)


@MODES
@EACH
def test_nothing_read_scores_nothing(benchmark, make, headline, mode):
    texts = ["q" * 200]
    assert value(replace(benchmark, mode=mode), make(*texts), seen()) == pytest.approx(0)


@EACH
@given(texts=WORDS, read=WORDS)
def test_scores_are_shares(benchmark, make, headline, texts, read):
    for found in both(benchmark, make(*texts), seen(*read)):
        assert 0 <= found <= 1


@EACH
def test_pictures_that_are_not_there_are_wrong_in_fixed_and_left_out_in_official(
    benchmark, make, headline
):
    pair = (make("q" * 200), None)
    assert folded(benchmark, pair).row(headline).score is None
    fixed = folded(replace(benchmark, mode="fixed"), pair).row(headline)
    assert fixed.score == pytest.approx(0)
    assert fixed.more["official"] is None


@pytest.mark.parametrize("wrong", [{"seeds": 0}, {"count": 0}, {"page": (8, 800)}])
def test_impossible_settings_are_refused_in_one_line(wrong):
    with pytest.raises(RecipeError, match=r"must be at least \d+.*, got"):
        LongText(**wrong)


def test_a_count_takes_the_first_of_all_categories_in_turn():
    asks = [Ask(id=f"{n}", prompt="", category="ab"[n > 3]) for n in range(6)]
    assert [ask.id for ask in evenly(asks, 3)] == ["0", "1", "4"]
    assert evenly(asks, None) == evenly(asks, 99) == asks


@readers.register("echo")
@dataclass(frozen=True, kw_only=True)
class Echo:
    """Reads one word wherever there is ink."""

    says: str = "open"
    identity: str = "echo"

    def lines(self, image):
        READ.append(image.size)
        return [Line(self.says, np.zeros((4, 2), np.float32))] if image.getcolors(1) is None else []


READ: list[tuple[int, int]] = []


class Painter:
    def identity(self):
        return {"name": "painter"}

    def paint(self, ask):
        return [Image.new("RGB", (8, 8), (0, 0, 0)) for _ in ask.seeds]


def test_both_modes_and_the_truth_in_print_are_scored_from_one_reading(tmp_path):
    records = [{"prompt_id": n, "prompt": "a sign", "category": "sign", "length": "short",
                "text": [text]} for n, text in ((3, "open"), (99, "closed"))]  # fmt: skip
    (tmp_path / "text_prompts.jsonl").write_text("\n".join(map(json.dumps, records)))
    benchmark = LongText(data=tmp_path, reader=Echo(), seeds=2, page=(128, 128))
    assert [ask.id for ask in benchmark.asks()] == ["0003", "0099"]
    READ.clear()
    result = run(benchmark, Painter(), tmp_path / "out")
    assert result["table"]["headline"] == "text score"
    assert result["references"]["text score"] == {"oracle": 0.5, "printed": 1}
    # Pictures that are equal are read once for each prompt; then two pages.
    assert len(READ) == 2 + 2
    run(replace(benchmark, mode="fixed"), Painter(), tmp_path / "out")
    assert len(READ) == 2 + 2
    page = (tmp_path / "out" / "index.html").read_text()
    assert "<del>closed</del>" in page


@pytest.mark.parametrize(
    ("make", "name", "count", "words"),
    [
        (LongText, "longtext", 160, None),
        (lambda data: LongText(data=data, language="zh"), "longtext", 160, None),
        (Cvtg, "cvtg2k", 2000, 16_206),
        (OneIGText, "oneig", 200, None),
        (lambda data: OneIGText(data=data, language="zh"), "oneig", 200, None),
        (TiifText, "tiif", 2 * 30, 2 * 221),
        (lambda data: TiifText(data=data, split="test"), "tiif", 2 * 300, 2 * 2088),
    ],
)
def test_all_prompts_of_the_real_benchmarks_are_there(records, make, name, count, words):
    benchmark = make(data=records(name))
    asks = benchmark.asks()
    assert len(asks) == len({ask.id for ask in asks}) == count
    if words:
        assert sum(len(" ".join(benchmark.texts(ask)).split()) for ask in asks) == words
    for ask in asks[::40]:
        assert value(benchmark, ask, seen(*benchmark.texts(ask))) > 0.95


def test_other_questions_than_those_for_texts_are_refused(tmp_path):
    for kind, line in (
        ("testmini_prompts/text_prompts", {"short_description": "", "long_description": ""}),
        ("testmini_eval_prompts/text_eval_prompts", {"yn_question_list": ["Is it red?"]}),
    ):
        (tmp_path / kind).parent.mkdir()
        (tmp_path / f"{kind}.jsonl").write_text(json.dumps(line))
    with pytest.raises(SourceError, match="must ask for the text"):
        TiifText(data=tmp_path).asks()
