"""`danqing prefer` asks for scenes and texts, as many as it is told, or for what a file says."""

import json
from pathlib import Path

import pytest

from danqing.cli.main import main
from danqing.core.config import dump, load, parse
from danqing.pipelines.save import save
from danqing.testing import toy
from danqing.training.prefer import Judges

RECIPES = sorted((Path(__file__).parents[2] / "recipes/prefer").glob("*.toml"))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    save(toy(), folder)
    return folder


def lines(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_all_prompts_may_ask_for_texts(model, tmp_path, capsys):
    told = ["--count=3", "--candidates=2", "--texts=1", f"--model={model}"]
    main(["prefer", str(tmp_path / "pairs"), *told])
    file = tmp_path / "pairs" / "pairs.jsonl"
    assert capsys.readouterr().out == f"{file}\n"
    captions = [line["caption"] for line in lines(file)]
    assert len(captions) == 3
    assert all(set('"“”「」') & set(caption) for caption in captions)


def test_prompts_and_judges_may_come_from_files(model, tmp_path, capsys):
    prompts, rewards = tmp_path / "prompts.txt", tmp_path / "rewards.toml"
    prompts.write_text("red as a rose\nblue as the sea\ngreen as grass\n")
    rewards.write_text('[[rewards]]\nscorer = { name = "alike", embedder = "mean color" }\n')
    told = [f"--prompts={prompts}", "--count=2", "--candidates=3", f"--model={model}"]
    with pytest.raises(SystemExit, match="small world's for these judges, got 'red as a rose'"):
        main(["prefer", str(tmp_path / "pairs"), *told])
    main(["prefer", str(tmp_path / "pairs"), *told, f"--rewards={rewards}"])
    found = lines(tmp_path / "pairs" / "pairs.jsonl")
    assert [line["caption"] for line in found] == ["red as a rose", "blue as the sea"]
    assert any("chosen" in line for line in found)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_file_of_judges_is_read(path):
    judges = load(Judges, path)
    assert judges.rewards
    assert parse(Judges, dump(judges)) == judges


def test_a_share_is_from_0_to_1(tmp_path):
    with pytest.raises(SystemExit, match=r"texts must be a share from 0 to 1, got 2"):
        main(["prefer", str(tmp_path), "--texts=2"])
