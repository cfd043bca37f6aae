"""What is left goes out in other trainers' formats and comes in again unchanged."""

import pytest

pytest.importorskip("daft", reason="filtering needs the extra `data`")
pytest.importorskip("lance", reason="filtering needs the extra `data`")

from danqing.core import config
from danqing.core.errors import RecipeError
from danqing.data.corpus import Corpus
from danqing.data.export import export, passed
from danqing.data.histogram import proposals
from danqing.data.plan import plan
from danqing.data.report import write, write_histograms
from danqing.data.run import Recipe, run
from danqing.data.sources import Parquet, WebDataset
from danqing.data.stages import steps

ROWS = 60


@pytest.fixture(scope="module")
def filtered(tmp_path_factory):
    recipe = config.parse(
        Recipe,
        {
            "corpus": str(tmp_path_factory.mktemp("export") / "corpus"),
            "sources": {"made": {"name": "planted", "rows": ROWS, "side": 288}},
            "stages": {
                "initial": {"filters": {"broken": "broken", "resolution": "resolution"}},
                "quality": {"filters": {"luma": "luma", "duplicate": "duplicate"}},
            },
        },
    )
    return recipe, Corpus(recipe.corpus), run(recipe)


def test_rows_that_passed_are_those_that_were_kept(filtered):
    _, corpus, manifest = filtered
    assert len(passed(corpus)) == manifest["kept"]
    first = passed(corpus, "initial")
    assert len(first) == ROWS - sum(manifest["dropped"]["initial"].values())
    with pytest.raises(RecipeError, match="Did you mean 'quality'"):
        passed(corpus, "qualty")


@pytest.mark.parametrize("form", ["webdataset", "parquet"])
def test_shards_hold_the_pictures_and_captions(filtered, tmp_path, form):
    _, corpus, _ = filtered
    rows = passed(corpus)
    shards = export(corpus, rows, tmp_path / "a", form, shard=16)
    assert len(shards) == -(-len(rows) // 16)
    source = (
        WebDataset(path=tmp_path / "a")
        if form == "webdataset"
        else Parquet(path=tmp_path / "a", captions={"raw": "raw"})
    )
    back = [item.read() for item in source.items()]
    wanted = corpus.take(rows, ["image", "raw"]).to_pylist()
    assert [(r.image, r.raw) for r in back] == [(w["image"], w["raw"]) for w in wanted]
    again = export(corpus, rows, tmp_path / "b", form, shard=16)
    assert [p.read_bytes() for p in again] == [p.read_bytes() for p in shards]


def test_the_page_shows_every_filter_and_every_drop_is_counted(filtered, tmp_path):
    recipe, corpus, manifest = filtered
    write(corpus, recipe.stages, manifest, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    for step in steps(recipe.stages):
        assert f"<h2>{step.stage}: {step.label}</h2>" in page
    assert page.count("<svg") == len(steps(recipe.stages))
    assert "data:image/jpeg" in page
    assert "http" not in page


def test_proposed_cuts_drop_about_the_tail(filtered, tmp_path):
    recipe, corpus, _ = filtered
    proposed = proposals(corpus, recipe.stages, 0.1)
    ((step, cut),) = [(s, c) for s, c in proposed if s.label == "luma"]
    scores = [v for v in corpus.scores(step.column).tolist() if v == v]
    dropped = sum(cut.reason(v) is not None for v in scores)
    assert dropped == pytest.approx(0.2 * len(scores), abs=2)
    write_histograms(corpus, proposed, tmp_path / "c.html")
    assert (tmp_path / "c.html").read_text().count("<svg") == len(proposed)


def test_a_plan_scales_rows_and_costs(filtered):
    recipe, corpus, manifest = filtered
    small, large = (plan(manifest, recipe.stages, n, corpus.sizes()) for n in (float(ROWS), 1e9))
    assert small.kept == manifest["kept"]
    assert large.core_hours == pytest.approx(small.core_hours * 1e9 / ROWS)
    assert large.picture_bytes == pytest.approx(corpus.sizes()["pictures"] * 1e9 / ROWS)
    assert large.gpu_hours(100.0) == 0
    # Nothing that the run counted is left out, and what is no filter is counted too.
    costs = manifest["measured"]
    spent = sum(cost["seconds"] for cost in costs.values())
    assert small.core_hours * 3600 == pytest.approx(spent)
    assert [line.label for line in small.lines] == [
        "fetching", "reading", "broken", "resolution", "luma", "duplicate", "comparing"
    ]  # fmt: skip
    compared = next(line for line in small.lines if line.label == "comparing")
    assert manifest["kept"] <= compared.rows < ROWS
    with pytest.raises(RecipeError, match="run the recipe"):
        plan(manifest | {"measured": {}}, recipe.stages, 1e9, corpus.sizes())
