"""A pipeline on disk comes back as it was, or with one line that says what is wrong."""

import json
import shutil
from dataclasses import replace

import pytest
import torch

from danqing.core.errors import CheckpointError, DanqingError, ModelNotFound
from danqing.models import checkpoint
from danqing.pipelines.load import FILES, load
from danqing.pipelines.request import Request
from danqing.pipelines.save import save
from danqing.testing import toy


@pytest.fixture(scope="module")
def pipeline():
    return toy()


@pytest.fixture(scope="module")
def saved(pipeline, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "model"
    save(pipeline, folder)
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "model")


def change(file, **values):
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def test_a_saved_pipeline_paints_the_same_picture(pipeline, folder):
    loaded, again = (load(folder, device="cpu", dtype="float32") for _ in range(2))
    request = Request("a red square", seed=3)
    first, second, third = (p.paint(request) for p in (pipeline, loaded, again))
    # Where a weight begins in memory may change the last bit of a product.
    torch.testing.assert_close(first.tokens, second.tokens, atol=1e-5, rtol=0)
    assert torch.equal(second.tokens, third.tokens)
    assert second.pictures[0].image.tobytes() == third.pictures[0].image.tobytes()
    assert loaded.defaults == pipeline.defaults
    assert loaded.schedule == pipeline.schedule
    assert loaded.identity.name == "toy"


def test_saving_over_the_folder_that_is_loaded_keeps_it_usable(folder):
    loaded = load(folder, device="cpu", dtype="float32")
    save(loaded, folder)
    again = load(folder, device="cpu", dtype="float32")
    assert again.identity == loaded.identity
    request = Request("a red square")
    assert torch.equal(loaded.paint(request).tokens, again.paint(request).tokens)


def test_other_weights_have_another_fingerprint(folder, tmp_path):
    save(toy(seed=1), tmp_path / "other")
    marks = {load(f, device="cpu").identity.weights for f in (folder, tmp_path / "other")}
    assert len(marks) == 2


def test_every_network_runs_in_the_dtype_that_was_asked_for(folder):
    loaded = load(folder, device="cpu", dtype=torch.bfloat16)
    for network in (loaded.mmdit, loaded.vae, loaded.conditioner):
        assert {p.dtype for p in network.parameters()} == {torch.bfloat16}
    assert loaded.paint(Request("a red square")).pictures[0].record.dtype == "bfloat16"


def test_a_model_without_our_words_has_the_published_defaults_and_its_folder_s_name(folder):
    index = json.loads((folder / "model_index.json").read_text())
    del index["_danqing"]
    (folder / "model_index.json").write_text(json.dumps(index))
    loaded = load(folder, device="cpu")
    assert (loaded.defaults.sizes[0], loaded.defaults.steps) == ((1328, 1328), 50)
    assert loaded.identity.name == "model"


def test_a_folder_that_is_no_model_is_one_line(tmp_path):
    with pytest.raises(ModelNotFound, match=r"must be a folder with model_index\.json"):
        load(tmp_path)
    with pytest.raises(ModelNotFound, match="Did you mean 'danqing-nano'"):
        load("danqing-nan")


@pytest.mark.parametrize(
    ("file", "values", "message"),
    [
        (
            "model_index.json",
            {"_class_name": "FluxPipeline"},
            "must be one of QwenImagePipeline, .* got",
        ),
        ("model_index.json", {"_danqing": {"nam": "x"}}, "Did you mean '_danqing.name'"),
        ("transformer/config.json", {"num_layers": 3}, r"16 missing|32 missing|missing \("),
        ("transformer/config.json", {"num_layers": "3"}, "must be int"),
        ("vae/config.json", {"z_dim": 5}, "entries|misshapen"),
        ("scheduler/scheduler_config.json", {"invert_sigmas": True}, "invert_sigmas must be"),
    ],
)
def test_a_part_of_another_kind_is_one_line(folder, file, values, message):
    change(folder / file, **values)
    with pytest.raises(DanqingError, match=message) as error:
        load(folder, device="cpu")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("part", ["transformer", "vae", "text_encoder"])
def test_a_corrupt_shard_is_named_with_the_fix(folder, part):
    (shard,) = (folder / part).glob("*.safetensors")
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=rf"{part}/{shard.name} is damaged .*download it"):
        load(folder, device="cpu")


@pytest.mark.parametrize("part", ["transformer", "vae", "text_encoder", "tokenizer", "scheduler"])
def test_a_missing_part_is_one_line(folder, part):
    for file in (folder / part).iterdir():
        file.unlink()
    (folder / part).rmdir()
    with pytest.raises(CheckpointError, match=rf"{part}.* is missing; download"):
        load(folder, device="cpu")


def test_an_interrupted_save_leaves_nothing(pipeline, tmp_path, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "write_config", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save(pipeline, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_nothing_that_could_be_a_program_is_fetched():
    assert not any(pattern.endswith((".py", ".bin", ".pt", "*")) for pattern in FILES)


def test_a_pipeline_is_saved_with_the_defaults_it_was_given(pipeline, tmp_path):
    pipeline = toy()
    pipeline.defaults = replace(pipeline.defaults, negative="none", steps=9)
    save(pipeline, tmp_path / "model")
    assert load(tmp_path / "model", device="cpu").defaults == pipeline.defaults
