"""Records of benchmarks, where this machine has them, and pictures that need no painting."""

import os
from pathlib import Path

import pytest


@pytest.fixture
def records():
    """Return what gives the folder of a benchmark's own files, or skips."""
    data = os.environ.get("DANQING_DATA", Path(__file__).parents[3] / "shared" / "data")

    def folder(name: str) -> Path:
        place = Path(data) / "benchmarks" / name
        if not place.is_dir():
            pytest.skip(f"no files of {name} here; set DANQING_DATA to where benchmarks/{name} is")
        return place

    return folder


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DANQING_CACHE", str(tmp_path / "cache"))
