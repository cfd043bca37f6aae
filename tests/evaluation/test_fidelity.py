"""What may be said of a result depends on its mode and on the name of its judge."""

import pytest

from danqing.evaluation.benchmarks import benchmarks
from danqing.evaluation.benchmarks.dpg import DPG
from danqing.evaluation.benchmarks.evalmi import EvalMi
from danqing.evaluation.benchmarks.gedit import GEdit
from danqing.evaluation.benchmarks.longtext import LongText
from danqing.evaluation.fidelity import Published, fidelity
from danqing.scorers.chat import Endpoint

URL = "http://localhost:1/v1/chat/completions"


@pytest.fixture
def gedit(tmp_path):
    rubric = tmp_path / "vie_prompts.py"
    names = ("_context_no_delimit", "_prompts_0shot_two_image_edit_rule",
             "_prompts_0shot_tie_rule_SC", "_prompts_0shot_rule_PQ")  # fmt: skip
    rubric.write_text("".join(f"{name} = {name!r}\n" for name in names))

    def make(model, mode="official"):
        judge = Endpoint(url=URL, model=model)
        return GEdit(data=tmp_path, judge=judge, rubric=rubric, mode=mode)

    return make


@pytest.mark.parametrize(
    ("model", "wanted"),
    [
        ("gpt-4.1", "official-judge"),
        ("gpt-4.1-2025-04-14", "official-judge"),
        ("openai/GPT-4.1", "official-judge"),
        ("Qwen/Qwen2.5-VL-72B-Instruct-AWQ", "official-judge"),
        ("gpt-4.1-mini", "approximate-judge"),
        ("gpt-4-1", "approximate-judge"),
        ("not-gpt-4.1", "approximate-judge"),
        ("Qwen2.5-VL-72B-Instruct", "approximate-judge"),
    ],
)
def test_a_judge_is_known_by_its_whole_name(model, wanted, gedit):
    assert fidelity(gedit(model)) == wanted
    assert fidelity(gedit(model, "fixed")) == "adapted"


def test_readers_are_judges_too():
    assert fidelity(LongText()) == "approximate-judge"
    assert fidelity(LongText(mode="fixed")) == "adapted"


def test_some_benchmarks_have_no_published_judge(tmp_path):
    judge = Endpoint(url=URL, model="gpt-4.1")
    assert fidelity(EvalMi(folder=tmp_path, judge=judge, mode="official")) is None
    assert fidelity(DPG(folder=tmp_path, judge=judge, mode="official")) == "approximate-judge"


def test_every_declared_judge_has_a_name():
    declared = {name: getattr(benchmarks[name], "judges", None) for name in benchmarks}
    published = {name: judges for name, judges in declared.items() if judges is not None}
    assert {"cvtg", "dpg", "gedit", "geneval", "imgedit", "longtext"} <= set(published)
    assert all(judges and all(judges) for judges in published.values())
    assert isinstance(LongText(), Published)
