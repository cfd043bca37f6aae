"""What people said, and how metrics are held against it."""

import pytest

from danqing.core.errors import SourceError
from danqing.evaluation import evalmi
from danqing.evaluation.evalmi import Opinion, agreement, opinions, ranking


def said():
    return [
        Opinion("good", 1, 60.0, 70.0, (True,)),
        Opinion("good", 2, 50.0, 60.0, (True, True, False)),
        Opinion("bad", 1, 80.0, 20.0, (False,)),
        Opinion("bad", 2, 70.0, 30.0, (True, False, False)),
        Opinion("middling", 1, 10.0, 40.0, (True,)),
    ]


def test_models_are_ranked_by_mean_opinions_and_by_all_their_answers():
    first, second, third = ranking(said())
    assert first == ("good", 65, 55, 0.75, 2)
    assert (second.model, third.model) == ("middling", "bad")
    assert third.yes == 0.25
    assert [s.model for s in ranking(said(), "perception")] == ["bad", "good", "middling"]


def test_a_metric_is_held_against_pictures_and_against_models():
    truth = {(o.model, o.prompt): o.correspondence for o in said()}
    found = agreement(truth, said())
    assert found.per_image == (pytest.approx(1),) * 3 + (5,)
    assert found.per_model == (pytest.approx(1),) * 3 + (3,)
    other = agreement(truth, said(), "perception")
    assert other.per_image.srcc == pytest.approx(1 - 6 * (4 + 4 + 16 + 4 + 4) / 120)
    assert other.per_model.srcc == pytest.approx(1 - 6 * (1 + 1 + 4) / 24)


def test_pictures_without_a_score_are_left_out_on_both_sides():
    scores = {("good", 2): 1.0, ("bad", 1): 0.0, ("nobody", 1): 9.0}
    found = agreement(scores, said())
    assert (found.per_image.count, found.per_model.count) == (2, 2)


def test_another_table_is_refused(tmp_path):
    with pytest.raises(SourceError, match="must be xlsx files"):
        opinions(tmp_path / "none.xlsx")


def test_people_rank_the_24_models_as_published(records):
    """The figures were computed from the same table by other means, rounded."""
    found = opinions(records("evalmi50k") / evalmi.TABLE)
    assert len(found) == 50_400
    ranks = ranking(found)
    assert len(ranks) == 24
    assert {s.pictures for s in ranks} == {2100}
    told = {s.model: (round(s.correspondence, 2), round(s.perception, 2), round(s.yes, 3))
            for s in ranks}  # fmt: skip
    expected = {
        "sd3_5_large": (58.35, 59.50, 0.833),
        "ali_flux_schnell": (58.10, 60.63, 0.821),
        "DALLE3": (57.97, 59.34, 0.814),
        "Infinity": (57.43, 60.86, 0.795),
        "playground": (56.06, 61.64, 0.737),
        "omnigen": (55.81, 59.12, 0.751),
        "Janus": (45.94, 36.98, 0.479),
        "LWM": (35.46, 28.88, 0.199),
    }
    assert {model: told[model] for model in expected} == expected
    assert [s.model for s in ranks if s.model in expected] == list(expected)
    assert max(ranks, key=lambda s: s.perception).model == "playground"
    # A metric of all pictures is judged in seconds: the answers, against correspondence.
    answers = {(o.model, o.prompt): sum(o.answers) / len(o.answers) for o in found}
    correlation = agreement(answers, found)
    assert correlation.per_image.srcc > 0.8
    assert correlation.per_model.srcc > 0.95
