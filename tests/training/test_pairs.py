"""From prompts to pairs to a LoRA that prefers: resumable, and strict about what it is given."""

import io
import json
import math
import shutil

import numpy as np
import pytest
from PIL import Image

from danqing.core.config import parse
from danqing.core.errors import RecipeError, RequestError, SourceError, StorageError
from danqing.pipelines.record import read
from danqing.pipelines.save import save
from danqing.scorers.base import Score
from danqing.testing import toy
from danqing.training.prefer import keep, prefer
from danqing.training.prompts import Asked
from danqing.training.recipe import Recipe, run
from danqing.training.rewards import Reward
from danqing.training.sources.pairs import Pair, PairLatents

PROMPTS = [
    Asked(prompt, prompt) for prompt in ("a red circle", "a blue square", "green", "red and blue")
]


class Brightness:
    """Likes bright pictures; thinks nothing of green ones, and all blue ones alike."""

    def score(self, images, wanted):
        return [self._score(image, prompt) for image, prompt in zip(images, wanted, strict=True)]

    def _score(self, image, prompt):
        if prompt == "green":
            return Score(None, "unscored")
        return Score(0.0 if "blue" in prompt else brightness(image), "as bright as it is")


LIKED = (Reward(scorer=Brightness()),)


def brightness(image):
    return float(np.asarray(image).mean())


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "toy"
    save(toy(), folder)
    return folder


@pytest.fixture(scope="module")
def preferred(tmp_path_factory):
    return prefer(toy(), PROMPTS, LIKED, tmp_path_factory.mktemp("pairs"), candidates=3)


def test_the_best_and_the_worst_of_a_prompt_are_a_pair(preferred):
    lines = [json.loads(line) for line in preferred.read_text().splitlines()]
    assert [line["caption"] for line in lines] == [prompt for prompt, _ in PROMPTS]
    # Where no picture is better than another there is no pair.
    assert ["chosen" in line for line in lines] == [True, False, False, False]
    chosen, rejected = (preferred.parent / lines[0][side] for side in ("chosen", "rejected"))
    scores = [brightness(Image.open(file)) for file in (chosen, rejected)]
    assert scores == lines[0]["scores"]
    assert scores[0] > scores[1]
    assert read(chosen).prompt == "a red circle"
    assert {read(chosen).index, read(rejected).index} < {0, 1, 2}


def test_it_goes_on_where_it_stopped(preferred, tmp_path):
    class Enough(Exception):
        pass

    told = []

    def show(done):
        told.append(done)
        if done == 2:
            raise Enough

    with pytest.raises(Enough):
        prefer(toy(), PROMPTS, LIKED, tmp_path, candidates=3, show=show)
    prefer(toy(), PROMPTS, LIKED, tmp_path, candidates=3, show=show)
    assert told == [1, 2, 3, 4]
    assert (tmp_path / "pairs.jsonl").read_text() == preferred.read_text()


def test_pairs_that_others_preferred_are_kept_where_sizes_agree(model, tmp_path):
    def picture(name):
        held = io.BytesIO()
        Image.new("RGB", (48 if name == "wide" else 32, 32), "navy").save(held, "png")
        return held.getvalue()

    votes = (2.0, 1.0)
    preferred = [
        Pair(caption="a circle", chosen="good", rejected="bad", scores=votes),
        Pair(caption="a square", chosen="good", rejected="wide", scores=votes),
    ]
    file, count = keep(preferred, picture, tmp_path)
    assert count == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.png", "good.png", file.name]
    assert json.loads(file.read_text())["scores"] == [*votes]
    batch = PairLatents(path=file, sizes=("32x32",), batch=1).open(model, 0)[0]
    assert list(batch.captions) == ["a circle"]


def test_one_candidate_is_no_choice(tmp_path):
    with pytest.raises(RequestError, match="candidates must be at least 2, got 1"):
        prefer(toy(), PROMPTS, LIKED, tmp_path, candidates=1)


