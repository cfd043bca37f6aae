"""What is trained on does not depend on who made it, on how many did, or on who was killed when."""

import json
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from danqing.core.config import dump, parse, write
from danqing.core.errors import RecipeError, SourceError
from danqing.core.seed import generator
from danqing.pipelines.load import load
from danqing.pipelines.save import save
from danqing.testing import toy, toy_conditioner, toy_mmdit
from danqing.training.model import TextToImageModel, still
from danqing.training.produce import Producer, Production, begin, produce
from danqing.training.recipe import Recipe, prepare, run
from danqing.training.sources import LatentBatch, ReadCaption
from danqing.training.sources.spool import SpoolLatents
from danqing.training.sources.synthesis import SynthesisLatents, SynthesisPictures
from danqing.training.spool import Place, Spool

BATCHES = 3
"""In a shard."""


class Numbered:
    """Batch n has n in its latents, in one of three sizes, and captions of several lengths."""

    def __getitem__(self, step):
        size = (4, 4 + 2 * (step % 3))
        return LatentBatch(torch.full((2, 4, *size), step / 16), [f"{step}", f"{step} again"])


def read(captions):
    return [torch.full((1, len(caption), 3), float(len(caption))) for caption in captions]


class Killed(BaseException):
    """Ends what was going on; locks of a process that ends are free."""


def producer(folder, budget=1.0, **changes):
    recipe = Production(
        model=folder, spool=folder / "spool", source=SynthesisLatents(), batches=BATCHES
    )
    return Producer(replace(recipe, budget=budget, **changes), Numbered(), read)


def told(batch):
    return (
        tuple(batch.latents.shape),
        batch.latents.mean().item(),
        [(str(c), tuple(c.text.shape)) for c in (*batch.captions, batch.negative)],
    )


def wanted(step):
    batch = Numbered()[step]
    captions = [ReadCaption(c, read([c])[0][0]) for c in batch.captions]
    return told(LatentBatch(batch.latents, captions, ReadCaption(" ", read([" "])[0][0])))


EVENTS = st.one_of(
    st.tuples(st.just("make"), st.integers(0, 3)),
    st.tuples(st.sampled_from(["killed making", "killed writing", "killed after"]), st.just(0)),
    st.tuples(st.just("train"), st.integers(1, 7)),
    st.tuples(st.sampled_from(["save", "consumer killed"]), st.just(0)),
)


