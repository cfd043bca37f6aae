"""`danqing compress`, `verify` and `info` on a folder, as a person types them."""

import pytest

from danqing.cli.main import main
from danqing.pipelines.save import save
from danqing.testing import toy


@pytest.fixture
def folder(tmp_path):
    save(toy(), tmp_path / "model")
    return tmp_path / "model"


def test_a_model_is_compressed_checked_and_described(tmp_path, capsys):
    target = str(tmp_path / "packed")
    main(["compress", "danqing-nano", target])
    assert "bits for each of" in capsys.readouterr().out
    main(["verify", target, "--forward"])
    said = capsys.readouterr().out
    assert "compressed weights are what they were" in said
    assert "blocks give the same bits" in said
    main(["info", target])
    assert "bits a compressed weight" in capsys.readouterr().out


def test_info_of_a_plain_folder_says_its_sizes(folder, capsys):
    main(["info", str(folder)])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["text_encoder", "transformer", "vae", "all"]


def test_nothing_to_compress_is_one_line(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    for verb in (["compress", str(tmp_path / "empty"), "x"], ["verify", str(tmp_path / "empty")]):
        with pytest.raises(SystemExit, match="must hold safetensors files"):
            main(verb)