def test_a_lora_learns_from_pairs(model, preferred, tmp_path):
    recipe = {
        "model": str(model),
        "run": str(tmp_path / "run"),
        "trainee": {"name": "adapter", "file": str(tmp_path / "a.safetensors"), "rank": 2},
        "objective": {"name": "dpo", "beta": 100.0},
        "source": {"name": "pairs", "path": str(preferred), "sizes": ["32x32"], "batch": 2},
        "optimizer": {"name": "adamw", "lr": 1e-3},
        "steps": 3,
        "log_every": 1,
    }
    run(parse(Recipe, recipe))
    logged = [
        json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()
    ]
    parts = {"accuracy", "margin", "chosen", "chosen_gain", "rejected", "rejected_gain"}
    assert len(logged) == 3
    assert all(parts <= line.keys() for line in logged)
    assert (tmp_path / "a.safetensors").is_file()


def test_all_weights_learn_from_pairs_and_resume_with_their_reference(model, preferred, tmp_path):
    # What stands in the folder at the end of a run is where the next one reads the conditioner.
    trainee = {"name": "text_to_image", "start": "model", "frozen": True, "stored": "float32"}

    def losses(folder, *ends):
        shutil.copytree(model, folder / "model")
        for steps in ends:
            told = {
                "model": str(folder / "model"),
                "run": str(folder / "run"),
                "trainee": trainee,
                "objective": {"name": "dpo", "beta": 100.0},
                "source": {"name": "pairs", "path": str(preferred), "sizes": ["32x32"]},
                "lr_schedule": {"warmup": 0, "fall": 0.0},
                "steps": steps,
                "log_every": 1,
            }
            run(parse(Recipe, told))
        lines = (folder / "run/metrics.jsonl").read_text().splitlines()
        return [json.loads(line)["loss"] for line in lines]

    unbroken = losses(tmp_path / "unbroken", 4)
    assert unbroken[0] == pytest.approx(math.log(2), abs=1e-4)
    assert len(set(unbroken)) == 4
    assert losses(tmp_path / "broken", 2, 4) == unbroken


def test_batches_hold_both_pictures_of_a_pair(model, preferred):
    batch = PairLatents(path=preferred, sizes=("32x32",), batch=2).open(model, 0)[0]
    assert batch.chosen.shape == batch.rejected.shape == (2, 4, 16, 16)
    assert not batch.chosen.equal(batch.rejected)
    assert list(batch.captions) == ["a red circle"] * 2


def listed(folder, *lines):
    (folder / "pairs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return PairLatents(path=folder / "pairs.jsonl", sizes=("32x32",))


@pytest.mark.parametrize(
    ("line", "error", "fault"),
    [
        ({"caption": "a", "choosen": "a.png"}, RecipeError, r"line 1 of .*choosen"),
        ({"chosen": "a.png", "rejected": "b.png"}, RecipeError, "caption"),
        ({"caption": "a", "chosen": "a.png", "rejected": "c.png"}, RecipeError, "of one size"),
        ({"caption": "a", "chosen": "a.png", "rejected": "x.png"}, RecipeError, "cannot be read"),
        ({"caption": "a"}, RecipeError, "must hold pairs as large as 32x32, got none"),
        ({"caption": "a", "chosen": "d.png", "rejected": "d.png"}, RecipeError, "got none"),
        ([1], StorageError, "line 1 of .* is no entry"),
    ],
)
def test_a_file_that_is_no_list_of_pairs_is_refused(model, tmp_path, line, error, fault):
    for name, size in (("a", (32, 32)), ("b", (32, 32)), ("c", (48, 16)), ("d", (16, 16))):
        Image.new("RGB", size).save(tmp_path / f"{name}.png")
    with pytest.raises(error, match=fault):
        listed(tmp_path, line).open(model, 0)


def test_there_must_be_a_file(model, tmp_path):
    with pytest.raises(SourceError, match="pairs must be a JSONL file"):
        PairLatents(path=tmp_path / "none.jsonl").open(model, 0)