@given(events=st.lists(EVENTS, max_size=25), small=st.booleans(), keep=st.booleans())
@settings(max_examples=30)
def test_batches_do_not_depend_on_who_made_them(tmp_path_factory, events, small, keep):
    folder = tmp_path_factory.mktemp("spool")
    # A budget that one shard uses up: then only what is waited for is made.
    producers = [producer(folder, 1e-9 if small else 1.0) for _ in range(4)]
    source = SpoolLatents(path=folder / "spool", keep=keep, patience=1e-3)
    spool, batches = Spool(folder / "spool"), source.open(folder, 0)
    step = saved = 0
    for event, number in events:
        match event:
            case "make":
                producers[number].turn()
            case "killed making" | "killed writing" | "killed after":
                die(producers[0], event)
            case "train":
                for _ in range(number):
                    if not spool.path(step // BATCHES).exists():
                        # The consumer says what it waits for, and any producer may make it.
                        with pytest.raises(SourceError, match="start danqing produce"):
                            batches[step]
                        assert producers[1].turn() is not None
                    assert told(batches[step]) == wanted(step)
                    step += 1
            case "save":
                saved = step
                batches.passed(step)
            case _:
                step, batches = saved, source.open(folder, 0)
        if small and not keep:
            # What was passed since the state was saved stays, and at most one more is made.
            assert len(spool.sizes()) <= spool.place.reading - spool.place.first + 2
    halves = {int(path.name[1:9]) for path in (folder / "spool/shards").glob(".*")}
    assert not halves & set(spool.sizes())


def die(one, event):
    """Have a producer die in the middle of its turn."""

    def dying(*args, **settings):
        if event == "killed after":
            write(*args, **settings)
        if event == "killed writing":
            half = args[1].with_name(args[1].name.replace("-", "-dead"))
            half.write_bytes(b"half a shard")
        raise Killed

    write = one.spool.write
    with pytest.MonkeyPatch.context() as patch:
        if event == "killed making":
            patch.setattr(Numbered, "__getitem__", dying)
        elif event == "killed writing":
            patch.setattr("danqing.training.spool.save_file", dying)
        else:
            patch.setattr(one.spool, "write", dying)
        with suppress(Killed):
            one.turn()


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_two_producers_make_different_shards_at_once(tmp_path):
    first, second = producer(tmp_path), producer(tmp_path)
    with first.spool.claim(0) as mine:
        assert mine
        assert second.turn() == 1
    assert [first.turn(), second.turn()] == [0, 2]
    with second.spool.claim(0) as mine:
        assert not mine


def test_a_full_spool_waits_for_room(tmp_path):
    one = producer(tmp_path)
    one.turn()
    size = one.spool.sizes()[0]
    one = producer(tmp_path, budget=3.5 * size / 1e9)
    assert [one.turn() for _ in range(5)] == [1, 2, 3, None, None]
    one.spool.give_up(2, keep=False)
    assert [one.turn() for _ in range(3)] == [4, 5, None]
    assert sorted(one.spool.sizes()) == [2, 3, 4, 5]


def test_what_was_kept_does_not_count_and_a_new_run_may_start_over(tmp_path):
    one = producer(tmp_path)
    one.turn()
    one = producer(tmp_path, budget=1.5 * one.spool.sizes()[0] / 1e9)
    one.turn()
    one.spool.give_up(2, keep=True)
    assert [one.turn(), one.turn(), one.turn()] == [2, 3, None]
    batches = SpoolLatents(path=one.spool.folder).open(tmp_path, 0)
    assert told(batches[0]) == wanted(0)
    assert one.spool.place == Place(0, 0)


def test_shards_say_which_recipe_made_them(tmp_path, caplog):
    old, new = producer(tmp_path), producer(tmp_path, seed=1)
    assert [old.turn(), new.turn()] == [0, 1]
    batches = SpoolLatents(path=old.spool.folder).open(tmp_path, 0)
    with caplog.at_level("INFO"):
        for step in range(2 * BATCHES):
            batches[step]
    assert f"from shard 1 on, batches are of recipe {new.recipe.version}" in caplog.text
    assert lines_of(old.spool.folder / "read.jsonl") == [
        {"shard": number, "recipe": one.recipe.version} for number, one in enumerate((old, new))
    ]
    kept = {path.stem for path in (old.spool.folder / "recipes").iterdir()}
    assert kept == {old.recipe.version, new.recipe.version}
    with pytest.raises(RecipeError, match=r"batches must stay 3 in .*, got 4"):
        producer(tmp_path, batches=4)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    save(toy(), folder)
    return folder


def production(model, spool, **settings):
    told = {
        "model": str(model),
        "spool": str(spool),
        "source": {
            "name": "synthesis_latents",
            "batch": 2,
            "pool": 4,
            "passes": 1,
            "sizes": {"64x64": 1.0, "96x64": 1.0},
            "pictures": {"categories": {"colors": 1.0}},
        },
        "batches": 2,
        "dtype": "float32",
    }
    return parse(Production, told | settings)


def test_only_latents_that_do_not_depend_on_the_model_are_made_ready(model, tmp_path):
    painted = {"name": "rollouts", "rewards": [{"scorer": "scene"}]}
    with pytest.raises(RecipeError, match="must not depend on what is learned, got rollouts"):
        begin(production(model, tmp_path, source=painted))
    pictures = SynthesisPictures(batch=1)
    one = Producer(
        replace(production(model, tmp_path), source=pictures), pictures.open(model, 0), read
    )
    with pytest.raises(RecipeError, match="must give latents and captions, got PictureBatch"):
        one.turn()
    assert not one.spool.sizes()


def test_captions_that_were_read_are_as_good_as_those_that_are_not(model):
    conditioner = toy_conditioner()
    reader = still(conditioner, 0.0)
    captions = ["a red circle", "红方", "a blue square and a green triangle"]
    texts = reader(captions)
    x = torch.randn(3, 4, 4, 4, generator=generator(0))
    sigma = torch.tensor([0.2, 0.5, 0.9])
    told = [ReadCaption(c, text[0]) for c, text in zip(captions, texts, strict=True)]
    whole = TextToImageModel(toy_mmdit(), conditioner, reader)
    blind = TextToImageModel(toy_mmdit(), None, lambda captions: pytest.fail("it was read"))
    with torch.inference_mode():
        wanted = whole(x, captions, sigma)
        assert torch.equal(blind(x, told, sigma), wanted)
        assert torch.equal(whole(x, [told[0], *captions[1:]], sigma), wanted)
        for at in range(3):
            alone = blind(x[at : at + 1], told[at : at + 1], sigma[at : at + 1])
            torch.testing.assert_close(alone, wanted[at : at + 1], atol=2e-6, rtol=1e-5)


def training(model, folder, source, **trainee):
    return parse(
        Recipe,
        {
            "model": str(model),
            "run": str(folder),
            "trainee": {
                "name": "adapter",
                "file": str(folder / "lora.safetensors"),
                "rank": 2,
                **trainee,
            },
            "objective": {"name": "flow_matching", "drop_caption": 0.4},
            "source": source,
            "optimizer": {"name": "adamw", "lr": 1e-2},
            "steps": 9,
            "log_every": 1,
            "save_every": 4,
        },
    )


def losses(recipe):
    """The last loss of every step, in order."""
    lines = lines_of(recipe.run / "metrics.jsonl")
    return list({line["step"]: line["loss"] for line in lines}.values())


def launch(recipe: Path) -> subprocess.Popen[bytes]:
    """Start a producer as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "danqing", "produce", str(recipe), "--threads", "1"],
        stderr=subprocess.DEVNULL,
    )


def test_a_run_that_is_fed_by_killed_producers_is_the_run_that_feeds_itself(model, tmp_path):
    """Also while itself is killed, and without a conditioner."""
    # Room for nothing but what is waited for, so that a killed producer leaves work.
    recipe = replace(production(model, tmp_path / "spool"), budget=1e-9)
    alone = training(model, tmp_path / "alone", dump(recipe)["source"])
    run(alone)
    write(recipe, tmp_path / "produce.toml")
    fed = training(
        model, tmp_path / "fed", {"name": "spool", "path": str(recipe.spool)}, reads=False
    )
    assert prepare(fed).weights.module.conditioner is None

    class Stopped(Exception):
        pass

    processes = [launch(tmp_path / "produce.toml") for _ in range(2)]
    try:

        def stop(step):
            if step == 2:
                processes[0].send_signal(signal.SIGKILL)
            if step == 6:
                raise Stopped

        with pytest.raises(Stopped):
            run(fed, stop)
        assert Spool(recipe.spool).place.first == 2
        run(fed)
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert losses(fed) == pytest.approx(losses(alone), rel=2e-3)
    assert min(Spool(recipe.spool).sizes()) == Spool(recipe.spool).place.first == 4


def test_a_model_learns_from_a_spool_and_ships_the_conditioner_that_it_did_not_load(tmp_path):
    save(toy(), tmp_path / "model")
    write(production(tmp_path / "model", tmp_path / "spool"), tmp_path / "produce.toml")
    produce(tmp_path / "produce.toml", stop=2)
    source = {"name": "spool", "path": str(tmp_path / "spool")}
    told = dump(training(tmp_path / "model", tmp_path / "run", source)) | {"steps": 3}
    told["trainee"] = {"name": "text_to_image", "start": "model", "stored": "float32"}
    with pytest.raises(RecipeError, match="must be read by the conditioner that learns"):
        run(parse(Recipe, told))
    before = load(tmp_path / "model", dtype="float32")
    told["trainee"]["reads"] = False
    run(parse(Recipe, told))
    after = load(tmp_path / "model", dtype="float32")
    for part, same in (("conditioner", True), ("mmdit", False)):
        states = [getattr(one, part).state_dict() for one in (before, after)]
        assert all(torch.equal(states[0][name], states[1][name]) for name in states[0]) is same


def test_the_recipe_may_change_while_batches_are_made(model, tmp_path, caplog):
    path = tmp_path / "produce.toml"
    write(production(model, tmp_path / "spool"), path)
    changes = {0: {"seed": 1}, 2: {"batches": 5}}

    def show(number):
        if number in changes:
            write(production(model, tmp_path / "spool", **changes[number]), path)

    produce(path, stop=4, show=show)
    batches = SpoolLatents(path=tmp_path / "spool").open(model, 0)
    for step in range(8):
        batches[step]
    first, *rest = [line["recipe"] for line in lines_of(tmp_path / "spool/read.jsonl")]
    assert len(set(rest)) == 1
    assert first == production(model, tmp_path / "spool").version != rest[0]
    assert caplog.text.count("the recipe of before stays in force: batches must stay 2") == 1
