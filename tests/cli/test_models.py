import pytest
import torch
from safetensors.torch import save_file

from danqing.cli import models as verb
from danqing.cli.models import models
from danqing.core import device, download
from danqing.core.errors import CheckpointError


@pytest.fixture
def cached(tmp_path, monkeypatch):
    """A model of 3,500,000 numbers in two folders."""
    for part, count in (("transformer", 3_000_000), ("vae", 500_000)):
        (tmp_path / part).mkdir()
        weights = {"weight": torch.zeros(count, dtype=torch.bfloat16)}
        save_file(weights, tmp_path / part / "model.safetensors")
    monkeypatch.setattr(download, "available", lambda: {"someone/small": tmp_path})
    return tmp_path


def rows(capsys):
    lines = capsys.readouterr().out.splitlines()
    return {line.split()[0]: line.split()[1:] for line in lines if line}


def test_the_table_counts_what_is_here_and_says_what_fits(cached, capsys, monkeypatch):
    monkeypatch.setattr(device, "free_memory", lambda device: 10**9)
    monkeypatch.setattr(
        device, "pick_dtype", lambda device: (torch.bfloat16, "bfloat16: native here")
    )
    models()
    table = rows(capsys)
    assert table["someone/small"] == ["cached", "4", "M", "0.0", "GB", "yes"]
    assert table["Qwen/Qwen-Image"] == ["hub", "28,849", "M", "57.7", "GB", "no"]


def test_a_damaged_file_is_named(cached):
    (cached / "vae" / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(CheckpointError, match="is damaged"):
        verb._parameters(cached)
