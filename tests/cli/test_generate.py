"""From the command line to a file and back, with a toy model."""

import json
import logging
from functools import partial

import pytest
import torch
from PIL import Image, ImageChops
from safetensors.torch import save_file

from danqing.cli.main import main
from danqing.models.control import BlockwiseControl, BlockwiseControlConfig
from danqing.models.control.names import BLOCKWISE
from danqing.models.lora import LowRank, adapt, adapted
from danqing.models.lora import save as save_lora
from danqing.pipelines.pipeline import Pipeline
from danqing.pipelines.save import save
from danqing.testing import MMDIT, toy, toy_mmdit


@pytest.fixture
def generate(model, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> list[str]:
        capsys.readouterr()
        main(["generate", *words, "--model", model])
        return capsys.readouterr().out.splitlines()

    return run


def pixels(path):
    with Image.open(path) as image:
        return image.convert("RGB")


def same(one, other):
    return ImageChops.difference(pixels(one), pixels(other)).getbbox() is None


def info(path, capsys):
    main(["info", str(path), "--json"])
    return json.loads(capsys.readouterr().out)


def test_a_prompt_becomes_a_file_that_says_what_made_it(generate, tmp_path, capsys):
    assert generate("a red circle", "--out", "red.png", "--seed", "5") == ["red.png"]
    assert pixels(tmp_path / "red.png").size == (32, 32)
    record = info("red.png", capsys)
    assert record["prompt"] == "a red circle"
    assert record["seed"] == 5
    assert record["steps"] == 3


def test_every_option_reaches_the_picture(generate, capsys):
    generate(
        *("a blue square", "--size", "24x16", "--steps", "2", "--guidance", "1.5"),
        *("--negative", "red", "--sampler", "heun", "--shift", "2", "--seed", "3"),
        *("--out", "made/blue.png"),
    )
    record = info("made/blue.png", capsys)
    wanted = {
        "prompt": "a blue square",
        "negative": "red",
        "size": [24, 16],
        "steps": 2,
        "guidance": 1.5,
        "sampler": "heun",
        "shift": 2.0,
        "seed": 3,
    }
    assert {name: record[name] for name in wanted} == wanted


def test_a_batch_is_numbered_and_each_of_it_can_be_made_again(generate):
    files = generate("a circle", "--batch", "2", "--out", "a.png")
    assert files == ["a-1.png", "a-2.png"]
    assert not same("a-1.png", "a-2.png")
    assert generate("--like", "a-2.png", "--out", "again.png") == ["again.png"]
    assert same("a-2.png", "again.png")
    assert len(generate("--like", "a-2.png", "--out", "b.png", "--batch", "3")) == 3


def test_like_changes_only_what_is_said(generate, capsys):
    generate("a circle", "--out", "a.png", "--seed", "1", "--steps", "2")
    generate("--like", "a.png", "--seed", "2", "--out", "b.png")
    one, other = info("a.png", capsys), info("b.png", capsys)
    assert {name for name in one if one[name] != other[name]} == {"seed"}
    assert not same("a.png", "b.png")


def test_info_is_readable(generate, capsys):
    generate("a circle", "--out", "a.png")
    main(["info", "a.png"])
    lines = capsys.readouterr().out.splitlines()
    table = {line.split()[0]: line.partition(" ")[2].strip() for line in lines}
    assert table["prompt"] == "a circle"
    assert table["size"] == "32 32"
    assert "torch 2" in table["versions"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("",), "prompt must not be empty"),
        ((), "prompt must not be empty"),
        (("a", "--size", "12y3"), "size must be WIDTHxHEIGHT or a ratio"),
        (("a", "--steps", "0"), "steps must be from 1"),
        (("a", "--sampler", "eular"), "unknown sampler 'eular'. Did you mean 'euler'?"),
        (("a", "--like", "none.png"), "picture must be a file that can be read"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(generate, tmp_path, words, message):
    with pytest.raises(SystemExit) as stop:
        generate(*words)
    assert str(stop.value.code).startswith(f"danqing: {message}")
    assert "\n" not in str(stop.value.code)
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_while_painting_leaves_nothing(generate, tmp_path, monkeypatch):
    def interrupted(*_args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Pipeline, "decode", interrupted)
    with pytest.raises(SystemExit) as stop:
        generate("a circle")
    assert stop.value.code == 130
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_is_not_there_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        main(["generate", "a", "--model", "danqing-nono"])
    assert "Did you mean 'danqing-nano'?" in str(stop.value.code)


def test_other_weights_are_announced(generate, tmp_path, caplog):
    generate("a circle", "--out", "a.png")
    save(toy(seed=1), tmp_path / "other")
    with caplog.at_level(logging.WARNING, "danqing"):
        main(["generate", "--like", "a.png", "--model", str(tmp_path / "other")])
    assert "a.png was made by other weights" in caplog.text


def test_loras_change_the_picture_and_are_kept_with_it(generate, tmp_path, capsys):
    mmdit = toy_mmdit()
    adapt(mmdit, r"\.to_", partial(LowRank.fresh, rank=2, alpha=2.0))
    for layer in adapted(mmdit).values():
        torch.nn.init.normal_(layer.changes[0].up, generator=torch.Generator().manual_seed(0))
    save_lora(mmdit, tmp_path / "style.safetensors")

    prompt = ("a red circle", "--seed", "1")
    generate(*prompt, "--out", "plain.png")
    generate(*prompt, "--out", "none.png", "--lora", "style.safetensors:0")
    generate(*prompt, "--out", "one.png", "--lora", "style.safetensors")
    both = ("--lora", "style.safetensors:-0.5", "--lora", "style.safetensors:2")
    generate(*prompt, "--out", "two.png", *both)
    assert same("plain.png", "none.png")
    assert not same("plain.png", "one.png")

    record = info("two.png", capsys)
    assert record["loras"] == list(both[1::2])
    assert record["weights"] != info("one.png", capsys)["weights"]
    generate("--like", "two.png", "--out", "again.png")
    assert same("two.png", "again.png")


def test_a_lora_that_cannot_be_used_costs_a_line(generate):
    with pytest.raises(SystemExit, match=r"strength of a\.safetensors must be a number, got much"):
        generate("a red circle", "--lora", "a.safetensors:much")
    with pytest.raises(SystemExit, match=r"missing\.safetensors is missing"):
        generate("a red circle", "--lora", "missing.safetensors")


def test_a_picture_leads_and_is_asked_for_again(generate, capsys, tmp_path):
    photo = Image.new("RGB", (64, 64), "white")
    photo.paste("black", (16, 0, 40, 64))
    photo.save("photo.png")
    torch.manual_seed(0)
    sizes = {"depth": MMDIT.depth, "width": MMDIT.width, "in_channels": MMDIT.in_channels}
    network = BlockwiseControl(BlockwiseControlConfig(**sizes))
    names = {new: old for old, new in BLOCKWISE.items()}
    published = {}
    for name, weight in network.state_dict().items():
        parts = name.replace("control_in", "img_in").replace("blocks.", "controlnet_blocks.")
        *where, module, parameter = parts.split(".")
        key = ".".join((*where, names.get(module, module), parameter))
        published[key] = weight + 0.1 * torch.randn_like(weight)
    save_file(published, "edges.safetensors")

    generate("a circle", "--out", "plain.png", "--size", "32x32")
    control = ("--control", "canny@edges.safetensors:photo.png:0.8")
    generate("a circle", "--out", "led.png", "--size", "32x32", *control)
    assert not same("plain.png", "led.png")
    (kept,) = info("led.png", capsys)["controls"]
    assert (kept["network"], kept["size"], kept["scale"]) == ("edges.safetensors", [64, 64], 0.8)
    main(["info", "led.png"])
    assert "edges.safetensors" in capsys.readouterr().out
    generate("--like", "led.png", "--out", "again.png", *control)
    assert same("led.png", "again.png")
    for words, message in (
        (("--like", "led.png"), "controls must be given again, got none"),
        (("a", "--control", "edges.safetensors:photo.png", "--size", "64x32"), "have the ratio"),
        (("a", "--control", "no.safetensors:photo.png"), "no.safetensors is missing"),
        (("a", "--control", "edges.safetensors:none.png"), "picture must be a file"),
    ):
        with pytest.raises(SystemExit) as stop:
            generate(*words)
        assert message in str(stop.value.code)
        assert "\n" not in str(stop.value.code)
