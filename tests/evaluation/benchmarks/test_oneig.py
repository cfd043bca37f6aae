"""OneIG's questions, vectors, black pictures, and the mean of its parts."""

import csv
import json
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from danqing.core.errors import RecipeError, SourceError
from danqing.evaluation.benchmark import Ask, Item, seeds
from danqing.evaluation.benchmarks.oneig import OneIG
from danqing.evaluation.benchmarks.oneig_diversity import OneIGDiversity
from danqing.evaluation.benchmarks.oneig_reasoning import OneIGReasoning
from danqing.evaluation.benchmarks.oneig_style import OneIGStyle
from danqing.evaluation.harness import run
from danqing.evaluation.oneig import PARTS, SETS, overall
from danqing.scorers.embed import embedders

RED, GREEN, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 0)
BOTH = pytest.mark.parametrize("mode", ["official", "fixed"])


@embedders.register("paint")
@dataclass(frozen=True, kw_only=True)
class Paint:
    """Three numbers: the colour of a picture's corner, or the first letter of a text."""

    length: int = 3

    @property
    def identity(self):
        return {"embedder": "paint"}

    def images(self, images):
        corners = np.array([image.getpixel((0, 0)) for image in images], float)
        rows = np.pad(corners, ((0, 0), (0, self.length - 3)))
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def texts(self, texts):
        return np.array([np.eye(3)["rgb".index(text[0])] for text in texts])


@dataclass(frozen=True)
class Colors:
    """Paints its colours in turn; None is none."""

    colors: tuple

    def identity(self):
        return {"name": "colors"}

    def paint(self, ask):
        return [
            "no lamp" if color is None else Image.new("RGB", (2, 2), color)
            for _, color in zip(ask.seeds, self.colors, strict=True)
        ]


def chained(**parents):
    """Return questions by number that say their own name, and depend on each other."""
    return {
        "question": json.dumps({number[1:]: f"{number}?" for number in parents}),
        "dependency": json.dumps({number[1:]: above for number, above in parents.items()}),
    }


CHAIN = chained(q1=[0], q2=[1], q3=[2])


@pytest.fixture
def folder(tmp_path):
    """Return a folder like the benchmark's repository, with a prompt or two a set."""
    place = tmp_path / "OneIG-Benchmark"
    below = {name: place / "scripts" / name for name in ("alignment/Q_D", "reasoning", "style")}
    for path in below.values():
        path.mkdir(parents=True)
    for file, column in (("OneIG-Bench.csv", "prompt_en"), ("OneIG-Bench-ZH.csv", "prompt_cn")):
        with (place / file).open("w", newline="", encoding="utf-8-sig") as opened:
            rows = csv.writer(opened)
            rows.writerow(["category", "id", column, "class"])
            for name in SETS.values():
                rows.writerow([name, "000", f"prompt of {name}", ""])
            rows.writerow([SETS["anime"], "001", "a bay", "Pop Art"])
    for name in ("anime", "human", "object", "multilingualism"):
        for suffix in ("", "_zh"):
            told = json.dumps({"000": CHAIN, "001": chained(q1=[0])})
            (below["alignment/Q_D"] / f"{name}{suffix}.json").write_text(told)
    for suffix in ("", "_zh"):
        (below["reasoning"] / f"gt_answer{suffix}.json").write_text('{"000": "red"}')
    for name, length in (("CSD", 3), ("SE", 4)):
        rows = torch.eye(length)[:2] * torch.tensor([[1.0], [-1.0]])
        torch.save({"pop_art": rows.bfloat16()}, below["style"] / f"{name}_embed.pt")
    return place


@pytest.fixture
def denier(witness):
    """Return a chat that says no to some questions, and else a word."""

    def make(*no, word="Yes"):
        return witness(lambda question: "No" if question.text.split(".")[0] in no else word)

    return make


def test_no_reaches_children_but_not_their_children(folder, denier, tmp_path, rows):
    benchmark = OneIG(folder=folder, judge=denier("q1?"), seeds=1)
    found = rows(run(benchmark, Colors((RED,)), tmp_path / "out"))
    # Of the chain q1 ← q2 ← q3 only the last one holds: its parent was answered yes.
    assert found["human"] == found["object"] == pytest.approx(1 / 3)
    assert found["anime"] == pytest.approx((1 / 3 + 0) / 2)
    assert found["alignment"] == pytest.approx((3 * 1 / 3 + 0) / 4)


@pytest.mark.parametrize(("word", "official"), [("Yes", 1), ("Yes.", 0), ("yes", 0)])
def test_officially_yes_has_one_spelling(folder, denier, tmp_path, rows, word, official):
    told = {"folder": folder, "judge": denier(word=word), "seeds": 1}
    for mode, share in (("official", official), ("fixed", 1)):
        result = run(OneIG(**told, mode=mode), Colors((RED,)), tmp_path / "out")
        assert rows(result)["alignment"] == share
        assert result["answers"] == {"read": 10}


