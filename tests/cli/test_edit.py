"""From pictures on the command line to a picture and back, with a toy model."""

import json

import pytest
from PIL import Image

from danqing.cli.main import main


@pytest.fixture
def edit(editor, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (50, 30), "red").save("photo.png")
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save("clear.png")

    def run(*words: str) -> list[str]:
        capsys.readouterr()
        main(["edit", *words, "--model", editor])
        return capsys.readouterr().out.splitlines()

    return run


def test_a_picture_is_changed_keeps_its_size_and_its_story(edit, capsys, caplog):
    with caplog.at_level("INFO"):
        assert edit("photo.png", "clear.png", "a red square", "--seed", "5") == ["picture.png"]
    assert "photo.png: 50x30, padded to 52x32" in caplog.messages
    assert "clear.png: 20x20, as it is; transparency laid on white" in caplog.messages
    with Image.open("picture.png") as image:
        assert image.size == (50, 30)
    main(["info", "picture.png", "--json"])
    record = json.loads(capsys.readouterr().out)
    assert (record["prompt"], record["seed"], record["sizing"]) == ("a red square", 5, "exact")
    assert [source["frame"]["size"] for source in record["sources"]] == [[50, 30], [20, 20]]
    main(["info", "picture.png"])
    assert "padded 52 32" in capsys.readouterr().out


def test_like_makes_it_again_of_the_same_pictures(edit):
    edit("photo.png", "a red square", "--batch", "2", "--sizing", "exact", "--steps", "1")
    edit("photo.png", "--like", "picture-2.png", "--out", "again.png")
    edit("photo.png", "a blue square", "--like", "picture-2.png", "--out", "other.png")
    made, again, other = (
        Image.open(name).convert("RGB").tobytes()
        for name in ("picture-2.png", "again.png", "other.png")
    )
    assert made == again != other
    with pytest.raises(SystemExit, match="must be those that the picture was made of, 50x30 in"):
        edit("clear.png", "--like", "picture-2.png")
    with pytest.raises(SystemExit, match=r"must be those .* got none; give the same pictures"):
        main(["generate", "--like", "picture-2.png"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("a red square",), "must be pictures, then one instruction, got 1;"),
        ((), "must be pictures, then one instruction, got 0;"),
        (("photo.png", ""), "prompt must not be empty"),
        (("phto.png", "a red square"), "picture must be a file, got phto.png; check the path"),
        (("photo.png", "a red square", "--sizing", "x"), "unknown sizing 'x'"),
    ],
)
def test_a_mistake_costs_one_line(edit, words, message):
    with pytest.raises(SystemExit) as stop:
        edit(*words)
    assert message in str(stop.value.code)
    assert "\n" not in str(stop.value.code)


def test_a_model_that_looks_at_nothing_says_which_do(edit, model):
    with pytest.raises(
        SystemExit,
        match="must be one that looks at pictures, got toy; choose danqing-nano-edit, Qw",
    ):
        main(["edit", "photo.png", "a red square", "--model", model])
