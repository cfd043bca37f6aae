"""Edits and chains of them, painted by the renderer instead of a model."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from danqing.core.errors import RecipeError
from danqing.evaluation.benchmarks.edit_chains import EditChains
from danqing.evaluation.benchmarks.edits import Edits
from danqing.evaluation.drawn import opened
from danqing.evaluation.edits import CHANGING
from danqing.evaluation.harness import digest, run

SMALL = Edits(per_category=2, seeds=1)
CHAINS = EditChains(per_category=2, seeds=2, length=4)


def truth(ask):
    return opened(ask.files[1])


def unchanged(ask):
    return opened(ask.sources[0])


def figures(result):
    return {row["name"]: row["more"] for row in result["table"]["rows"]}


def test_the_truth_scores_one_and_the_source_itself_nothing(tmp_path, painter, rows):
    small = replace(SMALL, per_category=1)
    found = run(small, painter(truth), tmp_path / "true")
    assert set(rows(found).values()) == {1}
    assert list(rows(found)) == [*CHANGING, "macro average", "macro held", "macro still"]
    copied = run(small, painter(unchanged, "copier"), tmp_path / "copied")
    told = rows(copied)
    assert told["reconstruct"] == 1
    assert sum(told[task] for task in CHANGING) == 1
    for result in (found, copied):
        more = figures(result)
        assert all(more[task]["kept"] == pytest.approx(80) for task in ("move", "add", "pose"))
        assert "kept" not in more["restyle"]  # all of it may change
        assert max(more[task].get("shift", 0) for task in CHANGING) == pytest.approx(0)


def test_pages_show_what_was_to_be_changed_beside_what_it_became(tmp_path, painter):
    run(replace(SMALL, categories=("compose",), per_category=1), painter(truth), tmp_path)
    page = (tmp_path / "index.html").read_text()
    (item,) = map(json.loads, (tmp_path / "items.jsonl").read_text().splitlines())
    assert page.index(item["sources"][0]) < page.index(item["sources"][1])
    assert page.index(item["sources"][1]) < page.index(item["file"])
    for source in item["sources"]:
        assert opened(tmp_path / source).size == (256, 256)


def test_a_chain_goes_on_from_its_own_pictures(tmp_path, painter, rows):
    """Whoever leaves a grey level more each time ends ten levels off, and not one."""

    def lighter(ask):
        with Image.open(ask.sources[0]) as image:
            told = np.asarray(image.convert("RGB")).astype(int) + 2
        return Image.fromarray(told.clip(0, 255).astype(np.uint8))

    found = run(CHAINS, painter(lighter), tmp_path)
    more = figures(found)
    assert [name for name in more if name.startswith("after")] == [
        f"after {n}" for n in (1, 2, 3, 4)
    ]
    for number in (1, 2, 3, 4):
        # White things can be no lighter.
        expected = -20 * np.log10(2 * number / 255)
        assert more[f"after {number}"]["kept"] == pytest.approx(expected, abs=0.7)
    again = run(CHAINS, painter(lambda ask: pytest.fail("it was painted"), "painter"), tmp_path)
    assert rows(again) == rows(found)


def test_the_truth_of_a_chain_scores_one_at_its_end(tmp_path, painter, rows):
    told = rows(run(CHAINS, painter(truth), tmp_path))
    assert {told[f"after {n}"] for n in (1, 2, 3, 4)} == {1}
    assert told["kept at the end, dB"] == pytest.approx(80)


def test_a_chain_ends_where_a_picture_is_missing(tmp_path, painter):
    def make(ask):
        return "no lamp" if ask.category == "after 2" else truth(ask)

    found = run(CHAINS, painter(make), tmp_path)
    troubles = [missing["trouble"] for missing in found["missing"]]
    assert sorted(troubles) == ["no lamp"] * 4 + ["the picture before it is not there"] * 8
    with pytest.raises(RecipeError, match="length must be at least 1, got 0"):
        replace(CHAINS, length=0)


def test_references_tell_truth_luck_source_and_ceiling_apart():
    few = replace(SMALL, categories=("recolor", "reconstruct"))
    found = few.references(lambda image: Image.new("RGB", image.size, "gray"))
    told = found["recolor"]
    assert [told[key] for key in ("oracle", "floor", "ceiling", "source")] == [1, 0, 0, 0]
    assert told["ceiling kept"] < 25
    assert told["ceiling held"] == 0
    assert found["reconstruct"]["source"] == 1
    assert "ceiling" not in few.references()["recolor"]


def test_prompts_are_different_and_the_same_every_time():
    asks = SMALL.asks()
    assert len({ask.id for ask in asks}) == len(asks) == 2 * len(CHANGING)
    assert digest(asks) == digest(SMALL.asks())
    assert {ask.language for ask in asks} == {"en", "zh"}
    assert not {a.id for a in asks} & {a.id for a in replace(SMALL, part="dev").asks()}
    assert (Edits().per_category, Edits().seeds, EditChains().length) == (40, 2, 10)
