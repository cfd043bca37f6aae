"""Rows are found by what is said of them and by how they look, dropped ones too."""

import json

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("daft", reason="filtering needs the extra `data`")
pytest.importorskip("lance", reason="filtering needs the extra `data`")

from danqing.core import config
from danqing.core.errors import RecipeError, SourceError
from danqing.data.corpus import Corpus
from danqing.data.retrieve import filters_of, find, mentions
from danqing.data.run import Recipe, run
from danqing.data.sources import OtherCorpus
from danqing.data.sources.planted import scene

CAPTIONS = {
    "dark": "a red panda at night",
    "panda": "two red pandas on a branch",
    "pan": "a red pan, a da capo, an expanding panda-eye",
    "chinese": "竹林里的小熊猫",
    "none": None,
}


@pytest.fixture(scope="module")
def filtered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("find")
    (folder / "pictures").mkdir()
    for seed, (name, caption) in enumerate(CAPTIONS.items()):
        image = scene(np.random.default_rng(seed), 256)
        if name == "dark":
            image = image.point(lambda value: value // 20)
        image.save(folder / f"pictures/{name}.png")
        if caption:
            (folder / f"pictures/{name}.txt").write_text(caption, encoding="utf-8")
    recipe = {
        "corpus": str(folder / "corpus"),
        "sources": {"mine": {"name": "folder", "path": str(folder / "pictures")}},
        "stages": {"initial": {"filters": {"duplicate": "duplicate", "luma": "luma"}}},
    }
    run(config.parse(Recipe, recipe))
    config.write(config.parse(Recipe, recipe), folder / "recipe.toml")
    return folder


def names(matches):
    return [match.key.removeprefix("mine/").removesuffix(".png") for match in matches]


def look(folder, **wanted):
    corpus = Corpus(folder / "corpus")
    return find(corpus, filters_of(corpus), **wanted)


def test_words_are_whole_and_all_must_be_there(filtered):
    assert names(look(filtered, words="red panda")) == ["dark", "pan", "panda"]
    assert names(look(filtered, words="Pandas")) == ["panda"]
    assert names(look(filtered, words="小熊猫")) == ["chinese"]
    assert names(look(filtered, words="pand")) == []
    assert mentions(["a.b", "axb"], "a.b").tolist() == [True, False]


def test_dropped_rows_say_why(filtered):
    found = {match.key: match.dropped for match in look(filtered)}
    assert len(found) == len(CAPTIONS)
    assert found.pop("mine/dark.png").startswith("initial.luma: ")
    assert set(found.values()) == {None}


def test_the_most_alike_come_first(filtered, tmp_path):
    with Image.open(filtered / "pictures/chinese.png") as image:
        image.resize((image.width // 2, image.height // 2)).save(tmp_path / "small.jpg")
    first, *others = look(filtered, like=tmp_path / "small.jpg")
    assert names([first]) == ["chinese"]
    assert first.likeness > 0.95
    assert all(match.likeness < 0.5 for match in others)
    found = look(filtered, like=tmp_path / "small.jpg", words="panda", count=2)
    assert len(found) == 2
    assert found[0].likeness >= found[1].likeness


def test_what_cannot_be_found_is_said(filtered, tmp_path):
    corpus = Corpus(filtered / "corpus")
    with pytest.raises(RecipeError, match="add one to the recipe"):
        find(corpus, [], like=filtered / "pictures/pan.png")
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(RecipeError, match="it is no picture of a known format"):
        look(filtered, like=tmp_path / "a.png")
    with pytest.raises(RecipeError, match="cannot be read"):
        look(filtered, like=tmp_path / "none.png")
    with pytest.raises(RecipeError, match="run danqing filter run"):
        filters_of(Corpus(tmp_path))


def test_a_recipe_takes_what_another_corpus_has(filtered, tmp_path):
    source = OtherCorpus(path=filtered / "corpus", words="panda")
    taken = {item.key: item.read() for item in source.items()}
    assert names_of(taken) == ["pan", "panda"]
    assert taken["mine/panda.png"].raw == CAPTIONS["panda"]
    assert taken["mine/panda.png"].image == (filtered / "pictures/panda.png").read_bytes()
    every = OtherCorpus(path=filtered / "corpus", words="panda", dropped=True)
    assert names_of({item.key: None for item in every.items()}) == ["dark", "pan", "panda"]
    one = OtherCorpus(path=filtered / "corpus", like=filtered / "pictures/pan.png", count=1)
    assert names_of({item.key: None for item in one.items()}) == ["pan"]
    with pytest.raises(SourceError, match="must be a corpus"):
        list(OtherCorpus(path=tmp_path).items())
    recipe = {
        "corpus": str(tmp_path / "more"),
        "sources": {"gap": {"name": "corpus", "path": str(filtered / "corpus"), "words": "panda"}},
        "stages": {"initial": {"filters": {"broken": "broken"}}},
    }
    assert run(config.parse(Recipe, recipe))["kept"] == 2


def names_of(records):
    return sorted(key.removeprefix("mine/").removesuffix(".png") for key in records)


def test_the_command_lists_rows(filtered, capsys):
    from danqing.cli.main import main

    main(["filter", "find", str(filtered / "recipe.toml"), "--words", "red panda"])
    said = capsys.readouterr().out
    assert "mine/panda.png: two red pandas on a branch" in said
    assert "dropped by initial.luma: " in said
    assert "3 found, 1 of them dropped" in said
    with pytest.raises(SystemExit, match="got neither"):
        main(["filter", "find", str(filtered / "recipe.toml")])


def test_the_manifest_tells_the_filters(filtered):
    told = json.loads((filtered / "corpus/manifest.json").read_text())
    assert [step.label for step in filters_of(Corpus(filtered / "corpus"))] == list(
        told["dropped"]["initial"]
    )
