"""Every benchmark is named and set from a recipe, and says in its result how it was set."""

import pytest

from danqing.core.config import dump, parse
from danqing.core.errors import RecipeError
from danqing.evaluation.benchmarks import benchmarks
from danqing.evaluation.recipe import Job, read

CHAT = {"name": "endpoint", "url": "http://localhost:1/v1/chat/completions", "model": "eyes"}
RECORDED = {"name": "recorded", "path": "said.json"}
SETTINGS = {
    "curved_text": {"per_category": 3, "language": "zh"},
    "depth": {"data": "d.jsonl", "survey": "kitti", "colors": "spectral"},
    "detection": {"data": "d.jsonl", "answers": "boxes"},
    "dpg": {"folder": "dpg", "judge": CHAT},
    "evalmi": {"folder": "evalmi", "judge": CHAT, "language": "zh"},
    "geneval": {"data": "g.jsonl", "detector": RECORDED},
    "novel_view": {"data": "d.jsonl"},
    "reconstruction": {"folder": "pictures", "fit": "crop", "count": 3},
    "solids": {"categories": ["left", "described"], "size": [320, 320]},
    "segmentation": {"data": "d.jsonl", "color": [255, 0, 0], "reach": 20},
}
ONE_MODE = ("curved_text", "solids")
"""Our own, which have no official code."""


@pytest.fixture(autouse=True)
def said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "said.json").write_text("{}")


@pytest.mark.parametrize(
    ("name", "mode"),
    [(name, "fixed") for name in SETTINGS]
    + [(name, "official") for name in SETTINGS if name not in ONE_MODE],
)
def test_settings_go_in_and_come_out(name, mode):
    told = {"benchmark": {"name": name, "mode": mode, **SETTINGS[name]}, "generator": "vae"}
    job = parse(Job, told)
    assert job.benchmark.mode == mode
    assert parse(type(job.benchmark), dump(job.benchmark)) == job.benchmark
    assert benchmarks.name_of(job.benchmark) == name


def test_a_provider_is_chosen_on_the_command_line():
    told = ["data=g.jsonl", "detector.name=recorded", "detector.path=said.json"]
    assert read("danqing-nano", "geneval", told, {}).benchmark.detector.path.name == "said.json"
    with pytest.raises(RecipeError, match="must say which object detector"):
        read("danqing-nano", "geneval", ["data=g.jsonl", "detector.path=said.json"], {})