def test_what_is_no_answer_is_counted(folder, witness):
    benchmark = OneIG(folder=folder, judge=witness(lambda question: "a riddle"))
    ask = benchmark.asks()[0]
    (score,) = benchmark.score(ask, [benchmark.look(ask, Image.new("RGB", (2, 2), RED))])
    assert (score.value, score.details["unread"]) == (0, 3)


def test_black_and_missing_pictures_are_left_out_officially(folder, denier, tmp_path, rows):
    told = {"folder": folder, "judge": denier(), "seeds": 4}
    some = Colors((RED, BLACK, None, RED))
    fixed = run(OneIG(**told), some, tmp_path / "out")
    assert rows(fixed)["alignment"] == 0.5
    assert len(fixed["missing"]) == 4
    official = run(OneIG(**told, mode="official"), some, tmp_path / "out")
    assert rows(official)["alignment"] == 1
    # Nobody was asked about the black ones.
    assert official["answers"] == {"read": 20}
    none = run(OneIG(**told, mode="official"), Colors((BLACK,) * 4), tmp_path / "none")
    assert rows(none)["alignment"] is None


def test_each_prompt_weighs_the_same_officially(folder, witness, tmp_path):
    benchmark = OneIG(folder=folder, judge=witness(str), mode="official")
    first, second = benchmark.asks()[:2]

    def seen(*words):
        return {"black": False, "answers": [{"text": w, "fate": "read", "tries": 1} for w in words]}

    def items(ask, *found):
        scores = benchmark.score(ask, found)
        return [Item(ask, 0, None, None, f, s) for f, s in zip(found, scores, strict=True)]

    three, one = seen("Yes", "Yes", "Yes"), seen("No")
    table = benchmark.fold([*items(first, three, None, None), *items(second, one, one, one)])
    assert table.row("alignment").score == 0.5


def test_the_script_is_asked_with(folder, witness):
    heard = []
    benchmark = OneIG(folder=folder, judge=witness(lambda q: heard.append(q.text) or "Yes"))
    benchmark.look(benchmark.asks()[0], Image.new("RGB", (2, 2), RED))
    assert heard[0] == "q1?. Please answer 'Yes' or 'No' only."


def test_only_chinese_has_other_cultures(folder, denier):
    told = {"folder": folder, "judge": denier()}
    english, chinese = OneIG(**told).asks(), OneIG(**told, language="zh").asks()
    assert [ask.id for ask in english] == ["anime_000", "anime_001", "human_000", "object_000"]
    assert chinese[-1].id == "multilingualism_000"
    assert (chinese[0].language, len(chinese[0].seeds)) == ("zh", 4)
    with pytest.raises(RecipeError, match="seeds must be at least 1, got 0"):
        OneIG(**told, seeds=0).asks()


def test_questions_that_are_none_are_refused(folder, denier):
    path = folder / "scripts" / "alignment" / "Q_D" / "human.json"
    benchmark = OneIG(folder=folder, judge=denier())
    for bad in ({}, {"000": {"question": "?"}}, {"000": chained()}):
        path.write_text(json.dumps(bad))
        with pytest.raises(SourceError, match=r"must be|must have questions with"):
            benchmark.asks()
    path.write_text(json.dumps({"000": chained(q1=[7])}))
    with pytest.raises(SourceError, match="parents must be questions, got others for 000"):
        benchmark.asks()
    (folder / "OneIG-Bench.csv").write_text("category,id,prompt\nPortrait,000,x\n")
    with pytest.raises(SourceError, match=r"OneIG-Bench\.csv must have prompts of"):
        benchmark.asks()


@BOTH
def test_reasoning_is_the_cosine_with_the_answer(folder, tmp_path, rows, mode):
    benchmark = OneIGReasoning(folder=folder, embedder=Paint(), seeds=3, mode=mode)
    result = run(benchmark, Colors((RED, (255, 255, 0), BLACK)), tmp_path / "out")
    mean = (1 + 0.5**0.5) / (2 if mode == "official" else 3)
    assert rows(result)["reasoning"] == pytest.approx(mean)
    assert "paint" in result["looker"]
    (folder / "scripts" / "reasoning" / "gt_answer.json").write_text("{}")
    with pytest.raises(SourceError, match="prompts must have an answer, got none for 000"):
        benchmark.asks()


