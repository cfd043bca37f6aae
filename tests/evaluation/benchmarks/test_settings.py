"""Every benchmark is named and set from a recipe, and says in its result how it was set."""

import json

import pytest

from danqing.core.config import dump, parse
from danqing.core.errors import RecipeError
from danqing.evaluation.benchmarks import benchmarks
from danqing.evaluation.recipe import Job, read

CHAT = {"name": "endpoint", "url": "http://localhost:1/v1/chat/completions", "model": "eyes"}
FOUND = {"name": "replay", "path": "found.jsonl"}
TOWERS = {"name": "towers", "model": "eyes"}
SETTINGS = {
    "corebench": {"folder": "corebench", "judge": CHAT},
    "curved_text": {"per_category": 3, "language": "zh"},
    "depth": {"data": "d.jsonl", "survey": "kitti", "colors": "spectral"},
    "detection": {"data": "d.jsonl", "answers": "boxes"},
    "dpg": {"folder": "dpg", "judge": CHAT},
    "evalmi": {"folder": "evalmi", "judge": CHAT, "language": "zh"},
    "gedit": {"data": "gedit", "judge": CHAT, "rubric": "vie_prompts.py", "language": "zh"},
    "geneval": {"data": "g.jsonl", "detector": FOUND, "embedder": {"name": "towers"}},
    "geneval2": {"data": "g.jsonl", "judge": CHAT},
    "imgedit": {
        "data": "e.json",
        "rubrics": "said.json",
        "images": "originals",
        "judge": CHAT,
    },
    "novel_view": {"data": "d.jsonl"},
    "oneig": {"folder": "oneig", "judge": CHAT, "language": "zh"},
    "oneig_diversity": {"folder": "oneig", "embedder": TOWERS},
    "oneig_reasoning": {"folder": "oneig", "embedder": TOWERS},
    "oneig_style": {"folder": "oneig", "csd": TOWERS, "encoder": TOWERS},
    "reconstruction": {"folder": "pictures", "fit": "crop", "count": 3},
    "seeing": {"categories": ["depth"], "part": "dev"},
    "solids": {"categories": ["left", "described"], "size": [320, 320]},
    "segmentation": {"data": "d.jsonl", "color": [255, 0, 0], "reach": 20},
    "tiif": {"folder": "tiif", "judge": CHAT, "split": "test"},
    "wise": {"folder": "wise", "judge": CHAT},
}
ONE_MODE = ("curved_text", "seeing", "solids")
"""Our own, which have no official code."""


@pytest.fixture(autouse=True)
def found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    line = {"picture": "0", "size": [1, 1], "who": {"detector": "told"}, "things": []}
    (tmp_path / "found.jsonl").write_text(json.dumps(line) + "\n")
    (tmp_path / "said.json").write_text("{}")
    names = (
        "_context_no_delimit",
        "_prompts_0shot_two_image_edit_rule",
        "_prompts_0shot_tie_rule_SC",
        "_prompts_0shot_rule_PQ",
    )
    text = "".join(f"{name} = {name!r}\n" for name in names)
    (tmp_path / "vie_prompts.py").write_text(text)


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
    told = ["data=g.jsonl", "detector.name=replay", "detector.path=found.jsonl"]
    assert read("danqing-nano", "geneval", told, {}).benchmark.detector.path.name == "found.jsonl"
    with pytest.raises(RecipeError, match="must say which detector"):
        read("danqing-nano", "geneval", ["data=g.jsonl", "detector.path=found.jsonl"], {})
