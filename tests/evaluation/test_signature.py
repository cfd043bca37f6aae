"""A signed result tells when it was changed, and by whose key it was signed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from danqing.core.errors import RecipeError
from danqing.evaluation.benchmarks.reconstruction import Reconstruction
from danqing.evaluation.harness import run
from danqing.evaluation.recipe import compare
from danqing.evaluation.signature import VARIABLE, signature, standing

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


class Echo:
    """Gives its source back."""

    def __init__(self, name):
        self.name = name

    def identity(self):
        return {"name": self.name}

    def paint(self, ask):
        with Image.open(ask.sources[0]) as image:
            return [image.convert("RGB")]


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Return the folders of one run without a key and two with one."""
    (tmp_path / "pictures").mkdir()
    Image.new("RGB", (16, 16), (9, 99, 200)).save(tmp_path / "pictures" / "a.png")
    told = {"folder": tmp_path / "pictures", "fit": "whole", "text": False}
    for name in ("bare", "mine", "theirs"):
        monkeypatch.setenv(VARIABLE, "" if name == "bare" else f"{name} key")
        run(Reconstruction(**told), Echo(name), tmp_path / name)
    monkeypatch.setenv(VARIABLE, "mine key")
    return {name: tmp_path / name for name in ("bare", "mine", "theirs")}


@given(st.dictionaries(st.text(max_size=3), PLAIN, min_size=1), st.data())
def test_what_is_read_back_is_signed_and_what_is_changed_is_not(result, data):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, "a key")
        signed = {**result, "signature": signature(result)}
        again = json.loads(json.dumps(signed))
        assert standing(again) == "signed"
        assert standing(dict(reversed(again.items()))) == "signed"
        name = data.draw(st.sampled_from(sorted(result)))
        if name != "signature":
            again[name] = [again[name]]
            with pytest.raises(RecipeError, match="has changed; evaluate again"):
                standing(again)


def test_a_key_names_itself_and_gives_nothing_away(monkeypatch):
    monkeypatch.setenv(VARIABLE, "secret words")
    made = signature({"a": 1})
    assert "secret" not in json.dumps(made)
    monkeypatch.setenv(VARIABLE, "other words")
    assert standing({"a": 1, "signature": made}) == "signed by another key"
    monkeypatch.delenv(VARIABLE)
    assert signature({"a": 1}) is None
    assert standing({"a": 1, "signature": made}) == "signed by another key"
    assert standing({"a": 1, "signature": None}) == standing({"a": 1}) == "unsigned"


def test_runs_side_by_side_say_how_they_stand(runs, tmp_path):
    compare(list(runs.values()), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    for words in ("bare, unsigned", "mine, signed<", "theirs, signed by another key"):
        assert words in page


def test_a_result_that_was_changed_is_refused(runs, tmp_path):
    file = runs["mine"] / "result.json"
    result = json.loads(file.read_text())
    result["table"]["rows"][0]["score"] += 1
    file.write_text(json.dumps(result))
    with pytest.raises(RecipeError, match=r"of reconstruction@1, fixed that has changed"):
        compare(list(runs.values()), tmp_path / "page.html")