def test_style_is_the_nearest_picture_and_never_below_zero(folder, tmp_path, rows):
    told = {"folder": folder, "csd": Paint(), "encoder": Paint(length=4), "seeds": 1}
    (ask,) = OneIGStyle(**told).asks()
    assert (ask.id, ask.category) == ("anime_001", "pop_art")
    # References are red, and green turned round.
    for color, score in ((RED, 1), (GREEN, 0), ((0, 0, 255), 0)):
        result = run(OneIGStyle(**told), Colors((color,)), tmp_path / str(color))
        assert rows(result) == {"pop_art": score, "style": score}
    for cosines in ([0.5, -0.5], [-0.5, 0.5]):
        seen = {"black": False, "cosines": cosines}
        assert OneIGStyle(**told).score(ask, [seen])[0].value == 0.25
    with pytest.raises(RecipeError, match=r"must be of 4 numbers as those in SE_embed\.pt, got 3"):
        OneIGStyle(**{**told, "encoder": Paint()}).look(ask, Image.new("RGB", (2, 2), RED))
    with pytest.raises(SourceError, match=r"CSD_embed\.pt must have vectors of rococo, got none"):
        OneIGStyle(**told).look(replace(ask, category="rococo"), Image.new("RGB", (2, 2), RED))
    (folder / "scripts" / "style" / "CSD_embed.pt").write_bytes(b"no tensors")
    with pytest.raises(SourceError, match=r"CSD_embed\.pt must have vectors by style"):
        OneIGStyle(**told).look(ask, Image.new("RGB", (2, 2), RED))


def test_diversity_is_the_distance_over_pairs(folder, tmp_path, rows):
    told = {"folder": folder, "embedder": Paint(), "seeds": 4}
    same = run(OneIGDiversity(**told), Colors((RED,) * 4), tmp_path / "same")
    assert rows(same)["diversity"] == pytest.approx(0)
    some = Colors((RED, GREEN, BLACK, None))
    # One pair of six is there, and its pictures are at right angles.
    assert rows(run(OneIGDiversity(**told), some, tmp_path / "some"))["diversity"] == pytest.approx(
        1 / 6
    )
    official = OneIGDiversity(**told, mode="official")
    assert rows(run(official, some, tmp_path / "some"))["diversity"] == pytest.approx(1)
    alone = run(official, Colors((RED, None, None, BLACK)), tmp_path / "alone")
    assert rows(alone)["diversity"] is None
    fixed = OneIGDiversity(**told)
    assert [score.value for score in fixed.score(fixed.asks()[0], [None] * 4)] == [0] * 4
    with pytest.raises(RecipeError, match="seeds must be at least 2, got 1"):
        OneIGDiversity(**{**told, "seeds": 1})


@given(
    st.lists(
        st.lists(st.integers(-9, 9), min_size=3, max_size=3).filter(any), min_size=2, max_size=5
    )
)
def test_the_mean_over_pictures_is_that_over_pairs(vectors):
    benchmark = OneIGDiversity(folder=Path(), embedder=Paint())
    seen = [{"black": False, "vector": vector} for vector in vectors]
    ask = Ask(id="", prompt="", category="")
    scores = [replace(benchmark, mode=mode).score(ask, seen) for mode in ("official", "fixed")]
    units = [np.array(v) / np.linalg.norm(v) for v in vectors]
    pairs = [1 - a @ b for i, a in enumerate(units) for b in units[:i]]
    for found in scores:
        assert np.mean([score.value for score in found]) == pytest.approx(np.mean(pairs), abs=1e-9)


def test_pictures_of_texts_are_those_that_are_read(folder):
    asks = {ask.id: ask for ask in OneIGDiversity(folder=folder, embedder=Paint()).asks()}
    assert asks["text_000"].seeds == seeds("oneig_text@1, en", "000", 4)
    assert "multilingualism_000" not in asks


def result(name, score, **other):
    table = {"headline": "h", "rows": [{"name": "x", "score": 9}, {"name": "h", "score": score}]}
    return {"task": f"{name}@1, fixed", "settings": {"language": "en"}, "generator": {"name": "g"},
            "table": table} | other  # fmt: skip


def test_overall_is_the_plain_mean_of_five_parts():
    # The figures that are published for Qwen-Image.
    scores = (0.882, 0.891, 0.306, 0.418, 0.197)
    five = [result(name, score) for name, score in zip(PARTS, scores, strict=True)]
    assert round(overall(five), 3) == 0.539
    assert overall([*five[1:], result("oneig", None)]) is None
    for wrong in (
        five[1:],
        [*five[1:], result("oneig", 1, settings={"language": "zh"})],
        [*five[1:], result("oneig", 1, generator={"name": "other"})],
        [*five[1:], result("oneig", 1, task="oneig@1, official")],
    ):
        with pytest.raises(RecipeError, match="results must be of oneig, oneig_text"):
            overall(wrong)


@pytest.mark.parametrize(("language", "prompts", "asked"), [("en", 695, 11231), ("zh", 895, 13822)])
def test_the_benchmarks_own_files(records, denier, language, prompts, asked):
    told = {"folder": records("oneig"), "language": language}
    asks = OneIG(**told, judge=denier()).asks()
    assert len(asks) == prompts
    assert sum(len(ask.data["questions"]) for ask in asks) == asked
    assert len(OneIGReasoning(**told, embedder=Paint()).asks()) == 225
    styles = Counter(
        ask.category for ask in OneIGStyle(**told, csd=Paint(), encoder=Paint()).asks()
    )
    assert (styles.total(), len(styles), styles["line_art"]) == (114, 29, 6)
    everything = OneIGDiversity(**told, embedder=Paint()).asks()
    assert len(everything) == {"en": 1120, "zh": 1320}[language]
