"""What is learned of edits depends on the edit alone, and words without pictures are as before."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import nn
from torch.testing import assert_close

from danqing.core.config import parse
from danqing.core.download import EMBEDDED
from danqing.core.errors import RecipeError
from danqing.core.seed import generator
from danqing.models.conditioner.config import EyesConfig
from danqing.models.mmdit.rope import Grid
from danqing.pipelines.latents import pack, unpack
from danqing.pipelines.load import load, load_vae
from danqing.pipelines.reading import Reader
from danqing.pipelines.save import save
from danqing.testing import MMDIT, SEEING, ToyEdits, toy, toy_conditioner, toy_mmdit, toy_vae
from danqing.training.encode import latents_of
from danqing.training.instruction import Instruction, pictures_of, reworded, sources_of
from danqing.training.model import TextToImageModel
from danqing.training.objectives.flow_matching import FlowMatching
from danqing.training.objectives.reconstruction import Reconstruction
from danqing.training.policy import guided
from danqing.training.produce import Producer, Production, begin
from danqing.training.recipe import Recipe, run
from danqing.training.sources import LatentBatch
from danqing.training.sources.edits import (
    EditLatents,
    EditPictures,
    as_batch,
    changed_share,
    streams,
)
from danqing.training.sources.mixture import Mixture, Stage
from danqing.training.sources.spool import SpoolLatents
from danqing.training.sources.synthesis import SynthesisLatents
from danqing.training.trainees import TextToImageTrainee
from danqing.training.trainees.adapter import AdapterTrainee
from danqing.training.trainees.vae import VAETrainee

streams.register("toy, in test_edits")(ToyEdits)
STREAM = ToyEdits(sources=(1, 2))


def learner(**changes) -> TextToImageModel:
    mmdit = toy_mmdit(config=replace(MMDIT, **changes))
    return TextToImageModel(mmdit, toy_conditioner(config=SEEING))


@pytest.fixture(scope="module")
def batch() -> LatentBatch:
    """Two edits of one picture, two of two, and two captions without any."""
    edits = as_batch([STREAM.sample(n) for n in range(4)], toy_vae())
    words = ["a red circle and a blue square", "a"]
    latents = torch.cat([edits.latents, torch.randn(2, *edits.latents.shape[1:])])
    return LatentBatch(latents, [*edits.captions, *words])


def velocities(model, batch, chosen):
    sigma = torch.linspace(0.2, 0.9, len(batch.captions))[chosen]
    with torch.no_grad():
        return model(batch.latents[chosen], [batch.captions[k] for k in chosen], sigma)


@pytest.mark.parametrize(("zero_cond_t", "still"), [(False, True), (True, False)])
def test_a_sample_is_denoised_as_it_is_alone_whoever_shares_its_batch(batch, zero_cond_t, still):
    """With pictures or without, of any number and size: padding has no part in it."""
    model = learner(zero_cond_t=zero_cond_t)
    if still:  # and reads each caption alone
        model = TextToImageModel(model.mmdit, model.conditioner, Reader(model.conditioner, "toy"))
    alone = torch.cat([velocities(model, batch, [k]) for k in range(6)])

    @given(st.lists(st.integers(0, 5), min_size=1, max_size=6))
    @settings(max_examples=8)
    def law(chosen):
        assert_close(velocities(model, batch, chosen), alone[chosen], rtol=0, atol=2e-5)

    law()


def test_the_transformer_reads_target_then_sources_with_a_grid_each(batch):
    model, caption = learner(), batch.captions[1]
    assert [one.shape[-2:] for one in caption.sources] == [(16, 16), (16, 32)]
    tokens = torch.cat([pack(x[None]) for x in (batch.latents[1], *caption.sources)], dim=1)
    grids = [(Grid(1, 8, 8), Grid(1, 8, 8), Grid(1, 8, 16))]
    sigma = torch.tensor([0.7])
    with torch.no_grad():
        told = model.conditioner.read([str(caption)], [caption.pictures])
        out = model.mmdit(tokens, told.text, sigma, grids)[:, :64]
        assert_close(model(batch.latents[1:2], [caption], sigma), unpack(out, 16, 16))


def test_every_picture_and_its_place_matter(batch):
    model, caption = learner(), batch.captions[1]
    first, second = caption.sources

    def velocity(pictures, sources):
        told = [Instruction(str(caption), pictures, sources)]
        with torch.no_grad():
            return model(batch.latents[1:2], told, torch.tensor([0.7]))

    as_is = velocity(caption.pictures, (first, second))
    for other in (
        velocity(caption.pictures, (second, first)),
        velocity(caption.pictures, (first, second + 0.1)),
        velocity(caption.pictures[::-1], (first, second)),
        velocity(caption.pictures, (first,)),
    ):
        assert (other - as_is).abs().max() > 1e-4


def test_a_model_without_eyes_has_the_latents_and_the_words(batch):
    blind = TextToImageModel(toy_mmdit(), toy_conditioner())
    caption = batch.captions[0]
    unseen = Instruction(str(caption), (), caption.sources)
    told = [blind(batch.latents[:1], [c], torch.tensor([0.5])) for c in (caption, unseen)]
    assert torch.equal(*told)


def test_a_model_that_gains_eyes_paints_to_the_bit_as_before():
    folder = EMBEDDED["danqing-nano"]
    plain = TextToImageTrainee(start="model").build(folder, 0).eval()
    trainee = TextToImageTrainee(start="model", eyes=EyesConfig())
    seeing = trainee.build(folder, 0).eval()
    x, sigma = torch.randn(2, 16, 16, 16, generator=generator(0)), torch.tensor([0.7, 0.2])
    captions = ["a red circle on a mint background", "两个红色的圆形"]
    with torch.inference_mode():
        before = plain(x, captions, sigma)
        assert torch.equal(seeing(x, captions, sigma), before)
        still = replace(trainee, zero_cond_t=True).build(folder, 0).eval()
        assert_close(still(x, captions, sigma), before)
    for one, other in zip(seeing.parameters(), still.parameters(), strict=True):
        assert torch.equal(one, other)


def test_other_words_are_about_the_same_pictures(batch):
    caption = batch.captions[1]
    other = reworded(caption, "a")
    assert other == "a"
    assert pictures_of(other) == caption.pictures
    assert sources_of(other) == caption.sources
    assert other.changed is caption.changed
    assert type(reworded("a red circle", " ")) is str


class Spy(nn.Module):
    """Notes what it is told; wrong by one everywhere."""

    def __init__(self):
        super().__init__()
        self.told = []

    def forward(self, x, captions, sigma):
        self.told += captions
        return x


def test_guidance_and_dropped_captions_keep_the_pictures(batch):
    spy = Spy()
    guided(spy, 2.0)(batch.latents, batch.captions, torch.full((6,), 0.5))
    assert list(spy.told) == [*batch.captions, *[" "] * 6]
    drawn = FlowMatching(drop_caption=1.0).draw(spy, batch, generator(0))
    assert list(drawn.captions) == [" "] * 6
    for told in (spy.told[6:], drawn.captions):
        assert [sources_of(c) for c in told] == [sources_of(c) for c in batch.captions]


class Wrong(nn.Module):
    """Off by `inside` in the left half and by `outside` in the right one."""

    def __init__(self, x0, noise, inside, outside):
        super().__init__()
        self.answer = noise - x0
        self.answer[..., :2] += inside
        self.answer[..., 2:] += outside

    def forward(self, x, captions, sigma):
        return self.answer


@given(st.floats(0.5, 9.0), st.floats(0, 2), st.floats(0, 2))
@settings(max_examples=20)
def test_what_changes_weighs_as_much_as_is_said_and_a_picture_as_much_as_another(
    weight, inside, outside
):
    changed = torch.tensor([[1.0, 1.0, 0.0, 0.0]]).expand(4, 4)
    captions = [Instruction("a", (), (), changed), Instruction("a", (), ()), "a"]
    objective = FlowMatching(drop_caption=0.0, changed=weight)
    drawn = objective.draw(Spy(), LatentBatch(torch.zeros(3, 4, 4, 4), captions), generator(0))
    loss = objective.loss(Wrong(drawn.x0, drawn.noise, inside, outside), drawn)
    apart = (weight * inside**2 + outside**2) / (weight + 1)
    plain = (inside**2 + outside**2) / 2
    assert loss.value.item() == pytest.approx((apart + 2 * plain) / 3, rel=1e-4, abs=1e-6)


def test_the_share_of_a_latent_that_changes():
    kept = np.ones((8, 16), bool)
    kept[:4, :6] = False
    assert changed_share(kept, 2, 4).tolist() == [[1.0, 0.5, 0.0, 0.0], [0.0] * 4]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "toy"
    save(toy(), folder)
    return folder


def test_every_pass_deals_every_sample_once_into_other_batches(model):
    settings = EditLatents(stream=STREAM, batch=2, pool=6, passes=2)
    batches = settings.open(model, 3)
    passes = [[batches[3 * at + k].latents for k in range(3)] for at in range(4)]
    pools = [sorted(x.flatten().tolist() for x in torch.cat(one)) for one in passes]
    assert pools[0] == pools[1] != pools[2] == pools[3]
    assert not all(map(torch.equal, passes[0], passes[1]))
    # A resumed run asks for a step alone.
    assert torch.equal(settings.open(model, 3)[4].latents, batches[4].latents)
    assert (
        settings.open(model, 3)[4].captions[0].sources[0].equal(batches[4].captions[0].sources[0])
    )


def test_latents_are_those_of_the_pictures(model):
    vae, edits = load_vae(model, torch.float32), [STREAM.sample(n) for n in range(2)]
    found = as_batch(edits, vae)
    for edit, latents, caption in zip(edits, found.latents, found.captions, strict=True):
        pictures = [edit.target, *edit.sources]
        for picture, encoded in zip(pictures, [latents, *caption.sources], strict=True):
            assert_close(encoded, latents_of(vae, [np.asarray(picture)])[0], rtol=0, atol=1e-5)
        assert caption == edit.instruction
        assert caption.pictures == tuple(edit.sources)


def test_a_stream_has_answers_of_one_size_whole_tokens_and_a_pool_of_whole_batches(model):
    class Growing:
        def sample(self, index):
            return ToyEdits(size=(32, 32 + 16 * (index % 2))).sample(index)

    with pytest.raises(RecipeError, match=r"of one size, got \[\(32, 32\), \(32, 48\)\]"):
        EditLatents(stream=Growing(), batch=2, pool=2).open(model, 0)[0]
    odd = EditLatents(stream=ToyEdits(other=(50, 32)), batch=2, pool=2)
    with pytest.raises(RecipeError, match="sides that are multiples of 4, got 50x32"):
        odd.open(model, 0)[0]
    with pytest.raises(RecipeError, match=r"a multiple of batch \(4\), got 6; try 4"):
        EditLatents(stream=STREAM, batch=4, pool=6)


def recipe(folder, **settings):
    stream = {"name": "toy, in test_edits"}
    told = {
        "model": str(folder / "model"),
        "run": str(folder / "run"),
        "trainee": {
            "name": "text_to_image",
            "start": "model",
            "stored": "float32",
            "zero_cond_t": True,
            "eyes": {"width": 32, "mlp": 48},
        },
        "objective": {"name": "flow_matching", "changed": 2.0},
        "source": {
            "name": "mixture",
            "parts": {
                "edits": {"name": "edits", "batch": 2, "pool": 4, "stream": stream},
                "words": {
                    "name": "synthesis_latents",
                    "batch": 2,
                    "pool": 4,
                    "pictures": {"size": [64, 64], "categories": {"colors": 1.0}},
                },
            },
            "stages": [{"weights": {"edits": 1.0, "words": 1.0}}],
        },
        "samples": {"name": "edited", "count": 2, "every": 4, "steps": 2, "stream": stream},
        "steps": 4,
        "log_every": 1,
    }
    return parse(Recipe, told | settings)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    save(toy(), folder / "model")
    run(recipe(folder))
    return folder


def test_a_trained_model_is_exported_with_its_eyes_and_reads_as_it_did(trained, batch):
    exported = load(trained / "model", dtype=torch.float32)
    assert exported.mmdit.config.zero_cond_t
    again = TextToImageTrainee(start="model", eyes=EyesConfig(depth=9)).build(trained / "model", 0)
    assert len(again.conditioner.vision.tower.blocks) == 2
    model = TextToImageModel(exported.mmdit, exported.conditioner)
    for chosen in ([0, 1], [4, 5], list(range(6))):
        assert torch.equal(velocities(model, batch, chosen), velocities(again, batch, chosen))


def test_sheets_show_sources_the_painted_picture_and_the_right_one(trained):
    paths = sorted((trained / "run/samples").iterdir())
    assert [path.name for path in paths] == ["000000.png", "000004.png"]
    first, last = (np.asarray(Image.open(path)) for path in paths)
    (one, two) = (STREAM.sample(n) for n in range(2))
    # With gaps of 6, a row of one source is 32 + 32 + 32 wide, one of two 32 + 64 + 32 + 32.
    assert first.shape == last.shape == (len(last), 32 + 6 + 64 + 6 + 32 + 6 + 32, 3)
    top, bottom = last[len(last) // 2 - 32 : len(last) // 2], last[-32:]
    for row, left, picture in (
        (top, 0, one.sources[0]),
        (top, 76, one.target),
        (bottom, 0, two.sources[0]),
        (bottom, 38, two.sources[1]),
        (bottom, 146, two.target),
    ):
        assert np.array_equal(row[:, left : left + picture.width], np.asarray(picture))
    assert not np.array_equal(bottom[:, 108:140], first[-32:, 108:140])


def losses(folder):
    lines = (folder / "run/metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]


def test_a_run_that_goes_on_repeats_the_losses_of_an_unbroken_one(tmp_path, trained):
    save(toy(), tmp_path / "model")
    whole = recipe(tmp_path, samples="none")
    run(replace(whole, steps=2))
    # The folder's model has gained eyes by now; the state is laid over them.
    run(whole)
    assert losses(tmp_path) == losses(trained)


def test_an_adapter_learns_edits_too(trained):
    file = trained / "lora.safetensors"
    whole = recipe(trained, samples="none", steps=1)
    run(replace(whole, run=trained / "lora", trainee=AdapterTrainee(file=file)))
    assert file.exists()


def test_who_spools_edits_does_not_read_them(model, tmp_path):
    settings = EditLatents(stream=STREAM, batch=2, pool=4)
    told = Production(model=model, spool=tmp_path / "spool", source=settings, batches=1)
    producer = Producer(told, settings.open(model, 0), lambda captions: [])
    with pytest.raises(RecipeError, match=r"captions alone to be read here.*set reads = false"):
        producer.turn()


def test_edits_that_were_spooled_are_learned_as_those_that_were_not(tmp_path):
    """Of one picture and of two, cut into patches already, and captions without any among them."""
    folder = tmp_path / "model"
    save(toy(edits=True), folder)
    source = Mixture(
        parts={
            "edits": EditLatents(stream=STREAM, batch=3, pool=6),
            "words": SynthesisLatents(batch=2, pool=2, passes=1),
        },
        stages=(Stage(weights={"edits": 2.0, "words": 1.0}),),
    )
    told = Production(
        model=folder,
        spool=tmp_path / "spool",
        source=source,
        batches=6,
        reads=False,
        dtype="float32",
    )
    assert begin(told).turn() == 0
    plain, spooled = source.open(folder, 0), SpoolLatents(path=told.spool).open(folder, 0)
    toys = load(folder, dtype=torch.float32)
    module = TextToImageModel(toys.mmdit, toys.conditioner)
    for step in range(6):
        one, other = plain[step], spooled[step]
        assert list(one.captions) == other.captions
        for asked, back in zip(one.captions, other.captions, strict=True):
            assert isinstance(asked, Instruction) == isinstance(back, Instruction)
            assert len(pictures_of(asked)) == len(pictures_of(back))
            # Latents are rounded to float16 on the way, shares of pixels are not.
            for latents, other_latents in zip(sources_of(asked), sources_of(back), strict=True):
                assert_close(latents, other_latents, rtol=1e-3, atol=1e-3)
            if isinstance(asked, Instruction):
                assert asked.changed.equal(back.changed)
        objective = FlowMatching(changed=3.0)
        losses = [objective(module, each, generator(step)).value for each in (one, other)]
        assert_close(*losses, rtol=1e-3, atol=1e-4)


def test_a_decoder_learns_the_pictures_of_edits_while_latents_stay(tmp_path):
    """What a transformer was trained on is what its VAE still gives."""
    save(toy(), tmp_path / "model")
    images = EditPictures(stream=STREAM, batch=4).open(tmp_path / "model", 0)[0].images
    before = load_vae(tmp_path / "model", torch.float32)
    learns = replace(
        recipe(tmp_path, samples="none", steps=2),
        trainee=VAETrainee(start="model", keeps_latents=True, stored="float32"),
        objective=Reconstruction(),
        source=EditPictures(stream=STREAM, batch=4),
    )
    run(learns)
    after = load_vae(tmp_path / "model", torch.float32)
    assert after.config == before.config
    with torch.no_grad():
        latents = before.encode(images).mode()
        assert after.encode(images).mode().equal(latents)
        assert (after.decode(latents) - before.decode(latents)).abs().max() > 0


def test_pictures_of_an_edit_are_its_answer_and_what_it_was_made_of(model):
    batches = EditPictures(stream=STREAM, batch=4).open(model, 0)
    shown = {image.numpy().tobytes() for step in (0, 1) for image in batches[step].images}
    assert len(shown) == 8, "no picture comes twice"
    with pytest.raises(RecipeError, match="batch must be 2, 4, 6"):
        EditPictures(stream=STREAM, batch=3)


def test_a_fresh_vae_has_no_latents_to_keep():
    with pytest.raises(RecipeError, match="keeps_latents = false"):
        VAETrainee(keeps_latents=True)
