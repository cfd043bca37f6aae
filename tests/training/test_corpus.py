"""A corpus is encoded once, and its batches are what was encoded, whoever asks and when."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from danqing.core.config import parse
from danqing.core.errors import RecipeError
from danqing.data.buckets import scales
from danqing.data.corpus import Corpus
from danqing.data.export import passed
from danqing.data.run import Recipe, run
from danqing.models.vae.config import VAEConfig
from danqing.models.vae.model import VAE
from danqing.pipelines.load import load_vae
from danqing.pipelines.save import save_vae
from danqing.training.encode import columns_of, encode, to_tensor
from danqing.training.sources.corpus import CorpusLatents

SIZES = ("64x64", "96x64")


def recipe_of(folder, count=30):
    pictures = {"categories": {"colors": 1.0}, "shapes": ["circle", "star", "heart"]}
    made = {"name": "small_world", "count": count, "sizes": dict.fromkeys(SIZES, 1.0)}
    return parse(
        Recipe,
        {
            "corpus": str(folder / "corpus"),
            "span": 8,
            "sources": {
                "one": made | {"pictures": pictures},
                "two": made | {"pictures": pictures | {"seed": 1}, "count": count // 3},
            },
            "stages": {
                "initial": {"filters": {"broken": "broken", "held_out": "held_out"}},
                "alignment": {"filters": {"as_specified": "as_specified"}},
            },
        },
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    save_vae(VAE(VAEConfig(base=16, multipliers=(1, 2), res_blocks=1, patch=4)), folder)
    return folder


@pytest.fixture
def corpus(tmp_path):
    recipe = recipe_of(tmp_path)
    run(recipe)
    return Corpus(recipe.corpus)


def source(corpus, **settings):
    return CorpusLatents(corpus=corpus.folder, sizes=SIZES, batch=4, **settings)


def test_batches_are_the_latents_and_captions_of_the_rows(corpus, model):
    batches, vae = source(corpus).open(model, 0), load_vae(model, torch.float32)
    pictures = corpus.read(["recaption", "image"]).to_pylist()
    for step in range(4):
        batch = batches[step]
        for latents, caption in zip(batch.latents, batch.captions, strict=True):
            same = [p["image"] for p in pictures if p["recaption"] == caption]
            images = [np.asarray(Image.open(io.BytesIO(data))) for data in same]
            with torch.inference_mode():
                wanted = [vae.normalize(vae.encode(to_tensor([i])).mode())[0] for i in images]
            near = [w for w in wanted if w.shape == latents.shape]
            assert min((w - latents).abs().max() for w in near) < 2e-3


def test_a_batch_is_the_same_for_whoever_opens_the_corpus(corpus, model):
    first, again = source(corpus).open(model, 3), source(corpus).open(model, 3)
    for step in (0, 7, 2):
        assert torch.equal(first[step].latents, again[step].latents)
        assert first[step].captions == again[step].captions


def test_encoding_is_done_once_and_only_for_what_came_since(corpus, model, tmp_path):
    vae, (scale,) = load_vae(model, torch.float32), scales(SIZES, 8)
    told: list[int] = []
    names = encode(corpus, passed(corpus), scale, vae, lambda done, total: told.append(total))
    before = corpus.read(list(names))
    assert set(told) == {len(passed(corpus))}
    told.clear()
    encode(corpus, passed(corpus), scale, vae, lambda done, total: told.append(total))
    assert not told
    recipe = recipe_of(tmp_path, 36)
    run(recipe)
    encode(corpus, passed(corpus), scale, vae, lambda done, total: told.append(total))
    assert set(told) == {8}
    after = corpus.read(list(names)).slice(0, len(before))
    assert after.equals(before)


def test_an_encoding_that_was_stopped_goes_on(corpus, model):
    vae, (scale,) = load_vae(model, torch.float32), scales(SIZES, 8)

    class Stopped(Exception):
        pass

    def stop(done, total):
        raise Stopped

    with pytest.raises(Stopped):
        encode(corpus, passed(corpus), scale, vae, stop)
    names = columns_of(scale, vae)
    assert names.latents not in corpus.columns
    written = sorted((corpus.folder / "parts" / names.latents).iterdir())
    assert written
    stamp = written[0].stat().st_mtime_ns

    def look(done, total):
        assert written[0].stat().st_mtime_ns == stamp

    encode(corpus, passed(corpus), scale, vae, look)
    kept = corpus.read([names.size])[names.size].to_pylist()
    assert [size is not None for size in kept] == [
        row in passed(corpus) for row in range(len(kept))
    ]
    assert not (corpus.folder / "parts" / names.latents).exists()


def test_other_weights_do_not_find_latents_of_these(model):
    vae, (scale,) = load_vae(model, torch.float32), scales(SIZES, 8)
    names = columns_of(scale, vae)
    with torch.no_grad():
        vae.encoder.quant.bias[0] += 1e-3
    assert columns_of(scale, vae) != names
    config = replace(vae.config, latents_mean=(0.5,) * vae.config.latent_channels)
    assert columns_of(scale, VAE(config)).latents.startswith("latents_")


def test_a_picture_occurs_at_every_scale_it_is_large_enough_for(corpus, model):
    batches = CorpusLatents(corpus=corpus.folder, sizes=("32p", "64x64"), batch=8).open(model, 0)
    shapes = {tuple(batches[step].latents.shape) for step in range(batches.deal.batches)}
    assert (8, 16, 4, 4) in shapes
    assert (2, 16, 8, 8) in shapes
    assert len(batches.rows) == 2 * len(passed(corpus))


def test_sources_come_as_often_as_asked(corpus, model):
    batches = source(corpus, times={"one": 0.0}).open(model, 0)
    keys = corpus.read(["key"])["key"].to_pylist()
    steps = range(batches.deal.batches)
    rows = {int(batches.rows[e]) for step in steps for e in batches.deal[step]}
    assert {keys[row].partition("/")[0] for row in rows} == {"two"}


def test_rows_without_a_wanted_caption_are_left_out(corpus, model):
    with pytest.raises(RecipeError, match="must have rows to train on"):
        source(corpus, captions={"raw": 1.0}).open(model, 0)


def test_settings_that_make_no_sense_are_refused(corpus, tmp_path, model):
    with pytest.raises(RecipeError, match="Did you mean 'raw'"):
        source(corpus, captions={"rawe": 1.0})
    with pytest.raises(RecipeError, match="at least 1"):
        CorpusLatents(corpus=tmp_path, batch=0)
    with pytest.raises(RecipeError, match="must have been filtered"):
        CorpusLatents(corpus=tmp_path).open(model, 0)
    with pytest.raises(RecipeError, match="Did you mean 'initial'"):
        source(corpus, stage="initail").open(model, 0)
